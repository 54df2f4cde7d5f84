/** A value lands in one of so many steps between a power of two and the next. */
const STEPS = 16;
/** Everything above 2^17 ms, a little over two minutes, counts as just below it. */
const LARGEST = 2 ** 17 * STEPS - 1;
const BUCKETS = 18 * STEPS;

const SLICES = 6;
const REFRESH_MS = 3_000;
const LEAST_SAMPLES = 20;

/**
 * A percentile of the durations recorded over the last `windowMs`, which moves on in six slices. It owns no timer:
 * slices expire by the epoch they were written in, when somebody records or asks.
 *
 * Durations are counted in a log-linear histogram (HdrHistogram's layout): recording is one increment, the memory is
 * the same for ten samples as for ten million, and no sample is ever sorted. What it answers is the upper edge of a
 * bucket: never below the true percentile, and above it by at most a sixteenth, or by 1/16 ms below 1 ms.
 */
export class RollingPercentile {
  private readonly slices = new Uint32Array(SLICES * BUCKETS);
  private readonly sums = new Uint32Array(BUCKETS);
  private readonly sliceMs: number;
  /** The share that may lie above the percentile. */
  private readonly above: number;
  private readonly leastSamples: number;
  private samples = 0;
  private epoch = 0;
  private known: number | undefined;
  private refreshAt = -Infinity;
  private refreshFrom: number;

  /** `percentile` is above 0 and below 100. */
  constructor(percentile: number, windowMs = 30_000) {
    this.sliceMs = windowMs / SLICES;
    this.above = (100 - percentile) / 100;
    // With fewer not even one sample lies above it: it would be the slowest of a handful.
    this.leastSamples = Math.max(LEAST_SAMPLES, Math.ceil(1 / this.above - 1e-6));
    this.refreshFrom = this.leastSamples;
  }

  record(durationMs: number, now: number): void {
    this.expire(now);
    const bucket = bucketOf(durationMs);
    const cell = (this.epoch % SLICES) * BUCKETS + bucket;
    this.slices[cell] = (this.slices[cell] ?? 0) + 1;
    this.sums[bucket] = (this.sums[bucket] ?? 0) + 1;
    this.samples++;
  }

  /**
   * The percentile in ms; undefined while the window holds too few samples for it: 20, or as many as it takes for one
   * of them to lie above it (100 for the 99th). Worked out anew every 3 s, and earlier when the samples have doubled:
   * what the first few say is soon outdated.
   */
  at(now: number): number | undefined {
    this.expire(now);
    if (now >= this.refreshAt || this.samples >= this.refreshFrom) this.refresh(now);
    return this.known;
  }

  private refresh(now: number): void {
    this.refreshAt = now + REFRESH_MS;
    const enough = this.samples >= this.leastSamples;
    this.refreshFrom = enough ? 2 * this.samples : this.leastSamples;
    this.known = enough ? this.workedOut() : undefined;
  }

  private workedOut(): number {
    let mayLieAbove = Math.floor(this.samples * this.above + 1e-6);
    let bucket = BUCKETS - 1;
    while (bucket > 0) {
      mayLieAbove -= this.sums[bucket] ?? 0;
      if (mayLieAbove < 0) break;
      bucket--;
    }
    return upperEdgeOf(bucket);
  }

  private expire(now: number): void {
    const epoch = Math.floor(now / this.sliceMs);
    if (epoch <= this.epoch) return;
    if (epoch - this.epoch >= SLICES) {
      this.slices.fill(0);
      this.sums.fill(0);
      this.samples = 0;
    } else {
      for (let stale = this.epoch + 1; stale <= epoch; stale++) this.forget((stale % SLICES) * BUCKETS);
    }
    this.epoch = epoch;
  }

  private forget(slice: number): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.slices[slice + bucket] ?? 0;
      this.sums[bucket] = (this.sums[bucket] ?? 0) - count;
      this.samples -= count;
    }
    this.slices.fill(0, slice, slice + BUCKETS);
  }
}

/** Linear in steps of 1/16 ms up to 2 ms, then sixteen steps to each doubling. */
function bucketOf(durationMs: number): number {
  const units = Math.min(Math.max(0, Math.floor(durationMs * STEPS)), LARGEST);
  if (units < 2 * STEPS) return units;
  const doublings = 27 - Math.clz32(units);
  return doublings * STEPS + (units >>> doublings);
}

function upperEdgeOf(bucket: number): number {
  if (bucket < 2 * STEPS) return (bucket + 1) / STEPS;
  const doublings = Math.floor(bucket / STEPS) - 1;
  return (((bucket % STEPS) + STEPS + 1) * 2 ** doublings) / STEPS;
}
