import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { AdmissionControl } from './aggregation/admission-control.js';
import { AggregationModule } from './aggregation/aggregation.module.js';
import { ExchangeEvents } from './aggregation/exchange-events.js';
import { packageVersion } from './cli/package-version.js';
import { CompositeTable } from './composite/composite-table.js';
import { ExchangeWatch } from './aggregation/exchange-watch.js';
import { ConsoleModule } from './console/console.module.js';
import { AffectedComposites } from './health/affected-composites.js';
import { type ConfigurationState } from './health/configuration-state.js';
import { HealthLog } from './health/health-log.js';
import { HealthManagementModule } from './health/health-management.module.js';
import { ShutdownState } from './health/shutdown-state.js';
import { UpstreamHealth } from './health/upstream-health.js';
import { MetricsModule } from './telemetry/metrics.module.js';
import { UpstreamProber } from './health/upstream-prober.js';
import { UpstreamStatistics } from './health/upstream-statistics.js';
import { systemClock } from './resilience/clock.js';
import { AdminToken } from './telemetry/admin.guard.js';
import { LogManagementModule, type SharedLog } from './telemetry/log/log-management.module.js';
import { UpstreamRegistry } from './upstream/upstream-registry.js';

/** The root of the management application: what describes the inside of the one that serves the API. */
@Module({})
export class ManagementModule {
  /**
   * @param api the application that serves the API, whose upstreams it shares.
   * @param log what `/log` shows and changes; undefined where another logger writes.
   */
  static of(
    api: INestApplicationContext,
    configuration: ConfigurationState,
    log?: Omit<SharedLog, 'token'>,
  ): DynamicModule {
    const { server, telemetry } = api.get(UpstreamRegistry).config;
    const token = new AdminToken(server.adminToken);
    return {
      module: ManagementModule,
      imports: [
        AggregationModule,
        HealthManagementModule.sharing({
          health: api.get(UpstreamHealth),
          shutdown: api.get(ShutdownState),
          admission: api.get(AdmissionControl),
          configuration,
          composites: api.get(AffectedComposites),
          identity: {
            serviceId: telemetry.serviceName,
            version: packageVersion(),
          },
        }),
        ...(telemetry.metrics.enabled ? [metricsOf(api, configuration)] : []),
        ...consoleOf(api, configuration),
        ...(log === undefined ? [] : [LogManagementModule.sharing({ ...log, token })]),
      ],
    };
  }
}

function metricsOf(api: INestApplicationContext, configuration: ConfigurationState): DynamicModule {
  const health = api.get(UpstreamHealth);
  return MetricsModule.of({
    registry: api.get(UpstreamRegistry),
    exchanges: api.get(ExchangeEvents),
    composites: api.get(CompositeTable),
    admission: api.get(AdmissionControl),
    configuration: () => ({ ...configuration.report(), refusals: configuration.refusals }),
    isUp: (upstream) => health.of(upstream).status !== 'down',
    version: packageVersion(),
  });
}

/** Where it is off, nothing is gathered for it. */
function consoleOf(api: INestApplicationContext, configuration: ConfigurationState): DynamicModule[] {
  const registry = api.get(UpstreamRegistry);
  if (!registry.config.telemetry.console.enabled) return [];
  return [
    ConsoleModule.sharing({
      version: packageVersion(),
      clock: systemClock,
      registry,
      composites: api.get(CompositeTable),
      exchanges: api.get(ExchangeEvents),
      watch: api.get(ExchangeWatch),
      admission: api.get(AdmissionControl),
      health: api.get(UpstreamHealth),
      healthLog: api.get(HealthLog),
      prober: api.get(UpstreamProber),
      statistics: api.get(UpstreamStatistics),
      affected: api.get(AffectedComposites),
      shutdown: api.get(ShutdownState),
      configuration,
    }),
  ];
}
