import fc from 'fast-check';
import {
  type BreakerNotice,
  type BreakerSnapshot,
  type BreakerToken,
  type BreakerTransition,
  CircuitBreaker,
  type CircuitBreakerPolicy,
} from './circuit-breaker.js';
import { type Random, seededRandom } from './random.js';
import { BREAKER } from './testing/spec-support.js';
import { VirtualClock } from './virtual-clock.js';

type Outcome = 'success' | 'failure' | 'neutral';
const OUTCOMES: readonly Outcome[] = ['success', 'failure', 'neutral'];

/** Draws that leave the open time as it is: half of the jitter's spread. */
const NO_JITTER: Random = () => 0.5;

class Bench {
  readonly clock = new VirtualClock();
  readonly transitions: BreakerTransition[] = [];
  readonly notices: BreakerNotice[] = [];
  readonly breaker: CircuitBreaker;

  constructor(policy: Partial<CircuitBreakerPolicy> = {}, random: Random = NO_JITTER) {
    this.breaker = new CircuitBreaker({ ...BREAKER, ...policy }, this.clock, random, {
      transition: (transition) => this.transitions.push(transition),
      notice: (notice) => this.notices.push(notice),
    });
  }

  get state(): string {
    return this.breaker.stateName;
  }

  /** All that a result may move. */
  get standing(): Omit<BreakerSnapshot, 'late'> {
    const { late: _late, ...standing } = this.breaker.snapshot();
    return standing;
  }

  /** How long it will stay open. */
  get openMs(): number {
    expect(this.state).toBe('open');
    return this.breaker.retryAfterMs;
  }

  fail(retryAfterMs?: number): void {
    this.breaker.settle(this.take(), 'failure', retryAfterMs);
  }

  take(): BreakerToken {
    const token = this.breaker.tryAcquire();
    if (token === undefined) throw new Error(`the ${this.state} breaker admits nothing`);
    return token;
  }

  /** Makes one call after another: S succeeds, F fails, N is neutral, L succeeds slowly. */
  calls(outcomes: string): void {
    for (const outcome of outcomes) {
      const token = this.take();
      if (outcome === 'L') this.clock.advance(BREAKER.slowCallDurationMs);
      this.breaker.settle(token, outcome === 'F' ? 'failure' : outcome === 'N' ? 'neutral' : 'success');
    }
  }

  /** How many calls get through right now; their tokens stay out. */
  admitted(): number {
    let admitted = 0;
    while (this.breaker.tryAcquire() !== undefined) admitted++;
    return admitted;
  }

  open(): void {
    this.calls('F'.repeat(20));
    expect(this.state).toBe('open');
  }

  /** Opens, and waits until the next call will be a probe. */
  awaitProbes(): void {
    this.open();
    this.clock.advance(this.breaker.retryAfterMs);
  }
}

describe('a closed circuit breaker', () => {
  it('gives no verdict before the minimum number of calls', () => {
    const bench = new Bench();
    bench.calls('F'.repeat(19));
    expect(bench.state).toBe('closed');
    bench.calls('F');
    expect(bench.state).toBe('open');
  });

  it('opens at the failure threshold, not above it', () => {
    const bench = new Bench();
    bench.calls('SSSSSSSSSS' + 'FFFFFFFFFF');
    expect(bench.state).toBe('open');
  });

  it('stays closed below the failure threshold', () => {
    const bench = new Bench();
    bench.calls('SF'.repeat(9) + 'S' + 'SF'.repeat(40));
    expect(bench.state).toBe('closed');
  });

  it('reaches its verdict on a success too: three failures and two successes, at a minimum of five', () => {
    const bench = new Bench({ minimumNumberOfCalls: 5 });
    bench.calls('FFFS');
    expect(bench.state).toBe('closed');
    bench.calls('S');
    expect(bench.state).toBe('open');
    expect(bench.transitions).toEqual([
      { from: 'closed', to: 'open', reason: 'failure-rate', failureRatePercent: 60, slowCallRatePercent: 0 },
    ]);
  });

  it('opens on slow calls that succeed', () => {
    const bench = new Bench({ minimumNumberOfCalls: 5, slowCallRateThresholdPercent: 80 });
    bench.calls('SLLL');
    expect(bench.state).toBe('closed');
    bench.calls('L');
    expect(bench.transitions).toEqual([
      {
        from: 'closed',
        to: 'open',
        reason: 'slow-call-rate',
        failureRatePercent: 0,
        slowCallRatePercent: 80,
      },
    ]);
  });

  it('calls slow what took exactly the slow-call duration, and not what took less', () => {
    const bench = new Bench();
    const [just, almost] = [bench.take(), bench.take()];
    bench.clock.advance(BREAKER.slowCallDurationMs - 0.001);
    bench.breaker.settle(almost, 'success');
    expect(bench.breaker.snapshot().slowCalls).toBe(0);
    bench.clock.advance(0.001);
    bench.breaker.settle(just, 'success');
    expect(bench.breaker.snapshot()).toMatchObject({ calls: 2, failures: 0, slowCalls: 1 });
  });

  it('counts a slow failure as both', () => {
    const bench = new Bench();
    const token = bench.take();
    bench.clock.advance(BREAKER.slowCallDurationMs);
    bench.breaker.settle(token, 'failure');
    expect(bench.breaker.snapshot()).toMatchObject({ calls: 1, failures: 1, slowCalls: 1 });
  });

  it('records nothing for a neutral call', () => {
    const bench = new Bench();
    bench.calls('F'.repeat(19) + 'N'.repeat(1000));
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 19, failures: 19 });
  });

  it('is not moved by five clients that leave, or a million', () => {
    const bench = new Bench({ minimumNumberOfCalls: 5 });
    const { standing } = bench;
    bench.calls('NNNNN');
    expect(bench.standing).toEqual(standing);
    bench.calls('N'.repeat(1_000_000));
    expect(bench.standing).toEqual(standing);
    expect([...bench.transitions, ...bench.notices]).toEqual([]);
  });

  it('records a call once, however often it is settled', () => {
    const bench = new Bench();
    const token = bench.take();
    for (let again = 0; again < 30; again++) bench.breaker.settle(token, 'failure');
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 1 });
  });

  it('forgets failures that have left the window', () => {
    const bench = new Bench({ minimumNumberOfCalls: 5 });
    bench.calls('FFFF');
    bench.clock.advance(3_600_000);
    bench.calls('SF');
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 2, failures: 1 });
  });

  it('lets any number of calls through at once', () => {
    const bench = new Bench();
    for (let call = 0; call < 1_000; call++) expect(bench.breaker.tryAcquire()).toBeDefined();
    expect(bench.breaker.retryAfterMs).toBe(0);
  });
});

describe('an open circuit breaker', () => {
  it('refuses every call until its time is over, and says how long that is', () => {
    const bench = new Bench();
    bench.open();
    expect(bench.breaker.retryAfterMs).toBe(5_000);
    bench.clock.advance(4_999);
    expect(bench.breaker.tryAcquire()).toBeUndefined();
    expect(bench.breaker.retryAfterMs).toBe(1);
    bench.clock.advance(1);
    expect(bench.breaker.retryAfterMs).toBe(0);
    expect(bench.breaker.tryAcquire()).toBeDefined();
    expect(bench.state).toBe('half-open');
  });

  it('needs no timer', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.take();
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('doubles its time with every opening in a row, up to the cap', () => {
    const bench = new Bench();
    const times: number[] = [];
    bench.open();
    for (let opening = 0; opening < 7; opening++) {
      times.push(bench.breaker.retryAfterMs);
      bench.clock.advance(bench.breaker.retryAfterMs);
      bench.calls('FF');
    }
    expect(times).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
  });

  it('stays at the cap after thousands of openings', () => {
    const bench = new Bench();
    bench.open();
    for (let opening = 0; opening < 2_000; opening++) {
      bench.clock.advance(bench.breaker.retryAfterMs);
      bench.calls('FF');
    }
    expect(bench.breaker.retryAfterMs).toBe(60_000);
  });

  it('starts over with the shortest time once it has been closed', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.calls('FF');
    expect(bench.breaker.retryAfterMs).toBe(10_000);
    bench.clock.advance(10_000);
    bench.calls('SS');
    expect(bench.state).toBe('closed');
    bench.open();
    expect(bench.breaker.retryAfterMs).toBe(5_000);
  });

  it('starts closed with a clean window: failures from before do not open it again', () => {
    const bench = new Bench({ windowMs: 600_000 });
    bench.awaitProbes();
    bench.calls('SS' + 'F'.repeat(19));
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 19, failures: 19 });
  });

  it.each([
    [0, 4_000],
    [0.25, 4_500],
    [0.75, 5_500],
    [1 - Number.EPSILON / 2, 6_000],
  ])('spreads its time over 20 %% either way: a draw of %d gives %d ms', (draw, openMs) => {
    const bench = new Bench({}, () => draw);
    bench.open();
    expect(bench.breaker.retryAfterMs).toBeCloseTo(openMs, 6);
  });

  it('keeps to the jitter bounds whatever is drawn and however often it opened', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(10), (seed, openings) => {
        const bench = new Bench({}, seededRandom(seed));
        bench.open();
        for (let opening = 0; opening < openings; opening++) {
          bench.clock.advance(Math.ceil(bench.breaker.retryAfterMs));
          bench.calls('FF');
        }
        const nominalMs = Math.min(60_000, 5_000 * 2 ** openings);
        expect(bench.breaker.retryAfterMs).toBeGreaterThanOrEqual(nominalMs * 0.8 - 1e-6);
        expect(bench.breaker.retryAfterMs).toBeLessThanOrEqual(nominalMs * 1.2 + 1e-6);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a failure that asks callers to stay away', () => {
  it('keeps the breaker open until then, if that is longer', () => {
    const bench = new Bench();
    bench.calls('F'.repeat(19));
    bench.fail(30_000);
    expect(bench.openMs).toBe(30_000);
    bench.clock.advance(29_999);
    expect(bench.breaker.tryAcquire()).toBeUndefined();
    bench.clock.advance(1);
    expect(bench.breaker.tryAcquire()).toBeDefined();
  });

  it.each([0, 1, 5_000, NaN, -1])('does not make the open time shorter: %d ms', (retryAfterMs) => {
    const bench = new Bench();
    bench.calls('F'.repeat(19));
    bench.fail(retryAfterMs);
    expect(bench.openMs).toBe(5_000);
  });

  it.each([60_000, 60_001, 86_400_000, Infinity])('is believed up to the longest open time: %d ms', (ms) => {
    const bench = new Bench();
    bench.calls('F'.repeat(19));
    bench.fail(ms);
    expect(bench.openMs).toBe(60_000);
  });

  it('leaves the spread around the longest open time as it is', () => {
    const bench = new Bench({ openMs: 60_000 }, () => 1 - Number.EPSILON / 2);
    bench.calls('F'.repeat(19));
    bench.fail(86_400_000);
    expect(bench.openMs).toBeCloseTo(72_000, 6);
  });

  it('is remembered from earlier failures of the window: the latest moment counts', () => {
    const bench = new Bench();
    bench.fail(20_000);
    bench.clock.advance(1_000);
    bench.fail(8_000);
    bench.clock.advance(1_000);
    bench.calls('F'.repeat(18));
    expect(bench.openMs).toBe(18_000);
  });

  it('is forgotten when its moment has passed', () => {
    const bench = new Bench();
    bench.fail(3_000);
    bench.clock.advance(3_000);
    bench.calls('F'.repeat(19));
    expect(bench.openMs).toBe(5_000);
  });

  it('counts from a probe as well, and beside the doubled open time', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.fail(25_000);
    bench.calls('F');
    expect(bench.openMs).toBe(25_000);
    bench.clock.advance(25_000);
    bench.fail(1_000);
    bench.fail(15_000);
    expect(bench.openMs).toBe(20_000);
  });

  it('is forgotten when the probes succeed', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.fail(50_000);
    bench.calls('SS');
    expect(bench.state).toBe('closed');
    bench.open();
    expect(bench.openMs).toBe(5_000);
  });

  it.each([
    [
      'a reset',
      (bench: Bench): void => {
        bench.breaker.reset();
      },
    ],
    [
      'a switch of the mode',
      (bench: Bench): void => {
        bench.breaker.setMode('disabled');
        bench.breaker.setMode('enabled');
      },
    ],
  ])('is forgotten with %s', (_how, forget) => {
    const bench = new Bench();
    bench.fail(50_000);
    forget(bench);
    bench.open();
    expect(bench.openMs).toBe(5_000);
  });

  it.each(['success', 'neutral'] as const)('must be a failure: a %s asks in vain', (outcome) => {
    const bench = new Bench();
    bench.breaker.settle(bench.take(), outcome, 30_000);
    while (bench.state === 'closed') bench.fail();
    expect(bench.openMs).toBe(5_000);
  });

  it('is not listened to where the policy says so', () => {
    const bench = new Bench({ retryAfterExtendsOpen: false });
    bench.calls('F'.repeat(19));
    bench.fail(30_000);
    expect(bench.openMs).toBe(5_000);
  });
});

describe('a half-open circuit breaker', () => {
  it.each([1, 2, 3, 10])(
    'admits exactly %i probes and refuses the rest at once',
    (permittedCallsInHalfOpen) => {
      const bench = new Bench({ permittedCallsInHalfOpen });
      bench.awaitProbes();
      expect(bench.admitted()).toBe(permittedCallsInHalfOpen);
      expect(bench.breaker.tryAcquire()).toBeUndefined();
      expect(bench.breaker.retryAfterMs).toBe(2_000);
    },
  );

  it('opens again as soon as the probes still out could not save it', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.calls('FF');
    expect(bench.transitions.at(-1)).toMatchObject({
      from: 'half-open',
      to: 'open',
      reason: 'probes-failed',
    });
    expect(bench.transitions.at(-1)!.failureRatePercent).toBeCloseTo(66.67, 1);
  });

  it('closes as soon as the probes still out could not fail it', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.calls('S');
    expect(bench.state).toBe('half-open');
    bench.calls('S');
    expect(bench.transitions.at(-1)).toEqual({
      from: 'half-open',
      to: 'closed',
      reason: 'probes-succeeded',
      failureRatePercent: 0,
      slowCallRatePercent: 0,
    });
  });

  it.each([
    ['FSS', 'closed'],
    ['SFS', 'closed'],
    ['SFF', 'open'],
    ['FSF', 'open'],
  ])('after %s is %s', (outcomes, state) => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.calls(outcomes);
    expect(bench.state).toBe(state);
  });

  it('opens again when its probes succeed too slowly', () => {
    const bench = new Bench({ slowCallRateThresholdPercent: 60 });
    bench.awaitProbes();
    bench.calls('LL');
    expect(bench.transitions.at(-1)).toMatchObject({
      to: 'open',
      reason: 'probes-failed',
      failureRatePercent: 0,
    });
    expect(bench.transitions.at(-1)!.slowCallRatePercent).toBeCloseTo(66.67, 1);
  });

  it('waits for the last probe where that one decides', () => {
    const bench = new Bench({ failureRateThresholdPercent: 100, permittedCallsInHalfOpen: 2 });
    bench.awaitProbes();
    bench.calls('F');
    expect(bench.state).toBe('half-open');
    bench.calls('S');
    expect(bench.state).toBe('closed');
  });

  it('waits for the last probe where that one may be slow', () => {
    const bench = new Bench({ slowCallRateThresholdPercent: 60 });
    bench.awaitProbes();
    bench.calls('SL');
    expect(bench.state).toBe('half-open');
    bench.calls('L');
    expect(bench.state).toBe('open');
  });

  it("gives a neutral probe's permit back", () => {
    const bench = new Bench();
    bench.awaitProbes();
    const probes = [bench.take(), bench.take(), bench.take()];
    expect(bench.breaker.tryAcquire()).toBeUndefined();
    bench.breaker.settle(probes[0]!, 'neutral');
    expect(bench.breaker.retryAfterMs).toBe(0);
    expect(bench.admitted()).toBe(1);
  });

  it('gives a permit back once, even if the probe is settled twice', () => {
    const bench = new Bench();
    bench.awaitProbes();
    const probes = [bench.take(), bench.take(), bench.take()];
    for (const outcome of OUTCOMES) {
      bench.breaker.settle(probes[0]!, 'neutral');
      bench.breaker.settle(probes[0]!, outcome);
    }
    expect(bench.admitted()).toBe(1);
    expect(bench.state).toBe('half-open');
  });

  it('is not moved by any number of neutral probes', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.calls('S' + 'N'.repeat(100));
    expect(bench.state).toBe('half-open');
    expect(bench.transitions).toHaveLength(2);
    bench.calls('S');
    expect(bench.state).toBe('closed');
  });

  it('lets fresh probes through when the first ones hang for too long', () => {
    const bench = new Bench();
    bench.awaitProbes();
    expect(bench.admitted()).toBe(3);
    bench.clock.advance(1_999);
    expect(bench.breaker.tryAcquire()).toBeUndefined();
    expect(bench.breaker.retryAfterMs).toBe(1);
    bench.clock.advance(1);
    expect(bench.breaker.retryAfterMs).toBe(0);
    expect(bench.admitted()).toBe(3);
    expect(bench.breaker.retryAfterMs).toBe(2_000);
    expect(bench.transitions).toHaveLength(2);
  });

  it.each(OUTCOMES)('ignores the late %s of a probe that hung', (outcome) => {
    const bench = new Bench();
    bench.awaitProbes();
    const hung = [bench.take(), bench.take(), bench.take()];
    bench.clock.advance(2_000);
    bench.calls('S');
    for (const token of hung) bench.breaker.settle(token, outcome);
    expect(bench.state).toBe('half-open');
    expect(bench.admitted()).toBe(2);
  });

  it('keeps the results it has while one probe hangs, and starts over when that one hung for too long', () => {
    const bench = new Bench({ failureRateThresholdPercent: 30 });
    bench.awaitProbes();
    bench.take();
    bench.calls('SS');
    expect(bench.state).toBe('half-open');
    expect(bench.breaker.tryAcquire()).toBeUndefined();
    bench.clock.advance(2_000);
    bench.calls('SSS');
    expect(bench.state).toBe('closed');
  });

  it('waits from the last probe on: a late burst is not let through twice over', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.calls('S');
    // Hardly any traffic: the other probes come long after the first.
    bench.clock.advance(60_000);
    expect(bench.admitted()).toBe(2);
    bench.clock.advance(1_999);
    expect(bench.admitted()).toBe(0);
  });

  it('rejects 1,000 callers at once while its one probe hangs, and recovers after the longest wait', () => {
    const bench = new Bench({ permittedCallsInHalfOpen: 1 });
    bench.awaitProbes();
    const hung = bench.take();
    const now = bench.clock.now();
    for (let caller = 0; caller < 1_000; caller++) expect(bench.breaker.tryAcquire()).toBeUndefined();
    expect(bench.clock.now()).toBe(now);
    expect(bench.breaker.snapshot()).toMatchObject({ notPermitted: 1_000, nextProbeAt: now + 2_000 });
    bench.clock.advance(2_000);
    bench.calls('S');
    expect(bench.state).toBe('closed');
    bench.breaker.settle(hung, 'failure');
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0, late: 1 });
  });

  it('counts the results of probes that come far apart', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.calls('S');
    bench.clock.advance(60_000);
    bench.calls('S');
    expect(bench.state).toBe('closed');
  });
});

describe('a result from an older generation', () => {
  const states: Record<string, (bench: Bench) => void> = {
    open: (bench) => {
      bench.open();
    },
    'half-open': (bench) => {
      bench.awaitProbes();
      bench.calls('N');
    },
    closed: (bench) => {
      bench.awaitProbes();
      bench.calls('SS');
    },
    'force-open': (bench) => {
      bench.breaker.setMode('force-open');
    },
    disabled: (bench) => {
      bench.breaker.setMode('disabled');
    },
    'metrics-only': (bench) => {
      bench.breaker.setMode('metrics-only');
    },
  };

  describe.each(Object.entries(states))('that arrives while %s', (state, enter) => {
    it.each(OUTCOMES)('changes nothing: %s', (outcome) => {
      const bench = new Bench();
      const old = Array.from({ length: 100 }, () => bench.take());
      enter(bench);
      expect(bench.state).toBe(state);
      const before = { standing: bench.standing, transitions: [...bench.transitions] };
      for (const token of old) bench.breaker.settle(token, outcome, 60_000);
      expect({ standing: bench.standing, transitions: bench.transitions }).toEqual(before);
      if (state === 'half-open') expect(bench.admitted()).toBe(3);
    });
  });

  it.each([
    ['success', 1],
    ['failure', 1],
    ['neutral', 0],
  ] as const)('is counted and told as late, once, unless it is none: %s', (outcome, late) => {
    const bench = new Bench();
    const old = bench.take();
    bench.open();
    bench.clock.advance(30);
    for (let again = 0; again < 3; again++) bench.breaker.settle(old, outcome);
    expect(bench.breaker.snapshot().late).toBe(late);
    expect(bench.notices).toEqual(late === 0 ? [] : [{ notice: 'late', outcome, durationMs: 30 }]);
  });

  it('does not make the next opening longer, whatever it asks for', () => {
    const bench = new Bench();
    const old = bench.take();
    bench.awaitProbes();
    bench.breaker.settle(old, 'failure', 60_000);
    bench.calls('FF');
    expect(bench.openMs).toBe(10_000);
  });

  it('does not count for the verdict on the probes that run', () => {
    const bench = new Bench();
    const old = [bench.take(), bench.take()];
    bench.awaitProbes();
    bench.calls('S');
    for (const token of old) bench.breaker.settle(token, 'failure');
    bench.calls('S');
    expect(bench.state).toBe('closed');
  });

  it('does not count for a closed breaker that was reset', () => {
    const bench = new Bench();
    bench.calls('F'.repeat(19));
    const old = bench.take();
    bench.breaker.reset();
    bench.breaker.settle(old, 'failure');
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });
});

describe('modes', () => {
  it('lets nothing through while forced open, for however long', () => {
    const bench = new Bench({ mode: 'force-open' });
    bench.clock.advance(3_600_000);
    expect(bench.breaker.tryAcquire()).toBeUndefined();
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'force-open', retryAfterMs: 60_000 });
  });

  it('lets everything through and counts nothing while disabled', () => {
    const bench = new Bench({ mode: 'disabled' });
    bench.calls('F'.repeat(100));
    expect(bench.breaker.snapshot()).toMatchObject({
      state: 'disabled',
      calls: 0,
      failures: 0,
      retryAfterMs: 0,
    });
  });

  it('counts and never opens while it only measures', () => {
    const bench = new Bench({ mode: 'metrics-only' });
    bench.calls('F'.repeat(100));
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'metrics-only', calls: 100, failures: 100 });
    expect(bench.breaker.retryAfterMs).toBe(0);
    expect(bench.transitions).toEqual([]);
  });

  it('starts closed, with a clean window, when it is switched back on', () => {
    const bench = new Bench();
    bench.open();
    bench.breaker.setMode('metrics-only');
    bench.calls('F'.repeat(100));
    bench.breaker.setMode('enabled');
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0, retryAfterMs: 0 });
    bench.open();
    expect(bench.breaker.retryAfterMs).toBe(5_000);
  });

  it('tells of every switch, once', () => {
    const bench = new Bench();
    bench.breaker.setMode('force-open');
    bench.breaker.setMode('force-open');
    bench.breaker.reset();
    bench.breaker.setMode('enabled');
    bench.breaker.reset();
    const operator = { reason: 'operator', failureRatePercent: 0, slowCallRatePercent: 0 };
    expect(bench.transitions).toEqual([
      { from: 'closed', to: 'force-open', ...operator },
      { from: 'force-open', to: 'closed', ...operator },
    ]);
  });

  it('closes an open breaker on request, and forgets what it has seen', () => {
    const bench = new Bench();
    bench.open();
    bench.breaker.reset();
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0, failures: 0 });
    expect(bench.transitions.at(-1)).toMatchObject({ from: 'open', to: 'closed', reason: 'operator' });
  });
});

describe('what an operator does to a breaker', () => {
  it.each(['force-open', 'disabled', 'metrics-only'] as const)(
    'closes one that is %s, and it opens again when it has to',
    (mode) => {
      const bench = new Bench({ mode });
      bench.breaker.close();
      expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0, retryAfterMs: 0 });
      expect(bench.breaker.chosenMode).toBe('enabled');
      bench.open();
      expect(bench.state).toBe('open');
    },
  );

  it('is taken back with all that was seen: the mode is that of the policy again', () => {
    const bench = new Bench({ mode: 'metrics-only' });
    bench.breaker.setMode('force-open');
    expect(bench.breaker.chosenMode).toBe('force-open');
    bench.breaker.restore();
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'metrics-only', calls: 0 });
    expect(bench.breaker.chosenMode).toBeUndefined();
  });
});

describe('in metrics-only, a breaker that would have opened', () => {
  const wouldOpen = (rates: object) => ({ notice: 'would-open', ...rates });

  it('tells so, with its rates', () => {
    const bench = new Bench({ mode: 'metrics-only', minimumNumberOfCalls: 4 });
    bench.calls('FFS');
    expect(bench.notices).toEqual([]);
    bench.calls('F');
    const rates = { reason: 'failure-rate', failureRatePercent: 75, slowCallRatePercent: 0 };
    expect(bench.notices).toEqual([wouldOpen(rates)]);
  });

  it('tells of slow calls too', () => {
    const bench = new Bench({ mode: 'metrics-only', minimumNumberOfCalls: 2 });
    bench.calls('LL');
    const slow = { notice: 'slow', durationMs: 800 };
    const rates = { reason: 'slow-call-rate', failureRatePercent: 0, slowCallRatePercent: 100 };
    expect(bench.notices).toEqual([slow, wouldOpen(rates), slow]);
  });

  it('tells so no more often than it could have opened', () => {
    const bench = new Bench({ mode: 'metrics-only' });
    bench.calls('F'.repeat(100));
    expect(bench.notices).toHaveLength(1);
    bench.clock.advance(4_999);
    bench.calls('F');
    expect(bench.notices).toHaveLength(1);
    bench.clock.advance(1);
    bench.calls('FF');
    expect(bench.notices).toHaveLength(2);
  });

  it('tells so anew after a reset', () => {
    const bench = new Bench({ mode: 'metrics-only' });
    bench.calls('F'.repeat(20));
    bench.breaker.reset();
    bench.calls('F'.repeat(20));
    expect(bench.notices).toHaveLength(2);
  });
});

describe('a snapshot', () => {
  it('tells the rates of the window, 0 for an empty one', () => {
    const bench = new Bench();
    expect(bench.breaker.snapshot()).toMatchObject({ failureRatePercent: 0, slowCallRatePercent: 0 });
    bench.calls('FLSS');
    expect(bench.breaker.snapshot()).toMatchObject({ failureRatePercent: 25, slowCallRatePercent: 25 });
  });

  it('tells when the next probe may go out', () => {
    const bench = new Bench();
    const next = (): number | undefined => bench.breaker.snapshot().nextProbeAt;
    expect(next()).toBeUndefined();
    bench.open();
    const opened = bench.clock.now();
    bench.clock.advance(1_000);
    expect(next()).toBe(opened + 5_000);
    bench.clock.advance(7_000);
    expect(next()).toBe(opened + 5_000);
    bench.calls('N');
    expect(next()).toBe(bench.clock.now());
    bench.admitted();
    expect(next()).toBe(bench.clock.now() + 2_000);
    bench.breaker.setMode('force-open');
    expect(next()).toBeUndefined();
  });

  it('counts the openings in a row, and forgets them when it closes', () => {
    const bench = new Bench();
    const openings = (): number => bench.breaker.snapshot().openings;
    expect(openings()).toBe(0);
    bench.awaitProbes();
    expect(openings()).toBe(1);
    bench.calls('FF');
    expect(openings()).toBe(2);
    bench.clock.advance(10_000);
    bench.calls('SS');
    expect(openings()).toBe(0);
  });

  it('counts the calls it refused, open, half-open or forced, for good', () => {
    const bench = new Bench();
    bench.awaitProbes();
    bench.admitted();
    bench.breaker.setMode('force-open');
    bench.breaker.tryAcquire();
    bench.breaker.setMode('enabled');
    bench.open();
    bench.breaker.tryAcquire();
    expect(bench.breaker.snapshot().notPermitted).toBe(3);
    expect(bench.notices).toEqual(Array(3).fill({ notice: 'not-permitted' }));
  });
});

describe('a listener', () => {
  it('hears of a slow call after the transition it led to', () => {
    const heard: string[] = [];
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ ...BREAKER, minimumNumberOfCalls: 1 }, clock, NO_JITTER, {
      transition: ({ to }) => heard.push(to),
      notice: ({ notice }) => heard.push(notice),
    });
    const token = breaker.tryAcquire()!;
    clock.advance(900);
    breaker.settle(token, 'success');
    expect(heard).toEqual(['open', 'slow']);
  });

  it('hears of a slow call only if it counts', () => {
    const bench = new Bench();
    for (const outcome of OUTCOMES) {
      const token = bench.take();
      bench.clock.advance(900);
      bench.breaker.settle(token, outcome);
    }
    expect(bench.notices).toEqual(Array(2).fill({ notice: 'slow', durationMs: 900 }));
  });

  it('harms neither the breaker nor the call when it throws', () => {
    const clock = new VirtualClock();
    const oops = (): never => {
      throw new Error('oops');
    };
    const listener = {
      transition: jest.fn<never, [BreakerTransition]>(oops),
      notice: jest.fn<never, [BreakerNotice]>(oops),
    };
    const breaker = new CircuitBreaker({ ...BREAKER, minimumNumberOfCalls: 1 }, clock, NO_JITTER, listener);
    const late = breaker.tryAcquire()!;
    breaker.settle(breaker.tryAcquire()!, 'failure');
    expect(breaker.stateName).toBe('open');
    expect(breaker.tryAcquire()).toBeUndefined();
    breaker.settle(late, 'success');
    clock.advance(5_000);
    const probes = [breaker.tryAcquire()!, breaker.tryAcquire()!];
    for (const probe of probes) breaker.settle(probe, 'success');
    breaker.setMode('metrics-only');
    const slow = breaker.tryAcquire()!;
    clock.advance(900);
    breaker.settle(slow, 'success');
    breaker.setMode('enabled');
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0, notPermitted: 1, late: 1 });
    expect(listener.transition.mock.calls).toHaveLength(5);
    expect(listener.notice.mock.calls.map(([{ notice }]) => notice)).toEqual([
      'not-permitted',
      'late',
      'would-open',
      'slow',
    ]);
  });

  it('may switch the breaker from within: the probe just let through is late then', () => {
    const clock = new VirtualClock();
    const breaker: CircuitBreaker = new CircuitBreaker(
      { ...BREAKER, minimumNumberOfCalls: 1 },
      clock,
      NO_JITTER,
      {
        transition: ({ to }) => {
          if (to === 'half-open') breaker.reset();
        },
        notice: () => undefined,
      },
    );
    breaker.settle(breaker.tryAcquire()!, 'failure');
    clock.advance(5_000);
    const probe = breaker.tryAcquire()!;
    expect(breaker.stateName).toBe('closed');
    breaker.settle(probe, 'failure');
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0, late: 1 });
  });
});

describe('transitions', () => {
  it('are told exactly once each, with their reasons and rates', () => {
    const bench = new Bench({ minimumNumberOfCalls: 4 });
    const overhanging = Array.from({ length: 50 }, () => bench.take());
    bench.calls('FFFS');
    for (const token of overhanging) bench.breaker.settle(token, 'failure');
    bench.clock.advance(5_000);
    bench.calls('FF');
    bench.clock.advance(10_000);
    bench.calls('SS');
    expect(bench.transitions.map(({ from, to, reason }) => `${from} -> ${to}: ${reason}`)).toEqual([
      'closed -> open: failure-rate',
      'open -> half-open: open-time-over',
      'half-open -> open: probes-failed',
      'open -> half-open: open-time-over',
      'half-open -> closed: probes-succeeded',
    ]);
    expect(bench.transitions[0]).toMatchObject({ failureRatePercent: 75, slowCallRatePercent: 0 });
    expect(bench.transitions[1]).toMatchObject({ failureRatePercent: 0, slowCallRatePercent: 0 });
  });

  it('are told after the fact: whoever listens sees the new state', () => {
    const clock = new VirtualClock();
    const seen: [string, string, number][] = [];
    const breaker: CircuitBreaker = new CircuitBreaker(
      { ...BREAKER, minimumNumberOfCalls: 1 },
      clock,
      NO_JITTER,
      {
        transition: ({ to }) => seen.push([to, breaker.stateName, breaker.snapshot().since]),
        notice: () => undefined,
      },
    );
    clock.advance(7);
    breaker.settle(breaker.tryAcquire()!, 'failure');
    clock.advance(5_000);
    breaker.tryAcquire();
    expect(seen).toEqual([
      ['open', 'open', 7],
      ['half-open', 'half-open', 5_007],
    ]);
  });
});

describe('under any interleaving', () => {
  type Step =
    | { readonly do: 'acquire' }
    | {
        readonly do: 'settle';
        readonly token: number;
        readonly outcome: Outcome;
        readonly retryAfterMs: number;
      }
    | { readonly do: 'advance'; readonly ms: number }
    | { readonly do: 'await' }
    | { readonly do: 'mode'; readonly mode: CircuitBreakerPolicy['mode'] }
    | { readonly do: 'reset' };

  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: fc.constant({ do: 'acquire' } as const) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        token: fc.oneof(fc.nat(2), fc.nat(20)),
        outcome: fc.constantFrom(...OUTCOMES),
        retryAfterMs: fc.oneof(
          { weight: 4, arbitrary: fc.constant(0) },
          fc.constantFrom(1, 3_000, 30_000, Infinity),
        ),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('advance' as const),
        ms: fc.oneof(fc.constantFrom(0, 1, 800, 1_999, 2_000, 10_000), fc.nat(3_000)),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'await' } as const) },
  );

  /** Now and then an operator steps in; mostly to leave the breaker to itself again. */
  const anyStep: fc.Arbitrary<Step> = fc.oneof(
    { weight: 30, arbitrary: step },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('mode' as const),
        mode: fc.constantFrom('disabled', 'metrics-only', 'force-open'),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'mode', mode: 'enabled' } as const) },
    { weight: 1, arbitrary: fc.constant({ do: 'reset' } as const) },
  );

  const steps = fc.array(anyStep, { minLength: 20, maxLength: 150, size: 'max' });

  const policy = fc.record({
    minimumNumberOfCalls: fc.integer({ min: 1, max: 4 }),
    permittedCallsInHalfOpen: fc.integer({ min: 1, max: 4 }),
    failureRateThresholdPercent: fc.constantFrom(1, 30, 50, 100),
    slowCallRateThresholdPercent: fc.constantFrom(50, 100),
  });

  interface Held {
    readonly token: BreakerToken;
    /** Transitions that had been told when it was taken. */
    readonly after: number;
    /** An operator has started the breaker over since. */
    swept: boolean;
    outcome?: Outcome;
  }

  /** Plays the steps, and tells what went against the rules; `expect` at every step would take seconds. */
  function run(bench: Bench, steps: readonly Step[], permitted: number): string[] {
    const violations: string[] = [];
    const held: Held[] = [];
    for (const step of steps) {
      const [told, state] = [bench.transitions.length, bench.state];
      switch (step.do) {
        case 'acquire':
          violations.push(...take(bench, held, permitted));
          break;
        case 'settle': {
          // Mostly the young ones, so that probes come back too; the oldest stay out and come late.
          const chosen = held.at(-1 - step.token);
          if (chosen !== undefined) violations.push(...settle(bench, held, chosen, step));
          break;
        }
        case 'mode':
          if (step.mode !== modeOf(bench)) for (const call of held) call.swept = true;
          bench.breaker.setMode(step.mode);
          break;
        case 'reset':
          for (const call of held) call.swept = true;
          bench.breaker.reset();
          break;
        case 'advance':
          bench.clock.advance(step.ms);
          break;
        case 'await':
          bench.clock.advance(bench.breaker.retryAfterMs);
          break;
      }
      const events = bench.transitions.slice(told).map(({ from, to }) => `${from} -> ${to}`);
      const expected = bench.state === state ? '' : `${state} -> ${bench.state}`;
      if (events.join() !== expected) violations.push(`told "${events.join()}", not "${expected}"`);
    }
    return violations;
  }

  function take(bench: Bench, held: Held[], permitted: number): string[] {
    const token = bench.breaker.tryAcquire();
    if (token === undefined) {
      const newest = held.at(-1)?.token.generation;
      const spent = held.filter(
        (probe) => probe.token.generation === newest && probe.outcome !== 'neutral',
      ).length;
      const rightly =
        bench.state === 'open' ||
        bench.state === 'force-open' ||
        (bench.state === 'half-open' && spent === permitted);
      return rightly && bench.breaker.retryAfterMs > 0
        ? []
        : [`refused while ${bench.state}, ${spent} probes spent`];
    }
    held.push({ token, after: bench.transitions.length, swept: false });
    if (bench.state === 'open' || bench.state === 'force-open') return [`admitted while ${bench.state}`];
    if (bench.state !== 'half-open') return [];
    const out = held.filter((probe) => !probe.token.settled && probe.after === bench.transitions.length);
    const current = out.filter((probe) => probe.token.generation === token.generation);
    // Even those that have been given up must not crowd the upstream, unless they hang.
    const patience = bench.clock.now() - BREAKER.maxWaitInHalfOpenMs;
    const young = out.filter((probe) => probe.token.startedAt > patience);
    const most = Math.max(current.length, young.length);
    return most > permitted ? [`${most} probes are out`] : [];
  }

  function settle(
    bench: Bench,
    held: readonly Held[],
    call: Held,
    { outcome, retryAfterMs }: Extract<Step, { do: 'settle' }>,
  ): string[] {
    const { token, after, swept } = call;
    call.outcome ??= outcome;
    const { late, ...before } = bench.breaker.snapshot();
    // The newest token is of the breaker's own generation, or that has no token yet.
    const newest = held.at(-1)?.token.generation;
    const counts =
      !token.settled && !swept && after === bench.transitions.length && token.generation === newest;
    const isLate = !token.settled && !counts && outcome !== 'neutral';
    bench.breaker.settle(token, outcome, retryAfterMs);
    const { late: lateNow, ...standing } = bench.breaker.snapshot();
    const moved = JSON.stringify(standing) !== JSON.stringify(before);
    const violations = moved && !counts ? [`a late ${outcome} moved the breaker`] : [];
    if (lateNow !== late + (isLate ? 1 : 0)) violations.push(`${lateNow - late} late results counted`);
    return violations;
  }

  function modeOf({ state }: Bench): string {
    return state === 'closed' || state === 'open' || state === 'half-open' ? 'enabled' : state;
  }

  it('never has more probes out than are permitted, and late results change nothing', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(policy, fc.integer(), steps, (policy, seed, steps) => {
        const bench = new Bench(policy, seededRandom(seed));
        expect(run(bench, steps, policy.permittedCallsInHalfOpen)).toEqual([]);
        for (const { reason } of bench.transitions) reached.add(reason);
      }),
      { numRuns: 200 },
    );
    expect([...reached].sort()).toEqual([
      'failure-rate',
      'open-time-over',
      'operator',
      'probes-failed',
      'probes-succeeded',
      'slow-call-rate',
    ]);
  });

  it('finds back to a healthy upstream from every state, whatever hangs', () => {
    fc.assert(
      fc.property(policy, fc.integer(), steps, (policy, seed, steps) => {
        const bench = new Bench(policy, seededRandom(seed));
        expect(run(bench, steps, policy.permittedCallsInHalfOpen)).toEqual([]);
        bench.breaker.setMode('enabled');
        const startedAt = bench.clock.now();
        for (let calls = 0; calls < 20 && bench.state !== 'closed'; calls++) {
          const token = bench.breaker.tryAcquire();
          if (token === undefined) bench.clock.advance(Math.ceil(bench.breaker.retryAfterMs));
          else bench.breaker.settle(token, 'success');
        }
        expect(bench.state).toBe('closed');
        const longestMs = BREAKER.maxOpenMs * 1.2 + 2 * BREAKER.maxWaitInHalfOpenMs;
        expect(bench.clock.now() - startedAt).toBeLessThanOrEqual(longestMs);
      }),
      { numRuns: 200 },
    );
  });
});
