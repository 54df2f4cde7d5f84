import { defer, map, Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { CompositeRun, type CompositeSettings, type Stage } from './composite-run.js';
import { type Parts, type Values } from './part.js';
import { assertReportName, type CompositeReport } from './part-report.js';
import { assertPositiveMs } from './positive-ms.js';

export interface AggregateOptions {
  /**
   * By which metrics, traces and the console know the composite: letters, digits, `_` and `-`, beginning with a letter.
   * Default: the verb and the route it is served at.
   */
  readonly name?: string;
  /** The time the composite has to answer, in ms. Default 3000; an earlier deadline of the request wins. */
  readonly deadline?: number;
  /** Statuses of a required part's upstream that become the response's own. Default 401, 403, 404, 410. */
  readonly passThrough?: readonly number[];
  /** The status of a response in which a part fell back. Default: that of any other response. */
  readonly partialStatus?: number;
  /** `body` puts the part report into the body too, under `_composite`. Default `headers`. */
  readonly report?: 'headers' | 'body';
}

/** A composite's result together with how its parts ended. */
export interface Reported<T> {
  readonly value: T;
  readonly report: CompositeReport;
}

const DEFAULT_DEADLINE_MS = 3000;
const DEFAULT_PASS_THROUGH: ReadonlySet<number> = new Set([401, 403, 404, 410]);

/**
 * Answers several parts as one object: all of them at once, the keys in the order of their declaration.
 *
 * An optional part that fails keeps its key and answers its fallback; a required part that fails ends the composite
 * at once with {@link PartFailedError} and cancels the others, as does a client that leaves. Parts still running when
 * the deadline nears count as failed with reason `deadline`. In an HTTP exchange the response carries the part report.
 *
 * Cold: every subscription asks anew. Built on `forkJoin`; each part's calls see the composite's deadline.
 */
export function aggregate<P extends Parts>(parts: P, options: AggregateOptions = {}): Observable<Values<P>> {
  const { name, deadline = DEFAULT_DEADLINE_MS, passThrough, partialStatus, report } = options;
  assertPositiveMs('deadline', deadline);
  if (partialStatus !== undefined) assertAnswerStatus(partialStatus);
  if (name !== undefined) assertReportName(name, 'composite');
  return new Aggregation<Values<P>>([{ needs: [], declare: () => parts }], {
    name,
    deadlineMs: deadline,
    passThrough: passThrough === undefined ? DEFAULT_PASS_THROUGH : new Set(passThrough),
    partialStatus,
    reportInBody: report === 'body',
  });
}

/**
 * Adds parts that need the values of earlier ones. They start as soon as the parts named in `needs` are there,
 * whatever else is still running; without `needs`, when all earlier parts are. A part that fell back hands on its
 * fallback. Stands directly behind `aggregate()` or another `thenAlso()`; emits what they emit.
 */
export function thenAlso<A, K extends keyof A & string, P extends Parts>(
  needs: readonly K[],
  declare: (values: Pick<A, K>) => P,
): OperatorFunction<A, A & Values<P>>;
export function thenAlso<A, P extends Parts>(declare: (values: A) => P): OperatorFunction<A, A & Values<P>>;
export function thenAlso<A, P extends Parts>(
  needsOrDeclare: readonly string[] | ((values: A) => P),
  declare?: (values: A) => P,
): OperatorFunction<A, A & Values<P>> {
  const stage = {
    needs: typeof needsOrDeclare === 'function' ? undefined : needsOrDeclare,
    declare: typeof needsOrDeclare === 'function' ? needsOrDeclare : declare,
  } as Stage;
  return (source) => asAggregation(source, 'thenAlso').with(stage) as Aggregation<A & Values<P>>;
}

/** Emits the report beside the value, for code that is not an HTTP handler. Stands behind `aggregate()` or `thenAlso()`. */
export function withReport<A>(): OperatorFunction<A, Reported<A>> {
  return (source) => asAggregation(source, 'withReport').reported();
}

function asAggregation<A>(source: Observable<A>, operator: string): Aggregation<A> {
  if (source instanceof Aggregation) return source as Aggregation<A>;
  throw new TypeError(`${operator}() must directly follow aggregate() or thenAlso()`);
}

function assertAnswerStatus(status: number): void {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return;
  throw new RangeError(`'partialStatus' must be an HTTP status from 200 to 599, not ${status}`);
}

class Aggregation<T> extends Observable<T> {
  constructor(
    private readonly stages: readonly Stage[],
    private readonly settings: CompositeSettings,
  ) {
    super((subscriber) => {
      new CompositeRun(stages, settings).start(subscriber as Subscriber<unknown>);
    });
  }

  with(stage: Stage): Aggregation<unknown> {
    return new Aggregation([...this.stages, stage], this.settings);
  }

  reported(): Observable<Reported<T>> {
    return defer(() => {
      const run = new CompositeRun(this.stages, this.settings);
      const values = new Observable<unknown>((subscriber) => {
        run.start(subscriber);
      });
      return values.pipe(map((value) => ({ value: value as T, report: run.report() })));
    });
  }
}
