import { Controller, Get, UseFilters } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult } from '@nestjs/terminus';
import { GatewayHealth } from './gateway-health.js';
import { UnhealthyFilter } from './unhealthy.filter.js';

/**
 * Health in full, for the management port. For each upstream, `status` is what it means for the gateway (a dead
 * optional upstream is `degraded`: the gateway serves on, with less), `upstream` how the upstream itself is.
 */
@Controller('health')
@UseFilters(UnhealthyFilter)
export class ManagementHealthController {
  constructor(private readonly health: GatewayHealth) {}

  @Get()
  @HealthCheck()
  inFull(): Promise<HealthCheckResult> {
    return this.health.inFull();
  }
}
