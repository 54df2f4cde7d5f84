import { z } from 'zod';
import { byteSize, count, duration, factor, flag, percent } from './quantities.js';

const MOST_KEYS_SHOWN = 14;

/** A group of keys, all of which may be left out; any other key is refused. */
export function group<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape);
  const some = keys.length > MOST_KEYS_SHOWN ? [...keys.slice(0, 2), '...'] : keys;
  return z.strictObject(shape, { error: `a group of keys (${some.join(', ')})` });
}

const BREAKER_MODES = ['enabled', 'disabled', 'metrics-only', 'force-open'] as const;

/** For counts without a sensible limit: enough for anyone, and it catches a slipped key. */
const MANY = 1_000_000;

const retry = group({
  /**
   * Attempts in all, the first included; 1 never retries. From 1 to 10. Default 2. Not among them: one repetition a call
   * of a replay-safe request that met a connection the upstream had closed while it was idle.
   */
  maxAttempts: count(1, 10).optional(),
  /** Backoff before the first retry is a random part of this, in ms; it doubles with every further one. Default 25. */
  backoffBaseMs: duration(0).optional(),
  /** The longest backoff, in ms. Default 250. */
  backoffCapMs: duration(0).optional(),
  /**
   * A `Retry-After` (or `retry-after-ms`) above this, in ms, is not waited for: the call fails at once. 0 waits for
   * none. Default 1000.
   */
  maxRetryAfterMs: duration(0).optional(),
  /** Whether a 500 is retried like a 503. Default false: it is more often a bug than a blip. */
  retryOn500: flag().optional(),
});

const retryBudget = group({
  /** Retries (and hedges) allowed per 100 calls. Default 20. */
  percent: percent({ zero: 'allowed' }).optional(),
  /** How long a call's deposit can be spent, in ms; at least 1000. Default 10000. */
  windowMs: duration(1_000).optional(),
  /**
   * Retries allowed per second whatever the traffic. Default 10. For each process: divide what the upstream may get by
   * the number of replicas.
   */
  minRetriesPerSecond: count(0, MANY).optional(),
});

const circuitBreaker = group({
  /**
   * `enabled`; `disabled`: counts nothing; `metrics-only`: counts but never opens, and tells when it would have;
   * `force-open`: lets nothing through. Default `enabled`.
   */
  mode: z.enum(BREAKER_MODES, { error: `one of ${BREAKER_MODES.join(', ')}` }).optional(),
  /** Opens when at least this share of the calls in the window failed. Above 0, to 100. Default 50. */
  failureRateThresholdPercent: percent({ zero: 'refused' }).optional(),
  /** Opens when at least this share of the calls in the window was slow. Above 0, to 100. Default 100. */
  slowCallRateThresholdPercent: percent({ zero: 'refused' }).optional(),
  /** An attempt that takes this long, in ms, is slow. Default 800, and never above 80 % of `attemptTimeoutMs`. */
  slowCallDurationMs: duration().optional(),
  /** With fewer calls in the window than these, it stays closed. From 1. Default 20. */
  minimumNumberOfCalls: count(1, MANY).optional(),
  /** Length of the window, in ms; a multiple of 10, for its 10 buckets. Default 10000, or twice the attempt timeout. */
  windowMs: duration(10)
    .refine((windowMs) => windowMs % 10 === 0, { error: 'a multiple of 10 ms: the window has 10 buckets' })
    .optional(),
  /**
   * How long it stays open the first time, in ms; doubles with each further time in a row. Spread by
   * `openJitterPercent`. Default 5000.
   */
  openMs: duration().optional(),
  /** The longest it stays open, before that spread, in ms; at least `openMs`. Default 60000. */
  maxOpenMs: duration().optional(),
  /** Spread of the open time either way, so that replicas do not probe in step. From 0 to 100. Default 20. */
  openJitterPercent: percent({ zero: 'allowed' }).optional(),
  /**
   * Whether a failure that carries `Retry-After` (a 503; a 429 is no failure) makes an opening last until then, if that
   * is longer; for at most `maxOpenMs` after it was asked. Default true.
   */
  retryAfterExtendsOpen: flag().optional(),
  /** Probes let through while half-open. From 1. Default 3. */
  permittedCallsInHalfOpen: count(1, MANY).optional(),
  /**
   * How long the last probe let through has to come back, in ms; then those still out are given up, and fresh ones let
   * through. More than `attemptTimeoutMs`. Default 2000, or twice the attempt timeout.
   */
  maxWaitInHalfOpenMs: duration().optional(),
});

const bulkhead = group({
  /** Attempts that may be on the wire at once. Default 64. */
  maxConcurrentCalls: count(1, MANY).optional(),
  /**
   * Attempts that may wait for a permit; 0 lets none wait. Default 64; 8 with `adaptiveLimit`, whose limit has room for
   * a queue at the upstream already: a second one before it would be waited out by every call.
   */
  maxQueue: count(0, MANY).optional(),
  /**
   * The longest an attempt waits for a permit, in ms; the deadline of its call ends the wait as well. Default 100, 20
   * with `adaptiveLimit`, and never above half of `deadlineMs`.
   */
  maxQueueWaitMs: duration(0).optional(),
});

const LIMIT_ALGORITHMS = ['aimd', 'gradient2'] as const;

const adaptiveLimit = group({
  /**
   * Whether the limit of the bulkhead follows what the upstream can take, below `bulkhead.maxConcurrentCalls`. Default
   * false.
   */
  enabled: flag().optional(),
  /**
   * `aimd`: grows by one a round trip, and falls when attempts are dropped (408, 429, 502, 503, 504, reset, timeout) or
   * take longer than `latencyThresholdMs`. `gradient2`: compares latency with the usual one, so that it needs no
   * threshold; the choice where the upstream queues instead of refusing. Default `aimd`.
   */
  algorithm: z.enum(LIMIT_ALGORITHMS, { error: `one of ${LIMIT_ALGORITHMS.join(', ')}` }).optional(),
  /** The limit never falls below this. From 1. Default 4, or less where `initialLimit` is. */
  minLimit: count(1, MANY).optional(),
  /** Where the limit begins; at most `bulkhead.maxConcurrentCalls`. Default 20, or less where that is. */
  initialLimit: count(1, MANY).optional(),
  /**
   * AIMD: an attempt that takes longer, in ms, counts as dropped. It must lie well above what the upstream takes when it
   * is idle, or the limit falls to its minimum and stays there. At most, and by default, `attemptTimeoutMs`.
   */
  latencyThresholdMs: duration().optional(),
  /** AIMD: what a decrease leaves of the limit. From 50 to 99. Default 90. */
  backoffRatioPercent: count(50, 99).optional(),
  /** Gradient2: how slow attempts may be, in percent of the usual latency. From 100 to 1000. Default 150. */
  rttTolerancePercent: count(100, 1_000).optional(),
  /**
   * Gradient2: attempts that may queue at the upstream; the limit settles at twice as many at the least. Smaller for an
   * upstream that takes only a few at a time. From 1. Default 4.
   */
  queueSize: count(1, MANY).optional(),
  /** Gradient2: how much of each new estimate is taken over. Above 0, to 100. Default 20. */
  smoothingPercent: percent({ zero: 'refused' }).optional(),
  /** Gradient2: windows (of 100 ms to 1 s) that the usual latency is averaged over. From 10. Default 600. */
  longWindow: count(10, MANY).optional(),
});

const response = group({
  /** The largest response on the wire, in bytes. Default 5 MiB. */
  maxWireBytes: byteSize().optional(),
  /** The largest response once decompressed, in bytes. Default 20 MiB. */
  maxBodyBytes: byteSize().optional(),
});

const connections = group({
  /**
   * Connections to one endpoint; null for no limit. Default `bulkhead.maxConcurrentCalls`: with fewer, an attempt
   * that holds a permit could wait once more, unseen, inside the pool.
   */
  perEndpoint: count(1, MANY).nullable().optional(),
  /** How long an idle connection is kept, in ms. Default 4000: less than the 5 s after which Node's servers hang up. */
  keepAliveMs: duration().optional(),
  /** The longest an idle connection is kept when the upstream's `Keep-Alive` asks for more, in ms. Default 25000. */
  keepAliveMaxMs: duration().optional(),
  /**
   * The age, in ms, at which a connection gets its last request, give or take 20 % at random; null for never. The
   * connection that follows resolves the host name anew, so this is how long traffic takes to follow a change of
   * address. Default 60000.
   */
  maxAgeMs: duration().nullable().optional(),
});

const HEDGE_MODES = ['off', 'percentile', 'fixed'] as const;

const hedge = group({
  /**
   * Whether a call that only reads (GET, HEAD, OPTIONS, TRACE, QUERY) is sent once more when its answer takes long.
   * `off`; `percentile`: after a percentile of how long such calls have taken over the last 30 s, and never before
   * there are enough of them to tell (20, or 100 for the 99th percentile); `fixed`: after `delayMs`. Where no other
   * attempt runs, one that failed is retried as `retry` says. Default `off`.
   */
  mode: z.enum(HEDGE_MODES, { error: `one of ${HEDGE_MODES.join(', ')}` }).optional(),
  /** The share of calls that are to answer before the hedge is sent. From 50 to 99.9. Default 95. */
  percentile: factor(50, 99.9).optional(),
  /** The delay of mode `fixed`, in ms; from 0, less than `attemptTimeoutMs`. Default half of `attemptTimeoutMs`. */
  delayMs: duration(0).optional(),
  /** The shortest delay of mode `percentile`, in ms; from 0, at most `maxDelayMs`. Default 1. */
  minDelayMs: duration(0).optional(),
  /**
   * The longest delay of mode `percentile`, in ms; from 0, less than `attemptTimeoutMs`. Default half of
   * `attemptTimeoutMs`.
   */
  maxDelayMs: duration(0).optional(),
  /** Attempts beyond the first, each a delay after the one before it. From 1 to 4. Default 2. */
  maxHedges: count(1, 4).optional(),
  /**
   * Hedges allowed per 100 calls that may be hedged, over `retryBudget.windowMs`; the retry budget must grant them as
   * well. Above 0, to 100. Default 10: about twice what the percentile lets through, or the budget would refuse the
   * hedges that matter.
   */
  budgetPercent: percent({ zero: 'refused' }).optional(),
});

const outlierDetection = group({
  /**
   * Whether an endpoint that does worse than the others gets no calls for a while. Only where there are two endpoints
   * or more: with one, the breaker is all there is. Default true.
   */
  enabled: flag().optional(),
  /**
   * Failures in a row (as the breaker counts them: bad statuses, timeouts, resets, refused connections) that eject an
   * endpoint; 0 ejects none for that. From 0. Default 5.
   */
  consecutiveFailures: count(0, MANY).optional(),
  /**
   * Length of an interval, in ms. Rates are judged once an interval, and an endpoint's ejections are forgotten one by
   * one with each interval it stays. Default 10000.
   */
  intervalMs: duration().optional(),
  /**
   * How long an endpoint is ejected the first time, in ms; multiplied by its ejections that are not forgotten yet.
   * Default 30000.
   */
  baseEjectionMs: duration().optional(),
  /** The longest ejection, before its jitter, in ms; at least `baseEjectionMs`. Default 300000. */
  maxEjectionMs: duration().optional(),
  /**
   * A random part of this, in ms, is added to each ejection, so that replicas do not bring an endpoint back in step; 0
   * adds none. Default a tenth of `baseEjectionMs`: 3000.
   */
  maxEjectionJitterMs: duration(0).optional(),
  /**
   * The share of the endpoints that may be ejected at once; one always may, where there are two or more. Above 0, to
   * 100. Default 10.
   */
  maxEjectionPercent: percent({ zero: 'refused' }).optional(),
  /**
   * With less than this share of the endpoints left, ejections are ignored and all are used again; 0 for never (but
   * for when none is left). From 0 to 100. Default 50.
   */
  panicThresholdPercent: percent({ zero: 'allowed' }).optional(),
  /** Whether an endpoint is ejected for a success rate far below that of the others. Default true. */
  successRate: flag().optional(),
  /** With fewer endpoints of enough volume, success rates are not compared. From 2. Default 5. */
  successRateMinimumHosts: count(2, MANY).optional(),
  /** Calls an endpoint must have had in the interval for its success rate to count. From 1. Default 100. */
  successRateRequestVolume: count(1, MANY).optional(),
  /**
   * How many standard deviations below the mean of all endpoints a success rate is an outlier (Envoy's
   * `success_rate_stdev_factor`, which counts in thousandths). A number from 0 to 10. Default 1.9.
   */
  successRateStdevFactor: factor(0, 10).optional(),
  /** Whether an endpoint is ejected for its share of failures, whatever the others' is. Default false, as in Envoy. */
  failurePercentage: flag().optional(),
  /** The share of failures in the interval that ejects. Above 0, to 100. Default 85. */
  failurePercentageThreshold: percent({ zero: 'refused' }).optional(),
  /** With fewer endpoints of enough volume, no share of failures is judged. From 2. Default 5. */
  failurePercentageMinimumHosts: count(2, MANY).optional(),
  /** Calls an endpoint must have had in the interval for its share of failures to count. From 1. Default 50. */
  failurePercentageRequestVolume: count(1, MANY).optional(),
});

const slowStart = group({
  /**
   * How long an endpoint that has come back from an ejection, or was discovered later than the others, gets less than
   * its share of the calls, in ms; 0 for not at all. Default 0.
   */
  windowMs: duration(0).optional(),
  /**
   * How fast its share grows to the whole: 1 in a straight line, above 1 fast at first, below 1 slow at first. A
   * number from 0.1 to 10. Default 1.
   */
  aggression: factor(0.1, 10).optional(),
  /** The part of its share it begins with. Above 0, to 100. Default 10. */
  minWeightPercent: percent({ zero: 'refused' }).optional(),
});

const coalesce = group({
  /**
   * Whether equal GET and HEAD calls that run at the same time become one: method, URL and every header that is sent
   * (but those that only name the request) are the same. Default false, because a call that was begun before a change
   * may then answer one that was sent after it, unless the change went through the same upstream of the same process.
   */
  enabled: flag().optional(),
});

const cache = group({
  /** Whether answers to GET and HEAD are kept and used again, as RFC 9111 has it for a shared cache. Default false. */
  enabled: flag().optional(),
  /** The largest answer that is kept, in bytes. At most `response.maxBodyBytes`. Default 1 MiB. */
  maxEntryBytes: byteSize().optional(),
  /**
   * The longest a kept answer is used after it has gone stale, because the upstream fails, in ms; an upstream's own
   * `stale-if-error` only makes that shorter. 0 never uses one. Default 60000.
   */
  staleIfErrorMs: duration(0).optional(),
  /**
   * How long after it has gone stale a kept answer is used while a fresh one is fetched in the background, in ms, where
   * the upstream does not say so itself by `stale-while-revalidate`. Default 0.
   */
  staleWhileRevalidateMs: duration(0).optional(),
});

/** The keys of a policy, as written: in `defaults`, in an upstream, or in code. */
export const policySchema = group({
  /** How long a whole call may take, retries and all, when nobody asks for less, in ms. Default 3000. */
  deadlineMs: duration().optional(),
  /** How long one attempt may take, to the last byte of the body, in ms. Default 1000. */
  attemptTimeoutMs: duration().optional(),
  /** How long connecting may take, in ms. Default 500. */
  connectTimeoutMs: duration().optional(),
  retry: retry.optional(),
  retryBudget: retryBudget.optional(),
  hedge: hedge.optional(),
  circuitBreaker: circuitBreaker.optional(),
  bulkhead: bulkhead.optional(),
  adaptiveLimit: adaptiveLimit.optional(),
  response: response.optional(),
  connections: connections.optional(),
  coalesce: coalesce.optional(),
  cache: cache.optional(),
  outlierDetection: outlierDetection.optional(),
  slowStart: slowStart.optional(),
});

/** What the keys of a policy come to, durations in ms and sizes in bytes; what was not written is not there. */
export type WrittenPolicy = DeepReadonly<z.output<typeof policySchema>>;

/**
 * A policy as one may write it in code: any keys, durations in ms or as text (`250ms`, `1.5s`, `2m`), sizes in bytes
 * or as text (`512KiB`, `5MiB`).
 */
export type UpstreamPolicyInput = DeepReadonly<z.input<typeof policySchema>>;

/** A policy with every value settled: what was written, and for the rest the defaults. In ms and bytes. */
export type UpstreamPolicy = Settled<WrittenPolicy>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
type Settled<T> = T extends object ? { readonly [K in keyof T]-?: Settled<Exclude<T[K], undefined>> } : T;
