import { type MetricFamily, type MetricSource } from './metric-family.js';
import { ScrapedFamily } from './scraped-family.js';

/** Which gateway it is, in the way of OpenTelemetry's metrics for Prometheus (`target_info`). */
export class GatewayIdentity implements MetricSource {
  readonly families: readonly MetricFamily[];

  constructor(serviceName: string, version: string) {
    const labels = { service_name: serviceName, service_version: version };
    this.families = [
      new ScrapedFamily('gauge', 'target_info', 'The gateway, and its version.', () => [[1, labels]]),
    ];
  }
}
