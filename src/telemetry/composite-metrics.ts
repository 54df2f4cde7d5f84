import { type FinishedComposite } from '../aggregation/exchange-context.js';
import { type ExchangeEvent, type ExchangeEvents } from '../aggregation/exchange-events.js';
import { type PartReport } from '../aggregation/part-report.js';
import { CounterFamily, type CounterSeries } from './counter-family.js';
import { HistogramFamily, type HistogramSeries } from './histogram-family.js';
import { OTHER } from './known-values.js';
import { type MetricSource } from './metric-family.js';
import { inMap } from './nested-map.js';
import { type ServedNames } from './served-names.js';

/** Code names composites and parts, and could make names up; what comes beyond these counts as one. */
const MAX_COMPOSITES = 1_000;
const MAX_PARTS = 200;

/** By the first digit of the status; 0 is for a client that left before there was one. */
const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;

class CompositeFamilies {
  readonly requests = new CounterFamily(
    'tributary_composite_requests_total',
    'Composites answered: whether nothing was missing, and the class of the status.',
  );
  readonly durations = new HistogramFamily(
    'tributary_composite_duration_seconds',
    'Time from the start of a composite to its last part.',
  );
  readonly parts = new CounterFamily(
    'tributary_composite_parts_total',
    'Parts of composites by how they ended, and why.',
  );

  readonly all = [this.requests, this.durations, this.parts];
}

/** What there is to measure of composites: those of the gateway file by their names, those of code by verb and route. */
export class CompositeMetrics implements MetricSource {
  private readonly counted = new CompositeFamilies();
  readonly families = this.counted.all;
  private readonly named = new Map<string, CompositeCounters>();
  private stopListening: () => void = () => undefined;

  /** @param configured the names of those that come and go with the configuration. */
  constructor(
    private readonly exchanges: ExchangeEvents,
    private readonly configured: ServedNames,
  ) {}

  start(): void {
    this.configured.look();
    this.stopListening = this.exchanges.subscribe((event) => {
      if (event.composites.length > 0) this.note(event);
    });
  }

  stop(): void {
    this.stopListening();
  }

  prepare(): void {
    for (const name of this.configured.retired) {
      this.named.delete(name);
      for (const family of this.families) family.remove('composite', name);
    }
    // Those that nobody has asked for yet are there, at 0.
    for (const name of this.configured.current) if (!this.named.has(name)) this.add(name);
  }

  private note({ status, composites, exchange }: ExchangeEvent): void {
    this.configured.look();
    const traceId = exchange?.traceId;
    for (const composite of composites) {
      (this.named.get(composite.name) ?? this.add(composite.name)).note(composite, status, traceId);
    }
  }

  private add(name: string): CompositeCounters {
    const { named, counted } = this;
    const shown = named.size < MAX_COMPOSITES ? name : OTHER;
    let counters = named.get(shown);
    if (counters === undefined) named.set(shown, (counters = new CompositeCounters(shown, counted)));
    return counters;
  }
}

/** Counts the runs of one composite. */
class CompositeCounters {
  private readonly duration: HistogramSeries;
  private readonly complete: (CounterSeries | undefined)[] = [];
  private readonly partial: (CounterSeries | undefined)[] = [];
  private readonly parts = new Map<string, PartCounters>();

  constructor(
    private readonly name: string,
    private readonly families: CompositeFamilies,
  ) {
    this.duration = families.durations.series({ composite: name });
    // From the start, so that a rate sees the first that is not.
    this.requests(true, 2);
    this.requests(false, 2);
    this.requests(false, 5);
  }

  note({ report, durationMs }: FinishedComposite, status = 0, traceId: string | undefined): void {
    this.duration.observe(durationMs / 1000, traceId);
    this.requests(report.complete, Math.floor(status / 100)).value++;
    for (const part of report.parts) this.part(part.part).note(part);
  }

  private requests(complete: boolean, statusClass: number): CounterSeries {
    const series = complete ? this.complete : this.partial;
    return (series[statusClass] ??= this.families.requests.series({
      composite: this.name,
      complete: complete ? 'true' : 'false',
      status_class: STATUS_CLASSES[statusClass] ?? STATUS_CLASSES[0],
    }));
  }

  private part(name: string): PartCounters {
    const { parts, families } = this;
    const known = parts.get(name);
    if (known !== undefined) return known;
    const shown = parts.size < MAX_PARTS ? name : OTHER;
    let counters = parts.get(shown);
    if (counters === undefined) {
      counters = new PartCounters({ composite: this.name, part: shown }, families.parts);
      parts.set(shown, counters);
    }
    return counters;
  }
}

/** Counts how one part ended. */
class PartCounters {
  private readonly ok: CounterSeries;
  private readonly others = new Map<PartReport['state'], Map<PartReport['reason'], CounterSeries>>();

  constructor(
    private readonly labels: { readonly composite: string; readonly part: string },
    private readonly family: CounterFamily,
  ) {
    this.ok = family.series({ ...labels, state: 'ok' });
  }

  note({ state, reason }: PartReport): void {
    if (state === 'ok') {
      this.ok.value++;
      return;
    }
    const byReason = inMap(this.others, state);
    let series = byReason.get(reason);
    if (series === undefined) {
      series = this.family.series({ ...this.labels, state, ...(reason === undefined ? {} : { reason }) });
      byReason.set(reason, series);
    }
    series.value++;
  }
}
