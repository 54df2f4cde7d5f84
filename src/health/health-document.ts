import { type HealthCheckResult } from '@nestjs/terminus';
import { impactOf } from './gateway-health.js';
import { type UpstreamStatus } from './judgement.js';
import { type FullUpstreamReport } from './full-health.js';

/** The media type of a {@link HealthDocument}. */
export const HEALTH_JSON = 'application/health+json';

export type HealthDocumentStatus = 'pass' | 'warn' | 'fail';

/** Health in the format of draft-inadarei-api-health-check-06. */
export interface HealthDocument {
  readonly status: HealthDocumentStatus;
  readonly version: string;
  /** The version, and which configuration it runs on. */
  readonly releaseId: string;
  readonly serviceId: string;
  readonly description: string;
  /** Why, where `checks` do not say it. */
  readonly output?: string;
  /** By `<upstream>:<what is measured>`. */
  readonly checks: Readonly<Record<string, readonly [HealthDocumentCheck]>>;
}

export interface HealthDocumentCheck {
  readonly componentType: 'component';
  readonly status: HealthDocumentStatus;
  /** Left out where nothing was measured yet. */
  readonly observedValue?: number | string;
  readonly observedUnit?: string;
  /** Routes of composites, as URI templates; left out where all is well. */
  readonly affectedEndpoints?: readonly string[];
  /** When the value was taken, ISO 8601. */
  readonly time: string;
  readonly output?: string;
}

/** Which service speaks. */
export interface ServiceIdentity {
  readonly serviceId: string;
  readonly version: string;
  /** The number of the configuration in force. */
  readonly generation: number;
}

/** The gateway and all its upstreams. A dead optional upstream is a warning: the gateway serves on, with less. */
export function gatewayDocument(
  status: HealthCheckResult['status'],
  upstreams: readonly FullUpstreamReport[],
  identity: ServiceIdentity,
): HealthDocument {
  const checks = upstreams.map((report) => checksOf(report, impactOf(report.status, report.critical)));
  return {
    status: STATUS_OF[status],
    ...described(identity, 'The gateway, and the services behind it'),
    ...(status === 'shutting_down' ? { output: 'the gateway shuts down' } : {}),
    checks: Object.assign({}, ...checks) as HealthDocument['checks'],
  };
}

/** One upstream, for itself: whether the gateway could do without it makes no difference. */
export function upstreamDocument(report: FullUpstreamReport, identity: ServiceIdentity): HealthDocument {
  const own = impactOf(report.status, true);
  return {
    status: STATUS_OF[own],
    ...described(identity, `The service '${report.name}', as the gateway sees it`),
    checks: checksOf(report, own),
  };
}

const STATUS_OF: Readonly<
  Record<HealthCheckResult['status'] | Exclude<UpstreamStatus, 'unknown'>, HealthDocumentStatus>
> = {
  ok: 'pass',
  up: 'pass',
  degraded: 'warn',
  down: 'fail',
  error: 'fail',
  shutting_down: 'fail',
};

function described({ serviceId, version, generation }: ServiceIdentity, description: string) {
  return { version, releaseId: `${version}+${generation}`, serviceId, description };
}

/** No check is worse than what the upstream means as a whole, or who takes the worst of them would be misled. */
function checksOf(report: FullUpstreamReport, impact: ReturnType<typeof impactOf>): HealthDocument['checks'] {
  const { name, status, reason, breaker, window, bulkhead, probe, composites } = report;
  const overall = STATUS_OF[impact];
  const time = new Date().toISOString();
  const check = (
    observed: Pick<HealthDocumentCheck, 'observedValue' | 'observedUnit'>,
    isSuspect: boolean,
    suspected: HealthDocumentStatus = 'warn',
    output?: string,
  ): readonly [HealthDocumentCheck] => {
    const verdict = isSuspect && overall !== 'pass' ? suspected : 'pass';
    const affected = verdict === 'pass' ? [] : [...new Set(composites.map(({ route }) => route))];
    return [
      {
        componentType: 'component',
        ...observed,
        status: verdict,
        ...(affected.length === 0 ? {} : { affectedEndpoints: affected }),
        time,
        ...(output === undefined ? {} : { output }),
      },
    ];
  };
  const responseMs = window.p95Ms ?? probe?.durationMs;
  const response = responseMs === undefined ? {} : { observedValue: responseMs, observedUnit: 'ms' };
  const isOpen = breaker.state === 'open' || breaker.state === 'force-open';
  return {
    [`${name}:availability`]: check({ observedValue: status }, true, overall, reason),
    [`${name}:circuitBreaker`]: check(
      { observedValue: breaker.state },
      isOpen || breaker.state === 'half-open',
      isOpen ? overall : 'warn',
    ),
    [`${name}:errorRate`]: check(
      { observedValue: window.errorPercent, observedUnit: 'percent' },
      window.errorPercent >= breaker.failureRateThresholdPercent / 2,
    ),
    [`${name}:responseTime`]: check(response, breaker.slowCalls > 0),
    [`${name}:connections`]: check(
      { observedValue: bulkhead.inUse, observedUnit: 'calls' },
      bulkhead.inUse >= bulkhead.limit,
    ),
  };
}
