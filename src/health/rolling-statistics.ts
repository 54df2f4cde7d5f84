import { type Clock } from '../resilience/clock.js';
import { LATENCY_BUCKETS, latencyBucketOf, type Percentiles, percentilesOf } from './latency-buckets.js';

const COUNT = 0;
const FAILED = 1;
const OWN = 2;

export interface RollingStatisticsOptions<K extends string = never> {
  /** Length of a step, in ms. Default 5000. */
  readonly stepMs?: number | undefined;
  /** How many steps are remembered, the one that runs included. Default 60. */
  readonly steps?: number | undefined;
  /** What else is counted, by name. Default nothing. */
  readonly counters?: readonly K[] | undefined;
}

/** What was added in a while. */
export interface StatisticsSummary<K extends string = never> extends Percentiles {
  readonly count: number;
  readonly failed: number;
  readonly counted: Readonly<Record<K, number>>;
}

/** Step by step, the oldest first; the last step is the one that runs. All lists are equally long. */
export interface StatisticsSeries {
  readonly stepMs: number;
  readonly count: readonly number[];
  readonly failed: readonly number[];
  readonly p50Ms: readonly (number | null)[];
  readonly p95Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
}

/** The buckets of several steps, added up; nobody keeps it beyond a turn. */
const sums = new Uint32Array(LATENCY_BUCKETS);

/**
 * How many there were, how many failed, and how long they took, over the last minutes. It owns no timer: steps expire by
 * the epoch they were written in, when somebody adds or asks, so what is idle costs nothing.
 *
 * Adding takes 0.2 us, half of it for the time, and allocates nothing. The memory is the same for ten samples as for ten
 * million: 42 KB for 60 steps from the first duration on, and 3 KB before.
 */
export class RollingStatistics<K extends string = never> {
  private readonly stepMs: number;
  private readonly steps: number;
  private readonly counters: readonly K[];
  private readonly startedAt: number;
  private readonly width: number;
  private readonly counts: Uint32Array;
  private durations: Uint32Array | undefined;
  private epoch: number;

  constructor(
    private readonly clock: Clock,
    { stepMs = 5_000, steps = 60, counters = [] }: RollingStatisticsOptions<K> = {},
  ) {
    this.stepMs = stepMs;
    this.steps = steps;
    this.counters = counters;
    this.width = OWN + counters.length;
    this.counts = new Uint32Array(steps * this.width);
    this.startedAt = clock.now();
    this.epoch = Math.floor(this.startedAt / stepMs);
  }

  /** @param durationMs null for what took no time worth measuring: it counts, and moves no percentile. */
  add(durationMs: number | null, failed: boolean): void {
    const step = this.runningStep();
    this.increment(step, COUNT);
    if (failed) this.increment(step, FAILED);
    if (durationMs === null) return;
    const durations = (this.durations ??= new Uint32Array(this.steps * LATENCY_BUCKETS));
    const cell = step * LATENCY_BUCKETS + latencyBucketOf(durationMs);
    durations[cell] = (durations[cell] ?? 0) + 1;
  }

  /** One more of a kind that was named when it was made. */
  count(kind: K): void {
    this.increment(this.runningStep(), OWN + this.counters.indexOf(kind));
  }

  /** The step that runs and those before it, as many as fit into `ms`: never older than that, and at most a step short. */
  over(ms: number): StatisticsSummary<K> {
    this.runningStep();
    const { durations } = this;
    const totals = new Array<number>(this.width).fill(0);
    sums.fill(0);
    for (let back = 0; back < this.stepsWithin(ms); back++) {
      const step = this.stepBack(back);
      for (let kind = 0; kind < this.width; kind++)
        totals[kind] = (totals[kind] ?? 0) + this.read(step, kind);
      if (durations !== undefined && this.read(step, COUNT) > 0) addTo(sums, durations, step);
    }
    const own = this.counters.map((kind, index) => [kind, totals[OWN + index] ?? 0] as const);
    return {
      count: totals[COUNT] ?? 0,
      failed: totals[FAILED] ?? 0,
      counted: Object.fromEntries(own) as Record<K, number>,
      ...percentilesOf(sums),
    };
  }

  /** How many there were a second, over `ms` or as long as it has been counting. */
  perSecond(ms: number): number {
    this.runningStep();
    let count = 0;
    for (let back = 0; back < this.stepsWithin(ms); back++) count += this.read(this.stepBack(back), COUNT);
    const now = this.clock.now();
    const since = Math.max((this.epoch - this.stepsWithin(ms) + 1) * this.stepMs, this.startedAt);
    // What has just begun has no rate yet: one call in the first millisecond is not a thousand a second.
    return (count * 1_000) / Math.max(now - since, 1_000);
  }

  series(): StatisticsSeries {
    this.runningStep();
    const steps = Array.from({ length: this.steps }, (_, index) => this.stepBack(this.steps - 1 - index));
    // As long as nothing took any time, there is one row of nothing for all of them.
    const { durations = sums.fill(0) } = this;
    const rows = durations === sums ? 0 : LATENCY_BUCKETS;
    const percentiles = steps.map((step) => percentilesOf(durations, step * rows));
    return {
      stepMs: this.stepMs,
      count: steps.map((step) => this.read(step, COUNT)),
      failed: steps.map((step) => this.read(step, FAILED)),
      p50Ms: percentiles.map(({ p50Ms }) => p50Ms),
      p95Ms: percentiles.map(({ p95Ms }) => p95Ms),
      p99Ms: percentiles.map(({ p99Ms }) => p99Ms),
    };
  }

  private increment(step: number, kind: number): void {
    const cell = step * this.width + kind;
    this.counts[cell] = (this.counts[cell] ?? 0) + 1;
  }

  private read(step: number, kind: number): number {
    return this.counts[step * this.width + kind] ?? 0;
  }

  private stepsWithin(ms: number): number {
    return Math.min(this.steps, Math.max(1, Math.floor(ms / this.stepMs)));
  }

  private stepBack(back: number): number {
    return (this.epoch - back + this.steps) % this.steps;
  }

  /** The place of the step that runs now, after those that are over have been forgotten. */
  private runningStep(): number {
    const epoch = Math.floor(this.clock.now() / this.stepMs);
    if (epoch > this.epoch) this.moveOnTo(epoch);
    return this.epoch % this.steps;
  }

  private moveOnTo(epoch: number): void {
    const first = Math.max(this.epoch + 1, epoch - this.steps + 1);
    for (let stale = first; stale <= epoch; stale++) {
      const step = stale % this.steps;
      this.counts.fill(0, step * this.width, (step + 1) * this.width);
      this.durations?.fill(0, step * LATENCY_BUCKETS, (step + 1) * LATENCY_BUCKETS);
    }
    this.epoch = epoch;
  }
}

function addTo(sum: Uint32Array, durations: Uint32Array, step: number): void {
  const from = step * LATENCY_BUCKETS;
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    sum[bucket] = (sum[bucket] ?? 0) + (durations[from + bucket] ?? 0);
  }
}
