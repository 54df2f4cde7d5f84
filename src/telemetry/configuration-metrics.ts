import { type MetricFamily, type MetricSource } from './metric-family.js';
import { ScrapedFamily } from './scraped-family.js';

/** Which configuration is in force. */
export interface ConfigurationReading {
  /** 1 for the one of the start, one more for each that took its place. */
  readonly generation: number;
  /** When it was taken over, ISO 8601. */
  readonly loadedAt: string;
  /** There if the last one that was tried could not be used. */
  readonly lastError?: object;
  /** How many could not be used so far. */
  readonly refusals: number;
}

/** What there is to measure of reloads. */
export class ConfigurationMetrics implements MetricSource {
  readonly families: readonly MetricFamily[];

  constructor(read: () => ConfigurationReading) {
    this.families = [
      new ScrapedFamily(
        'gauge',
        'tributary_configuration_generation',
        'Configurations that were in force since the start, counted from 1.',
        () => [[read().generation]],
      ),
      new ScrapedFamily(
        'gauge',
        'tributary_configuration_loaded_timestamp_seconds',
        'When the configuration in force was taken over.',
        () => [[Date.parse(read().loadedAt) / 1000]],
      ),
      new ScrapedFamily(
        'gauge',
        'tributary_configuration_last_reload_successful',
        'Whether the file that was read last is in force (1), or was refused (0).',
        () => [[read().lastError === undefined ? 1 : 0]],
      ),
      new ScrapedFamily(
        'counter',
        'tributary_configuration_refusals_total',
        'Files that could not be taken over.',
        () => [[read().refusals]],
      ),
    ];
  }
}
