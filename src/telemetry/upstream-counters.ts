import { type BreakerStateName } from '../resilience/circuit-breaker.js';
import {
  type AttemptEvent,
  type BreakerEvent,
  type CacheEvent,
  type CallEvent,
  type UpstreamEvent,
} from '../upstream/upstream-events.js';
import { type FailureReason } from '../upstream/upstream-error.js';
import { CounterFamily, type CounterSeries } from './counter-family.js';
import { HistogramFamily, type HistogramSeries } from './histogram-family.js';
import { exchangeKey, exchangeLabels } from './known-values.js';
import { type Labels } from './metric-family.js';
import { inMap } from './nested-map.js';

type Outcome = 'ok' | FailureReason;

const OUTCOMES: readonly Outcome[] = [
  'ok',
  'timeout',
  'deadline',
  'connect',
  'reset',
  'status',
  'open',
  'full',
  'too-large',
  'invalid',
  'cancelled',
];

/** The states of a breaker in the words of resilience4j's metrics. */
export const BREAKER_STATES: Readonly<Record<BreakerStateName, string>> = {
  closed: 'closed',
  open: 'open',
  'half-open': 'half_open',
  'force-open': 'forced_open',
  disabled: 'disabled',
  'metrics-only': 'metrics_only',
};

/** What is counted of upstreams as it happens. */
export class UpstreamFamilies {
  readonly calls = new CounterFamily(
    'tributary_upstream_calls_total',
    'Calls to an upstream that ended, retries and hedges included, by outcome.',
  );
  readonly callDuration = new HistogramFamily(
    'tributary_upstream_call_duration_seconds',
    'Time from the start of a call to an upstream to its answer, retries, waits and all.',
  );
  readonly attempts = new CounterFamily(
    'tributary_upstream_attempts_total',
    'Attempts to call an upstream, those that its guards refused (open, full) included, by outcome.',
  );
  readonly attemptDuration = new HistogramFamily(
    'http_client_request_duration_seconds',
    'Time of one attempt to call an upstream until its answer was complete, the wait for a permit included.',
  );
  readonly retries = new CounterFamily(
    'tributary_upstream_retries_total',
    'Attempts that were repeated; free ones found an idle connection closed, and cost no budget.',
  );
  readonly hedges = new CounterFamily('tributary_upstream_hedges_total', 'Attempts sent beside a slow one.');
  readonly hedgesWon = new CounterFamily(
    'tributary_upstream_hedges_won_total',
    'Hedges that answered first.',
  );
  readonly coalesced = new CounterFamily(
    'tributary_upstream_coalesced_total',
    'Calls that shared the answer of an equal one under way.',
  );
  readonly cacheResults = new CounterFamily(
    'tributary_upstream_cache_results_total',
    'Calls by what the cache had for them.',
  );
  readonly staleServed = new CounterFamily(
    'tributary_upstream_stale_served_total',
    'Answers served stale, by why: the failure, or revalidating where a fresh one was being fetched meanwhile.',
  );
  readonly notPermitted = new CounterFamily(
    'tributary_circuitbreaker_not_permitted_calls_total',
    'Attempts the breaker refused.',
  );
  readonly transitions = new CounterFamily(
    'tributary_circuitbreaker_transitions_total',
    'Times a breaker entered a state, by why.',
  );
  readonly ejections = new CounterFamily(
    'tributary_upstream_ejections_total',
    'Endpoints taken out for doing worse than the others.',
  );
  readonly refusals = new CounterFamily(
    'tributary_upstream_endpoint_refusals_total',
    'Connections an endpoint among several did not take.',
  );
  readonly discoveries = new CounterFamily(
    'tributary_upstream_discoveries_total',
    'Times the addresses behind an upstream had changed, or could not be found.',
  );

  readonly all = [
    this.calls,
    this.callDuration,
    this.attempts,
    this.attemptDuration,
    this.retries,
    this.hedges,
    this.hedgesWon,
    this.coalesced,
    this.cacheResults,
    this.staleServed,
    this.notPermitted,
    this.transitions,
    this.ejections,
    this.refusals,
    this.discoveries,
  ];

  remove(upstream: string): void {
    for (const family of this.all) family.remove('upstream', upstream);
  }
}

/**
 * Counts what happens to one upstream. What can be expected is there from the start, at 0: a rate sees the first failure
 * only if there was a series before it.
 */
export class UpstreamCounters {
  private readonly labels: Labels;
  private readonly calls: Readonly<Record<Outcome, CounterSeries>>;
  private readonly attempts: Readonly<Record<Outcome, CounterSeries>>;
  private readonly callDurations = new Map<Outcome, HistogramSeries>();
  private readonly attemptDurations = new Map<Outcome, Map<number, HistogramSeries>>();
  private readonly retries: CounterSeries;
  private readonly freeRetries: CounterSeries;
  private readonly hedges: CounterSeries;
  private readonly hedgesWon: CounterSeries;
  private readonly coalesced: CounterSeries;
  private readonly notPermitted: CounterSeries;
  /** What happens seldom, by family and what tells it from others of its kind. */
  private readonly rare = new Map<CounterFamily, Map<string, CounterSeries>>();

  constructor(
    name: string,
    private readonly families: UpstreamFamilies,
  ) {
    const labels = { upstream: name };
    this.labels = labels;
    this.calls = byOutcome(families.calls, labels);
    this.attempts = byOutcome(families.attempts, labels);
    this.retries = families.retries.series({ ...labels, free: 'false' });
    this.freeRetries = families.retries.series({ ...labels, free: 'true' });
    this.hedges = families.hedges.series(labels);
    this.hedgesWon = families.hedgesWon.series(labels);
    this.coalesced = families.coalesced.series(labels);
    this.notPermitted = families.notPermitted.series(labels);
  }

  /** @param traceId of the request the event belongs to, where it is traced. */
  note(event: UpstreamEvent, traceId: string | undefined): void {
    const { families } = this;
    switch (event.type) {
      case 'attempt':
        this.attempt(event, traceId);
        break;
      case 'call':
        this.call(event, traceId);
        break;
      case 'retry':
        (event.free ? this.freeRetries : this.retries).value++;
        break;
      case 'hedge':
        this.hedges.value++;
        break;
      case 'hedge-won':
        this.hedgesWon.value++;
        break;
      case 'coalesced':
        this.coalesced.value++;
        break;
      case 'cache':
        this.cache(event);
        break;
      case 'breaker':
        this.transition(event);
        break;
      case 'breaker-notice':
        if (event.notice === 'not-permitted') this.notPermitted.value++;
        break;
      case 'ejection':
        if (event.change === 'ejected')
          this.count(families.ejections, event.reason, { reason: event.reason });
        break;
      case 'endpoint-refused':
        this.count(families.refusals, '', {});
        break;
      case 'discovery':
        this.count(families.discoveries, event.outcome, { outcome: event.outcome });
        break;
      case 'configured':
        break;
    }
  }

  private attempt({ outcome, method, status, durationMs }: AttemptEvent, traceId: string | undefined): void {
    this.attempts[outcome].value++;
    // Never sent: their times say nothing about the upstream, and there may be very many of them.
    if (outcome === 'open' || outcome === 'full') return;
    const byExchange = inMap(this.attemptDurations, outcome);
    const key = exchangeKey(method, status);
    let series = byExchange.get(key);
    if (series === undefined) {
      const labels = { ...this.labels, outcome, ...exchangeLabels(key) };
      byExchange.set(key, (series = this.families.attemptDuration.series(labels)));
    }
    series.observe(durationMs / 1000, traceId);
  }

  private call({ outcome, durationMs }: CallEvent, traceId: string | undefined): void {
    this.calls[outcome].value++;
    let series = this.callDurations.get(outcome);
    if (series === undefined) {
      series = this.families.callDuration.series({ ...this.labels, outcome });
      this.callDurations.set(outcome, series);
    }
    series.observe(durationMs / 1000, traceId);
  }

  private cache({ result, reason }: CacheEvent): void {
    const { cacheResults, staleServed } = this.families;
    this.count(cacheResults, result, { result });
    if (result !== 'stale') return;
    const why = reason ?? 'revalidating';
    this.count(staleServed, why, { reason: why });
  }

  private transition({ to, reason }: BreakerEvent): void {
    this.count(this.families.transitions, `${to} ${reason}`, { state: BREAKER_STATES[to], reason });
  }

  private count(family: CounterFamily, key: string, labels: Labels): void {
    const byKey = inMap(this.rare, family);
    let series = byKey.get(key);
    if (series === undefined) byKey.set(key, (series = family.series({ ...this.labels, ...labels })));
    series.value++;
  }
}

function byOutcome(family: CounterFamily, labels: Labels): Readonly<Record<Outcome, CounterSeries>> {
  const entries = OUTCOMES.map((outcome) => [outcome, family.series({ ...labels, outcome })] as const);
  return Object.fromEntries(entries) as Record<Outcome, CounterSeries>;
}
