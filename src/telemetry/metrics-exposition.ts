import { type OpenMetricsContentType, Registry } from 'prom-client';
import { type ExpositionFormat } from './exposition-format.js';
import { type MetricFamily, type MetricSource } from './metric-family.js';

/** What a scrape is answered. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Writes metrics for whoever scrapes them. Each gateway has registries of its own, so that several live in one process;
 * and one for each format: prom-client's takes `_total` off the names of counters for good when it writes OpenMetrics.
 */
export class MetricsExposition {
  private readonly registries: Readonly<Record<ExpositionFormat, AnyRegistry>> = {
    text: new Registry(),
    openmetrics: openMetricsRegistry(),
  };

  constructor(private readonly sources: readonly MetricSource[]) {
    for (const registry of Object.values(this.registries)) {
      for (const { families } of sources) for (const family of families) register(registry, family);
    }
  }

  /** Starts to count. */
  start(): void {
    for (const source of this.sources) source.start?.();
  }

  stop(): void {
    for (const source of this.sources) source.stop?.();
  }

  async write(format: ExpositionFormat): Promise<Exposition> {
    for (const source of this.sources) await source.prepare?.();
    const registry = this.registries[format];
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}

type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

function openMetricsRegistry(): AnyRegistry {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

/** As far as a registry asks, this is a metric of its own; its type names the four classes it comes with. */
function register(registry: AnyRegistry, family: MetricFamily): void {
  const { name, help, type } = family;
  const metric = {
    name,
    type,
    get() {
      return { name: metric.name, help, type, values: family.samples() };
    },
  };
  registry.registerMetric(metric as unknown as Parameters<AnyRegistry['registerMetric']>[0]);
}
