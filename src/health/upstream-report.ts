import { type BreakerStateName } from '../resilience/circuit-breaker.js';
import { type Clock } from '../resilience/clock.js';
import { type EndpointSnapshot } from '../upstream/endpoints.js';
import { type Upstream } from '../upstream/upstream.js';
import { type Judgement, type UpstreamStatus } from './judgement.js';
import { type ProbeResult } from './probe.js';
import { type CallStatistics } from './upstream-statistics.js';
import { type TrafficSigns } from './upstream-traffic.js';

/** One upstream in full, ready to be written as JSON. Moments are ISO 8601, durations ms. */
export interface UpstreamReport {
  readonly name: string;
  readonly status: UpstreamStatus;
  readonly reason?: string;
  /** When it was first seen with this status. */
  readonly since: string;
  /** Whether the gateway is not ready while this upstream is down. */
  readonly critical: boolean;
  readonly breaker: BreakerReport;
  /** What has become of the calls of the last minute. */
  readonly window: CallStatistics;
  readonly bulkhead: {
    readonly inUse: number;
    readonly queued: number;
    readonly limit: number;
  };
  /** Where there are several, each of them, in the order of their turns. */
  readonly endpoints?: readonly EndpointReport[];
  /** So few endpoints are left that ejections are ignored. */
  readonly panicking?: true;
  /** The last probe that counts; null before the first, and where nobody probes. */
  readonly probe: {
    readonly ok: boolean;
    readonly checkedAt: string;
    readonly durationMs: number;
    readonly reason?: string;
  } | null;
  /** When the upstream may be probed next; null while it is being probed, and where nobody probes. */
  readonly probeNextAt: string | null;
  /** Whether an operator has paused its probes. */
  readonly probePaused: boolean;
  /** The last call that showed the upstream working, and the last one that failed. */
  readonly lastSuccess: string | null;
  readonly lastFailure: { readonly at: string; readonly reason: string } | null;
}

/** The breaker, what its window holds, and the rates at which it opens. */
export interface BreakerReport {
  readonly state: BreakerStateName;
  readonly since: string;
  /** When it lets a call through to see, and how long until then (0 once it does); null where none is due. */
  readonly nextProbeAt: string | null;
  readonly nextProbeInMs: number | null;
  readonly calls: number;
  readonly failures: number;
  readonly slowCalls: number;
  readonly failureRatePercent: number;
  readonly failureRateThresholdPercent: number;
  readonly slowCallRatePercent: number;
  readonly slowCallRateThresholdPercent: number;
  /** It never opens on fewer calls than these. */
  readonly minimumNumberOfCalls: number;
  /** Calls it has refused since it was made. */
  readonly notPermitted: number;
}

/** One endpoint among several. */
export interface EndpointReport {
  /** Scheme, host and port. */
  readonly origin: string;
  /**
   * `ejected`: it does worse than the others; `refused`: it has just not taken a connection; `slow-start`: it is new
   * or has come back, and gets less than its share.
   */
  readonly state: EndpointSnapshot['state'] | 'slow-start';
  readonly consecutiveFailures: number;
  /** Of the last whole interval; null if it is not known. */
  readonly successRatePercent: number | null;
  /** Ejections that good intervals have not made forgotten yet. */
  readonly timesEjected: number;
  /** Time until its ejection ends; 0 if it is not ejected. */
  readonly returnsInMs: number;
}

/** What is known of an upstream besides what it knows itself. Moments are on the clock's scale. */
export interface Findings {
  readonly judgement: Judgement;
  readonly since: number;
  readonly statistics: CallStatistics;
  readonly traffic: TrafficSigns;
  readonly probe: ProbeResult | undefined;
  readonly probeNextAt: number | undefined;
  readonly probePaused: boolean;
}

export function upstreamReport(upstream: Upstream, findings: Findings): UpstreamReport {
  const { name, critical, bulkhead, runtime } = upstream;
  const { judgement, since, statistics, traffic, probe, probeNextAt, probePaused } = findings;
  const { lastSuccessAt, lastFailure } = traffic;
  const iso = wallTimeOf(runtime.clock);
  return {
    name,
    ...judgement,
    since: iso(since),
    critical,
    breaker: breakerReport(upstream, iso),
    window: statistics,
    bulkhead: { inUse: bulkhead.inUse, queued: bulkhead.queued, limit: bulkhead.limit },
    ...endpointsOf(upstream),
    probe:
      probe === undefined
        ? null
        : {
            ok: probe.ok,
            checkedAt: iso(probe.at),
            durationMs: Math.round(probe.durationMs),
            ...(probe.reason === undefined ? {} : { reason: probe.reason }),
          },
    probeNextAt: probeNextAt === undefined ? null : iso(probeNextAt),
    probePaused,
    lastSuccess: lastSuccessAt === undefined ? null : iso(lastSuccessAt),
    lastFailure: lastFailure === undefined ? null : { at: iso(lastFailure.at), reason: lastFailure.reason },
  };
}

function breakerReport({ breaker, policy, runtime }: Upstream, iso: (at: number) => string): BreakerReport {
  const { failureRateThresholdPercent, slowCallRateThresholdPercent, minimumNumberOfCalls } =
    policy.circuitBreaker;
  const snapshot = breaker.snapshot();
  const { state, since, nextProbeAt, calls, failures, slowCalls, notPermitted } = snapshot;
  return {
    state,
    since: iso(since),
    nextProbeAt: nextProbeAt === undefined ? null : iso(nextProbeAt),
    nextProbeInMs:
      nextProbeAt === undefined ? null : Math.max(0, Math.ceil(nextProbeAt - runtime.clock.now())),
    calls,
    failures,
    slowCalls,
    failureRatePercent: toOneDecimal(snapshot.failureRatePercent),
    failureRateThresholdPercent,
    slowCallRatePercent: toOneDecimal(snapshot.slowCallRatePercent),
    slowCallRateThresholdPercent,
    minimumNumberOfCalls,
    notPermitted,
  };
}

function endpointsOf({ endpoints, runtime }: Upstream): Pick<UpstreamReport, 'endpoints' | 'panicking'> {
  const now = runtime.clock.now();
  const known = endpoints.snapshot(now);
  if (known.length < 2) return {};
  return {
    endpoints: known.map(endpointReport),
    ...(endpoints.isPanicking(now) ? { panicking: true } : {}),
  };
}

function endpointReport(endpoint: EndpointSnapshot): EndpointReport {
  const { origin, state, weight, consecutiveFailures, successRatePercent, timesEjected, ejectedForMs } =
    endpoint;
  return {
    origin,
    state: state === 'available' && weight < 1 ? 'slow-start' : state,
    consecutiveFailures,
    successRatePercent: successRatePercent === undefined ? null : toOneDecimal(successRatePercent),
    timesEjected,
    returnsInMs: Math.ceil(ejectedForMs),
  };
}

function toOneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}

/** How far the wall clock may go another way before it is believed to have been set, in ms. */
const SET_MS = 100;

/** What a wall clock is ahead of a monotonic one. */
const offsets = new WeakMap<Clock, number>();

/** Moments of a monotonic clock in the words of the wall clock: the same moment is the same text each time. */
function wallTimeOf(clock: Clock): (at: number) => string {
  const now = Date.now() - clock.now();
  let offset = offsets.get(clock);
  if (offset === undefined || Math.abs(now - offset) > SET_MS) {
    offset = now;
    offsets.set(clock, offset);
  }
  const ahead = offset;
  return (at) => new Date(ahead + at).toISOString();
}
