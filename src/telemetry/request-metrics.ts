import { type ExchangeEvent, type ExchangeEvents } from '../aggregation/exchange-events.js';
import { HistogramFamily, type HistogramSeries } from './histogram-family.js';
import { exchangeKey, exchangeLabels } from './known-values.js';
import { type MetricSource } from './metric-family.js';
import { type ServedNames } from './served-names.js';

/** What there is to measure of requests to the API: by their routes, never by their paths. */
export class RequestMetrics implements MetricSource {
  private readonly durations = new HistogramFamily(
    'http_server_request_duration_seconds',
    'Time from the head of a request to the last byte of its answer.',
  );
  readonly families = [this.durations];
  /** By route; one for all that have none. */
  private readonly routes = new Map<string | undefined, RouteDurations>();
  private stopListening: () => void = () => undefined;

  /** @param tabled the routes that come and go with the configuration. */
  constructor(
    private readonly exchanges: ExchangeEvents,
    private readonly tabled: ServedNames,
  ) {}

  start(): void {
    this.tabled.look();
    this.stopListening = this.exchanges.subscribe((event) => {
      this.note(event);
    });
  }

  stop(): void {
    this.stopListening();
  }

  prepare(): void {
    for (const route of this.tabled.retired) {
      this.routes.delete(route);
      this.durations.remove('http_route', route);
    }
  }

  private note({ route, method, status, clientLeft, durationMs, exchange }: ExchangeEvent): void {
    this.tabled.look();
    let durations = this.routes.get(route);
    if (durations === undefined) {
      durations = new RouteDurations(route, this.durations);
      this.routes.set(route, durations);
    }
    const traceId = exchange?.traceId;
    durations.of(exchangeKey(method, status), clientLeft).observe(durationMs / 1000, traceId);
  }
}

class RouteDurations {
  private readonly answered = new Map<number, HistogramSeries>();
  private readonly abandoned = new Map<number, HistogramSeries>();

  constructor(
    private readonly route: string | undefined,
    private readonly family: HistogramFamily,
  ) {}

  of(key: number, clientLeft: boolean): HistogramSeries {
    const known = clientLeft ? this.abandoned : this.answered;
    let series = known.get(key);
    if (series === undefined) {
      const labels = exchangeLabels(key);
      const error = clientLeft ? CLIENT_LEFT : errorOf(labels.http_response_status_code);
      series = this.family.series({
        ...(this.route === undefined ? {} : { http_route: this.route }),
        ...labels,
        ...(error === undefined ? {} : { error_type: error }),
      });
      known.set(key, series);
    }
    return series;
  }
}

const CLIENT_LEFT = 'client_left';

/** As OpenTelemetry has it for servers: a status is an error from 500 on. */
function errorOf(status: string | undefined): string | undefined {
  return status?.startsWith('5') === true ? status : undefined;
}
