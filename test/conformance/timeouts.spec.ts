import { resolvePolicy } from '../../src/upstream/config/policy.js';
import { RequestContext } from '../../src/upstream/request-context.js';
import { differs, scenario } from './scenario.js';
import { NO_BACKOFF, NO_BREAKER, ScriptedUpstream, type WireAttempt } from './scripted-upstream.js';

const ONCE = { retry: { maxAttempts: 1 } } as const;
const TIME_LEFT = 'x-envoy-expected-rq-timeout-ms';

function answerAfter(ms: number, status = 200) {
  return (attempt: WireAttempt, clock: ScriptedUpstream['clock']): void => {
    clock.setTimeout(
      () => {
        attempt.answer(status);
      },
      ms,
      undefined,
    );
  };
}

describe('the time of an attempt', () => {
  scenario(
    'resilience4j',
    'TimeLimiterConfig.cancelRunningFuture (true), timeoutDuration 1 s',
    'given 1 s, when 999 ms have passed the attempt runs; at 1 s it fails, and the wire is cut',
    () => {
      const scripted = new ScriptedUpstream(ONCE);
      const caller = scripted.call();
      scripted.clock.advance(999);
      expect(caller.outcome).toBe('pending');
      scripted.clock.advance(1);
      expect(caller.outcome).toBe('timeout');
      expect(scripted.last.state).toBe('cut');
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'Envoy',
    'router_filter.rst: per_try_timeout (a try that takes too long is retried)',
    'given 1 s an attempt, when the first hangs and the second answers in 10 ms, then the caller has it after 1,010 ms',
    () => {
      let asked = 0;
      const scripted = new ScriptedUpstream(
        {},
        {
          random: NO_BACKOFF,
          script: (attempt, clock) => {
            if (asked++ > 0) answerAfter(10)(attempt, clock);
          },
        },
      );
      const caller = scripted.call();
      scripted.clock.advance(1_009);
      expect(caller.outcome).toBe('pending');
      scripted.clock.advance(1);
      expect(caller.outcome).toBe('ok');
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testTripCircuitOnTimeouts',
    'given at least 4 calls, when 4 of 4 time out, then the breaker is open',
    () => {
      const scripted = new ScriptedUpstream({ ...ONCE, circuitBreaker: { minimumNumberOfCalls: 4 } });
      for (let call = 0; call < 4; call++) scripted.call();
      scripted.clock.advance(1_000);
      expect(scripted.upstream.breaker.stateName).toBe('open');
      expect(scripted.call().outcome).toBe('open');
      expect(scripted.attempts).toHaveLength(4);
    },
  );

  scenario(
    'Hystrix',
    'HystrixCircuitBreakerTest.testTripCircuitOnTimeoutsAboveThreshold',
    'given 50 %, when 4 calls answer and then 4 time out, then the breaker opens',
    () => {
      const scripted = new ScriptedUpstream({ ...ONCE, circuitBreaker: { minimumNumberOfCalls: 5 } });
      for (let call = 0; call < 4; call++) {
        scripted.call();
        scripted.last.answer();
      }
      for (let call = 0; call < 4; call++) scripted.call();
      scripted.clock.advance(999);
      expect(scripted.upstream.breaker.stateName).toBe('closed');
      scripted.clock.advance(1);
      expect(scripted.upstream.breaker.stateName).toBe('open');
    },
  );

  differs(
    'opossum',
    'O4: a timeout gives the permit back while the work goes on (capacity 2, 16 running)',
    'given 2 permits, when 16 calls hang one after another, then at no time more than 2 are on the wire',
    'the wire is cut before the permit goes back',
    () => {
      let most = 0;
      const scripted: ScriptedUpstream = new ScriptedUpstream(
        { ...ONCE, bulkhead: { maxConcurrentCalls: 2, maxQueueWaitMs: 0 }, ...NO_BREAKER },
        {
          script: () => {
            most = Math.max(most, scripted.open.length);
          },
        },
      );
      for (let call = 0; call < 16; call++) {
        scripted.call();
        scripted.clock.advance(500);
      }
      scripted.clock.advance(3_000);
      expect(most).toBe(2);
      scripted.expectNothingLeft();
    },
  );

  differs(
    'opossum',
    'O6: one AbortController a circuit (a timeout aborts innocent siblings)',
    'given calls 500 ms apart, when the first times out, then the second runs on and answers',
    'each attempt has its own teardown',
    () => {
      const scripted = new ScriptedUpstream(ONCE);
      const first = scripted.call();
      scripted.clock.advance(500);
      const second = scripted.call();
      scripted.clock.advance(500);
      expect([first.outcome, second.outcome]).toEqual(['timeout', 'pending']);
      scripted.last.answer();
      expect(second.outcome).toBe('ok');
    },
  );

  differs(
    'cockatiel',
    'TimeoutPolicy (C8: onTimeout also when the parent aborts)',
    'given a caller that leaves after 10 ms, when 3 s have passed, then no timeout is told',
    'nothing has timed out',
    () => {
      const scripted = new ScriptedUpstream();
      const caller = scripted.call();
      scripted.clock.advance(10);
      caller.leave();
      scripted.clock.advance(3_000);
      expect(scripted.events.map((event) => (event.type === 'attempt' ? event.outcome : ''))).not.toContain(
        'timeout',
      );
    },
  );
});

describe('the deadline of a call', () => {
  scenario(
    'Envoy',
    'faq/configuration/timeouts.rst: 3 s in all, the first try takes 2.7 s, and 0.3 s are left for the retry',
    'given 3 s, when a 503 comes after 2.7 s and the retry hangs, then the caller has its answer after 3 s',
    () => {
      let asked = 0;
      const scripted = new ScriptedUpstream(
        { deadlineMs: 3_000, attemptTimeoutMs: 2_900, circuitBreaker: { windowMs: 10_000 } },
        {
          random: NO_BACKOFF,
          script: (attempt, clock) => {
            if (asked++ === 0) answerAfter(2_700, 503)(attempt, clock);
          },
        },
      );
      const caller = scripted.call();
      scripted.clock.advance(2_999);
      expect(scripted.attempts).toHaveLength(2);
      expect(caller.outcome).toBe('pending');
      scripted.clock.advance(1);
      expect(caller.outcome).toBe('deadline');
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'gRPC',
    'A6 (one deadline across all attempts)',
    'given 1 s and attempts of 400 ms, when all hang, then the third is cut after 200 ms, and there is no fourth',
    () => {
      const scripted = new ScriptedUpstream(
        { deadlineMs: 1_000, attemptTimeoutMs: 400, retry: { maxAttempts: 10 }, ...NO_BREAKER },
        { random: NO_BACKOFF },
      );
      const caller = scripted.call();
      scripted.clock.advance(1_000);
      expect(scripted.attempts.map(({ at }) => at)).toEqual([0, 400, 800]);
      expect(caller.outcome).toBe('deadline');
    },
  );

  scenario(
    'gRPC',
    'A6 (a retry that cannot start before the deadline is not scheduled)',
    'given 200 ms left, when a 503 says Retry-After: 1, then the caller has it at once, with no timer waiting',
    () => {
      const scripted = new ScriptedUpstream({}, { random: NO_BACKOFF });
      const caller = scripted.call({ deadlineMs: 200 });
      scripted.last.answer(503, { 'retry-after': '1' });
      expect(caller.outcome).toBe('status');
      expect(scripted.withdrawn).toBe(0);
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'Finagle',
    'DeadlineFilterTest "should ignore non-expired deadline for the request"',
    'given a deadline in 1 s, when 200 ms have passed, then the call is made',
    () => {
      const scripted = new ScriptedUpstream();
      const context = new RequestContext('r', 1_000, {});
      scripted.clock.advance(200);
      scripted.call({}, context);
      expect(scripted.attempts).toHaveLength(1);
    },
  );

  differs(
    'Finagle',
    'DeadlineFilterTest "exceeded ... bucket contains too few tokens" (serves it nevertheless)',
    'given a deadline of 200 ms, when 1 s has passed, then the call is not made, and has cost nothing',
    'nobody waits for the answer any more',
    () => {
      const scripted = new ScriptedUpstream();
      const context = new RequestContext('r', 200, {});
      scripted.clock.advance(1_000);
      expect(scripted.call({}, context).outcome).toBe('deadline');
      expect(scripted.attempts).toHaveLength(0);
      expect(scripted.tokens).toHaveLength(0);
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'Envoy',
    'router_filter.rst: x-envoy-expected-rq-timeout-ms',
    'given 3 s and attempts of 1 s, when two hang, then the three are told 1000, 1000 and what is left',
    () => {
      const scripted = new ScriptedUpstream(
        { deadlineMs: 2_500, attemptTimeoutMs: 1_000, retry: { maxAttempts: 3 }, ...NO_BREAKER },
        { random: NO_BACKOFF },
      );
      scripted.call();
      scripted.clock.advance(2_000);
      expect(scripted.attempts.map((attempt) => attempt.header(TIME_LEFT))).toEqual(['1000', '1000', '500']);
    },
  );

  scenario(
    'Envoy',
    'router_filter.rst: x-envoy-upstream-rq-timeout-ms (an internal caller may ask for less)',
    'given 3 s, when a request asks for 300 ms and another for 60 s, then they end after 300 ms and 3 s',
    () => {
      const scripted = new ScriptedUpstream({
        attemptTimeoutMs: 3_000,
        ...ONCE,
        circuitBreaker: { windowMs: 10_000 },
      });
      const short = scripted.call({ deadlineMs: 300 });
      const long = scripted.call({ deadlineMs: 60_000 });
      scripted.clock.advance(300);
      expect([short.outcome, long.outcome]).toEqual(['deadline', 'pending']);
      scripted.clock.advance(2_700);
      expect(long.outcome).not.toBe('pending');
    },
  );

  scenario(
    'Envoy',
    'router_filter.rst: x-envoy-attempt-count',
    'given 3 attempts, when all fail, then they are numbered 1, 2 and 3',
    () => {
      const scripted = new ScriptedUpstream(
        { retry: { maxAttempts: 3 }, ...NO_BREAKER },
        {
          random: NO_BACKOFF,
          script: (attempt) => {
            attempt.fail('reset');
          },
        },
      );
      scripted.call();
      scripted.clock.advance(3_000);
      expect(scripted.attempts.map((attempt) => attempt.header('x-envoy-attempt-count'))).toEqual([
        '1',
        '2',
        '3',
      ]);
    },
  );
});

describe('what a policy may say', () => {
  for (const [rule, written, key] of [
    [
      'AttemptTimeout <= TotalRequestTimeout',
      { attemptTimeoutMs: 4_000, deadlineMs: 3_000 },
      'attemptTimeoutMs',
    ],
    [
      'CircuitBreaker.SamplingDuration >= 2 x AttemptTimeout',
      { attemptTimeoutMs: 3_000, circuitBreaker: { windowMs: 5_000 } },
      'windowMs',
    ],
  ] as const) {
    scenario(
      '.NET resilience',
      `HttpStandardResilienceOptionsCustomValidator: ${rule}`,
      `given ${JSON.stringify(written)}, when the policy is loaded, then it is refused`,
      () => {
        expect(() => resolvePolicy(written)).toThrow(new RegExp(key));
      },
    );
  }
});
