import { throwError } from 'rxjs';
import { asHandler, asObservable, type Attempt, type Call, type Handler } from './call.js';
import { seededRandom } from './random.js';
import { RetryBudget, type RetryBudgetPolicy } from './retry-budget.js';
import { withRetry } from './retry.operator.js';
import { BUDGET, NO_BUDGET, WireError } from './testing/spec-support.js';
import { VirtualClock } from './virtual-clock.js';

const CALLS = 10_000;
const SECONDS = 100;
const WITHOUT_FLOOR = { ...BUDGET, minRetriesPerSecond: 0 };

interface Tower {
  readonly layers: number;
  readonly budget: RetryBudgetPolicy;
  /** Whether each layer tells the next which of its calls are repetitions. */
  readonly tells?: boolean;
}

/**
 * What reaches a dead upstream, per call, through services on top of each other, each with up to four attempts and a
 * budget of its own: 10,000 calls, one every 10 ms. No breakers: they would soon let nothing through.
 */
function amplification({ layers, budget, tells = false }: Tower): number {
  const clock = new VirtualClock();
  const random = seededRandom(20);
  let reached = 0;
  let handler: Handler<Call, string> = asHandler(() => {
    reached++;
    return throwError(() => new WireError());
  });
  for (let layer = 0; layer < layers; layer++) {
    const next = handler;
    const send: Handler<Attempt, string> = ({ call, number }, answer) => {
      next({ ...call, retriedAbove: tells && (number > 1 || call.retriedAbove === true) }, answer);
    };
    handler = withRetry<string, Call>({
      policy: { maxAttempts: 4, backoffBaseMs: 25, backoffCapMs: 250, maxRetryAfterMs: 1_000 },
      budget: new RetryBudget(budget, clock),
      clock,
      random,
    })(send);
  }
  for (let call = 0; call < CALLS; call++) {
    asObservable(handler, { deadlineAt: Infinity, replaySafe: true }).subscribe({ error: () => undefined });
    clock.advance((SECONDS * 1_000) / CALLS);
  }
  clock.advance(10_000);
  expect(clock.pendingTimers).toBe(0);
  return reached / CALLS;
}

describe('four attempts on a dead upstream, 100 calls a second for 100 s', () => {
  it('are 4.0 times the calls without a budget', () => {
    expect(amplification({ layers: 1, budget: NO_BUDGET })).toBe(4);
  });

  it('are at most 1.2 times the calls with a budget of 20 % and no floor', () => {
    const times = amplification({ layers: 1, budget: WITHOUT_FLOOR });
    expect(times).toBeLessThanOrEqual(1.2);
    expect(times).toBeGreaterThan(1.19);
  });

  it('are at most 1.2 times the calls with the default budget, and what its floor of 10 a second allows', () => {
    // The floor of a whole window may be spent at once, and is there anew for each second that follows.
    const floor = BUDGET.minRetriesPerSecond * (SECONDS + BUDGET.windowMs / 1_000);
    const times = amplification({ layers: 1, budget: BUDGET });
    expect(times - floor / CALLS).toBeLessThanOrEqual(1.2);
    expect(times).toBeGreaterThan(1.2);
  });
});

describe('three layers of four attempts on a dead upstream', () => {
  it('are 64 times the calls without a budget', () => {
    expect(amplification({ layers: 3, budget: NO_BUDGET })).toBe(64);
  });

  it('are at most 1.75 times the calls where each has a budget of 20 % and no floor', () => {
    const times = amplification({ layers: 3, budget: WITHOUT_FLOOR });
    expect(times).toBeLessThanOrEqual(1.75);
    expect(times).toBeGreaterThan(1.7);
  });

  it('are at most 1.6 times the calls where each tells the next what it repeats', () => {
    const times = amplification({ layers: 3, budget: WITHOUT_FLOOR, tells: true });
    expect(times).toBeLessThanOrEqual(1.6);
    expect(times).toBeGreaterThan(1.55);
  });

  it('are 10 times the calls without any budget where each tells the next what it repeats', () => {
    expect(amplification({ layers: 3, budget: NO_BUDGET, tells: true })).toBe(10);
  });
});
