import { RollingPercentile } from './rolling-percentile.js';

export interface HedgeDelayPolicy {
  /** `percentile`: as long as most calls take; `fixed`: `delayMs`. */
  readonly mode: 'off' | 'percentile' | 'fixed';
  /** The share of calls, in percent, that answer before the delay is over. */
  readonly percentile: number;
  /** The delay where it is fixed, in ms. */
  readonly delayMs: number;
  /** Bounds of a delay that is a percentile, in ms. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * How long a call waits for its answer before it is hedged: a percentile of how long first attempts have taken of late.
 *
 * What did not answer still says something: it took at least as long as it lasted. Once that is the delay or more, its
 * place is above the percentile, wherever exactly, and it is counted as what it lasted; without that, hedging would
 * take the slow ones out of its own statistics, hedge ever earlier, and end up sending everything twice. What was cut
 * off or failed sooner says nothing and is left out.
 */
export class HedgeDelay {
  private readonly latencies: RollingPercentile | undefined;

  constructor(private readonly policy: HedgeDelayPolicy) {
    if (policy.mode === 'percentile') this.latencies = new RollingPercentile(policy.percentile);
  }

  /** The delay in ms; undefined while there is no telling, and nothing is to be hedged. */
  at(now: number): number | undefined {
    const { policy, latencies } = this;
    if (latencies === undefined) return policy.delayMs;
    const latencyMs = latencies.at(now);
    if (latencyMs === undefined) return undefined;
    return Math.min(Math.max(latencyMs, policy.minDelayMs), policy.maxDelayMs);
  }

  /** A first attempt has ended after so many ms, with the upstream's answer or without one. */
  record(lastedMs: number, answered: boolean, now: number): void {
    if (this.latencies === undefined) return;
    if (answered || lastedMs >= (this.at(now) ?? Infinity)) this.latencies.record(lastedMs, now);
  }
}
