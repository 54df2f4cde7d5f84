import { type Verdict, VERDICTS, verdictOf } from '../../src/resilience/verdict.js';
import { verdictOfStatus } from '../../src/upstream/classify.js';
import { differs, scenario, type Source } from './scenario.js';
import { NO_BACKOFF, ScriptedUpstream, type WireAttempt } from './scripted-upstream.js';

type Recorded = Verdict['breaker'];

/** What the breaker records of one attempt that ends like this. */
function recorded(end: (attempt: WireAttempt, scripted: ScriptedUpstream) => void, method = 'GET'): Recorded {
  const scripted = new ScriptedUpstream({ retry: { maxAttempts: 1 } }, { random: NO_BACKOFF });
  scripted.call({ method });
  end(scripted.last, scripted);
  const { calls, failures } = scripted.upstream.breaker.snapshot();
  if (calls === 0) return 'neutral';
  return failures === 0 ? 'success' : 'failure';
}

const status =
  (code: number) =>
  (attempt: WireAttempt): void => {
    attempt.answer(code);
  };

describe('what the breaker makes of an outcome', () => {
  const ROWS: readonly (readonly [Source, string, string, Parameters<typeof recorded>[0], Recorded])[] = [
    [
      '.NET resilience',
      'HttpClientResiliencePredicates',
      'given a 500, then it is a failure',
      status(500),
      'failure',
    ],
    [
      '.NET resilience',
      'HttpClientResiliencePredicates',
      'given a 503, then it is a failure',
      status(503),
      'failure',
    ],
    [
      '.NET resilience',
      'HttpClientResiliencePredicates',
      'given a 408, then it is a failure',
      status(408),
      'failure',
    ],
    [
      'Envoy',
      'outlier_detection.proto: a 4xx is no 5xx',
      'given a 404, then the upstream works',
      status(404),
      'success',
    ],
    [
      'Envoy',
      'outlier_detection.proto: a 4xx is no 5xx',
      'given a 409, then the upstream works',
      status(409),
      'success',
    ],
    ['RFC 9110', '15.6.2 (501 Not Implemented)', 'given a 501, then it is a failure', status(501), 'failure'],
    ['RFC 9110', '15.4 Redirection 3xx', 'given a 304, then the upstream works', status(304), 'success'],
    [
      'Envoy',
      'outlier_detection.proto: local origin failures count as 502 to 504',
      'given that nobody takes the connection, then it is a failure',
      (attempt) => {
        attempt.fail('connect');
      },
      'failure',
    ],
    [
      'Envoy',
      'outlier_detection.proto: local origin failures count as 502 to 504',
      'given a connection that is reset after the request was sent, then it is a failure',
      (attempt) => {
        attempt.fail('reset');
      },
      'failure',
    ],
    [
      'Finagle',
      'Failure.Ignorable (a superseded or interrupted request)',
      'given a caller that leaves, then nothing is recorded',
      (attempt) => {
        attempt.fail('canceled');
      },
      'neutral',
    ],
    [
      'resilience4j',
      'CircuitBreakerConfig.ignoreExceptions',
      'given an answer larger than our own cap, then nothing is recorded',
      (attempt) => {
        attempt.fail('too-large');
      },
      'neutral',
    ],
  ];
  for (const [source, where, fact, end, expected] of ROWS) {
    scenario(source, where, fact, () => {
      expect(recorded(end)).toBe(expected);
    });
  }

  differs(
    '.NET resilience',
    'HttpClientResiliencePredicates (429 opens the circuit)',
    'given a 429, then nothing is recorded',
    'who throttles us works; opening for everybody because one caller is throttled makes an outage of a quota',
    () => {
      expect(recorded(status(429))).toBe('neutral');
    },
  );

  scenario(
    'RFC 8470',
    '5.2 The 425 (Too Early) Status Code',
    'given a 425, then the upstream works, and a GET may be repeated',
    () => {
      expect(recorded(status(425))).toBe('success');
      expect(verdictOfStatus(425, false).retry).toBe('if-replay-safe');
    },
  );

  scenario(
    'AWS',
    '@smithy/core submodules/retry: TRANSIENT 500, 502, 503, 504',
    'given retryOn500, when a 500 comes, then it may be repeated; without it, it may not',
    () => {
      expect(verdictOfStatus(500, true)).toMatchObject({ breaker: 'failure', retry: 'if-replay-safe' });
      expect(verdictOfStatus(500, false)).toMatchObject({ breaker: 'failure', retry: 'never' });
    },
  );

  scenario(
    'Polly',
    'PredicateBuilder (what is not handled is nobody’s failure)',
    'given an error nobody has classified, a bug of ours, then it is neutral, and not repeated',
    () => {
      for (const error of [new TypeError('a bug'), 'a string', undefined, null]) {
        expect(verdictOf(error)).toEqual(VERDICTS.neutral);
      }
    },
  );

  scenario(
    'concurrency-limits',
    'Limiter.Listener: onSuccess, onIgnore, onDropped',
    'given 200, 503, 429 and a client that left, then they are a sample, a drop, a drop and nothing to a limit',
    () => {
      expect(verdictOfStatus(200, false).limit).toBe('sample');
      expect(verdictOfStatus(503, false).limit).toBe('drop');
      expect(verdictOfStatus(429, false).limit).toBe('drop');
      expect(VERDICTS.neutral.limit).toBe('ignore');
    },
  );
});
