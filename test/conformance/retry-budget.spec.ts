import { asObservable, type Attempt, type Call, type Handler } from '../../src/resilience/call.js';
import { seededRandom } from '../../src/resilience/random.js';
import { RetryBudget, type RetryBudgetPolicy } from '../../src/resilience/retry-budget.js';
import { withRetry } from '../../src/resilience/retry.operator.js';
import { VirtualClock } from '../../src/resilience/virtual-clock.js';
import { resolvePolicy } from '../../src/upstream/config/policy.js';
import { UpstreamError } from '../../src/upstream/upstream-error.js';
import { VERDICTS } from '../../src/resilience/verdict.js';
import { differs, scenario } from './scenario.js';
import { NO_BACKOFF, NO_BREAKER, ScriptedUpstream } from './scripted-upstream.js';

const FINAGLE = 'RetryBudgetTest.scala';

function budget(policy: Partial<RetryBudgetPolicy>, clock = new VirtualClock()): RetryBudget {
  return new RetryBudget({ percent: 0, windowMs: 60_000, minRetriesPerSecond: 0, ...policy }, clock);
}

/** How many of `requests` calls, every one of which fails once, are retried while time stands still. */
function retriesOf(requests: number, policy: Partial<RetryBudgetPolicy>): number {
  const bucket = budget(policy);
  let retries = 0;
  let refusedWithBalance = 0;
  for (let request = 0; request < requests; request++) {
    bucket.deposit();
    if (bucket.tryWithdraw()) retries++;
    else if (bucket.balance > 0) refusedWithBalance++;
  }
  expect(refusedWithBalance).toBe(0);
  return retries;
}

describe('the bucket', () => {
  scenario(
    'Finagle',
    `${FINAGLE} "Empty"`,
    'given 0 % and no floor, when a call deposits, then there is no retry',
    () => {
      const empty = budget({});
      expect(empty.balance).toBe(0);
      expect(empty.tryWithdraw()).toBe(false);
      empty.deposit();
      expect(empty.balance).toBe(0);
      expect(empty.tryWithdraw()).toBe(false);
    },
  );

  for (const percent of [10, 50, 25, 75, 99, 99.9, 99.99, 1, 0.1, 0.01]) {
    scenario(
      'Finagle',
      `${FINAGLE} "apply minRetriesPerSec=0"`,
      `given ${percent} %, when 10,000 calls fail, then ${(10_000 * percent) / 100} are retried, give or take 1`,
      () => {
        const retries = retriesOf(10_000, { percent });
        expect(Math.abs(retries - (10_000 * percent) / 100)).toBeLessThanOrEqual(1);
      },
    );
  }

  for (const [windowMs, minRetriesPerSecond, percent, expected] of [
    [1_000, 10, 0, 10],
    [2_000, 5, 0, 10],
    [1_000, 10, 10, 1_010],
    [2_000, 5, 50, 5_010],
  ] as const) {
    scenario(
      'Finagle',
      `${FINAGLE} "apply with minRetries${percent === 0 ? ' and maxPercentOver=0' : ' and maxPercentOver'}"`,
      `given ${minRetriesPerSecond} a second for ${windowMs / 1_000} s and ${percent} %, when 10,000 calls fail at once, then ${expected} are retried`,
      () => {
        const retries = retriesOf(10_000, { windowMs, minRetriesPerSecond, percent });
        expect(Math.abs(retries - expected)).toBeLessThanOrEqual(1);
      },
    );
  }

  scenario(
    'Finagle',
    `${FINAGLE} "apply minRetries=0 maxPercentOver greater than 1.0"`,
    'given 200 %, when 10,000 calls are made, then 20,000 retries may follow',
    () => {
      const bucket = budget({ percent: 200 });
      for (let call = 0; call < 10_000; call++) bucket.deposit();
      expect(bucket.balance).toBe(20_000);
    },
  );

  scenario(
    'Finagle',
    'RetryBudget.scala (ttl: deposits expire)',
    'given 20 % over 10 s, when 100 calls are 9 s old 20 retries are left, and when they are 10 s old none',
    () => {
      const clock = new VirtualClock();
      const bucket = budget({ percent: 20, windowMs: 10_000 }, clock);
      for (let call = 0; call < 100; call++) bucket.deposit();
      clock.advance(9_000);
      expect(bucket.balance).toBe(20);
      clock.advance(1_000);
      expect(bucket.balance).toBe(0);
    },
  );

  for (const [what, written] of [
    ['minRetriesPerSec bounds check: -1', { minRetriesPerSecond: -1 }],
    ['maxPercentOver bounds: -100 %', { percent: -100 }],
    ['ttl bounds check: 0', { windowMs: 0 }],
  ] as const) {
    scenario(
      'Finagle',
      `${FINAGLE} "apply ${what}"`,
      'given such a policy, when it is loaded, then it is refused',
      () => {
        expect(() => resolvePolicy({ retryBudget: written })).toThrow(/retryBudget/);
      },
    );
  }
});

describe('the bucket under retries', () => {
  scenario(
    'Envoy',
    'retry_state_impl_test.cc RouterRetryStateImplTest.BudgetNoAvailableRetries',
    'given 0 % and no floor, when a 503 comes, then it goes to the caller at once',
    () => {
      const scripted = new ScriptedUpstream({
        retryBudget: { percent: 0, minRetriesPerSecond: 0 },
        ...NO_BREAKER,
      });
      const caller = scripted.call();
      scripted.last.answer(503);
      expect(caller.outcome).toBe('status');
    },
  );

  scenario(
    'Envoy',
    'retry_state_impl_test.cc RouterRetryStateImplTest.BudgetVerifyMinimumConcurrency (a floor for quiet upstreams)',
    'given 20 % and a floor of 10 a second, when the very first call fails, then it is retried',
    () => {
      const scripted = new ScriptedUpstream({}, { random: NO_BACKOFF });
      scripted.call();
      scripted.last.answer(503);
      scripted.clock.advance(0);
      expect(scripted.attempts).toHaveLength(2);
    },
  );

  differs(
    'gRPC',
    'A6 "Throttling Retry Attempts and Hedged RPCs" (none while tokens <= maxTokens / 2)',
    'given 20 % and no floor, when all of 1,000 calls fail, then 200 are retried',
    'a bucket that empties itself in an outage cannot help with one call in ten failing, which is when retries help',
    () => {
      expect(retriesOf(1_000, { percent: 20 })).toBe(200);
    },
  );

  scenario(
    'gRPC',
    'A6 "Throttling" (a retry that is not allowed does not wait for tokens)',
    'given no budget, when a call fails, then its error is there in the same turn, and no timer is',
    () => {
      const scripted = new ScriptedUpstream({ retryBudget: { percent: 0, minRetriesPerSecond: 0 } });
      const caller = scripted.call();
      scripted.last.fail('reset');
      expect(caller.outcome).toBe('reset');
      scripted.expectNothingLeft();
    },
  );

  /** Asks a dead upstream through `layers` retrying layers, and counts how often it was asked. */
  function amplification(layers: number, percent: number, calls: number): number {
    const clock = new VirtualClock();
    let asked = 0;
    const dead: Handler<Call, never> = (_call, answer) => {
      asked++;
      answer.error(new UpstreamError({ upstream: 'dead', reason: 'reset', verdict: VERDICTS.failed }));
    };
    let handler = dead;
    for (let layer = 0; layer < layers; layer++) {
      const inner = handler;
      handler = withRetry<never, Call>({
        policy: { maxAttempts: 4, backoffBaseMs: 25, backoffCapMs: 250, maxRetryAfterMs: 1_000 },
        budget: budget({ percent, windowMs: 10_000 }, clock),
        clock,
        random: seededRandom(layer),
      })(({ call }: Attempt, answer) => {
        inner(call, answer);
      });
    }
    for (let call = 0; call < calls; call++) {
      asObservable(handler, { deadlineAt: Infinity, replaySafe: true }).subscribe({ error: () => undefined });
      clock.advance(1);
    }
    clock.advance(10_000);
    return asked / calls;
  }

  for (const [layers, percent, most] of [
    [1, 20, 1.2],
    [3, 20, 1.75],
    [1, 10, 1.1],
  ] as const) {
    scenario(
      percent === 10 ? 'Google SRE' : 'Finagle',
      percent === 10 ? 'SRE book, "Handling Overload": per-client retry budget of 10 %' : 'RetryBudget.scala',
      `given a dead upstream, 4 attempts in ${layers} layer(s) and ${percent} %, when 10,000 calls are made, then it is asked at most ${most} times a call`,
      () => {
        const asked = amplification(layers, percent, 10_000);
        expect(asked).toBeLessThanOrEqual(most);
        expect(asked).toBeGreaterThan(1.05);
      },
    );
  }

  scenario(
    'Envoy',
    '#24937, #10869: without a budget retries multiply',
    'given a dead upstream, 4 attempts in 3 layers and no bound, when 100 calls are made, then it is asked 64 times a call',
    () => {
      expect(amplification(3, 100_000, 100)).toBe(64);
    },
  );
});
