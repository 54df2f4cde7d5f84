import { fullJitter } from '../../src/resilience/backoff.js';
import { seededRandom } from '../../src/resilience/random.js';
import { parseRetryAfter } from '../../src/upstream/retry-after.js';
import { differs, scenario } from './scenario.js';
import { draws, NO_BACKOFF, NO_BREAKER, ScriptedUpstream, type WireAttempt } from './scripted-upstream.js';

const ENVOY = 'retry_state_impl_test.cc RouterRetryStateImplTest';

const answers =
  (status: number, headers: Readonly<Record<string, string>> = {}) =>
  (attempt: WireAttempt): void => {
    attempt.answer(status, headers);
  };
const fails =
  (kind: Parameters<WireAttempt['fail']>[0]) =>
  (attempt: WireAttempt): void => {
    attempt.fail(kind);
  };

/** An upstream whose attempts all end the same way, once all its delays are over. */
function played(
  script: (attempt: WireAttempt) => void,
  maxAttempts: number,
  request: Parameters<ScriptedUpstream['call']>[0] = {},
): { attempts: number; outcome: string } {
  const scripted = new ScriptedUpstream(
    { retry: { maxAttempts }, ...NO_BREAKER },
    { script, random: NO_BACKOFF },
  );
  const caller = scripted.call(request);
  scripted.clock.advance(3_000);
  scripted.expectNothingLeft();
  return { attempts: scripted.attempts.length, outcome: caller.outcome };
}

describe('how often', () => {
  scenario(
    'resilience4j',
    'SupplierRetryTest (maxAttempts counts the first)',
    'given 3 attempts, when all fail, then the upstream is asked 3 times, and the caller gets its last error',
    () => {
      let asked = 0;
      const scripted = new ScriptedUpstream(
        { retry: { maxAttempts: 3 }, ...NO_BREAKER },
        {
          random: NO_BACKOFF,
          script: (attempt) => {
            attempt.answer([502, 504, 503][asked++]);
          },
        },
      );
      const caller = scripted.call();
      scripted.clock.advance(3_000);
      expect(scripted.attempts).toHaveLength(3);
      expect(caller.failure?.status).toBe(503);
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.MaxRetriesHeader`,
    'given 3 retries, when the fourth attempt cannot connect either, then its error goes to the caller',
    () => {
      expect(played(fails('connect'), 4)).toEqual({ attempts: 4, outcome: 'connect' });
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.ZeroMaxRetriesHeader`,
    'given 0 retries, when connecting fails, then that is it',
    () => {
      expect(played(fails('connect'), 1)).toEqual({ attempts: 1, outcome: 'connect' });
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.NoPreferredOverLimitExceeded`,
    'given 1 retry, when a 503 is followed by a 200, then the 200 is the answer',
    () => {
      let asked = 0;
      const result = played((attempt) => {
        attempt.answer(asked++ === 0 ? 503 : 200);
      }, 2);
      expect(result).toEqual({ attempts: 2, outcome: 'ok' });
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.Policy5xxRemote200RemoteReset (no retry after the reply has begun)`,
    'given 4 attempts, when the answer has begun and the connection resets, then nobody is asked again',
    () => {
      const scripted = new ScriptedUpstream({ retry: { maxAttempts: 4 } }, { random: NO_BACKOFF });
      const caller = scripted.call();
      scripted.last.emit();
      scripted.last.fail('reset');
      scripted.clock.advance(3_000);
      expect(scripted.attempts).toHaveLength(1);
      expect(caller.signals).toEqual(['next', 'error']);
    },
  );

  scenario(
    'gRPC',
    'A6 "When Retries are Valid" (committed: not even a transparent retry)',
    'given 4 attempts, when the answer has begun and the connection is said to have been idle, then nobody is asked again',
    () => {
      const scripted = new ScriptedUpstream({ retry: { maxAttempts: 4 } }, { random: NO_BACKOFF });
      scripted.call();
      scripted.last.emit();
      scripted.last.fail('idle-closed');
      scripted.clock.advance(3_000);
      expect(scripted.attempts).toHaveLength(1);
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.Policy5xxResetOverflow (a local overflow is not retried)`,
    'given 1 permit, no queue and 4 attempts, when a second call finds no permit, then it fails at once and for good',
    () => {
      const scripted = new ScriptedUpstream(
        { retry: { maxAttempts: 4 }, bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 } },
        { random: NO_BACKOFF },
      );
      scripted.call();
      expect(scripted.call().outcome).toBe('full');
      scripted.clock.advance(500);
      expect(scripted.attempts).toHaveLength(1);
      expect(scripted.withdrawn).toBe(0);
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.Cancel`,
    'given a retry that is waiting, when the caller leaves, then no timer is left and nobody is asked again',
    () => {
      const scripted = new ScriptedUpstream({ retry: { maxAttempts: 4 } });
      const caller = scripted.call();
      scripted.last.answer(503);
      expect(scripted.clock.pendingTimers).toBeGreaterThan(0);
      caller.leave();
      scripted.expectNothingLeft();
      scripted.clock.advance(3_000);
      expect(scripted.attempts).toHaveLength(1);
    },
  );

  scenario(
    'gRPC',
    'A6 "Transparent Retries" (seen by the server library only: once, at once, not an attempt)',
    'given 1 attempt and no budget, when an idle connection turns out closed, then the call is repeated once, at once',
    () => {
      const scripted = new ScriptedUpstream({
        retry: { maxAttempts: 1 },
        retryBudget: { percent: 0, minRetriesPerSecond: 0 },
      });
      const caller = scripted.call();
      scripted.last.fail('idle-closed');
      expect(scripted.attempts.map(({ at }) => at)).toEqual([0, 0]);
      scripted.last.fail('idle-closed');
      expect(scripted.attempts).toHaveLength(2);
      expect(caller.outcome).toBe('reset');
      expect(scripted.withdrawn).toBe(0);
    },
  );
});

describe('what is repeated', () => {
  for (const status of [502, 503, 504]) {
    scenario(
      'Envoy',
      `${ENVOY}.PolicyGatewayErrorRemote${status}`,
      `given 2 attempts, when a GET is answered ${status}, then it is repeated`,
      () => {
        expect(played(answers(status), 2)).toEqual({ attempts: 2, outcome: 'status' });
      },
    );
  }

  scenario(
    'Envoy',
    'retry_on: gateway-error',
    'given 2 attempts, when a GET is answered 500, then it is not repeated',
    () => {
      expect(played(answers(500), 2)).toEqual({ attempts: 1, outcome: 'status' });
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.PolicyGatewayErrorRemoteReset`,
    'given 2 attempts, when the connection of a GET is reset, then it is repeated',
    () => {
      expect(played(fails('reset'), 2)).toEqual({ attempts: 2, outcome: 'reset' });
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.PolicyConnectFailureResetConnectFailure`,
    'given 2 attempts, when a POST finds no connection, then it is repeated: it was never sent',
    () => {
      expect(played(fails('connect'), 2, { method: 'POST' })).toEqual({ attempts: 2, outcome: 'connect' });
    },
  );

  differs(
    'Envoy',
    `${ENVOY}.PolicyRetriable4xxRetry (409 on demand)`,
    'given 2 attempts, when a GET is answered 409, then it is not repeated',
    'a conflict is an answer; asking again gives it again',
    () => {
      expect(played(answers(409), 2).attempts).toBe(1);
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.PolicyRetriable4xxNoRetry`,
    'given 2 attempts, when a GET is answered 400, then it is not repeated',
    () => {
      expect(played(answers(400), 2).attempts).toBe(1);
    },
  );

  scenario(
    '.NET resilience',
    'HttpClientResiliencePredicates (>= 500, 408, 429)',
    'given 2 attempts, when a GET is answered 408 or 429, then it is repeated',
    () => {
      expect(played(answers(408), 2)).toEqual({ attempts: 2, outcome: 'status' });
      expect(played(answers(429), 2)).toEqual({ attempts: 2, outcome: 'status' });
    },
  );

  differs(
    '.NET resilience',
    'HttpRetryStrategyOptions (every verb, unless DisableForUnsafeHttpMethods)',
    'given 2 attempts, when a POST or a PATCH is answered 503, or its connection is reset, then it is not repeated',
    'it may have been acted upon',
    () => {
      for (const method of ['POST', 'PATCH']) {
        expect(played(answers(503), 2, { method }).attempts).toBe(1);
        expect(played(fails('reset'), 2, { method }).attempts).toBe(1);
      }
    },
  );

  scenario(
    'RFC 9110',
    '9.2.2 Idempotent Methods',
    'given 2 attempts, when a 503 answers GET, HEAD, OPTIONS, TRACE, PUT or DELETE, then each is repeated',
    () => {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']) {
        expect(played(answers(503), 2, { method }).attempts).toBe(2);
      }
    },
  );

  scenario(
    'RFC 9110',
    '9.2.2 (a client may repeat what it knows to be idempotent: Idempotency-Key)',
    'given 2 attempts, when a POST with a key is answered 503, then it is repeated with the same key',
    () => {
      const scripted = new ScriptedUpstream({}, { script: answers(503), random: NO_BACKOFF });
      scripted.call({ method: 'POST', headers: { 'Idempotency-Key': 'k-1' } });
      scripted.clock.advance(3_000);
      expect(scripted.attempts.map((attempt) => attempt.header('Idempotency-Key'))).toEqual(['k-1', 'k-1']);
    },
  );

  scenario(
    'is-retry-allowed',
    'index.js denyList (CERT_HAS_EXPIRED and 27 more)',
    'given 4 attempts, when a certificate is not accepted, then a GET is not repeated',
    () => {
      expect(played(fails('certificate'), 4)).toEqual({ attempts: 1, outcome: 'connect' });
    },
  );
});

describe('how long it waits', () => {
  scenario(
    'Envoy',
    `${ENVOY}.Backoff`,
    'given 25 ms, when 60 %, 80 % and 90 % are drawn, then the delays are 15, 40 and 90 ms',
    () => {
      const scripted = new ScriptedUpstream(
        { retry: { maxAttempts: 4 }, ...NO_BREAKER },
        { script: fails('connect'), random: draws(0.6, 0.8, 0.9) },
      );
      scripted.call();
      scripted.clock.advance(1_000);
      expect(scripted.retryDelays.map(Math.round)).toEqual([15, 40, 90]);
      expect(scripted.attempts.map(({ at }) => Math.round(at))).toEqual([0, 15, 55, 145]);
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.CustomBackOffInterval`,
    'given 100 ms and a cap of 1.2 s, when the draws are as in its test, then the delays are 49, 150, 351, 799 and 1199 ms',
    () => {
      const scripted = new ScriptedUpstream(
        {
          deadlineMs: 30_000,
          retry: { maxAttempts: 6, backoffBaseMs: 100, backoffCapMs: 1_200 },
          ...NO_BREAKER,
        },
        {
          script: fails('connect'),
          random: draws(49 / 100, 150 / 200, 351 / 400, 799 / 800, 1_199 / 1_200),
        },
      );
      scripted.call();
      scripted.clock.advance(10_000);
      expect(scripted.retryDelays.map(Math.round)).toEqual([49, 150, 351, 799, 1_199]);
    },
  );

  scenario(
    'AWS',
    'Architecture Blog "Exponential Backoff And Jitter": full jitter',
    'given 25 ms and a cap of 250 ms, when 10,000 retries draw, then each lies in [0, min(250, 25 * 2^n)), half of it on average',
    () => {
      const random = seededRandom(5);
      for (const [retries, boundMs] of [
        [0, 25],
        [1, 50],
        [2, 100],
        [3, 200],
        [4, 250],
        [9, 250],
      ] as const) {
        const delays = Array.from({ length: 10_000 }, () => fullJitter(random, 25, 250, retries));
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...delays)).toBeLessThan(boundMs);
        const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
        expect(Math.abs(mean - boundMs / 2)).toBeLessThan((3 * boundMs) / Math.sqrt(12 * delays.length));
      }
    },
  );

  scenario(
    'Polly',
    'RetryHelperTests.GetRetryDelay_Exponential_Does_Not_Exceed_MaxDelay',
    'given 2 s and a cap of 30 s, when it is retry 1 to 1,025, then the delay is never above 30 s, negative or not a number',
    () => {
      for (const retries of [1, 2, 3, 4, 10, 100, 1_000, 1_024, 1_025]) {
        const delayMs = fullJitter(() => 0.999_999, 2_000, 30_000, retries);
        expect(delayMs).toBeGreaterThan(0);
        expect(delayMs).toBeLessThanOrEqual(30_000);
      }
    },
  );

  scenario(
    'Polly',
    'RetryHelperTests.GetRetryDelay_OverflowWithMaxDelay_ReturnsMaxDelay',
    'given 1 day and a cap of 2 days, when it is retry 1,000, then the bound of the delay is 2 days',
    () => {
      expect(fullJitter(() => 1, 86_400_000, 172_800_000, 1_000)).toBe(172_800_000);
    },
  );

  scenario(
    'gRPC',
    'A6 "Pushback" (grpc-retry-pushback-ms: n)',
    'given up to 1 s, when a 503 says Retry-After: 1, then the retry starts after exactly 1 s, and never before',
    () => {
      const scripted = new ScriptedUpstream({}, { random: NO_BACKOFF });
      scripted.call();
      scripted.last.answer(503, { 'retry-after': '1' });
      scripted.clock.advance(999);
      expect(scripted.attempts).toHaveLength(1);
      scripted.clock.advance(1);
      expect(scripted.attempts).toHaveLength(2);
    },
  );

  differs(
    'gRPC',
    'A6 "Pushback" (resets the backoff, and has no jitter)',
    'given Retry-After: 1 twice, when half is drawn, then the delays are 1,012.5 and 1,025 ms',
    'who were sent away together must not come back together; so the backoff goes on top',
    () => {
      const scripted = new ScriptedUpstream(
        { retry: { maxAttempts: 3 }, ...NO_BREAKER },
        { script: answers(503, { 'retry-after': '1' }), random: () => 0.5 },
      );
      scripted.call();
      scripted.clock.advance(3_000);
      expect(scripted.retryDelays).toEqual([1_012.5, 1_025]);
    },
  );

  scenario(
    'gRPC',
    'A6 "Pushback" (attempts spent: no retry, whatever the server asks)',
    'given 1 attempt, when a 503 says Retry-After: 0, then nobody is asked again',
    () => {
      expect(played(answers(503, { 'retry-after': '0' }), 1).attempts).toBe(1);
    },
  );

  differs(
    'AWS',
    '@smithy/core submodules/retry (Retry-After is clamped to 5 s above the backoff)',
    'given up to 1 s, when a 503 says Retry-After: 2, then the caller gets it at once, and is told to wait 2 s',
    'to come back earlier than asked is a retry known to fail',
    () => {
      const scripted = new ScriptedUpstream({}, { random: NO_BACKOFF });
      const caller = scripted.call();
      scripted.last.answer(503, { 'retry-after': '2' });
      expect(caller.failure).toMatchObject({ status: 503, retryAfterMs: 2_000 });
      expect(scripted.withdrawn).toBe(0);
    },
  );

  scenario(
    'undici',
    'RetryHandler: Retry-After (#4084, #5519, #5683)',
    'given 4 attempts, when a 503 says Retry-After: 99999999999, -1, 1.5 or soon, then no timer is longer than the deadline',
    () => {
      for (const value of ['99999999999', '-1', '1.5', 'soon', '']) {
        const scripted = new ScriptedUpstream(
          { retry: { maxAttempts: 4 }, ...NO_BREAKER },
          { script: answers(503, { 'retry-after': value }), random: NO_BACKOFF },
        );
        const caller = scripted.call();
        scripted.clock.advance(3_000);
        expect(caller.outcome).toBe('status');
        expect(scripted.attempts).toHaveLength(value.startsWith('9') ? 1 : 4);
        scripted.expectNothingLeft();
      }
    },
  );

  const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);
  for (const [form, value, waitMs] of [
    ['delay-seconds', '120', 120_000],
    ['IMF-fixdate', 'Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['rfc850-date', 'Thursday, 01-Jan-26 12:00:30 GMT', 30_000],
    ['asctime-date', 'Thu Jan  1 12:00:30 2026', 30_000],
    ['a date that has passed', 'Thu, 01 Jan 2026 11:59:00 GMT', 0],
    ['no known form', 'in a minute', undefined],
  ] as const) {
    scenario(
      'RFC 9110',
      `10.2.3 Retry-After, ${form}`,
      `given noon, when it says ${value}, then the wait is ${waitMs ?? 'not known'} ms`,
      () => {
        expect(parseRetryAfter(value, NOW)).toBe(waitMs);
      },
    );
  }
});
