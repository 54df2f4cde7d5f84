import { type Labels, type MetricFamily, NO_LABELS, type Sample } from './metric-family.js';

/** One value as it is now, and its labels: none for a family of one series. */
export type Reading = readonly [value: number, labels?: Labels];

/** What is known elsewhere already, and read when somebody asks: between two scrapes it costs nothing. */
export class ScrapedFamily implements MetricFamily {
  constructor(
    readonly type: 'gauge' | 'counter',
    readonly name: string,
    readonly help: string,
    private readonly read: () => Iterable<Reading>,
  ) {}

  samples(): readonly Sample[] {
    return Array.from(this.read(), ([value, sharedLabels = NO_LABELS]) => ({
      labels: NO_LABELS,
      sharedLabels,
      value,
    }));
  }
}
