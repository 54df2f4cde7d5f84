import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { verdictOfStatus } from '../upstream/classify.js';
import { type Upstream } from '../upstream/upstream.js';
import { type AttemptEvent, type CallEvent, type UpstreamEvent } from '../upstream/upstream-events.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { RollingStatistics } from './rolling-statistics.js';

const MINUTE_MS = 60_000;
const RATE_MS = 10_000;
const STEP_MS = 5_000;
const STEPS = 60;

const COUNTERS = ['timeouts', 'rejections', 'retries', 'hedges', 'hedgesWon'] as const;
type Counter = (typeof COUNTERS)[number];

/** What has become of the calls to an upstream in the last minute. */
export interface CallStatistics {
  /**
   * Calls that were sent, or refused by a guard. Not those that were answered without sending anything (from what is
   * kept, or with the answer to an equal call), and not those that nobody waited for to the end.
   */
  readonly calls: number;
  /** Those without a usable answer: whatever a guard refused, and 429, are among them; a 404 is an answer. */
  readonly errors: number;
  /** To one decimal; 0 where there were no calls. */
  readonly errorPercent: number;
  /** Attempts that were not answered in time: in that of an attempt, or before the deadline of the call. */
  readonly timeouts: number;
  /** Attempts that an open breaker or a full bulkhead refused. */
  readonly rejections: number;
  readonly retries: number;
  readonly hedges: number;
  /** Hedges that were the first to answer. */
  readonly hedgesWon: number;
  /**
   * How long calls took, retries and all, whether they succeeded or not: of those that were sent. What a guard refused
   * at once would make an upstream look fast that is down. Null where there were none.
   */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** Over the last ten seconds, to one decimal. */
  readonly callsPerSecond: number;
}

/**
 * The same over the last five minutes, step by step, the oldest first; the last step is the one that runs. All lists are
 * equally long.
 */
export interface CallSeries {
  readonly stepMs: number;
  readonly calls: readonly number[];
  readonly errors: readonly number[];
  readonly p50Ms: readonly (number | null)[];
  readonly p95Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
}

/**
 * Counts the calls to each upstream over the last minutes. An upstream keeps its past when a reload changes it, its
 * address included; one that a reload takes away is forgotten.
 *
 * The event of a call costs 0.2 us, that of an attempt that went well 0.03 us.
 */
@Injectable()
export class UpstreamStatistics implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly records = new Map<string, RollingStatistics<Counter>>();
  private stopListening: (() => void) | undefined;

  constructor(private readonly registry: UpstreamRegistry) {}

  /** Runs again where another application shares this: Nest calls the hooks of values too. */
  onApplicationBootstrap(): void {
    this.stopListening ??= this.registry.events.subscribe((event) => {
      this.note(event);
    });
  }

  onModuleDestroy(): void {
    this.stopListening?.();
  }

  /** The last minute of an upstream. One that was never called, or is not there, has nothing but zeros. */
  of(upstream: Upstream | string): CallStatistics {
    const record = this.recordOf(nameOf(upstream));
    if (record === undefined) return NOTHING;
    const { count, failed, counted, ...percentiles } = record.over(MINUTE_MS);
    return {
      calls: count,
      errors: failed,
      errorPercent: count === 0 ? 0 : toOneDecimal((failed * 100) / count),
      ...counted,
      ...percentiles,
      callsPerSecond: toOneDecimal(record.perSecond(RATE_MS)),
    };
  }

  /** The last five minutes of an upstream, in steps of five seconds. */
  seriesOf(upstream: Upstream | string): CallSeries {
    const record = this.recordOf(nameOf(upstream));
    if (record === undefined) return NEVER;
    const { count, failed, ...rest } = record.series();
    return { calls: count, errors: failed, ...rest };
  }

  private note(event: UpstreamEvent): void {
    // The most frequent first.
    if (event.type === 'attempt') this.noteAttempt(event);
    else if (event.type === 'call') this.noteCall(event);
    else if (event.type === 'retry') {
      // A free one repeats what met a connection closed while it was idle: nothing has gone wrong.
      if (!event.free) this.recordOf(event.upstream)?.count('retries');
    } else if (event.type === 'hedge') this.recordOf(event.upstream)?.count('hedges');
    else if (event.type === 'hedge-won') this.recordOf(event.upstream)?.count('hedgesWon');
    else if (event.type === 'configured' && event.change === 'removed') this.records.delete(event.upstream);
  }

  private noteAttempt({ upstream, outcome }: AttemptEvent): void {
    if (outcome === 'timeout' || outcome === 'deadline') this.recordOf(upstream)?.count('timeouts');
    else if (outcome === 'open' || outcome === 'full') this.recordOf(upstream)?.count('rejections');
  }

  private noteCall(event: CallEvent): void {
    const { upstream, outcome, attempts, durationMs } = event;
    if (outcome === 'cancelled') return;
    const isRefused = outcome === 'open' || outcome === 'full';
    if (attempts === 0 && !isRefused) return;
    this.recordOf(upstream)?.add(isRefused ? null : durationMs, isError(event));
  }

  /** Undefined where there is no such upstream: its last calls may end after it has been taken away. */
  private recordOf(name: string): RollingStatistics<Counter> | undefined {
    const known = this.records.get(name);
    if (known !== undefined) return known;
    const upstream = this.registry.find(name);
    if (upstream === undefined) return undefined;
    const options = { stepMs: STEP_MS, steps: STEPS, counters: COUNTERS };
    const record = new RollingStatistics<Counter>(upstream.runtime.clock, options);
    this.records.set(name, record);
    return record;
  }
}

/** As the breaker has it, but for 429: whoever waited has no answer. */
function isError({ outcome, status }: CallEvent): boolean {
  if (outcome === 'ok') return false;
  return outcome !== 'status' || status === undefined || verdictOfStatus(status, false).breaker !== 'success';
}

function nameOf(upstream: Upstream | string): string {
  return typeof upstream === 'string' ? upstream : upstream.name;
}

function toOneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}

const NOTHING: CallStatistics = {
  calls: 0,
  errors: 0,
  errorPercent: 0,
  timeouts: 0,
  rejections: 0,
  retries: 0,
  hedges: 0,
  hedgesWon: 0,
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
  callsPerSecond: 0,
};

const NO_COUNTS: readonly number[] = new Array<number>(STEPS).fill(0);
const NO_DURATIONS: readonly null[] = new Array<null>(STEPS).fill(null);

const NEVER: CallSeries = {
  stepMs: STEP_MS,
  calls: NO_COUNTS,
  errors: NO_COUNTS,
  p50Ms: NO_DURATIONS,
  p95Ms: NO_DURATIONS,
  p99Ms: NO_DURATIONS,
};
