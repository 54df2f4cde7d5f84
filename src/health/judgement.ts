import { type BreakerSnapshot } from '../resilience/circuit-breaker.js';
import { type ProbeResult } from './probe.js';
import { isInTrouble, type TrafficSigns } from './upstream-traffic.js';

/** `unknown`: nobody has called or probed it yet. */
export type UpstreamStatus = 'up' | 'degraded' | 'down' | 'unknown';

/** How an upstream is, and why, in a few words. */
export interface Judgement {
  readonly status: UpstreamStatus;
  /** Absent where there is nothing to explain. */
  readonly reason?: string;
}

/** All that is known about an upstream at one moment. */
export interface Evidence {
  readonly breaker: Pick<BreakerSnapshot, 'state' | 'calls' | 'failures' | 'slowCalls' | 'retryAfterMs'>;
  /** The shares of the window at which the breaker opens. */
  readonly failureRateThresholdPercent: number;
  readonly slowCallRateThresholdPercent: number;
  readonly traffic: TrafficSigns;
  /** Time between two probes, in ms; null where nobody probes. */
  readonly probeIntervalMs: number | null;
  readonly probe: ProbeResult | undefined;
}

/** An upstream is degraded from this part of the breaker's threshold on. */
const NOTEWORTHY = 0.5;

/**
 * Judges an upstream.
 *
 * - `down`: the breaker refuses calls; or the last probe failed, and no call succeeded since, nor within the interval
 *   before it, or the last three attempts of calls failed as well.
 * - `degraded`: it works, and something is wrong: half-way to its breaker's threshold, an endpoint silent, the probe
 *   failing beside calls that succeed; or its breaker would let the next call through to see; or the last three attempts
 *   failed, and no probe says otherwise. That alone never makes it `down`: a gateway that is not ready gets no calls, and
 *   nothing would ever take it back.
 */
export function judge(evidence: Evidence): Judgement {
  const { state, retryAfterMs } = evidence.breaker;
  switch (state) {
    case 'force-open':
      return { status: 'down', reason: 'the breaker is forced open' };
    case 'open':
      return retryAfterMs > 0 ? { status: 'down', reason: 'the breaker is open' } : judgeOnTrial(evidence);
    case 'half-open':
      return judgeOnTrial(evidence);
    case 'closed':
    case 'disabled':
    case 'metrics-only':
      return judgeInService(evidence);
  }
}

/**
 * The breaker's open time is over, and only a call can close it. A gateway that called a critical upstream down until
 * then would not be ready, get no calls, and never be ready again: so the newest sign decides, and where nobody
 * probes, the next call has to.
 */
function judgeOnTrial({ traffic, probe, probeIntervalMs }: Evidence): Judgement {
  const { lastSuccessAt = -Infinity, lastFailure } = traffic;
  const answeredAt = Math.max(lastSuccessAt, probe?.ok === true ? probe.at : -Infinity);
  const failedAt = Math.max(lastFailure?.at ?? -Infinity, probe?.ok === false ? probe.at : -Infinity);
  return probeIntervalMs === null || answeredAt > failedAt
    ? { status: 'degraded', reason: 'the breaker lets a few calls through to see' }
    : { status: 'down', reason: 'the breaker waits for the upstream to answer' };
}

function judgeInService(evidence: Evidence): Judgement {
  const { breaker, traffic, probe } = evidence;
  if (probe?.ok === false && !isVouchedFor(probe, evidence)) {
    return { status: 'down', reason: `probe failed: ${probe.reason ?? 'no answer'}` };
  }
  const known = probe ?? traffic.lastSuccessAt ?? traffic.lastFailure;
  if (known === undefined && breaker.calls === 0)
    return { status: 'unknown', reason: 'neither called nor probed yet' };

  const flaw = flawOfProbe(probe) ?? flawOfCalls(evidence) ?? flawOfTraffic(evidence);
  if (flaw !== undefined) return { status: 'degraded', reason: flaw };
  // It answers, only not as a health path would: worth a look at the configuration.
  return probe?.reason === undefined
    ? { status: 'up' }
    : { status: 'up', reason: `answers probes with ${probe.reason}` };
}

/** A call that succeeded outweighs a probe that failed at about the same time, unless calls have only failed since. */
function isVouchedFor(probe: ProbeResult, { traffic, probeIntervalMs }: Evidence): boolean {
  if (isInTrouble(traffic)) return false;
  return (traffic.lastSuccessAt ?? -Infinity) > probe.at - (probeIntervalMs ?? 0);
}

function flawOfProbe(probe: ProbeResult | undefined): string | undefined {
  if (probe === undefined || probe.silentEndpoints === 0) return undefined;
  const cause = probe.reason ?? 'no answer';
  return probe.ok
    ? `${probe.silentEndpoints} endpoint(s) silent: ${cause}`
    : `calls succeed, but probe failed: ${cause}`;
}

function flawOfCalls({ breaker, ...thresholds }: Evidence): string | undefined {
  const { calls, failures, slowCalls } = breaker;
  if (calls === 0) return undefined;
  const failureRate = (failures * 100) / calls;
  const slowRate = (slowCalls * 100) / calls;
  if (failureRate >= thresholds.failureRateThresholdPercent * NOTEWORTHY)
    return `${failures} of ${calls} calls failed`;
  if (slowRate >= thresholds.slowCallRateThresholdPercent * NOTEWORTHY)
    return `${slowCalls} of ${calls} calls slow`;
  return undefined;
}

/** Few calls never fill the breaker's window: what was seen last stands until something else is seen. */
function flawOfTraffic({ traffic, probe }: Evidence): string | undefined {
  const { lastFailure, failuresInARow } = traffic;
  if (!isInTrouble(traffic) || lastFailure === undefined) return undefined;
  if (probe?.ok === true && probe.at > lastFailure.at) return undefined;
  return `the last ${failuresInARow} attempts failed: ${lastFailure.reason}`;
}
