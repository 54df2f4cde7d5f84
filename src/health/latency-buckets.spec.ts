import fc from 'fast-check';
import { LATENCY_BUCKETS, latencyBucketOf, percentilesOf } from './latency-buckets.js';

function counted(durations: readonly number[]): Uint32Array {
  const counts = new Uint32Array(LATENCY_BUCKETS);
  for (const duration of durations) counts[latencyBucketOf(duration)]!++;
  return counts;
}

/** The nearest rank. */
function exact(percent: number, durations: readonly number[]): number {
  const sorted = [...durations].sort((one, other) => one - other);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1]!;
}

describe('latency buckets', () => {
  it('give percentiles within 5 % of the exact ones', () => {
    const duration = fc.double({ min: 0.05, max: 120_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 300 }), (durations) => {
        const { p50Ms, p95Ms, p99Ms } = percentilesOf(counted(durations));
        for (const [percent, answer] of [
          [50, p50Ms],
          [95, p95Ms],
          [99, p99Ms],
        ] as const) {
          const truth = exact(percent, durations);
          expect(Math.abs(answer! - truth)).toBeLessThanOrEqual(truth * 0.05);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it.each([
    ['nothing', 0, 0],
    ['less than nothing', -1, 0],
    ['what is no number', NaN, 0],
    ['the shortest there is', 0.05, 0],
    ['an hour', 3_600_000, LATENCY_BUCKETS - 1],
    ['forever', Infinity, LATENCY_BUCKETS - 1],
  ])('have a place for %s', (_what, duration, bucket) => {
    expect(latencyBucketOf(duration)).toBe(bucket);
  });

  it('have no percentiles of nothing', () => {
    expect(percentilesOf(counted([]))).toEqual({ p50Ms: null, p95Ms: null, p99Ms: null });
  });

  it('take a lone duration for all of them', () => {
    const { p50Ms, p95Ms, p99Ms } = percentilesOf(counted([200]));
    expect(Math.abs(p50Ms! - 200)).toBeLessThanOrEqual(10);
    expect([p95Ms, p99Ms]).toEqual([p50Ms, p50Ms]);
  });
});
