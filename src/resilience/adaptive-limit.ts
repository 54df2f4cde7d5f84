import { AimdLimit } from './aimd-limit.js';
import { Gradient2Limit } from './gradient2-limit.js';

export interface AdaptiveLimitPolicy {
  readonly algorithm: 'aimd' | 'gradient2';
  /** Where the limit begins. */
  readonly initialLimit: number;
  /** The limit never falls below this. */
  readonly minLimit: number;
  /** AIMD: an attempt that took longer, in ms, counts as dropped. */
  readonly latencyThresholdMs: number;
  /** AIMD: what a decrease leaves of the limit. */
  readonly backoffRatioPercent: number;
  /** Gradient2: how much slower than usual attempts may be before the limit falls; 150 is half as long again. */
  readonly rttTolerancePercent: number;
  /** Gradient2: attempts that may queue at the upstream; what the limit grows by while latency stays low. */
  readonly queueSize: number;
  /** Gradient2: how much of each new estimate is taken over. */
  readonly smoothingPercent: number;
  /** Gradient2: windows that the usual latency is averaged over. */
  readonly longWindow: number;
}

/** What a limit must know of the beginning of an attempt. */
export interface LimitedAttempt {
  /** {@link AdaptiveLimit.epoch} when it began. */
  readonly epoch: number;
  /** When it got its permit: the wait for it says nothing about the upstream. */
  readonly startedAt: number;
  /** Attempts on the wire at that moment, itself included. */
  readonly inFlight: number;
}

/** A guess at how many attempts an upstream can take at once, made from how the last ones went. */
export interface AdaptiveLimit {
  /** Whole, at least `minLimit`. */
  readonly limit: number;
  /**
   * Counts the times the limit was taken back. A sample of an earlier epoch tells of the load before, and is not
   * counted (Envoy #11579: samples from before a measurement made its result drift).
   */
  readonly epoch: number;
  /**
   * Learns from one attempt.
   *
   * @param dropped the upstream had more than it could do.
   * @param ceiling the limit never grows above this.
   */
  settle(attempt: LimitedAttempt, endedAt: number, dropped: boolean, ceiling: number): void;
}

export function adaptiveLimitOf(policy: AdaptiveLimitPolicy): AdaptiveLimit {
  switch (policy.algorithm) {
    case 'aimd':
      return new AimdLimit(policy);
    case 'gradient2':
      return new Gradient2Limit(policy);
  }
}
