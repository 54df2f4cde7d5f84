import { LRUCache } from 'lru-cache';
import { type CompositeReport, type PartReport } from '../aggregation/part-report.js';
import { RollingStatistics } from '../health/rolling-statistics.js';
import { type Clock } from '../resilience/clock.js';
import { type CompositeState, type Degradation } from './console-state.js';

const MINUTE_MS = 60_000;
const FIVE_MINUTES_MS = 300_000;
const RATE_MS = 10_000;

/** A request is slow that took this many times as long as 95 % of those of the last five minutes... */
const SLOW_FACTOR = 1.5;
/** ...of which there have to be so many. */
const LEAST_REQUESTS = 20;
/** How often that is worked out anew, in ms. */
const REFRESH_MS = 5_000;

/** So many pairs of part and reason are counted; names of parts that code makes up must not fill the memory. */
const MAX_DEGRADATIONS = 100;

const STEP_MS = 5_000;
/** Those of one minute. */
const STEPS = 12;

/** How one request ended. */
export interface CompositeOutcome {
  readonly durationMs: number;
  /** Undefined where the client left before there was one. */
  readonly status: number | undefined;
  readonly clientLeft: boolean;
  readonly report: CompositeReport;
}

interface CountedDegradation {
  readonly part: string;
  readonly reason: string;
  readonly requests: RollingStatistics;
}

/**
 * What has become of the requests to a composite in the last minutes. Judged are those that say something about it: not
 * those whose client has left, nor those it is to blame for (4xx), which are complete neither way.
 */
export class CompositeStatistics {
  private readonly requests: RollingStatistics<'judged' | 'complete'>;
  private readonly degradations = new LRUCache<string, CountedDegradation>({ max: MAX_DEGRADATIONS });
  private slowFromMs = Infinity;
  private refreshAt = -Infinity;

  constructor(private readonly clock: Clock) {
    this.requests = new RollingStatistics(clock, { counters: ['judged', 'complete'] });
  }

  /** Counts a request. Answers whether it is worth a look: partial, failed or slow. */
  add({ durationMs, status, clientLeft, report }: CompositeOutcome): boolean {
    const { requests } = this;
    const isSlow = durationMs > this.slowness();
    if (clientLeft || status === undefined) {
      requests.add(null, false);
      return isSlow;
    }
    const isFailed = status >= 500;
    requests.add(durationMs, isFailed);
    if (status >= 400 && !isFailed) return isSlow;
    requests.count('judged');
    if (report.complete && !isFailed) {
      requests.count('complete');
      return isSlow;
    }
    for (const part of report.parts) {
      if (part.state === 'fallback' || part.state === 'failed') this.degraded(part);
    }
    return true;
  }

  /** Of the last minute; the rate is that of the last ten seconds. */
  read(): Omit<CompositeState, 'name' | 'method' | 'route' | 'degradedBy'> {
    const { count, failed, counted, p50Ms, p95Ms } = this.requests.over(MINUTE_MS);
    const { judged, complete } = counted;
    const share = (some: number): number | null =>
      judged === 0 ? null : toOneDecimal((some * 100) / judged);
    return {
      requestsPerSecond: toOneDecimal(this.requests.perSecond(RATE_MS)),
      requests: count,
      completePercent: share(complete),
      failedPercent: share(failed),
      p50Ms,
      p95Ms,
    };
  }

  /** What was missing or failed in the last minute, the most frequent first. */
  degradedBy(): Omit<Degradation, 'upstreams'>[] {
    return [...this.degradations.values()]
      .map(({ part, reason, requests }) => ({ part, reason, count: requests.over(MINUTE_MS).count }))
      .filter(({ count }) => count > 0)
      .sort((one, other) => other.count - one.count);
  }

  private degraded({ part, reason: known }: PartReport): void {
    const reason = known ?? 'unknown';
    const key = `${part} ${reason}`;
    let counted = this.degradations.get(key);
    if (counted === undefined) {
      const requests = new RollingStatistics(this.clock, { stepMs: STEP_MS, steps: STEPS });
      counted = { part, reason, requests };
      this.degradations.set(key, counted);
    }
    counted.requests.add(null, false);
  }

  /** From how long on a request is slow, in ms. */
  private slowness(): number {
    const now = this.clock.now();
    if (now < this.refreshAt) return this.slowFromMs;
    this.refreshAt = now + REFRESH_MS;
    const { count, p95Ms } = this.requests.over(FIVE_MINUTES_MS);
    this.slowFromMs = count < LEAST_REQUESTS || p95Ms === null ? Infinity : p95Ms * SLOW_FACTOR;
    return this.slowFromMs;
  }
}

function toOneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}
