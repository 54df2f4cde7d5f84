import { LRUCache } from 'lru-cache';
import { map, type Observable, throwError } from 'rxjs';
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
import { callPart, checkUrlValues, unevaluated } from './part-call.js';
import { type CompositePlan, type PlannedPart } from './plan.js';
import { ResponseLayout } from './response-document.js';
import { Stitching } from './stitch.js';
import { WriteLedger } from './write-ledger.js';
import { isWrite } from './write-order.js';

/** So many sets of fields of one composite are kept worked out. */
const MAX_NARROWER = 100;

/** Where the scope of a run holds the record of its writes: no expression can name it. */
const LEDGER = Symbol('ledger');

interface RunScope {
  /** Undefined where nothing is written. */
  readonly [LEDGER]: WriteLedger | undefined;
}

/** Runs one plan over the upstreams of a gateway, for one request after another. */
export class CompositeRunner {
  private readonly settings: CompositeSettings;
  private readonly upstreams: ReadonlyMap<string, Upstream>;
  /** In them nothing is of one run: what is comes with the scope. */
  private readonly stages: readonly Stage[];
  /** The parts that write. */
  private readonly writing: readonly string[];
  /** Parts whose URL is the client's doing alone. */
  private readonly checkable: readonly PlannedPart[];
  private readonly awaitedParts: ReadonlySet<string>;
  private readonly awaitedIfStrict: ReadonlySet<string>;
  private readonly stitching: Stitching | undefined;
  /** The same composite for some of its fields, by those: what is asked often is worked out once. */
  private narrower: LRUCache<string, CompositeRunner> | undefined;

  constructor(
    readonly plan: CompositePlan,
    private readonly registry: Pick<UpstreamRegistry, 'get'>,
    private readonly layout = ResponseLayout.of(plan.parts.map(({ config }) => config)),
  ) {
    const { name, deadline, passThrough, partialStatus, reportInBody } = plan.config;
    this.settings = {
      name,
      deadlineMs: deadline,
      passThrough: new Set(passThrough),
      partialStatus,
      reportInBody,
    };
    this.stitching = Stitching.of(plan.parts);
    this.upstreams = new Map(plan.parts.map(({ config }) => [config.name, registry.get(config.upstream)]));
    this.stages = plan.parts.map((part) => this.stage(part));
    this.writing = plan.parts.filter(({ config }) => isWrite(config)).map(({ config }) => config.name);
    this.checkable = this.writing.length === 0 ? [] : plan.parts.filter(isCheckable);
    this.awaitedParts = awaitedOf(plan, false);
    this.awaitedIfStrict = awaitedOf(plan, true);
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

  /**
   * The parts that must have ended before anything of a response may be sent: the guards, and the required writes.
   *
   * @param strict whether every part counts as required.
   */
  awaited(strict: boolean): ReadonlySet<string> {
    return strict ? this.awaitedIfStrict : this.awaitedParts;
  }

  /** The response of one run as it grows, part by part. */
  growingResponse(input: CompositeInput): GrowingResponse {
    return new GrowingResponse(this.layout.growing(), this.stitching, input);
  }

  /** Asks for the parts; emits the response's body, once. Cold. Its errors are those of `aggregate()`. */
  run(input: CompositeInput, listener?: CompositeListener): Observable<Readonly<Record<string, unknown>>> {
    try {
      // Nothing is to be written for a request that cannot be served.
      for (const part of this.checkable) checkUrlValues(part, { ...input });
    } catch (error) {
      return throwError(() => error);
    }
    const ledger = this.writing.length === 0 ? undefined : new WriteLedger(this.writing);
    const settings =
      listener === undefined && ledger === undefined
        ? this.settings
        : { ...this.settings, listener, writes: ledger?.outcomes };
    return aggregatePlan(this.stages, settings, { ...input, [LEDGER]: ledger }).pipe(
      map((values) => this.layout.document(this.stitching?.applied(values, input) ?? values)),
    );
  }

  private stage(part: PlannedPart): Stage {
    const { config, needs, needsIfStrict } = part;
    const declare = (scope: Scope): Record<string, Part<unknown>> => ({
      [config.name]: this.part(part, scope),
    });
    return { needs, needsIfStrict, planned: true, declare };
  }

  private part(part: PlannedPart, scope: Scope): Part<unknown> {
    const { config } = part;
    const { [LEDGER]: ledger } = scope as Scope & RunScope;
    const answer = this.answer(part, scope);
    if (answer === undefined) return skipped(config.fallback);
    const source = ledger !== undefined && isWrite(config) ? ledger.recorded(config.name, answer) : answer;
    const limit = config.within === undefined ? {} : { within: config.within };
    return config.required
      ? required(source, limit)
      : optional(source, { ...limit, fallback: config.hasFallback ? config.fallback : undefined });
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

/** Whether it is known before anything is called that the part will be, and where. */
function isCheckable({ when, join, clientValues }: PlannedPart): boolean {
  return when === undefined && join === undefined && clientValues.makeUrl;
}

function awaitedOf({ parts }: CompositePlan, strict: boolean): ReadonlySet<string> {
  const awaited = parts.filter(
    ({ config, isGuard }) => isGuard || (isWrite(config) && (config.required || strict)),
  );
  return new Set(awaited.map(({ config }) => config.name));
}
