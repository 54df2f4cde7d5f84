import { type Observer } from 'rxjs';
import { type AdaptiveLimit, type LimitedAttempt } from './adaptive-limit.js';
import { type Bulkhead } from './bulkhead.js';
import { type Layer } from './call.js';
import { type Clock } from './clock.js';
import { Link } from './link.js';
import { verdictOf } from './verdict.js';

/**
 * Teaches the limit with each attempt that says something about load, and makes the bulkhead as large as it says.
 * Stands right inside the bulkhead, where the attempt holds its permit. An attempt that is cancelled, or whose error
 * says nothing about load, is no sample.
 */
export function withAdaptiveLimit<T, A>(
  adaptive: AdaptiveLimit,
  bulkhead: Bulkhead,
  clock: Clock,
): Layer<T, A> {
  bulkhead.adapt(adaptive.limit);
  return (next) => (attempt, answer) => {
    next(attempt, new SampleLink(answer, adaptive, bulkhead, clock));
  };
}

/** One attempt, measured. */
class SampleLink<T> extends Link<T> implements LimitedAttempt {
  readonly epoch: number;
  readonly startedAt: number;
  readonly inFlight: number;
  private settled = false;

  constructor(
    behind: Observer<T>,
    private readonly adaptive: AdaptiveLimit,
    private readonly bulkhead: Bulkhead,
    private readonly clock: Clock,
  ) {
    super(behind);
    this.epoch = adaptive.epoch;
    this.startedAt = clock.now();
    this.inFlight = bulkhead.inUse;
  }

  override next(value: T): void {
    if (!this.closed) this.settle('sample');
    super.next(value);
  }

  override error(error: unknown): void {
    if (!this.closed) this.settle(verdictOf(error).limit);
    super.error(error);
  }

  private settle(reading: 'sample' | 'drop' | 'ignore'): void {
    if (this.settled) return;
    this.settled = true;
    if (reading === 'ignore') return;
    const { adaptive, bulkhead } = this;
    adaptive.settle(this, this.clock.now(), reading === 'drop', bulkhead.ceiling);
    bulkhead.adapt(adaptive.limit);
  }
}
