import fc from 'fast-check';
import { seededRandom } from './random.js';
import { RollingPercentile } from './rolling-percentile.js';

/** The exact answer: the smallest of them with at most the share above it. */
function exact(percentile: number, durations: readonly number[]): number {
  const sorted = [...durations].sort((one, other) => one - other);
  const above = Math.floor((durations.length * (100 - percentile)) / 100 + 1e-6);
  return sorted[sorted.length - 1 - above]!;
}

function recorded(percentile: number, durations: readonly number[], now = 0): RollingPercentile {
  const latencies = new RollingPercentile(percentile);
  for (const duration of durations) latencies.record(duration, now);
  return latencies;
}

// A duration of 10 ms is counted as at most 10.5, one of 7 as at most 7.25: the edges of the histogram's buckets.
const times = (count: number, duration: number): number[] => new Array<number>(count).fill(duration);

describe('RollingPercentile', () => {
  it.each([
    [95, 19, 20],
    [50, 19, 20],
    [99, 99, 100],
    [99.9, 999, 1_000],
  ])('of %d %% is not known from %i samples, and known from %i', (percentile, tooFew, enough) => {
    const latencies = recorded(percentile, times(tooFew, 10));
    expect(latencies.at(0)).toBeUndefined();
    for (let missing = tooFew; missing < enough; missing++) latencies.record(10, 0);
    expect(latencies.at(0)).toBe(10.5);
  });

  it.each([50, 90, 95, 99, 99.9])(
    'is never below the exact %d %%, and at most a sixteenth above',
    (percentile) => {
      const duration = fc.double({ min: 0.0001, max: 100_000, noNaN: true });
      fc.assert(
        fc.property(fc.array(duration, { minLength: 1_000, maxLength: 1_200 }), (durations) => {
          const answer = recorded(percentile, durations).at(0)!;
          const truth = exact(percentile, durations);
          expect(answer).toBeGreaterThan(truth);
          expect(answer).toBeLessThanOrEqual(Math.max(truth * (1 + 1 / 16), truth + 1 / 16) + 1e-9);
        }),
        { numRuns: 30, seed: 1 },
      );
    },
  );

  it('puts every duration up to two minutes into a bucket whose edges it lies between', () => {
    for (let duration = 0; duration < 131_000; duration += 0.03 + duration / 500) {
      const edge = recorded(50, times(20, duration)).at(0)!;
      expect(edge).toBeGreaterThan(duration);
      expect(edge - duration).toBeLessThanOrEqual(Math.max(1 / 16, duration / 16) + 1e-9);
    }
  });

  it.each([
    ['nothing', 0],
    ['less than nothing', -1],
  ])('takes %s for the shortest there is', (_name, duration) => {
    expect(recorded(50, times(20, duration)).at(0)).toBe(1 / 16);
  });

  it.each([2 ** 17, 1e9, Infinity])('takes %d ms for a little over two minutes', (duration) => {
    expect(recorded(50, times(20, duration)).at(0)).toBe(2 ** 17);
  });

  it('forgets what is older than its window, slice by slice', () => {
    const latencies = new RollingPercentile(50);
    for (const duration of times(40, 100)) latencies.record(duration, 0);
    for (const duration of times(30, 10)) latencies.record(duration, 20_000);
    expect(latencies.at(29_999)).toBeGreaterThan(99);
    expect(latencies.at(33_000)).toBeLessThan(11);
  });

  it('forgets everything in an hour of silence', () => {
    const latencies = recorded(95, times(1_000, 100));
    expect(latencies.at(0)).toBeDefined();
    expect(latencies.at(3_600_000)).toBeUndefined();
    for (const duration of times(20, 7)) latencies.record(duration, 3_600_000);
    expect(latencies.at(3_600_000)).toBe(7.25);
  });

  it('is worked out anew every three seconds, or when its samples have doubled', () => {
    const latencies = recorded(50, times(40, 10));
    expect(latencies.at(0)).toBe(10.5);
    for (const duration of times(39, 100)) latencies.record(duration, 1);
    expect(latencies.at(2_999)).toBe(10.5);
    for (const duration of times(2, 100)) latencies.record(duration, 1);
    expect(latencies.at(2_999)).toBeGreaterThan(99);

    for (const duration of times(60, 1)) latencies.record(duration, 3_000);
    expect(latencies.at(5_998)).toBeGreaterThan(99);
    expect(latencies.at(5_999)).toBeLessThan(11);
  });

  it('agrees with a fresh one that holds only what is still in the window, however time passes', () => {
    const random = seededRandom(7);
    const rolling = new RollingPercentile(90);
    const kept: { readonly duration: number; readonly epoch: number }[] = [];
    let now = 0;
    let compared = 0;
    for (let step = 0; step < 3_000; step++) {
      now += random() * 40 * (random() < 0.002 ? 1_000 : 1);
      const duration = Math.exp(random() * 8);
      rolling.record(duration, now);
      kept.push({ duration, epoch: Math.floor(now / 5_000) });
      if (step % 100 !== 99) continue;
      // Past the next refresh, and still in the same slice: it answers what the window holds.
      const epoch = Math.floor(now / 5_000);
      const asked = now + 3_000;
      if (Math.floor(asked / 5_000) !== epoch) continue;
      const inWindow = kept.filter((one) => one.epoch > epoch - 6).map((one) => one.duration);
      expect(rolling.at(asked)).toBe(recorded(90, inWindow, now).at(now));
      compared++;
    }
    expect(compared).toBeGreaterThan(5);
  });
});
