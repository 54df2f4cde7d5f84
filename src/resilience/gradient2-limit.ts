import { type AdaptiveLimit, type AdaptiveLimitPolicy, type LimitedAttempt } from './adaptive-limit.js';

export type Gradient2LimitPolicy = Pick<
  AdaptiveLimitPolicy,
  'initialLimit' | 'minLimit' | 'rttTolerancePercent' | 'queueSize' | 'smoothingPercent' | 'longWindow'
>;

/** A window closes after twice its shortest latency, within these bounds, in ms. */
const MIN_WINDOW_MS = 100;
const MAX_WINDOW_MS = 1_000;
/** ... and not before it holds this many samples, or as many as the limit lets through. */
const MIN_SAMPLES = 10;
/** Windows that make up the first guess at the usual latency. */
const WARM_UP_WINDOWS = 10;
const MIN_GRADIENT = 0.5;
/** A quotient of two latencies needs one. */
const MIN_RTT_MS = 0.1;
/** Congested windows after which the usual latency is measured anew. */
const WINDOWS_BEFORE_PROBE = 30;
/** The share of its working limit at which it is measured, before the tolerance is taken off. */
const PROBE_SHARE = 0.5;

/**
 * Compares the latency of the last window with the usual one: the limit falls as the gradient between them does, and
 * leaves room for a small queue. After Netflix's concurrency-limits (Gradient2Limit.java, ExpAvgMeasurement.java):
 *
 *     gradient = clamp(tolerance * longRtt / shortRtt, 0.5, 1)
 *     limit    = limit * (1 - smoothing) + (limit * gradient + queueSize) * smoothing
 *
 * `longRtt` is an exponential average over `longWindow` windows (the mean of the first ten), taken back by 5 % while
 * it is more than twice `shortRtt`; nothing changes while less than half the limit is in use. Windows are those of
 * WindowedLimit.java, from 100 ms on instead of 1 s, so that the limit settles within seconds.
 *
 * Two things are added:
 *
 * - Drops. Netflix's algorithm does not look at them, so an upstream that rejects at once would keep its limit. Here
 *   the share of them in the window lowers the gradient.
 * - The usual latency is not learned from congested windows: an overload that lasts would become the new normal, and
 *   the limit grow to its ceiling. Instead it is measured anew every 30 of them, for one window, at a limit low enough
 *   to empty the upstream's queue, from attempts begun after it was lowered. That finds an upstream that has become
 *   slower by itself, and an overload that was there from the start. Envoy's adaptive concurrency re-measures its
 *   minRTT for the same reason, but at 3 requests, which sheds in bursts (Envoy #46532).
 */
export class Gradient2Limit implements AdaptiveLimit {
  private estimate: number;
  private probes = 0;
  private probing = false;
  private congestedWindows = 0;
  private longRtt = 0;
  private windows = 0;
  private readonly tolerance: number;
  private readonly smoothing: number;
  private readonly longFactor: number;

  // The window that is being filled.
  private windowEndsAt = -Infinity;
  private answered = 0;
  private dropped = 0;
  private rttSum = 0;
  private minRtt = Infinity;
  private maxInFlight = 0;

  constructor(private readonly policy: Gradient2LimitPolicy) {
    this.estimate = policy.initialLimit;
    this.tolerance = policy.rttTolerancePercent / 100;
    this.smoothing = policy.smoothingPercent / 100;
    this.longFactor = 2 / (policy.longWindow + 1);
  }

  get limit(): number {
    if (!this.probing) return Math.floor(this.estimate);
    return Math.max(this.policy.minLimit, Math.floor((this.estimate * PROBE_SHARE) / this.tolerance));
  }

  get epoch(): number {
    return this.probes;
  }

  settle(attempt: LimitedAttempt, endedAt: number, dropped: boolean, ceiling: number): void {
    if (attempt.epoch !== this.probes) return;
    this.add(endedAt - attempt.startedAt, attempt.inFlight, dropped);
    if (endedAt < this.windowEndsAt || this.answered + this.dropped < Math.min(MIN_SAMPLES, this.limit))
      return;
    this.update(ceiling);
    this.openWindow(endedAt);
  }

  private add(rtt: number, inFlight: number, dropped: boolean): void {
    this.maxInFlight = Math.max(this.maxInFlight, inFlight);
    if (dropped) {
      this.dropped++;
      return;
    }
    this.answered++;
    this.rttSum += Math.max(MIN_RTT_MS, rtt);
    this.minRtt = Math.min(this.minRtt, rtt);
  }

  private openWindow(now: number): void {
    const ms = this.answered === 0 ? MIN_WINDOW_MS : 2 * this.minRtt;
    this.windowEndsAt = now + Math.min(MAX_WINDOW_MS, Math.max(MIN_WINDOW_MS, ms));
    this.answered = 0;
    this.dropped = 0;
    this.rttSum = 0;
    this.minRtt = Infinity;
    this.maxInFlight = 0;
  }

  private update(ceiling: number): void {
    if (this.probing) {
      this.endProbe();
      return;
    }
    // Where not even half the limit is in use, it is not our load that makes the upstream slow.
    const appLimited = this.maxInFlight < this.estimate / 2;
    this.learn(appLimited);
    if (appLimited) return;
    const gradient = this.gradient();
    const { minLimit, queueSize } = this.policy;
    const next = this.estimate + (this.estimate * (gradient - 1) + queueSize) * this.smoothing;
    this.estimate = Math.max(minLimit, Math.min(ceiling, next));
    if (gradient < 1 && ++this.congestedWindows >= WINDOWS_BEFORE_PROBE) this.beginProbe();
  }

  private gradient(): number {
    if (this.answered === 0) return MIN_GRADIENT;
    const shortRtt = this.rttSum / this.answered;
    const slope = Math.min(1, (this.tolerance * this.longRtt) / shortRtt);
    const answeredShare = this.answered / (this.answered + this.dropped);
    return Math.max(MIN_GRADIENT, slope * answeredShare);
  }

  private learn(appLimited: boolean): void {
    if (this.answered === 0) return;
    const shortRtt = this.rttSum / this.answered;
    const congested = shortRtt > this.tolerance * this.longRtt;
    if (congested && !appLimited && this.windows >= WARM_UP_WINDOWS) return;
    this.windows++;
    const factor = this.windows <= WARM_UP_WINDOWS ? 1 / this.windows : this.longFactor;
    this.longRtt += (shortRtt - this.longRtt) * factor;
    if (this.longRtt > 2 * shortRtt) this.longRtt *= 0.95;
  }

  private beginProbe(): void {
    this.congestedWindows = 0;
    this.probing = true;
    this.probes++;
  }

  private endProbe(): void {
    this.probing = false;
    if (this.answered > 0) this.longRtt = this.rttSum / this.answered;
  }
}
