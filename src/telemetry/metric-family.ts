/** Labels of a series, by name. What does not apply to it is left out. */
export type Labels = Readonly<Record<string, string>>;

/** A trace that shows one observation in full, as OpenMetrics has it. */
export interface Exemplar {
  readonly labelSet: Labels;
  readonly value: number;
  /** In seconds since the epoch. */
  readonly timestamp: number;
}

/** One line, in the words of prom-client, which writes it. */
export interface Sample {
  /** Where it is not that of the family. */
  readonly metricName?: string;
  /** Those it has alone. */
  readonly labels: Labels;
  /** Those of its series: the same object each time, so that they are written out once. */
  readonly sharedLabels: Labels;
  readonly value: number;
  readonly exemplar?: Exemplar | undefined;
}

/** All series of one name. */
export interface MetricFamily {
  /** With its unit, and `_total` if it is a counter. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What is to be written now. */
  samples(): readonly Sample[];
}

/** Metrics that belong together, and what keeps them right. */
export interface MetricSource {
  readonly families: readonly MetricFamily[];
  /** Starts counting. */
  start?(): void;
  stop?(): void;
  /** Gets ready to be read: what takes time, and what is to be forgotten. */
  prepare?(): Promise<void> | void;
}

/** What a family without labels of their own has. */
export const NO_LABELS: Labels = {};
