import { type Exemplar, type Labels, type MetricFamily, NO_LABELS, type Sample } from './metric-family.js';

/**
 * Bounds for durations of requests, in seconds: those that OpenTelemetry's conventions advise for
 * `http.server.request.duration`, with two below for answers out of a cache or a data centre.
 */
export const DURATION_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** What has been observed under one set of labels. */
export class HistogramSeries {
  /** For each bound, what was at most that and above the one before; the last is for what is above all of them. */
  readonly counts: Float64Array;
  /** By the same buckets; none until there is a first one. */
  exemplars: (Exemplar | undefined)[] | undefined;
  sum = 0;

  constructor(
    readonly labels: Labels,
    private readonly bounds: readonly number[],
  ) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** @param traceId of the trace in which it can be looked at, if there is one. */
  observe(value: number, traceId?: string): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
    if (traceId === undefined) return;
    const exemplar = { labelSet: { trace_id: traceId }, value, timestamp: Date.now() / 1000 };
    (this.exemplars ??= [])[bucket] = exemplar;
  }
}

/**
 * Observes values in buckets. Whoever observes holds on to the series: that costs 0.07 us, where prom-client's own
 * histograms take 1.4 us a value, and 2.9 with exemplars, for looking the labels up.
 */
export class HistogramFamily implements MetricFamily {
  readonly type = 'histogram';
  private readonly all = new Set<HistogramSeries>();
  private readonly names: { readonly bucket: string; readonly sum: string; readonly count: string };
  private readonly bucketLabels: readonly Labels[];

  constructor(
    readonly name: string,
    readonly help: string,
    private readonly bounds: readonly number[] = DURATION_BOUNDS,
  ) {
    this.names = { bucket: `${name}_bucket`, sum: `${name}_sum`, count: `${name}_count` };
    this.bucketLabels = [...bounds.map((bound) => ({ le: canonical(bound) })), { le: '+Inf' }];
  }

  /** A new series without values. Ask once for each set of labels. */
  series(labels: Labels): HistogramSeries {
    const series = new HistogramSeries(labels, this.bounds);
    this.all.add(series);
    return series;
  }

  /** Forgets the series that have this label. */
  remove(label: string, value: string): void {
    for (const series of this.all) if (series.labels[label] === value) this.all.delete(series);
  }

  samples(): readonly Sample[] {
    const samples: Sample[] = [];
    for (const series of this.all) this.write(series, samples);
    return samples;
  }

  private write({ labels: sharedLabels, counts, exemplars, sum }: HistogramSeries, samples: Sample[]): void {
    const { names, bucketLabels } = this;
    let value = 0;
    bucketLabels.forEach((labels, bucket) => {
      value += counts[bucket] ?? 0;
      samples.push({ metricName: names.bucket, labels, sharedLabels, value, exemplar: exemplars?.[bucket] });
    });
    samples.push(
      { metricName: names.sum, labels: NO_LABELS, sharedLabels, value: sum },
      { metricName: names.count, labels: NO_LABELS, sharedLabels, value },
    );
  }
}

/** As OpenMetrics writes a bound: a number with a point, so that both formats name the same series. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
