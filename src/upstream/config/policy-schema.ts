import { z } from 'zod';
import { byteSize, count, duration, flag, percent } from './quantities.js';

/** A group of keys, all of which may be left out; any other key is refused. */
export function group<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, { error: `a group of keys (${Object.keys(shape).join(', ')})` });
}

const BREAKER_MODES = ['enabled', 'disabled', 'metrics-only', 'force-open'] as const;

/** For counts without a sensible limit: enough for anyone, and it catches a slipped key. */
const MANY = 1_000_000;

const retry = group({
  /** Attempts in all, the first included; 1 never retries. From 1 to 10. Default 2. */
  maxAttempts: count(1, 10).optional(),
  /** Backoff before the first retry is a random part of this, in ms; it doubles with every further one. Default 25. */
  backoffBaseMs: duration(0).optional(),
  /** The longest backoff, in ms. Default 250. */
  backoffCapMs: duration(0).optional(),
  /** A `Retry-After` above this, in ms, is not waited for: the call fails at once. 0 waits for none. Default 1000. */
  maxRetryAfterMs: duration(0).optional(),
  /** Whether a 500 is retried like a 503. Default false: it is more often a bug than a blip. */
  retryOn500: flag().optional(),
});

const retryBudget = group({
  /** Retries (and hedges) allowed per 100 calls. Default 20. */
  percent: percent({ zero: 'allowed' }).optional(),
  /** How long a call's deposit can be spent, in ms; at least 1000. Default 10000. */
  windowMs: duration(1_000).optional(),
  /** Retries allowed per second whatever the traffic. Default 10. */
  minRetriesPerSecond: count(0, MANY).optional(),
});

const circuitBreaker = group({
  /**
   * `enabled`; `disabled`: counts nothing; `metrics-only`: counts but never opens; `force-open`: lets nothing
   * through. Default `enabled`.
   */
  mode: z.enum(BREAKER_MODES, { error: `one of ${BREAKER_MODES.join(', ')}` }).optional(),
  /** Opens when this share of the calls in the window failed. Default 50. */
  failureRateThresholdPercent: percent({ zero: 'refused' }).optional(),
  /** Opens when this share of the calls in the window was slow. Default 100. */
  slowCallRateThresholdPercent: percent({ zero: 'refused' }).optional(),
  /** An attempt that takes this long, in ms, is slow. Default 800, and never above 80 % of `attemptTimeoutMs`. */
  slowCallDurationMs: duration().optional(),
  /** With fewer calls in the window than these, it stays closed. Default 20. */
  minimumNumberOfCalls: count(1, MANY).optional(),
  /** Length of the window, in ms; a multiple of 10, for its 10 buckets. Default 10000, or twice the attempt timeout. */
  windowMs: duration(10)
    .refine((windowMs) => windowMs % 10 === 0, { error: 'a multiple of 10 ms: the window has 10 buckets' })
    .optional(),
  /** How long it stays open the first time, in ms; doubles with each further time in a row. Default 5000. */
  openMs: duration().optional(),
  /** The longest it stays open, in ms. Default 60000. */
  maxOpenMs: duration().optional(),
  /** Spread of the open time either way, so that replicas do not probe in step. Default 20. */
  openJitterPercent: percent({ zero: 'allowed' }).optional(),
  /** Probes let through while half-open. From 1. Default 3. */
  permittedCallsInHalfOpen: count(1, MANY).optional(),
  /** How long the probes have to reach a verdict, in ms. Default 2000, or twice the attempt timeout. */
  maxWaitInHalfOpenMs: duration().optional(),
});

const bulkhead = group({
  /** Attempts that may be on the wire at once. Default 64. */
  maxConcurrentCalls: count(1, MANY).optional(),
  /** Attempts that may wait for a permit; 0 lets none wait. Default 64. */
  maxQueue: count(0, MANY).optional(),
  /** The longest an attempt waits for a permit, in ms. Default 100, and never above half of `deadlineMs`. */
  maxQueueWaitMs: duration(0).optional(),
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
  circuitBreaker: circuitBreaker.optional(),
  bulkhead: bulkhead.optional(),
  response: response.optional(),
  connections: connections.optional(),
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
