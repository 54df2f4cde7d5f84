import { Module } from '@nestjs/common';
import { GatewayHealth } from './gateway-health.js';
import { HealthLog } from './health-log.js';
import { HealthController } from './health.controller.js';
import { ShutdownState } from './shutdown-state.js';
import { terminus } from './terminus.js';
import { UpstreamHealth } from './upstream-health.js';
import { UpstreamProber } from './upstream-prober.js';
import { UpstreamStatistics } from './upstream-statistics.js';
import { UpstreamTraffic } from './upstream-traffic.js';

/**
 * Watches the upstreams, and answers `/health/live` and `/health/ready`. Import it once, in the application that
 * serves the API; the management application shares what it provides.
 */
@Module({
  imports: [terminus],
  controllers: [HealthController],
  providers: [
    ShutdownState,
    UpstreamTraffic,
    UpstreamStatistics,
    UpstreamProber,
    UpstreamHealth,
    GatewayHealth,
    HealthLog,
  ],
  exports: [ShutdownState, UpstreamStatistics, UpstreamProber, UpstreamHealth],
})
export class HealthModule {}
