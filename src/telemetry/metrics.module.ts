import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { type AdmissionControl } from '../aggregation/admission-control.js';
import { type ExchangeEvents } from '../aggregation/exchange-events.js';
import { type CompositeTable } from '../composite/composite-table.js';
import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamRegistry } from '../upstream/upstream-registry.js';
import { AdmissionMetrics } from './admission-metrics.js';
import { CompositeMetrics } from './composite-metrics.js';
import { ConfigurationMetrics, type ConfigurationReading } from './configuration-metrics.js';
import { GatewayIdentity } from './gateway-identity.js';
import { MetricsExposition } from './metrics-exposition.js';
import { MetricsController } from './metrics.controller.js';
import { ProcessMetrics } from './process-metrics.js';
import { RequestMetrics } from './request-metrics.js';
import { ServedNames } from './served-names.js';
import { UpstreamMetrics } from './upstream-metrics.js';

/** What metrics are of: parts of the application that serves the API. */
export interface MeasuredGateway {
  readonly registry: UpstreamRegistry;
  readonly exchanges: ExchangeEvents;
  readonly composites: CompositeTable;
  readonly admission: AdmissionControl;
  readonly configuration: () => ConfigurationReading;
  /** Whether an upstream works, as far as the gateway's health has found. */
  readonly isUp: (upstream: Upstream) => boolean;
  /** The version of the gateway. */
  readonly version: string;
}

/** Counts while the application runs that serves the counts. */
@Injectable()
class MetricsCounting implements OnModuleInit, OnModuleDestroy {
  constructor(@Inject(MetricsExposition) private readonly exposition: MetricsExposition) {}

  onModuleInit(): void {
    this.exposition.start();
  }

  onModuleDestroy(): void {
    this.exposition.stop();
  }
}

/** Measures the gateway, and answers `/metrics`; for the management application. */
@Module({})
export class MetricsModule {
  static of(gateway: MeasuredGateway): DynamicModule {
    return {
      module: MetricsModule,
      controllers: [MetricsController],
      providers: [
        { provide: MetricsExposition, useFactory: () => new MetricsExposition(sourcesOf(gateway)) },
        MetricsCounting,
      ],
    };
  }
}

function sourcesOf(gateway: MeasuredGateway): ConstructorParameters<typeof MetricsExposition>[0] {
  const { registry, exchanges, composites, admission, configuration, isUp, version } = gateway;
  const { serviceName } = registry.config.telemetry;
  const configs = () => composites.runners.map(({ plan }) => plan.config);
  const named = new ServedNames(
    () => composites.runners,
    () => configs().map(({ name }) => name),
  );
  const tabled = new ServedNames(
    () => composites.runners,
    () => configs().map(({ route }) => route),
  );
  return [
    new GatewayIdentity(serviceName, version),
    new RequestMetrics(exchanges, tabled),
    new CompositeMetrics(exchanges, named),
    new UpstreamMetrics(registry, isUp),
    new AdmissionMetrics(admission),
    new ConfigurationMetrics(configuration),
    new ProcessMetrics(),
  ];
}
