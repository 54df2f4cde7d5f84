import fc from 'fast-check';
import { Gradient2Limit, type Gradient2LimitPolicy } from './gradient2-limit.js';

const CEILING = 200;

class Bench {
  now = 0;
  readonly tested: Gradient2Limit;

  constructor(policy: Partial<Gradient2LimitPolicy> = {}) {
    this.tested = new Gradient2Limit({
      initialLimit: 20,
      minLimit: 1,
      rttTolerancePercent: 150,
      queueSize: 4,
      smoothingPercent: 20,
      longWindow: 600,
      ...policy,
    });
  }

  get limit(): number {
    return this.tested.limit;
  }

  /** Ends enough attempts of this latency to close a window, which takes a second at most. */
  window(rttMs: number, { inFlight = this.tested.limit, drops = 0, samples = 10 } = {}): void {
    this.now += 1_000;
    for (let sample = 0; sample < samples; sample++) {
      this.settle(rttMs, inFlight, sample < drops);
    }
  }

  windows(count: number, rttMs: number, options?: { inFlight?: number; drops?: number }): void {
    for (let done = 0; done < count; done++) this.window(rttMs, options);
  }

  settle(rttMs: number, inFlight: number, dropped = false, epoch = this.tested.epoch): void {
    this.tested.settle({ epoch, startedAt: this.now - rttMs, inFlight }, this.now, dropped, CEILING);
  }
}

describe('Gradient2Limit', () => {
  it('grows by a fifth of the queue size a window while latency stays as it is', () => {
    const bench = new Bench();
    bench.windows(5, 50);
    expect(bench.limit).toBe(24);
  });

  it('needs ten attempts for a window, or as many as the limit lets through', () => {
    const bench = new Bench();
    bench.window(50, { samples: 9 });
    expect(bench.limit).toBe(20);
    const small = new Bench({ initialLimit: 2, smoothingPercent: 100 });
    small.window(50, { samples: 2 });
    expect(small.limit).toBe(6);
  });

  it('needs a while for a window, whatever the traffic', () => {
    const bench = new Bench({ smoothingPercent: 100 });
    bench.window(10);
    bench.now += 99;
    for (let sample = 0; sample < 100; sample++) bench.settle(10, 20);
    expect(bench.limit).toBe(24);
    bench.now += 1;
    bench.settle(10, 20);
    expect(bench.limit).toBe(28);
  });

  it('does not shrink while latency is within the tolerance', () => {
    const bench = new Bench();
    bench.windows(20, 50);
    const before = bench.limit;
    bench.window(75);
    expect(bench.limit).toBeGreaterThanOrEqual(before);
  });

  it('shrinks as latency grows beyond it: gradient 1.5 * 50 / 100', () => {
    const bench = new Bench({ smoothingPercent: 100 });
    bench.windows(10, 50);
    expect(bench.limit).toBe(60);
    bench.window(100);
    expect(bench.limit).toBe(60 * 0.75 + 4);
  });

  it('bears an upstream that takes no time', () => {
    const bench = new Bench();
    bench.windows(5, 0);
    expect(bench.limit).toBe(24);
  });

  it('keeps half of the limit at the least', () => {
    const bench = new Bench({ smoothingPercent: 100 });
    bench.windows(10, 50);
    bench.window(10_000);
    expect(bench.limit).toBe(60 * 0.5 + 4);
  });

  it('changes nothing while less than half of the limit is in use', () => {
    const bench = new Bench();
    bench.windows(100, 50, { inFlight: 9 });
    bench.windows(100, 5_000, { inFlight: 9 });
    expect(bench.limit).toBe(20);
  });

  it('learns what is usual meanwhile: so few attempts do not make an upstream slow', () => {
    const bench = new Bench();
    bench.windows(20, 50, { inFlight: 9 });
    bench.windows(600, 150, { inFlight: 9 });
    bench.windows(5, 150);
    expect(bench.limit).toBe(24);
  });

  it('shrinks by the share of attempts that were dropped', () => {
    const bench = new Bench({ smoothingPercent: 100 });
    bench.windows(10, 50);
    bench.window(50, { drops: 2 });
    expect(bench.limit).toBe(60 * 0.8 + 4);
  });

  it('halves when everything is dropped', () => {
    const bench = new Bench({ smoothingPercent: 100 });
    bench.windows(10, 50);
    bench.window(50, { drops: 10 });
    expect(bench.limit).toBe(60 * 0.5 + 4);
  });

  it('bears a few drops: 1 in 100 does not keep it down', () => {
    const bench = new Bench();
    for (let window = 0; window < 500; window++) bench.window(50, { samples: 100, drops: 1 });
    expect(bench.limit).toBeGreaterThan(150);
  });

  it('forgets a usual latency that was far too high, without waiting for the average', () => {
    const bench = new Bench();
    bench.windows(10, 1_000);
    // By the average alone (2/601 a window) the usual latency would be 780 ms, and 300 ms be nothing unusual.
    bench.windows(80, 50);
    const before = bench.limit;
    bench.windows(10, 300);
    expect(bench.limit).toBeLessThan(before);
  });

  it('learns nothing of what is usual while it is congested', () => {
    const bench = new Bench({ longWindow: 10 });
    bench.windows(20, 50);
    bench.windows(29, 200);
    expect(bench.limit).toBeLessThanOrEqual(10);
  });

  it('does not take an overload that lasts for the new normal', () => {
    const bench = new Bench({ initialLimit: 60 });
    // An upstream of 20 workers that queues: latency grows with what is sent.
    const rtt = (inFlight: number): number => 50 * Math.max(1, inFlight / 20);
    bench.windows(20, 50, { inFlight: 30 });
    for (let window = 0; window < 5_000; window++) bench.window(rtt(bench.limit));
    expect(bench.limit).toBeLessThanOrEqual(36);
  });

  it('notices an overload that was there from the start', () => {
    const bench = new Bench({ initialLimit: 100 });
    const rtt = (inFlight: number): number => 50 * Math.max(1, inFlight / 20);
    for (let window = 0; window < 1_000; window++) bench.window(rtt(bench.limit));
    expect(bench.limit).toBeLessThanOrEqual(36);
  });

  it('accepts that the upstream has become slower by itself', () => {
    const bench = new Bench();
    bench.windows(50, 50);
    bench.windows(30, 150);
    const low = bench.limit;
    bench.windows(100, 150);
    expect(bench.limit).toBeGreaterThan(2 * low);
  });

  it('measures anew only from attempts begun after it lowered the limit for that', () => {
    const bench = new Bench();
    bench.windows(20, 50);
    const { epoch } = bench.tested;
    for (let window = 0; bench.tested.epoch === epoch && window < 1_000; window++) bench.window(200);
    const probing = bench.limit;
    bench.now += 1_000;
    for (let sample = 0; sample < 100; sample++) bench.settle(200, 20, false, epoch);
    expect(bench.limit).toBe(probing);
    bench.window(50);
    expect(bench.limit).toBeGreaterThan(2 * probing);
  });

  it('is whole, and between its minimum and the ceiling, whatever happens', () => {
    const window = fc.record({
      rttMs: fc.integer({ min: 0, max: 5_000 }),
      inFlight: fc.integer({ min: 1, max: 300 }),
      drops: fc.nat(10),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.array(window, { maxLength: 200 }),
        (minLimit, windows) => {
          const bench = new Bench({ minLimit });
          for (const { rttMs, ...options } of windows) {
            bench.window(rttMs, options);
            expect(Number.isInteger(bench.limit)).toBe(true);
            expect(bench.limit).toBeGreaterThanOrEqual(minLimit);
            expect(bench.limit).toBeLessThanOrEqual(CEILING);
          }
        },
      ),
    );
  });
});
