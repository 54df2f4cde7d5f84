import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { AdmissionControl } from './aggregation/admission-control.js';
import { AggregationModule } from './aggregation/aggregation.module.js';
import { type ConfigurationState } from './health/configuration-state.js';
import { HealthManagementModule } from './health/health-management.module.js';
import { ShutdownState } from './health/shutdown-state.js';
import { UpstreamHealth } from './health/upstream-health.js';
import { AdminToken } from './telemetry/admin.guard.js';
import { LogManagementModule, type SharedLog } from './telemetry/log/log-management.module.js';
import { UpstreamRegistry } from './upstream/upstream-registry.js';

/** The root of the management application: what describes the inside of the one that serves the API. */
@Module({})
export class ManagementModule {
  /** @param api the application that serves the API, whose upstreams it shares. */
  static of(
    api: INestApplicationContext,
    configuration: ConfigurationState,
    log: Omit<SharedLog, 'token'>,
  ): DynamicModule {
    const token = new AdminToken(api.get(UpstreamRegistry).config.server.adminToken);
    return {
      module: ManagementModule,
      imports: [
        AggregationModule,
        HealthManagementModule.sharing({
          health: api.get(UpstreamHealth),
          shutdown: api.get(ShutdownState),
          admission: api.get(AdmissionControl),
          configuration,
        }),
        LogManagementModule.sharing({ ...log, token }),
      ],
    };
  }
}
