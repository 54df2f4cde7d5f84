import { type AdaptiveLimit, type AdaptiveLimitPolicy, type LimitedAttempt } from './adaptive-limit.js';

export type AimdLimitPolicy = Pick<
  AdaptiveLimitPolicy,
  'initialLimit' | 'minLimit' | 'latencyThresholdMs' | 'backoffRatioPercent'
>;

/**
 * Additive increase, multiplicative decrease: `limit + 1` after an attempt that went well while at least half the limit
 * was in use, `limit * 0.9` after one that was dropped or took longer than the threshold. After Netflix's
 * concurrency-limits (AIMDLimit.java), with TCP's pace (RFC 5681) instead of its:
 *
 * - One decrease a round trip. Sixty attempts that time out together are one piece of news, and would otherwise take
 *   the limit from 64 to 1. After a decrease, attempts begun before it change nothing either way.
 * - Until the first decrease every good attempt adds 1, after it every round trip does (1/limit an attempt): growth by
 *   one an attempt doubles the limit in a round trip, and one decrease in the next could not make up for it.
 *
 * From a limit of 1 it grows again by itself: one attempt at a time is always in flight.
 */
export class AimdLimit implements AdaptiveLimit {
  private estimate: number;
  private decreases = 0;
  private readonly backoffRatio: number;

  constructor(private readonly policy: AimdLimitPolicy) {
    this.estimate = policy.initialLimit;
    this.backoffRatio = policy.backoffRatioPercent / 100;
  }

  get limit(): number {
    return Math.floor(this.estimate);
  }

  get epoch(): number {
    return this.decreases;
  }

  settle(attempt: LimitedAttempt, endedAt: number, dropped: boolean, ceiling: number): void {
    if (attempt.epoch !== this.decreases) return;
    const { latencyThresholdMs, minLimit } = this.policy;
    if (dropped || endedAt - attempt.startedAt > latencyThresholdMs) {
      this.decreases++;
      this.estimate = Math.max(minLimit, Math.min(this.estimate, ceiling) * this.backoffRatio);
    } else if (attempt.inFlight * 2 >= this.limit) {
      const growth = this.decreases === 0 ? 1 : 1 / this.estimate;
      this.estimate = Math.min(ceiling, this.estimate + growth);
    }
  }
}
