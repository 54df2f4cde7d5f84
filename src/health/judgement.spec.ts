import { type Evidence, judge } from './judgement.js';
import { type ProbeResult } from './probe.js';

const NOTHING: Evidence = {
  breaker: { state: 'closed', calls: 0, failures: 0, slowCalls: 0, retryAfterMs: 0 },
  failureRateThresholdPercent: 50,
  slowCallRateThresholdPercent: 100,
  traffic: { lastSuccessAt: undefined, lastFailure: undefined, failuresInARow: 0 },
  probeIntervalMs: 5_000,
  probe: undefined,
};

type Given = Partial<Omit<Evidence, 'breaker' | 'traffic'>> & {
  readonly breaker?: Partial<Evidence['breaker']>;
  readonly succeededAt?: number;
  readonly failedAt?: number;
  /** Default 1 where it failed at all. */
  readonly inARow?: number;
};

function given({ breaker, succeededAt, failedAt, inARow, ...evidence }: Given): Evidence {
  return {
    ...NOTHING,
    ...evidence,
    breaker: { ...NOTHING.breaker, ...breaker },
    traffic: {
      lastSuccessAt: succeededAt,
      lastFailure: failedAt === undefined ? undefined : { at: failedAt, reason: 'reset' },
      failuresInARow: inARow ?? (failedAt === undefined ? 0 : 1),
    },
  };
}

function answered(at: number, rest: Partial<ProbeResult> = {}): ProbeResult {
  return { ok: true, at, durationMs: 3, silentEndpoints: 0, ...rest };
}

function silent(at: number): ProbeResult {
  return { ok: false, at, durationMs: 3, silentEndpoints: 1, reason: 'connect' };
}

describe('the judgement of an upstream', () => {
  it.each<[string, Given, string, RegExp | undefined]>([
    // Nobody has asked yet.
    ['nothing is known', {}, 'unknown', /neither called nor probed/],
    ['nothing is known and nobody probes', { probeIntervalMs: null }, 'unknown', /neither called nor probed/],

    // In service.
    ['the probe was answered', { probe: answered(100) }, 'up', undefined],
    ['a call succeeded', { succeededAt: 100 }, 'up', undefined],
    ['a call failed, and the window has forgotten it', { failedAt: 100 }, 'up', undefined],
    ['the health path is not there', { probe: answered(100, { reason: 'status 404' }) }, 'up', /status 404/],
    ['the probe failed', { probe: silent(100) }, 'down', /probe failed: connect/],
    [
      'the probe failed long after a success',
      { probe: silent(9_000), succeededAt: 4_000 },
      'down',
      /connect/,
    ],
    [
      'the probe failed just after a success',
      { probe: silent(9_000), succeededAt: 4_001 },
      'degraded',
      /calls succeed/,
    ],
    [
      'calls succeed since the probe failed',
      { probe: silent(100), succeededAt: 101 },
      'degraded',
      /calls succeed/,
    ],
    [
      'the probe failed just after a success, and a call has failed since',
      { probe: silent(9_000), succeededAt: 8_000, failedAt: 8_500, inARow: 2 },
      'degraded',
      /calls succeed/,
    ],
    [
      'the probe failed just after a success, and calls have only failed since',
      { probe: silent(9_000), succeededAt: 8_000, failedAt: 8_500, inARow: 3 },
      'down',
      /probe failed: connect/,
    ],
    ['calls fail since the probe was answered', { probe: answered(100), failedAt: 200 }, 'up', undefined],
    [
      'calls have only failed since the probe was answered, too few for the breaker',
      { probe: answered(100), failedAt: 200, inARow: 3 },
      'degraded',
      /last 3 attempts failed: reset/,
    ],
    [
      'the probe is answered after calls failed',
      { probe: answered(300), failedAt: 200, inARow: 9 },
      'up',
      undefined,
    ],
    [
      'calls have only failed, and nobody probes',
      { probeIntervalMs: null, failedAt: 200, inARow: 3 },
      'degraded',
      /last 3 attempts failed/,
    ],
    [
      'one endpoint of several is silent',
      { probe: answered(100, { silentEndpoints: 1, reason: 'connect' }) },
      'degraded',
      /1 endpoint\(s\) silent: connect/,
    ],

    // The breaker's window, with the breaker closed.
    ['few calls fail', { succeededAt: 1, breaker: { calls: 100, failures: 24 } }, 'up', undefined],
    [
      'calls fail half as often as opens the breaker',
      { succeededAt: 1, breaker: { calls: 100, failures: 25 } },
      'degraded',
      /25 of 100 calls failed/,
    ],
    [
      'the only call failed, its health path answers',
      { probe: answered(1), breaker: { calls: 1, failures: 1 } },
      'degraded',
      /1 of 1 calls failed/,
    ],
    ['some calls are slow', { succeededAt: 1, breaker: { calls: 100, slowCalls: 49 } }, 'up', undefined],
    [
      'calls are slow half as often as opens the breaker',
      { succeededAt: 1, breaker: { calls: 100, slowCalls: 50 } },
      'degraded',
      /50 of 100 calls slow/,
    ],
    [
      'all calls fail, but the breaker may only count',
      { succeededAt: 1, breaker: { state: 'metrics-only', calls: 30, failures: 30 } },
      'degraded',
      /30 of 30 calls failed/,
    ],
    ['the breaker is off', { succeededAt: 1, breaker: { state: 'disabled' } }, 'up', undefined],
    [
      'the breaker is off, and the probe failed',
      { probe: silent(1), breaker: { state: 'disabled' } },
      'down',
      /probe/,
    ],

    // Calls are refused, whatever the probe says.
    [
      'the breaker is open',
      { probe: answered(200), breaker: { state: 'open', retryAfterMs: 1 } },
      'down',
      /breaker is open/,
    ],
    [
      'the breaker is forced open',
      { probe: answered(200), succeededAt: 200, breaker: { state: 'force-open', retryAfterMs: 60_000 } },
      'down',
      /forced open/,
    ],

    // The open time is over: only a call can close the breaker now.
    [
      'it was open, and nothing was heard since',
      { failedAt: 100, breaker: { state: 'open' } },
      'down',
      /waits/,
    ],
    [
      'it was open, and a probe failed since',
      { failedAt: 100, probe: silent(200), breaker: { state: 'open' } },
      'down',
      /waits/,
    ],
    [
      'it was open, and a probe was answered since',
      { failedAt: 100, probe: answered(200), breaker: { state: 'open' } },
      'degraded',
      /lets a few calls through/,
    ],
    [
      'it was open, and a probe was answered before it failed',
      { failedAt: 300, probe: answered(200), breaker: { state: 'open' } },
      'down',
      /waits/,
    ],
    [
      'it was open, and nobody probes',
      { failedAt: 100, probeIntervalMs: null, breaker: { state: 'open' } },
      'degraded',
      /lets a few calls through/,
    ],
    [
      'half-open, and a trial call failed',
      { probe: answered(200), failedAt: 300, breaker: { state: 'half-open' } },
      'down',
      /waits/,
    ],
    [
      'half-open, and a trial call succeeded',
      { probe: silent(200), succeededAt: 300, breaker: { state: 'half-open', retryAfterMs: 9 } },
      'degraded',
      /lets a few calls through/,
    ],
  ])('%s', (_what, evidence, status, reason) => {
    const judgement = judge(given(evidence));
    expect(judgement.status).toBe(status);
    if (reason === undefined) expect(judgement.reason).toBeUndefined();
    else expect(judgement.reason).toMatch(reason);
  });
});
