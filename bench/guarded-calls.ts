import {
  bulkhead,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  type IPolicy,
  retry,
  SamplingBreaker,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { firstValueFrom } from 'rxjs';
import { withAttemptTimeout } from '../src/resilience/attempt-timeout.operator.js';
import { Bulkhead } from '../src/resilience/bulkhead.js';
import { withBulkhead } from '../src/resilience/bulkhead.operator.js';
import { asObservable, type Attempt, type Call, type Handler } from '../src/resilience/call.js';
import { CircuitBreaker } from '../src/resilience/circuit-breaker.js';
import { withCircuitBreaker } from '../src/resilience/circuit-breaker.operator.js';
import { systemClock } from '../src/resilience/clock.js';
import { ExpectedError } from '../src/resilience/expected-error.js';
import { systemRandom } from '../src/resilience/random.js';
import { RetryBudget } from '../src/resilience/retry-budget.js';
import { withRetry } from '../src/resilience/retry.operator.js';
import { type Classified, VERDICTS } from '../src/resilience/verdict.js';
import { resolvePolicy } from '../src/upstream/config/policy.js';

/** Something that answers one call; how long a great many of them take is what is measured. */
export interface Contestant {
  readonly title: string;
  /** Makes so many calls, one after another. */
  readonly run: (calls: number) => Promise<void> | void;
}

const ANSWER = { answer: 42 };

class UpstreamDown extends ExpectedError implements Classified {
  readonly verdict = VERDICTS.broken;
}

/** One for all: what an error costs is no cost of the guards. */
const FAILURE = new UpstreamDown('the upstream failed');

const CALL = { deadlineAt: Infinity, replaySafe: true, retriedAbove: false } satisfies Call;

/** Of both. */
export const ATTEMPT_TIMEOUT_MS = 1_000;

/** Bulkhead, breaker, timeout and retry with the default policy, the breaker counting but never opening. */
function guarded(wire: Handler<Attempt, unknown>, earlierCalls = 0): Handler<Call, unknown> {
  const policy = resolvePolicy({ circuitBreaker: { mode: 'metrics-only' } });
  const breaker = new CircuitBreaker(policy.circuitBreaker, systemClock, systemRandom);
  for (let call = 0; call < earlierCalls; call++) {
    const token = breaker.tryAcquire();
    if (token !== undefined) breaker.settle(token, call % 2 === 0 ? 'failure' : 'success');
  }
  const permits = new Bulkhead(policy.bulkhead);
  const budget = new RetryBudget(policy.retryBudget, systemClock);
  const retries = withRetry<unknown, Call>({
    policy: policy.retry,
    budget,
    clock: systemClock,
    random: systemRandom,
  });
  const permit = withBulkhead<unknown, Attempt>(permits, policy.bulkhead.maxQueueWaitMs, systemClock);
  const breaking = withCircuitBreaker<unknown, Attempt>(breaker);
  const timing = withAttemptTimeout<unknown, Attempt>(systemClock, ATTEMPT_TIMEOUT_MS);
  return retries(permit(breaking(timing(wire))));
}

const answersAtOnce: Handler<unknown, unknown> = (_attempt, answer) => {
  answer.next(ANSWER);
  answer.complete();
};

const failsAtOnce: Handler<Attempt, unknown> = (_attempt, answer) => {
  answer.error(FAILURE);
};

const answersSoon: Handler<Attempt, unknown> = (_attempt, answer) => {
  queueMicrotask(() => {
    answer.next(ANSWER);
    answer.complete();
  });
};

const OBSERVER = { next: ignore, error: ignore, complete: ignore };

function ignore(): void {
  // The answer is not what is measured.
}

function observed(title: string, handler: Handler<Call, unknown>): Contestant {
  return {
    title,
    run: (calls) => {
      for (let call = 0; call < calls; call++) asObservable(handler, CALL).subscribe(OBSERVER);
    },
  };
}

function awaited(title: string, work: () => Promise<unknown>): Contestant {
  return {
    title,
    run: async (calls) => {
      for (let call = 0; call < calls; call++) await work();
    },
  };
}

function cockatiel(): IPolicy {
  return wrap(
    retry(handleAll, { maxAttempts: 1, backoff: new ExponentialBackoff() }),
    circuitBreaker(handleAll, {
      halfOpenAfter: 5_000,
      breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
    }),
    bulkhead(64, 64),
    timeout(ATTEMPT_TIMEOUT_MS, TimeoutStrategy.Aggressive),
  );
}

const inCockatiel = cockatiel();
const overPromise = guarded(answersSoon);
const work = (): Promise<unknown> => Promise.resolve(ANSWER);
const EARLIER_CALLS = 1_000_000;

/** The bare calls are what the guards around them are compared with. */
export const CONTESTANTS = {
  bareObservable: observed('an Observable, nothing around it', answersAtOnce),
  success: observed('four guards, a success', guarded(answersAtOnce)),
  failure: observed('four guards, a failure', guarded(failsAtOnce)),
  failureFullWindow: observed(
    `four guards, a failure, ${EARLIER_CALLS.toLocaleString('en-US')} calls in the window`,
    guarded(failsAtOnce, EARLIER_CALLS),
  ),
  barePromise: awaited('a Promise, nothing around it', work),
  successAwaited: awaited('four guards, a success, awaited', () =>
    firstValueFrom(asObservable(overPromise, CALL)),
  ),
  cockatiel: awaited("cockatiel's four guards, a success, awaited", () => inCockatiel.execute(work)),
} as const satisfies Record<string, Contestant>;

export type ContestantName = keyof typeof CONTESTANTS;
