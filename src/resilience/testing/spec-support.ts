import { Observable, type Subscriber, Subscription } from 'rxjs';
import { withAttemptTimeout } from '../attempt-timeout.operator.js';
import { Bulkhead, type BulkheadPolicy } from '../bulkhead.js';
import { withBulkhead } from '../bulkhead.operator.js';
import { asHandler, asObservable, type Attempt, type Call, type Handler } from '../call.js';
import { type BreakerToken, CircuitBreaker, type CircuitBreakerPolicy } from '../circuit-breaker.js';
import { ownDeadlineOf, withCircuitBreaker } from '../circuit-breaker.operator.js';
import { withDeadline } from '../deadline.operator.js';
import { ExpectedError } from '../expected-error.js';
import { HedgeBudget } from '../hedge-budget.js';
import { HedgeDelay, type HedgeDelayPolicy } from '../hedge-delay.js';
import { type HedgeOptions, mayQueue, withHedging } from '../hedge.operator.js';
import { seededRandom } from '../random.js';
import { RetryBudget, type RetryBudgetPolicy } from '../retry-budget.js';
import { type RetryOptions, type RetryPolicy, withRetry } from '../retry.operator.js';
import { type Classified, type Verdict, VERDICTS } from '../verdict.js';
import { VirtualClock } from '../virtual-clock.js';

// Only the specs of this folder use this file; it knows neither Jest nor the outside.

/** An upstream's own error, to be read as the test says. */
export class WireError extends ExpectedError implements Classified {
  constructor(
    readonly verdict: Verdict = VERDICTS.failed,
    readonly retryAfterMs?: number,
  ) {
    super('the upstream failed');
  }
}

/** What one attempt on a scripted wire has come to. */
export class WireAttempt<A> {
  state: 'open' | 'answered' | 'failed' | 'cancelled' = 'open';

  constructor(
    readonly request: A,
    readonly at: number,
    private readonly subscriber: Subscriber<string>,
  ) {}

  answer(value = 'answer'): void {
    this.state = 'answered';
    this.subscriber.next(value);
    this.subscriber.complete();
  }

  /** The first part of an answer that is not complete yet. */
  emit(value: string): void {
    this.subscriber.next(value);
  }

  fail(error: unknown = new WireError()): void {
    this.state = 'failed';
    this.subscriber.error(error);
  }
}

/** An upstream that keeps every attempt waiting until the test, or `script`, says how it ends. */
export class ScriptedWire<A = Attempt> {
  readonly attempts: WireAttempt<A>[] = [];

  constructor(
    private readonly clock: VirtualClock,
    private readonly script: (attempt: WireAttempt<A>) => void = () => undefined,
  ) {}

  readonly handler = asHandler<A, string>(
    (request) =>
      new Observable((subscriber) => {
        const attempt = new WireAttempt(request, this.clock.now(), subscriber);
        this.attempts.push(attempt);
        subscriber.add(() => {
          if (attempt.state === 'open') attempt.state = 'cancelled';
        });
        this.script(attempt);
      }),
  );

  /** Attempts the upstream is working on right now. */
  get open(): WireAttempt<A>[] {
    return this.attempts.filter(({ state }) => state === 'open');
  }

  get last(): WireAttempt<A> {
    const last = this.attempts.at(-1);
    if (last === undefined) throw new Error('no attempt has reached the wire');
    return last;
  }
}

/** One subscription, and what has come of it. */
export class Watched<T> {
  readonly values: T[] = [];
  end: 'none' | 'completed' | 'failed' | 'cancelled' = 'none';
  error: unknown = undefined;
  private readonly subscription = new Subscription();

  constructor(
    source: Observable<T>,
    private readonly onEnd: () => void = () => undefined,
  ) {
    this.subscription.add(
      source.subscribe({
        next: (value) => this.values.push(value),
        error: (error: unknown) => {
          this.error = error;
          this.ended('failed');
        },
        complete: () => {
          this.ended('completed');
        },
      }),
    );
  }

  cancel(): void {
    if (this.end === 'none') this.end = 'cancelled';
    this.subscription.unsubscribe();
  }

  private ended(end: 'completed' | 'failed'): void {
    if (this.end !== 'none') throw new Error(`a call that had ${this.end} has ${end} as well`);
    this.end = end;
    this.onEnd();
  }
}

export function watch<T>(source: Observable<T>, onEnd?: () => void): Watched<T> {
  return new Watched(source, onEnd);
}

/** A breaker that remembers its tokens, so that a test can tell whether one was left behind. */
export class RecordingBreaker extends CircuitBreaker {
  readonly tokens: BreakerToken[] = [];

  override tryAcquire(): BreakerToken | undefined {
    const token = super.tryAcquire();
    if (token !== undefined) this.tokens.push(token);
    return token;
  }

  get unsettled(): number {
    return this.tokens.filter(({ settled }) => !settled).length;
  }
}

export const BREAKER: CircuitBreakerPolicy = {
  mode: 'enabled',
  failureRateThresholdPercent: 50,
  slowCallRateThresholdPercent: 100,
  slowCallDurationMs: 800,
  minimumNumberOfCalls: 20,
  windowMs: 10_000,
  openMs: 5_000,
  maxOpenMs: 60_000,
  openJitterPercent: 20,
  retryAfterExtendsOpen: true,
  permittedCallsInHalfOpen: 3,
  maxWaitInHalfOpenMs: 2_000,
};

const BULKHEAD: BulkheadPolicy = { maxConcurrentCalls: 64, maxQueue: 64, maxQueueWaitMs: 100 };
export const BUDGET: RetryBudgetPolicy = { percent: 20, windowMs: 10_000, minRetriesPerSecond: 10 };
/** So large that it never binds. */
export const NO_BUDGET: RetryBudgetPolicy = { percent: 100_000, windowMs: 10_000, minRetriesPerSecond: 0 };
const RETRY: RetryPolicy = { maxAttempts: 2, backoffBaseMs: 25, backoffCapMs: 250, maxRetryAfterMs: 1_000 };

export interface HedgePolicy extends HedgeDelayPolicy {
  readonly maxHedges: number;
  readonly budgetPercent: number;
}

const HEDGE: HedgePolicy = {
  mode: 'off',
  percentile: 95,
  delayMs: 500,
  minDelayMs: 1,
  maxDelayMs: 500,
  maxHedges: 2,
  budgetPercent: 10,
};

export interface PipelinePolicy {
  readonly retry?: Partial<RetryPolicy>;
  readonly budget?: Partial<RetryBudgetPolicy>;
  readonly hedge?: Partial<HedgePolicy>;
  readonly bulkhead?: Partial<BulkheadPolicy>;
  readonly breaker?: Partial<CircuitBreakerPolicy>;
  readonly attemptTimeoutMs?: number;
  readonly seed?: number;
  readonly onRetry?: RetryOptions<Call>['onRetry'];
  readonly onHedge?: HedgeOptions<Call>['onHedge'];
  readonly script?: (attempt: WireAttempt<Attempt>, clock: VirtualClock) => void;
}

/** The layers of one upstream, in the order of DESIGN.md 4, around a scripted wire. */
export class Pipeline {
  readonly clock = new VirtualClock();
  readonly wire: ScriptedWire;
  readonly bulkhead: Bulkhead;
  readonly breaker: RecordingBreaker;
  readonly handler: Handler<Call, string>;

  constructor(policy: PipelinePolicy = {}) {
    const { clock } = this;
    const { script } = policy;
    const random = seededRandom(policy.seed ?? 1);
    const bulkhead = { ...BULKHEAD, ...policy.bulkhead };
    this.wire = new ScriptedWire<Attempt>(clock, (attempt) => script?.(attempt, clock));
    this.bulkhead = new Bulkhead(bulkhead);
    this.breaker = new RecordingBreaker({ ...BREAKER, ...policy.breaker }, clock, random);

    const timeout = withAttemptTimeout<string, Attempt>(clock, policy.attemptTimeoutMs ?? 1_000);
    const breaker = withCircuitBreaker<string, Attempt>(this.breaker, ownDeadlineOf);
    const permit = withBulkhead<string, Attempt>(this.bulkhead, bulkhead.maxQueueWaitMs, clock, mayQueue);
    const budget = new RetryBudget({ ...BUDGET, ...policy.budget }, clock);
    const retry = withRetry<string, Call>({
      policy: { ...RETRY, ...policy.retry },
      budget,
      clock,
      random,
      onRetry: policy.onRetry,
    });
    const hedge = { ...HEDGE, ...policy.hedge };
    const hedging = withHedging<string, Call>(
      {
        retry: { ...RETRY, ...policy.retry },
        random,
        maxHedges: hedge.maxHedges,
        delay: new HedgeDelay(hedge),
        budget: new HedgeBudget(hedge.budgetPercent, BUDGET.windowMs, budget, clock),
        clock,
        onHedge: policy.onHedge,
        onRetry: policy.onRetry,
      },
      retry,
    );
    const repeat = hedge.mode === 'off' ? retry : hedging;
    const deadline = withDeadline<string, Call>(clock);
    this.handler = deadline(repeat(permit(breaker(timeout(this.wire.handler)))));
  }

  /** Makes one call that may take `deadlineMs`. */
  call(deadlineMs = Infinity, replaySafe = true, onEnd?: () => void): Watched<string> {
    return watch(
      asObservable(this.handler, { deadlineAt: this.clock.now() + deadlineMs, replaySafe }),
      onEnd,
    );
  }
}
