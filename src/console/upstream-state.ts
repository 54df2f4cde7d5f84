import { type ProbeResult } from '../health/probe.js';
import { type BreakerSnapshot } from '../resilience/circuit-breaker.js';
import { type EndpointSnapshot } from '../upstream/endpoints.js';
import { type Upstream } from '../upstream/upstream.js';
import { type EndpointState, type UpstreamState } from './console-state.js';
import { type WatchedGateway } from './watched-gateway.js';

/** One upstream as its tile shows it. */
export function upstreamState(
  upstream: Upstream,
  { health, prober, statistics, affected }: WatchedGateway,
): UpstreamState {
  const { name, critical, bulkhead, budget, policy, runtime } = upstream;
  const { status, reason = null } = health.of(upstream);
  const { callsPerSecond, ...window } = statistics.of(upstream);
  const now = runtime.clock.now();
  // The clock knows no date, and its moments are to be shown.
  const epoch = Date.now() - now;
  const wallTime = (at: number): number => Math.round(epoch + at);
  return {
    name,
    status,
    reason,
    critical,
    breaker: breakerState(upstream.breaker.snapshot(), policy.circuitBreaker, now, wallTime),
    probe: probeState(prober.lastOf(upstream), wallTime),
    probePaused: prober.isPaused(name),
    callsPerSecond,
    window,
    series: statistics.seriesOf(upstream),
    bulkhead: { inUse: bulkhead.inUse, queued: bulkhead.queued, limit: bulkhead.limit },
    retryBudget: budget.balance,
    endpoints: endpointStates(upstream, now),
    composites: affected.namesOf(name),
  };
}

function breakerState(
  { state, since, failureRatePercent, nextProbeAt }: BreakerSnapshot,
  { failureRateThresholdPercent: thresholdPercent }: Upstream['policy']['circuitBreaker'],
  now: number,
  wallTime: (at: number) => number,
): UpstreamState['breaker'] {
  const isOpen = state === 'open' && nextProbeAt !== undefined;
  return {
    state,
    since: wallTime(since),
    nextProbeInMs: isOpen ? Math.max(0, Math.ceil(nextProbeAt - now)) : null,
    failureRatePercent: Math.round(failureRatePercent * 10) / 10,
    thresholdPercent,
  };
}

function probeState(
  probe: ProbeResult | undefined,
  wallTime: (at: number) => number,
): UpstreamState['probe'] {
  if (probe === undefined) return null;
  const { ok, at, durationMs, reason = null } = probe;
  return { ok, at: wallTime(at), durationMs: Math.round(durationMs), reason };
}

function endpointStates({ endpoints }: Upstream, now: number): readonly EndpointState[] {
  const known = endpoints.snapshot(now);
  return known.length < 2 ? [] : known.map(endpointState);
}

function endpointState({ origin, state, weight, ejectedForMs }: EndpointSnapshot): EndpointState {
  return {
    origin,
    state: state === 'available' && weight < 1 ? 'slow-start' : state,
    returnsInMs: Math.ceil(ejectedForMs),
  };
}
