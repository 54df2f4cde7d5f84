import { type AdmissionControl } from '../aggregation/admission-control.js';
import { type ExchangeEvents } from '../aggregation/exchange-events.js';
import { type ExchangeWatch } from '../aggregation/exchange-watch.js';
import { type CompositeTable } from '../composite/composite-table.js';
import { type AffectedComposites } from '../health/affected-composites.js';
import { type ConfigurationState } from '../health/configuration-state.js';
import { type HealthLog } from '../health/health-log.js';
import { type ShutdownState } from '../health/shutdown-state.js';
import { type UpstreamHealth } from '../health/upstream-health.js';
import { type UpstreamProber } from '../health/upstream-prober.js';
import { type UpstreamStatistics } from '../health/upstream-statistics.js';
import { type Clock } from '../resilience/clock.js';
import { type UpstreamRegistry } from '../upstream/upstream-registry.js';

/**
 * The gateway the console shows: what it takes over from the application that serves the API. One value, and not a
 * provider for each: Nest would begin and end them a second time, with the management application.
 */
export abstract class WatchedGateway {
  /** Of the package. */
  abstract readonly version: string;
  abstract readonly clock: Clock;
  abstract readonly registry: UpstreamRegistry;
  abstract readonly composites: CompositeTable;
  abstract readonly exchanges: ExchangeEvents;
  abstract readonly watch: ExchangeWatch;
  abstract readonly admission: AdmissionControl;
  abstract readonly health: UpstreamHealth;
  abstract readonly healthLog: HealthLog;
  abstract readonly prober: UpstreamProber;
  abstract readonly statistics: UpstreamStatistics;
  abstract readonly affected: AffectedComposites;
  abstract readonly shutdown: ShutdownState;
  abstract readonly configuration: ConfigurationState;
}
