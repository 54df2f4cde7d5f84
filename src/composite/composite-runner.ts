import { LRUCache } from 'lru-cache';
import { map, type Observable } from 'rxjs';
import { aggregatePlan } from '../aggregation/aggregate-plan.js';
import { type CompositeListener, type CompositeSettings, type Stage } from '../aggregation/composite-run.js';
import { optional, type Part, required, skipped } from '../aggregation/part.js';
import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamRegistry } from '../upstream/upstream-registry.js';
import { askedFields } from './asked-fields.js';
import { type CompositeInput } from './composite-input.js';
import { type Scope } from './expression.js';
import { isFalse } from './expression-values.js';
import { callJoin } from './list-join.js';
import { GrowingResponse } from './growing-response.js';
import { narrowedPlan } from './narrowed-plan.js';
import { callPart, unevaluated } from './part-call.js';
import { type CompositePlan, type PlannedPart } from './plan.js';
import { ResponseLayout } from './response-document.js';
import { Stitching } from './stitch.js';
import { WriteLedger } from './write-ledger.js';
import { isWrite } from './write-order.js';

/** So many sets of fields of one composite are kept worked out. */
const MAX_NARROWER = 100;

/** Runs one plan over the upstreams of a gateway, for one request after another. */
export class CompositeRunner {
  private readonly settings: CompositeSettings;
  private readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The parts that write. */
  private readonly writing: readonly string[];
  private readonly stitching: Stitching | undefined;
  /** The same composite for some of its fields, by those: what is asked often is worked out once. */
  private narrower: LRUCache<string, CompositeRunner> | undefined;

  constructor(
    readonly plan: CompositePlan,
    private readonly registry: Pick<UpstreamRegistry, 'get'>,
    private readonly layout = ResponseLayout.of(plan.parts.map(({ config }) => config)),
  ) {
    const { deadline, passThrough, partialStatus, reportInBody } = plan.config;
    this.settings = { deadlineMs: deadline, passThrough: new Set(passThrough), partialStatus, reportInBody };
    this.stitching = Stitching.of(plan.parts);
    this.upstreams = new Map(plan.parts.map(({ config }) => [config.name, registry.get(config.upstream)]));
    this.writing = plan.parts.filter(({ config }) => isWrite(config)).map(({ config }) => config.name);
  }

  /**
   * The runner for what `?fields=` asks for; this one where it asks for nothing, or the composite does not listen to it.
   *
   * @param fields as the query has them, undefined for none.
   * @throws BadRequestException if the response has no such fields.
   */
  narrowed(fields: unknown): CompositeRunner {
    if (fields === undefined || !this.plan.config.sparse) return this;
    const asked = askedFields(fields);
    this.narrower ??= new LRUCache({ max: MAX_NARROWER });
    const kept = this.narrower.get(asked.key);
    if (kept !== undefined) return kept;
    const { plan, layout } = narrowedPlan(this.plan, this.layout, asked);
    const narrower = new CompositeRunner(plan, this.registry, layout);
    this.narrower.set(asked.key, narrower);
    return narrower;
  }

  /** The response of one run as it grows, part by part. */
  growingResponse(input: CompositeInput): GrowingResponse {
    return new GrowingResponse(this.layout.growing(), this.stitching, { ...input });
  }

  /** Asks for the parts; emits the response's body, once. Cold. Its errors are those of `aggregate()`. */
  run(input: CompositeInput, listener?: CompositeListener): Observable<Readonly<Record<string, unknown>>> {
    const ledger = this.writing.length === 0 ? undefined : new WriteLedger(this.writing);
    const settings =
      listener === undefined && ledger === undefined
        ? this.settings
        : { ...this.settings, listener, writes: ledger?.outcomes };
    const stages = this.plan.parts.map((part) => this.stage(part, input, ledger));
    return aggregatePlan(stages, settings).pipe(
      map((values) => this.layout.document(this.stitching?.applied(values, input) ?? values)),
    );
  }

  private stage(part: PlannedPart, input: CompositeInput, ledger: WriteLedger | undefined): Stage {
    const { config, needs, needsIfStrict } = part;
    const declare = (values: Scope): Record<string, Part<unknown>> => ({
      [config.name]: this.part(part, { ...input, ...values }, ledger),
    });
    return { needs, needsIfStrict, planned: true, declare };
  }

  private part(part: PlannedPart, scope: Scope, ledger: WriteLedger | undefined): Part<unknown> {
    const { config } = part;
    const answer = this.answer(part, scope);
    if (answer === undefined) return skipped(config.fallback);
    const source = ledger !== undefined && isWrite(config) ? ledger.recorded(config.name, answer) : answer;
    const limit = config.within === undefined ? {} : { within: config.within };
    return config.required
      ? required(source, limit)
      : optional(source, { ...limit, fallback: config.fallback });
  }

  /** What asks for a part; undefined where it is not wanted. */
  private answer(part: PlannedPart, scope: Scope): Observable<unknown> | undefined {
    const { config, when, join } = part;
    const upstream = this.upstreams.get(config.name);
    if (upstream === undefined) throw new TypeError(`the part '${config.name}' has no upstream`);
    try {
      if (when !== undefined && isFalse(when.evaluate(scope))) return undefined;
    } catch (error) {
      return unevaluated(upstream, 'when', error);
    }
    return join === undefined ? callPart(part, upstream, scope) : callJoin(part, join, upstream, scope);
  }
}
