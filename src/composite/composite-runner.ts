import { map, type Observable } from 'rxjs';
import { aggregatePlan } from '../aggregation/aggregate-plan.js';
import { type CompositeListener, type CompositeSettings, type Stage } from '../aggregation/composite-run.js';
import { optional, type Part, required, skipped } from '../aggregation/part.js';
import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamRegistry } from '../upstream/upstream-registry.js';
import { type Scope } from './expression.js';
import { callPart } from './part-call.js';
import { type CompositePlan, type PlannedPart } from './plan.js';
import { responseDocument } from './response-document.js';

/** What a request gives to a composite: the roots of the scope that are no parts. */
export interface CompositeInput {
  readonly params: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Runs one plan over the upstreams of a gateway, for one request after another. */
export class CompositeRunner {
  private readonly settings: CompositeSettings;
  private readonly upstreams: ReadonlyMap<string, Upstream>;

  constructor(
    readonly plan: CompositePlan,
    registry: UpstreamRegistry,
  ) {
    const { deadline, passThrough, partialStatus, reportInBody } = plan.config;
    this.settings = { deadlineMs: deadline, passThrough: new Set(passThrough), partialStatus, reportInBody };
    this.upstreams = new Map(plan.parts.map(({ config }) => [config.name, registry.get(config.upstream)]));
  }

  /** Asks for the parts; emits the response's body, once. Cold. Its errors are those of `aggregate()`. */
  run(input: CompositeInput, listener?: CompositeListener): Observable<Readonly<Record<string, unknown>>> {
    const settings = listener === undefined ? this.settings : { ...this.settings, listener };
    const stages = this.plan.parts.map((part) => this.stage(part, input));
    return aggregatePlan(stages, settings).pipe(map((values) => responseDocument(this.plan, values)));
  }

  private stage(part: PlannedPart, input: CompositeInput): Stage {
    const { config, needs } = part;
    const declare = (values: Scope): Record<string, Part<unknown>> => ({
      [config.name]: this.part(part, { ...input, ...values }),
    });
    return { needs, planned: true, declare };
  }

  private part(part: PlannedPart, scope: Scope): Part<unknown> {
    const { config, when } = part;
    if (when !== undefined && !holds(when.evaluate(scope))) return skipped(config.fallback);
    const upstream = this.upstreams.get(config.name) as Upstream;
    const source = callPart(part, upstream, scope);
    const limit = config.within === undefined ? {} : { within: config.within };
    return config.required
      ? required(source, limit)
      : optional(source, { ...limit, fallback: config.fallback });
  }
}

/** As JMESPath has it: false, null and what is empty do not hold. */
function holds(value: unknown): boolean {
  if (value === null || value === false || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
