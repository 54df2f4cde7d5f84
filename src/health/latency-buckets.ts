/** Everything up to this, in ms, counts as this. */
const LEAST_MS = 0.05;
const MOST_MS = 120_000;
/** Each bucket ends at this multiple of where it begins: its middle is within 4.5 % of all that lies in it. */
const GROWTH = 1.045 / 0.955;
const PER_LOG = 1 / Math.log(GROWTH);

/**
 * How many buckets there are: durations from 0.05 ms to two minutes, in a geometric row (DDSketch, Masson et al., 2019),
 * so that the error is the same share of a short duration and of a long one.
 */
export const LATENCY_BUCKETS = 2 + Math.ceil(Math.log(MOST_MS / LEAST_MS) * PER_LOG);

/** What stands for a bucket, to three digits: it is read by people, and sent to them once a second. */
const MIDDLES = Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => {
  const middle = bucket === 0 ? LEAST_MS : (2 * LEAST_MS * GROWTH ** bucket) / (GROWTH + 1);
  return Number(middle.toPrecision(3));
});

/** The bucket of a duration. One that is longer than two minutes counts as about that. */
export function latencyBucketOf(durationMs: number): number {
  if (!(durationMs > LEAST_MS)) return 0;
  return Math.min(Math.ceil(Math.log(durationMs / LEAST_MS) * PER_LOG), LATENCY_BUCKETS - 1);
}

/** Percentiles in ms, each within 5 % of the exact one (the nearest rank); null where there was nothing to measure. */
export interface Percentiles {
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

const NONE: Percentiles = { p50Ms: null, p95Ms: null, p99Ms: null };

/** The percentiles of the durations counted in `counts`, bucket by bucket from `from` on. */
export function percentilesOf(counts: Uint32Array, from = 0): Percentiles {
  let samples = 0;
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) samples += counts[from + bucket] ?? 0;
  if (samples === 0) return NONE;
  let bucket = 0;
  let seen = counts[from] ?? 0;
  const upTo = (percent: number): number => {
    const rank = Math.ceil((samples * percent) / 100);
    while (seen < rank) seen += counts[from + ++bucket] ?? 0;
    return MIDDLES[bucket] ?? MOST_MS;
  };
  return { p50Ms: upTo(50), p95Ms: upTo(95), p99Ms: upTo(99) };
}
