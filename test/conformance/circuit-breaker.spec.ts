import { CircuitBreaker } from '../../src/resilience/circuit-breaker.js';
import { seededRandom } from '../../src/resilience/random.js';
import { BreakerBench } from './breaker-bench.js';
import { differs, scenario } from './scenario.js';

/** What most of resilience4j's tests of the state machine are set up with. */
const R4J = {
  failureRateThresholdPercent: 50,
  slowCallRateThresholdPercent: 50,
  slowCallDurationMs: 4_000,
  minimumNumberOfCalls: 5,
  windowMs: 5_000,
  openMs: 5_000,
  permittedCallsInHalfOpen: 4,
};

/** gobreaker's `newCustom`: trips at 60 % of at least 3 calls, 90 s open, 3 calls to close. */
const GOBREAKER = {
  failureRateThresholdPercent: 60,
  minimumNumberOfCalls: 3,
  windowMs: 30_000,
  openMs: 90_000,
  maxOpenMs: 90_000,
  permittedCallsInHalfOpen: 3,
};

/** Hystrix in its own tests: 50 %, from the first call on, one probe. */
const HYSTRIX = { failureRateThresholdPercent: 50, minimumNumberOfCalls: 1, permittedCallsInHalfOpen: 1 };

const R4J_TEST = 'CircuitBreakerStateMachineTest';

describe('a closed breaker', () => {
  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldOpenAfterFailureRateThresholdExceeded`,
    'given 50 % and at least 5 calls, when 3 fail and 2 succeed, then it opens on the fifth, at 60 %',
    () => {
      const bench = new BreakerBench(R4J);
      bench.calls('FFFS');
      expect(bench.state).toBe('closed');
      bench.calls('S');
      expect(bench.transitions).toMatchObject([
        { from: 'closed', to: 'open', reason: 'failure-rate', failureRatePercent: 60 },
      ]);
      expect(bench.refuses()).toBe(true);
    },
  );

  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldOpenAfterSlowCallRateThresholdExceeded`,
    'given 50 % slow, when 3 of 5 calls are slow and 2 of 5 fail, then it opens on the slow calls, at 60 %',
    () => {
      const bench = new BreakerBench(R4J);
      const [one, two, three, four, five] = Array.from({ length: 5 }, () => bench.take());
      bench.settle(three!, 'F');
      bench.settle(four!, 'S');
      bench.clock.advance(4_000);
      bench.settle(one!, 'F');
      bench.settle(two!, 'S');
      expect(bench.state).toBe('closed');
      bench.settle(five!, 'S');
      expect(bench.transitions).toMatchObject([
        { to: 'open', reason: 'slow-call-rate', failureRatePercent: 40, slowCallRatePercent: 60 },
      ]);
    },
  );

  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldResetMetrics`,
    'given 1 success and 1 failure, when it is reset, then nothing is counted',
    () => {
      const bench = new BreakerBench(R4J);
      bench.calls('SF');
      expect(bench.counted).toEqual({ calls: 2, failures: 1, slowCalls: 0 });
      bench.breaker.reset();
      expect(bench.counted).toEqual({ calls: 0, failures: 0, slowCalls: 0 });
      expect(bench.transitions).toEqual([]);
    },
  );

  const POLLY_ROWS: readonly (readonly [calls: number, failures: number, state: string])[] = [
    [10, 0, 'closed'],
    [10, 1, 'open'],
    [10, 2, 'open'],
    [11, 2, 'open'],
    [9, 1, 'closed'],
  ];
  for (const [calls, failures, state] of POLLY_ROWS) {
    scenario(
      'Polly',
      'AdvancedCircuitBehaviorTests.OnActionFailure_WhenClosed_EnsureCorrectBehavior',
      `given 10 % and at least 10 calls, when ${failures} of ${calls} fail, then it is ${state}`,
      () => {
        const bench = new BreakerBench({ failureRateThresholdPercent: 10, minimumNumberOfCalls: 10 });
        const tokens = Array.from({ length: calls }, () => bench.take());
        tokens.forEach((token, index) => {
          bench.settle(token, index < calls - failures ? 'S' : 'F');
        });
        expect(bench.state).toBe(state);
      },
    );
  }

  differs(
    'Polly',
    'CircuitBreaker: only OnActionFailure evaluates',
    'given 50 % and at least 5 calls, when 3 fail and then 2 succeed, then the last success opens it',
    'as in resilience4j the volume counts, not which call completes it: 60 % failed is 60 % failed',
    () => {
      const bench = new BreakerBench({ minimumNumberOfCalls: 5 });
      bench.calls('FFFSS');
      expect(bench.edges).toEqual(['closed > open']);
    },
  );

  differs(
    'Polly',
    'CircuitBreaker: an unhandled outcome, such as a cancellation, is a success (OnUnhandledOutcome)',
    'given 4 failures of at least 5 calls, when 96 callers leave, then 1 more failure opens it, at 100 %',
    'a caller who leaves says nothing about the upstream, neither good nor bad',
    () => {
      const bench = new BreakerBench({ minimumNumberOfCalls: 5 });
      bench.calls('FFFF' + 'N'.repeat(96));
      expect(bench.counted).toEqual({ calls: 4, failures: 4, slowCalls: 0 });
      bench.calls('F');
      expect(bench.transitions).toMatchObject([{ to: 'open', failureRatePercent: 100 }]);
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testTripCircuit',
    'given 4 successes, when 4 calls fail, then it opens on the fourth, at 50 %',
    () => {
      const bench = new BreakerBench(HYSTRIX);
      bench.calls('SSSSFFF');
      expect(bench.state).toBe('closed');
      bench.calls('F');
      expect(bench.state).toBe('open');
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testTripCircuitOnFailuresAboveThreshold',
    'given 50 %, when calls go S S F S F S F F, then it opens on the last',
    () => {
      const bench = new BreakerBench(HYSTRIX);
      bench.calls('SSFSFSF');
      expect(bench.state).toBe('closed');
      bench.calls('F');
      expect(bench.state).toBe('open');
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testCircuitDoesNotTripOnFailuresBelowThreshold',
    'given 50 %, when calls go S S F S S F S F (37.5 %), then it stays closed',
    () => {
      const bench = new BreakerBench(HYSTRIX);
      bench.calls('SSFSSFSF');
      expect(bench.state).toBe('closed');
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testLowVolumeDoesNotTripCircuit',
    'given at least 5 calls, when 4 of 4 fail, then it stays closed',
    () => {
      const bench = new BreakerBench({ ...HYSTRIX, minimumNumberOfCalls: 5 });
      bench.calls('FFFF');
      expect(bench.state).toBe('closed');
    },
  );

  scenario(
    'Hystrix',
    'HystrixCommandProperties.circuitBreakerRequestVolumeThreshold (20 in 10 s)',
    'given the defaults, when 19 calls fail, then it is closed; when the twentieth fails, it is open',
    () => {
      const bench = new BreakerBench();
      bench.calls('F'.repeat(19));
      expect(bench.state).toBe('closed');
      bench.calls('F');
      expect(bench.state).toBe('open');
    },
  );

  scenario(
    'gobreaker',
    'v2/gobreaker_test.go TestCustomCircuitBreaker (closed)',
    'given 60 % of at least 3, when S and F alternate 5 times, then it is closed; with F S F in a new window it opens',
    () => {
      const bench = new BreakerBench(GOBREAKER);
      bench.calls('SF'.repeat(5));
      expect(bench.state).toBe('closed');
      bench.clock.advance(30_000);
      bench.calls('FS');
      expect(bench.counted).toEqual({ calls: 2, failures: 1, slowCalls: 0 });
      bench.calls('F');
      expect(bench.state).toBe('open');
    },
  );

  differs(
    'gobreaker',
    'v2/gobreaker_test.go TestDefaultCircuitBreaker (6 failures in a row)',
    'given 50 % of at least 20, when 6 calls fail in a row among 20, then it stays closed',
    'a run of failures is short or long by the traffic; the rate is what callers feel',
    () => {
      const bench = new BreakerBench();
      bench.calls('S'.repeat(14) + 'F'.repeat(6));
      expect(bench.counted).toEqual({ calls: 20, failures: 6, slowCalls: 0 });
      expect(bench.state).toBe('closed');
    },
  );

  differs(
    'opossum',
    'O5: the error rate is failures by fires, and cache hits, refusals and running calls are fires',
    'given 1,000 running calls, when 20 others fail, then it opens at 100 %',
    'only what has ended, and ended at the upstream, is in the rate',
    () => {
      const bench = new BreakerBench();
      for (let running = 0; running < 1_000; running++) bench.take();
      bench.calls('F'.repeat(20));
      expect(bench.transitions).toMatchObject([{ to: 'open', failureRatePercent: 100 }]);
    },
  );
});

describe('the window', () => {
  scenario(
    'Polly',
    'RollingHealthMetricsTests.GetHealthInfo_EnsureWindowRespected',
    'given 10 s, when two calls come every 2 s and the first two pairs have a failure, then the counts are 2, 4, 6, 8, 8, 6',
    () => {
      const bench = new BreakerBench({ windowMs: 10_000 });
      const seen: { calls: number; failures: number }[] = [];
      for (const pair of ['FS', 'FS', 'SS', 'SS', 'SS', '']) {
        bench.calls(pair);
        bench.clock.advance(2_000);
        const { calls, failures } = bench.counted;
        seen.push({ calls, failures });
      }
      expect(seen).toEqual([
        { calls: 2, failures: 1 },
        { calls: 4, failures: 2 },
        { calls: 6, failures: 2 },
        { calls: 8, failures: 2 },
        { calls: 8, failures: 1 },
        { calls: 6, failures: 0 },
      ]);
    },
  );

  scenario(
    'Polly',
    'RollingHealthMetricsTests.GetHealthInfo_EnsureWindowCapacityRespected',
    'given 10 s in 10 buckets, when one call a second comes for 10 s, then 9 are counted, and a second later 8',
    () => {
      const bench = new BreakerBench({ windowMs: 10_000 });
      for (let second = 0; second < 10; second++) {
        bench.calls('S');
        bench.clock.advance(1_000);
      }
      expect(bench.counted.calls).toBe(9);
      bench.clock.advance(1_000);
      expect(bench.counted.calls).toBe(8);
    },
  );

  scenario(
    'Polly',
    'RollingHealthMetricsTests.GetHealthInfo_SamplingDurationRespected',
    'given 10 s, when 2 calls are exactly 10 s old, then none is counted',
    () => {
      const bench = new BreakerBench({ windowMs: 10_000 });
      bench.calls('SS');
      bench.clock.advance(10_000);
      expect(bench.counted.calls).toBe(0);
    },
  );

  scenario(
    'gobreaker',
    'v2/gobreaker_test.go TestRollingWindowCircuitBreaker',
    'given 30 s in buckets of 3 s, when the first bucket with 10 calls is 30 s old, then 17 of 27 are left, 8 failed; it opens at 14 of 23',
    () => {
      const bench = new BreakerBench(GOBREAKER);
      bench.calls('SF'.repeat(5));
      for (const [ms, outcome] of [
        [3_000, 'S'],
        [2_000, 'S'],
        [2_000, 'S'],
        [2_000, 'F'],
      ] as const) {
        bench.clock.advance(ms);
        bench.calls(outcome);
      }
      expect(bench.counted).toMatchObject({ calls: 14, failures: 6 });
      for (let bucket = 0; bucket < 6; bucket++) {
        bench.clock.advance(3_000);
        bench.calls('SF');
        expect(bench.counted).toMatchObject({ calls: 16 + 2 * bucket, failures: 7 + bucket });
      }
      bench.clock.advance(3_000);
      bench.calls('F');
      expect(bench.counted).toMatchObject({ calls: 17, failures: 8 });
      bench.calls('FFFFF');
      expect(bench.state).toBe('closed');
      bench.calls('F');
      expect(bench.transitions).toMatchObject([{ to: 'open' }]);
      expect(bench.transitions[0]?.failureRatePercent).toBeCloseTo((100 * 14) / 23, 10);
    },
  );

  differs(
    'cockatiel',
    'SamplingBreaker (C5: one window rotates per push)',
    'given 4 failures, when an hour passes and a call succeeds and one fails, then 1 of 2 has failed, and it is closed',
    'buckets expire by the clock, not by traffic',
    () => {
      const bench = new BreakerBench({ minimumNumberOfCalls: 5 });
      bench.calls('FFFF');
      bench.clock.advance(3_600_000);
      bench.calls('SF');
      expect(bench.counted).toEqual({ calls: 2, failures: 1, slowCalls: 0 });
      expect(bench.state).toBe('closed');
    },
  );
});

describe('an open breaker', () => {
  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldTransitionToHalfOpenAfterWaitDuration`,
    'given 5 s open, when 3 s have passed it refuses; when 6 s have passed it is half-open with a fresh count',
    () => {
      const bench = new BreakerBench(R4J).open();
      expect(bench.refuses()).toBe(true);
      bench.clock.advance(3_000);
      expect(bench.refuses()).toBe(true);
      bench.clock.advance(3_000);
      bench.take();
      expect(bench.edges).toEqual(['closed > open', 'open > half-open']);
    },
  );

  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldTransitionToHalfOpenAfterWaitInterval`,
    'given 5 s the first time, when it opens again from half-open, then 6 s are not enough and 10 s are',
    () => {
      const bench = new BreakerBench({ ...R4J, permittedCallsInHalfOpen: 1 }).awaitProbes();
      bench.calls('F');
      bench.clock.advance(6_000);
      expect(bench.refuses()).toBe(true);
      bench.clock.advance(4_000);
      expect(bench.refuses()).toBe(false);
    },
  );

  scenario(
    'resilience4j',
    'IntervalFunction.ofExponentialBackoff (open time per attempt)',
    'given 5 s and a cap of 60 s, when it opens 6 times in a row, then it stays open for 5, 10, 20, 40, 60 and 60 s',
    () => {
      const bench = new BreakerBench({ permittedCallsInHalfOpen: 1 }).open();
      const times: number[] = [];
      for (let opening = 0; opening < 6; opening++) {
        times.push(bench.breaker.retryAfterMs);
        bench.clock.advance(bench.breaker.retryAfterMs);
        bench.calls('F');
      }
      expect(times).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    },
  );

  scenario(
    'Finagle',
    'FailureAccrualFactory (equal-jittered dead time, reset by a revival)',
    'given 5 s and 10 s open, when a probe succeeds and it opens anew, then the time is 5 s again',
    () => {
      const bench = new BreakerBench({ permittedCallsInHalfOpen: 1, minimumNumberOfCalls: 1 }).awaitProbes();
      bench.calls('F');
      expect(bench.breaker.retryAfterMs).toBe(10_000);
      bench.clock.advance(10_000);
      bench.calls('S');
      expect(bench.state).toBe('closed');
      bench.open();
      expect(bench.breaker.retryAfterMs).toBe(5_000);
    },
  );

  scenario(
    'Finagle',
    'FailureAccrualFactory (jitter, so that clients do not revive a host in step)',
    'given 5 s +-20 %, when 1,000 replicas open, then each stays open for 4 to 6 s, and hardly two alike',
    () => {
      const random = seededRandom(7);
      const times = Array.from(
        { length: 1_000 },
        () => new BreakerBench({}, random).open().breaker.retryAfterMs,
      );
      expect(Math.min(...times)).toBeGreaterThanOrEqual(4_000);
      expect(Math.max(...times)).toBeLessThanOrEqual(6_000);
      expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(1_900);
      expect(new Set(times).size).toBeGreaterThan(990);
    },
  );

  scenario(
    'Polly',
    'CircuitStateControllerTests.OnActionFailureAsync_EnsureBreakDurationNotOverflow',
    'given 5 s doubling, when it opens 1,100 times in a row, then it is open for 60 s, a finite number',
    () => {
      const bench = new BreakerBench({ permittedCallsInHalfOpen: 1 }).open();
      for (let opening = 0; opening < 1_100; opening++) {
        bench.clock.advance(bench.breaker.retryAfterMs);
        bench.calls('F');
      }
      expect(bench.breaker.retryAfterMs).toBe(60_000);
    },
  );

  scenario(
    'Polly',
    'BrokenCircuitException.RetryAfter',
    'given 5 s open, when 2 s have passed, then whoever is refused is told to come back in 3 s',
    () => {
      const bench = new BreakerBench().open();
      bench.clock.advance(2_000);
      expect(bench.refuses()).toBe(true);
      expect(bench.breaker.retryAfterMs).toBe(3_000);
    },
  );

  scenario(
    'gobreaker',
    'v2/gobreaker_test.go TestDefaultCircuitBreaker (59 s are not 60 s)',
    'given 60 s open, when 59.999 s have passed it refuses, and a millisecond later it does not',
    () => {
      const bench = new BreakerBench({ openMs: 60_000 }).open();
      bench.clock.advance(59_999);
      expect(bench.refuses()).toBe(true);
      bench.clock.advance(1);
      expect(bench.refuses()).toBe(false);
    },
  );

  differs(
    'resilience4j',
    'CircuitBreakerStateMachine.OpenState.onSuccess/onError (recorded into the retained metrics)',
    'given 10 calls that started before it opened, when they come back while it is open, then nothing is counted',
    'a result belongs to the generation it was admitted in',
    () => {
      const bench = new BreakerBench(R4J);
      const late = Array.from({ length: 10 }, () => bench.take());
      bench.open();
      const before = bench.counted;
      for (const token of late) bench.settle(token, 'F');
      expect(bench.counted).toEqual(before);
      expect(bench.edges).toEqual(['closed > open']);
    },
  );
});

describe('a half-open breaker', () => {
  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldOnlyPermitFourCallsInHalfOpenState`,
    'given 4 permitted calls, when 6 ask, then 4 get through; and again 4 the next time',
    () => {
      const bench = new BreakerBench(R4J).awaitProbes();
      const probes = [bench.take(), bench.take(), bench.take(), bench.take()] as const;
      expect([bench.refuses(), bench.refuses()]).toEqual([true, true]);
      for (const probe of probes) bench.settle(probe, 'F');
      bench.clock.advance(bench.breaker.retryAfterMs);
      expect(bench.admitted()).toBe(4);
    },
  );

  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldIncreaseCounterOnReleasePermission`,
    'given 4 of 4 permits out, when 1 is released, then exactly 1 more call gets through',
    () => {
      const bench = new BreakerBench(R4J).awaitProbes();
      const [probe] = [bench.take(), bench.take(), bench.take(), bench.take()] as const;
      expect(bench.refuses()).toBe(true);
      bench.settle(probe, 'N');
      expect(bench.admitted()).toBe(1);
    },
  );

  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldTransitionBackToClosedStateWhenFailureIsBelowThreshold`,
    'given 4 permitted calls at 50 %, when they go F S S S, then it closes with an empty window',
    () => {
      const bench = new BreakerBench(R4J).awaitProbes();
      bench.calls('FSS');
      expect(bench.state).toBe('half-open');
      bench.calls('S');
      expect(bench.state).toBe('closed');
      expect(bench.counted.calls).toBe(0);
      bench.calls('S');
      expect(bench.counted.calls).toBe(1);
    },
  );

  differs(
    'resilience4j',
    `${R4J_TEST}.shouldTransitionBackToOpenStateWhenFailureRateIsAboveThreshold (after F F S F)`,
    'given 4 permitted calls at 50 %, when 2 fail, then it opens without waiting for the other 2',
    'the verdict falls as soon as the calls still out cannot change it',
    () => {
      const bench = new BreakerBench(R4J).awaitProbes();
      bench.calls('FF');
      expect(bench.edges).toEqual(['closed > open', 'open > half-open', 'half-open > open']);
    },
  );

  differs(
    'resilience4j',
    `${R4J_TEST}.shouldTransitionBackToOpenStateWhenSlowCallRateIsAboveThreshold (after 3 slow of 4)`,
    'given 4 permitted calls at 50 % slow, when 2 succeed slowly, then it opens',
    'as above, and slow probes are no recovery',
    () => {
      const bench = new BreakerBench({ ...R4J, maxWaitInHalfOpenMs: 60_000 }).awaitProbes();
      const [one, two] = [bench.take(), bench.take()];
      bench.clock.advance(4_000);
      bench.settle(one, 'S');
      expect(bench.state).toBe('half-open');
      bench.settle(two, 'S');
      expect(bench.transitions.at(-1)).toMatchObject({
        to: 'open',
        failureRatePercent: 0,
        slowCallRatePercent: 50,
      });
    },
  );

  differs(
    'resilience4j',
    `${R4J_TEST}.shouldIgnoreExceptionsAndThenTransitionToClosed (closes on the fourth success)`,
    'given 4 permitted calls at 50 %, when 4 are ignored it stays half-open, and 3 successes close it',
    'the fourth could fail and the rate were 25 %',
    () => {
      const bench = new BreakerBench(R4J).awaitProbes();
      bench.calls('NNNN');
      expect(bench.state).toBe('half-open');
      bench.calls('SS');
      expect(bench.state).toBe('half-open');
      bench.calls('S');
      expect(bench.state).toBe('closed');
    },
  );

  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldReleasePermissionWhenExceptionIgnored`,
    'given 4 permitted calls at 50 %, when S S N F S comes, then the ignored call has cost no permit, and it closes',
    () => {
      const bench = new BreakerBench(R4J).awaitProbes();
      bench.calls('SSN');
      expect(bench.state).toBe('half-open');
      bench.calls('FS');
      expect(bench.state).toBe('closed');
    },
  );

  differs(
    'resilience4j',
    'CircuitBreakerConfig.maxWaitDurationInHalfOpenState (0: for ever; else back to OPEN)',
    'given 3 probes that hang, when 2 s are over, then 3 fresh ones get through, and close it',
    'a hung probe says less than a fresh one, and waiting out another open time says nothing at all',
    () => {
      const bench = new BreakerBench().awaitProbes();
      expect(bench.admitted()).toBe(3);
      bench.clock.advance(1_999);
      expect(bench.refuses()).toBe(true);
      bench.clock.advance(1);
      bench.calls('SS');
      expect(bench.state).toBe('closed');
    },
  );

  differs(
    'resilience4j',
    'CircuitBreakerStateMachine.HalfOpenState.onError (a call of the closed state counts)',
    'given 20 calls from before it opened, when they fail while it is half-open, then the probes alone decide',
    'a result belongs to the generation it was admitted in',
    () => {
      const bench = new BreakerBench(R4J);
      const late = Array.from({ length: 20 }, () => bench.take());
      bench.awaitProbes();
      bench.calls('S');
      for (const token of late) bench.settle(token, 'F');
      expect(bench.state).toBe('half-open');
      bench.calls('SS');
      expect(bench.state).toBe('closed');
    },
  );

  scenario(
    'Polly',
    'CircuitStateControllerTests.OnActionPreExecute_HalfOpen',
    'given 1 permitted call, when the break is over, then the first call probes and the second is refused',
    () => {
      const bench = new BreakerBench({ permittedCallsInHalfOpen: 1 }).awaitProbes();
      bench.take();
      expect(bench.state).toBe('half-open');
      expect(bench.refuses()).toBe(true);
    },
  );

  for (const [outcome, state] of [
    ['S', 'closed'],
    ['F', 'open'],
  ] as const) {
    scenario(
      'Polly',
      'CircuitStateControllerTests.HalfOpen_EnsureCorrectStateTransitionAfterExecution',
      `given 1 permitted call, when it is ${outcome === 'S' ? 'a success' : 'a failure'}, then it is ${state}`,
      () => {
        const bench = new BreakerBench({ permittedCallsInHalfOpen: 1 }).awaitProbes();
        bench.calls(outcome);
        expect(bench.state).toBe(state);
      },
    );
  }

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testSingleTestOnOpenCircuitAfterTimeWindow',
    'given a sleep window of 200 ms, when it is over, then one call gets through and the next does not',
    () => {
      const bench = new BreakerBench({ ...HYSTRIX, openMs: 200 }).open();
      bench.clock.advance(100);
      expect(bench.refuses()).toBe(true);
      bench.clock.advance(100);
      expect([bench.refuses(), bench.refuses()]).toEqual([false, true]);
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testCircuitClosedAfterSuccess',
    'given 4 failures before, when the one probe succeeds, then it is closed and forgets the 4',
    () => {
      const bench = new BreakerBench({ ...HYSTRIX, minimumNumberOfCalls: 4 }).awaitProbes();
      bench.calls('S');
      expect(bench.state).toBe('closed');
      expect(bench.counted).toEqual({ calls: 0, failures: 0, slowCalls: 0 });
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testMultipleTimeWindowRetriesBeforeClosingCircuit',
    'given one probe a window, when two fail and the third succeeds, then exactly 3 calls got through before it closed',
    () => {
      const bench = new BreakerBench(HYSTRIX).open();
      let through = 0;
      for (const outcome of ['F', 'F', 'S']) {
        expect(bench.admitted()).toBe(0);
        bench.clock.advance(bench.breaker.retryAfterMs);
        const probe = bench.take();
        through++;
        expect(bench.admitted()).toBe(0);
        bench.settle(probe, outcome);
      }
      expect(bench.state).toBe('closed');
      expect(through).toBe(3);
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testUnsubscriptionDoesNotLeaveCircuitStuckHalfOpen',
    'given a probe whose caller leaves, when the next call succeeds, then it closes',
    () => {
      const bench = new BreakerBench(HYSTRIX).awaitProbes();
      bench.calls('N');
      expect(bench.state).toBe('half-open');
      bench.calls('S');
      expect(bench.state).toBe('closed');
    },
  );

  differs(
    'gobreaker',
    'v2/gobreaker_test.go TestCustomCircuitBreaker (closes after 3 successes)',
    'given 3 permitted calls at 60 %, when 2 succeed while the third is out, then it closes at once',
    'the third could fail and the rate were 33 %',
    () => {
      const bench = new BreakerBench(GOBREAKER).awaitProbes();
      const third = bench.take();
      bench.calls('S');
      expect(bench.state).toBe('half-open');
      bench.calls('S');
      expect(bench.state).toBe('closed');
      bench.settle(third, 'F');
      expect(bench.counted.calls).toBe(0);
    },
  );

  scenario(
    'gobreaker',
    'v2/gobreaker.go ErrTooManyRequests (MaxRequests)',
    'given 3 permitted calls out, when 1,000 more ask, then all are refused',
    () => {
      const bench = new BreakerBench(GOBREAKER).awaitProbes();
      expect(bench.admitted(1_003)).toBe(3);
    },
  );

  scenario(
    'gobreaker',
    'v2/gobreaker_test.go TestGeneration',
    'given a call of an earlier generation, when it comes back, then the counts of the present one stay at 0',
    () => {
      const bench = new BreakerBench(GOBREAKER);
      const [late, later] = [bench.take(), bench.take()];
      bench.breaker.reset();
      bench.settle(late, 'S');
      bench.settle(later, 'F');
      expect(bench.counted).toEqual({ calls: 0, failures: 0, slowCalls: 0 });
    },
  );

  differs(
    'cockatiel',
    'CircuitBreakerPolicy (C9: callers queue in half-open, and closing releases all)',
    'given 1 probe and 5,000 callers, when it succeeds, then the 5,000 were refused long before',
    'a queue in front of an upstream that has just come back is a second outage',
    () => {
      const bench = new BreakerBench({ permittedCallsInHalfOpen: 1 }).awaitProbes();
      const probe = bench.take();
      let refused = 0;
      for (let caller = 0; caller < 5_000; caller++) if (bench.refuses()) refused++;
      expect(refused).toBe(5_000);
      bench.settle(probe, 'S');
      expect(bench.clock.pendingTimers).toBe(0);
    },
  );
});

describe("an operator's choice", () => {
  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldForceOpenCircuitBreaker`,
    'given 5 s open time, when it is forced open, then it refuses at once and still after 6 s',
    () => {
      const bench = new BreakerBench(R4J);
      bench.breaker.setMode('force-open');
      expect(bench.refuses()).toBe(true);
      bench.clock.advance(6_000);
      expect(bench.refuses()).toBe(true);
      expect(bench.state).toBe('force-open');
    },
  );

  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldDisableCircuitBreaker`,
    'given at least 5 calls, when 1 succeeds and 5 fail while disabled, then all got through and none was counted',
    () => {
      const bench = new BreakerBench(R4J);
      bench.breaker.setMode('disabled');
      bench.calls('SFFFFF');
      expect(bench.state).toBe('disabled');
      expect(bench.counted.calls).toBe(0);
    },
  );

  scenario(
    'resilience4j',
    'CircuitBreaker.State.METRICS_ONLY',
    'given at least 5 calls, when 100 fail in shadow mode, then all got through and 100 are counted',
    () => {
      const bench = new BreakerBench(R4J);
      bench.breaker.setMode('metrics-only');
      bench.calls('F'.repeat(100));
      expect(bench.state).toBe('metrics-only');
      expect(bench.counted).toEqual({ calls: 100, failures: 100, slowCalls: 0 });
    },
  );

  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldResetToClosedState`,
    'given an open breaker, when it is reset, then it is closed and lets calls through',
    () => {
      const bench = new BreakerBench(R4J).open();
      bench.breaker.reset();
      expect(bench.state).toBe('closed');
      expect(bench.refuses()).toBe(false);
    },
  );

  scenario(
    'Polly',
    'CircuitStateControllerTests.IsolateAsync_Ok',
    'given an isolated circuit, when it is closed by hand, then calls get through',
    () => {
      const bench = new BreakerBench();
      bench.breaker.setMode('force-open');
      expect(bench.refuses()).toBe(true);
      bench.breaker.setMode('enabled');
      expect(bench.state).toBe('closed');
      expect(bench.refuses()).toBe(false);
    },
  );

  scenario(
    'Polly',
    'CircuitStateControllerTests.OnActionSuccess_EnsureCorrectBehavior (Isolated stays Isolated)',
    'given a call that was out when it was isolated, when it succeeds, then it stays isolated',
    () => {
      const bench = new BreakerBench();
      const out = bench.take();
      bench.breaker.setMode('force-open');
      bench.settle(out, 'S');
      expect(bench.state).toBe('force-open');
    },
  );
});

describe('what a breaker tells', () => {
  scenario(
    'resilience4j',
    `${R4J_TEST}.shouldThrowCallNotPermittedExceptionWhenStateIsOpen (numberOfNotPermittedCalls)`,
    'given an open breaker, when 3 calls are refused, then 3 are counted as not permitted and none as a call',
    () => {
      const bench = new BreakerBench(R4J).open();
      const { calls } = bench.counted;
      expect(bench.refuses() && bench.refuses() && bench.refuses()).toBe(true);
      expect(bench.breaker.snapshot().notPermitted).toBe(3);
      expect(bench.notices.filter(({ notice }) => notice === 'not-permitted')).toHaveLength(3);
      expect(bench.counted.calls).toBe(calls);
    },
  );

  scenario(
    'resilience4j',
    'EventProcessor (an event consumer that throws is logged, and the call goes on)',
    'given a listener that throws on everything, when 20 calls fail and one is refused, then it is open as ever',
    () => {
      const broken = (): never => {
        throw new Error('a listener with a bug');
      };
      const { policy, clock } = new BreakerBench();
      const breaker = new CircuitBreaker(policy, clock, () => 0.5, { transition: broken, notice: broken });
      for (let call = 0; call < 20; call++) {
        const token = breaker.tryAcquire();
        if (token !== undefined) breaker.settle(token, 'failure');
      }
      expect(breaker.stateName).toBe('open');
      expect(breaker.tryAcquire()).toBeUndefined();
      clock.advance(5_000);
      expect(breaker.tryAcquire()).toBeDefined();
    },
  );

  scenario(
    'resilience4j',
    'CircuitBreakerConfig.transitionOnResult (a result may keep it open for a duration of its own)',
    'given 5 s open, when the failure that opens it asks for 20 s, then it stays open for 20 s; asking for 2 s leaves 5 s',
    () => {
      for (const [asked, expected] of [
        [20_000, 20_000],
        [2_000, 5_000],
      ] as const) {
        const bench = new BreakerBench({ minimumNumberOfCalls: 1, retryAfterExtendsOpen: true });
        bench.settle(bench.take(), 'F', asked);
        expect(bench.breaker.retryAfterMs).toBe(expected);
      }
    },
  );

  scenario(
    'AWS',
    '@smithy/core submodules/retry (a Retry-After is believed within bounds)',
    'given a cap of 60 s, when the failure that opens it asks for a day, then it stays open for 60 s',
    () => {
      const bench = new BreakerBench({ minimumNumberOfCalls: 1, retryAfterExtendsOpen: true });
      bench.settle(bench.take(), 'F', 86_400_000);
      expect(bench.breaker.retryAfterMs).toBe(60_000);
    },
  );
});
