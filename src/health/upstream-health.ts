import { Injectable } from '@nestjs/common';
import { type BreakerStateName } from '../resilience/circuit-breaker.js';
import { type Clock } from '../resilience/clock.js';
import { type EndpointSnapshot } from '../upstream/endpoints.js';
import { type Upstream } from '../upstream/upstream.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { type Judgement, judge, type UpstreamStatus } from './judgement.js';
import { UpstreamProber } from './upstream-prober.js';
import { UpstreamTraffic } from './upstream-traffic.js';

/** One upstream in full, ready to be written as JSON. Moments are ISO 8601, durations ms. */
export interface UpstreamReport {
  readonly name: string;
  readonly status: UpstreamStatus;
  readonly reason?: string;
  /** Whether the gateway is not ready while this upstream is down. */
  readonly critical: boolean;
  readonly breaker: {
    readonly state: BreakerStateName;
    readonly since: string;
    /** Time until a call may be let through; 0 where one may be now. */
    readonly retryAfterMs: number;
  };
  /** What the breaker's window holds, and the failure rate at which it opens. */
  readonly window: {
    readonly calls: number;
    readonly failures: number;
    readonly slowCalls: number;
    readonly failureRatePercent: number;
    readonly thresholdPercent: number;
  };
  readonly bulkhead: {
    readonly inUse: number;
    readonly queued: number;
    readonly limit: number;
  };
  /** Where there are several, each of them, in the order of their turns. */
  readonly endpoints?: readonly EndpointReport[];
  /** So few endpoints are left that ejections are ignored. */
  readonly panicking?: true;
  /** The last probe; null before the first, and where nobody probes. */
  readonly probe: {
    readonly ok: boolean;
    readonly checkedAt: string;
    readonly durationMs: number;
    readonly reason?: string;
  } | null;
  /** The last call that showed the upstream working, and the last one that failed. */
  readonly lastSuccess: string | null;
  readonly lastFailure: { readonly at: string; readonly reason: string } | null;
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

/**
 * Says how each upstream is. It reads what breakers, traffic and probes have left behind: asking costs an upstream
 * nothing, however often it is done.
 */
@Injectable()
export class UpstreamHealth {
  constructor(
    private readonly registry: UpstreamRegistry,
    private readonly traffic: UpstreamTraffic,
    private readonly prober: UpstreamProber,
  ) {}

  of(upstream: Upstream): Judgement {
    const { failureRateThresholdPercent, slowCallRateThresholdPercent } = upstream.policy.circuitBreaker;
    return judge({
      breaker: upstream.breaker.snapshot(),
      failureRateThresholdPercent,
      slowCallRateThresholdPercent,
      traffic: this.traffic.of(upstream),
      probeIntervalMs: this.prober.isProbed(upstream) ? (upstream.config.health?.intervalMs ?? null) : null,
      probe: this.prober.lastOf(upstream),
    });
  }

  /** The upstreams whose loss takes the gateway out of service, and whether they are lost. */
  critical(): readonly { readonly name: string; readonly down: boolean }[] {
    return this.registry
      .all()
      .filter(({ critical }) => critical)
      .map((upstream) => ({ name: upstream.name, down: this.of(upstream).status === 'down' }));
  }

  /** All upstreams, in the order of the configuration. */
  reports(): readonly UpstreamReport[] {
    return this.registry.all().map((upstream) => this.reportOf(upstream));
  }

  private reportOf(upstream: Upstream): UpstreamReport {
    const { name, critical, bulkhead, policy, runtime } = upstream;
    const { state, since, retryAfterMs, calls, failures, slowCalls } = upstream.breaker.snapshot();
    const { lastSuccessAt, lastFailure } = this.traffic.of(upstream);
    const probe = this.prober.lastOf(upstream);
    const iso = wallTimeOf(runtime.clock);
    return {
      name,
      ...this.of(upstream),
      critical,
      breaker: { state, since: iso(since), retryAfterMs: Math.round(retryAfterMs) },
      window: {
        calls,
        failures,
        slowCalls,
        failureRatePercent: calls === 0 ? 0 : toOneDecimal((failures * 100) / calls),
        thresholdPercent: policy.circuitBreaker.failureRateThresholdPercent,
      },
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
      lastSuccess: lastSuccessAt === undefined ? null : iso(lastSuccessAt),
      lastFailure: lastFailure === undefined ? null : { at: iso(lastFailure.at), reason: lastFailure.reason },
    };
  }
}

function endpointsOf({ endpoints, runtime }: Upstream): Pick<UpstreamReport, 'endpoints' | 'panicking'> {
  const now = runtime.clock.now();
  const known = endpoints.snapshot(now);
  if (known.length < 2) return {};
  return {
    endpoints: known.map(reportOfEndpoint),
    ...(endpoints.isPanicking(now) ? { panicking: true } : {}),
  };
}

function reportOfEndpoint(endpoint: EndpointSnapshot): EndpointReport {
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

/** Moments of a monotonic clock in the words of the wall clock, as it stands now. */
function wallTimeOf(clock: Clock): (at: number) => string {
  const offset = Date.now() - clock.now();
  return (at) => new Date(offset + at).toISOString();
}
