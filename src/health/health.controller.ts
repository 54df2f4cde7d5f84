import { Controller, Get, Header, UseFilters } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheck, type HealthCheckResult } from '@nestjs/terminus';
import { GatewayHealth } from './gateway-health.js';
import { UnhealthyFilter } from './unhealthy.filter.js';

const ALIVE: HealthCheckResult = { status: 'ok', info: {}, error: {}, details: {} };

/** What an orchestrator asks. It tells nothing about the inside beyond the names of critical upstreams. */
@ApiTags('health')
@Controller('health')
@UseFilters(UnhealthyFilter)
export class HealthController {
  constructor(private readonly health: GatewayHealth) {}

  @Get('live')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Whether the process is alive',
    description:
      'Looks at nothing but the process: restarting a gateway does not heal the services behind it.',
  })
  @ApiOkResponse({
    description: 'It is alive.',
    schema: { type: 'object', properties: { status: { type: 'string', enum: ['ok'] } } },
  })
  live(): HealthCheckResult {
    return ALIVE;
  }

  @Get('ready')
  @HealthCheck()
  @ApiOperation({
    summary: 'Whether requests should be sent here',
    description: 'No while the gateway shuts down, and while a service it cannot do without is down.',
  })
  ready(): Promise<HealthCheckResult> {
    return this.health.readiness();
  }
}
