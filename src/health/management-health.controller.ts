import { Controller, Get, ServiceUnavailableException, UseFilters } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult } from '@nestjs/terminus';
import { AdmissionControl } from '../aggregation/admission-control.js';
import { type AdmissionSnapshot } from '../resilience/admission.js';
import { type RunningConfiguration, ConfigurationState } from './configuration-state.js';
import { GatewayHealth } from './gateway-health.js';
import { UnhealthyFilter } from './unhealthy.filter.js';

type ManagementReport = HealthCheckResult & Inside;

interface Inside {
  readonly configuration: RunningConfiguration;
  readonly admission?: AdmissionSnapshot;
}

/**
 * Health in full, for the management port. For each upstream, `status` is what it means for the gateway (a dead
 * optional upstream is `degraded`: the gateway serves on, with less), `upstream` how the upstream itself is. `admission`
 * is what the door of the API sees, where there is one; `configuration` says which one is in force.
 */
@Controller('health')
@UseFilters(UnhealthyFilter)
export class ManagementHealthController {
  constructor(
    private readonly health: GatewayHealth,
    private readonly admission: AdmissionControl,
    private readonly configuration: ConfigurationState,
  ) {}

  @Get()
  @HealthCheck()
  async inFull(): Promise<ManagementReport> {
    const inside = this.inside();
    try {
      return { ...inside, ...(await this.health.inFull()) };
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      throw new ServiceUnavailableException({ ...inside, ...(error.getResponse() as HealthCheckResult) });
    }
  }

  private inside(): Inside {
    const configuration = this.configuration.report();
    const seen = this.admission.snapshot();
    if (seen === undefined) return { configuration };
    return { configuration, admission: { ...seen, loopDelayMs: Math.round(seen.loopDelayMs) } };
  }
}
