import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import {
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { type UpstreamStatus } from './judgement.js';
import { RecentAnswers } from './recent-answers.js';
import { ShutdownState } from './shutdown-state.js';
import { UpstreamHealth } from './upstream-health.js';
import { type UpstreamReport } from './upstream-report.js';

/**
 * The health of the gateway, in terminus' terms. Each check is a look at what is known already: nothing is awaited
 * and nothing is sent.
 *
 * Both reports throw a ServiceUnavailableException that carries the result where the answer is no.
 */
@Injectable()
export class GatewayHealth {
  private readonly answers = new RecentAnswers<Promise<HealthCheckResult>>();

  constructor(
    private readonly upstreams: UpstreamHealth,
    private readonly shutdown: ShutdownState,
    private readonly terminus: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
  ) {}

  /** Whether requests should be sent here. Names the critical upstreams and nothing else: anybody may ask. */
  readiness(): Promise<HealthCheckResult> {
    return this.answers.to('ready', [this.upstreams.revision, this.shutdown.begun], () => this.readyNow());
  }

  /** What these reports come to, for those who run the gateway; all that they say is in it. */
  inFull(reports: readonly UpstreamReport[]): Promise<HealthCheckResult> {
    return this.check(reports.map((report) => this.indicate(report)));
  }

  private readyNow(): Promise<HealthCheckResult> {
    return this.check(
      this.upstreams.critical().map(({ name, down }) => {
        const indicator = this.indicators.check(name);
        return down ? indicator.down() : indicator.up();
      }),
    );
  }

  private indicate({ name, status, reason, ...rest }: UpstreamReport): HealthIndicatorResult {
    const indicator = this.indicators.check(name);
    const details = { upstream: status, ...(reason === undefined ? {} : { reason }), ...rest };
    switch (impactOf(status, rest.critical)) {
      case 'up':
        return indicator.up(details);
      case 'degraded':
        return indicator.degraded(details);
      case 'down':
        return indicator.down(details);
    }
  }

  private async check(results: readonly HealthIndicatorResult[]): Promise<HealthCheckResult> {
    if (this.shutdown.begun) {
      // Terminus would say so only once the application closes, which is after the grace period.
      const details = Object.assign({}, ...results) as HealthIndicatorResult;
      throw new ServiceUnavailableException({ status: 'shutting_down', info: {}, error: {}, details });
    }
    return this.terminus.check(results.map((result) => () => result));
  }
}

/** What the status of an upstream means for the gateway: without an optional one it serves on, with less. */
export function impactOf(status: UpstreamStatus, critical: boolean): 'up' | 'degraded' | 'down' {
  switch (status) {
    case 'up':
    case 'unknown':
      return 'up';
    case 'degraded':
      return 'degraded';
    case 'down':
      return critical ? 'down' : 'degraded';
  }
}
