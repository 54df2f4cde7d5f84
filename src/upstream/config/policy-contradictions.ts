import { type UpstreamPolicy } from './policy-schema.js';

/** A numeric key of a policy: `deadlineMs`, `retry.backoffCapMs`. */
export type PolicyKey = NumericKey<UpstreamPolicy>;

type NumericKey<T> = {
  [K in keyof T & string]: T[K] extends number ? K : T[K] extends object ? `${K}.${NumericKey<T[K]>}` : never;
}[keyof T & string];

/** Two keys that do not fit each other whatever values others have. */
export interface PolicyRule {
  /** The more specific one: it is blamed when both were written in the same place. */
  readonly key: PolicyKey;
  /** How it must relate to the other one: "at most". */
  readonly must: string;
  readonly other: PolicyKey;
  /** The same, seen from the other one: "at least". */
  readonly otherMust: string;
  readonly because: string;
  readonly holds: (value: number, other: number) => boolean;
}

const atMost = (value: number, other: number): boolean => value <= other;
const lessThan = (value: number, other: number): boolean => value < other;

export const POLICY_RULES: readonly PolicyRule[] = [
  {
    key: 'attemptTimeoutMs',
    must: 'at most',
    other: 'deadlineMs',
    otherMust: 'at least',
    because: 'the deadline of a call ends its attempts too',
    holds: atMost,
  },
  {
    key: 'connectTimeoutMs',
    must: 'at most',
    other: 'attemptTimeoutMs',
    otherMust: 'at least',
    because: 'connecting is part of an attempt',
    holds: atMost,
  },
  {
    key: 'retry.backoffBaseMs',
    must: 'at most',
    other: 'retry.backoffCapMs',
    otherMust: 'at least',
    because: 'backoff grows from the base to the cap',
    holds: atMost,
  },
  {
    key: 'hedge.delayMs',
    must: 'less than',
    other: 'attemptTimeoutMs',
    otherMust: 'more than',
    because: 'a call is hedged while its attempt still runs',
    holds: lessThan,
  },
  {
    key: 'hedge.maxDelayMs',
    must: 'less than',
    other: 'attemptTimeoutMs',
    otherMust: 'more than',
    because: 'a call is hedged while its attempt still runs',
    holds: lessThan,
  },
  {
    key: 'hedge.minDelayMs',
    must: 'at most',
    other: 'hedge.maxDelayMs',
    otherMust: 'at least',
    because: 'the delay lies between the two',
    holds: atMost,
  },
  {
    key: 'bulkhead.maxQueueWaitMs',
    must: 'less than',
    other: 'deadlineMs',
    otherMust: 'more than',
    because: 'an attempt that waits out the deadline in the queue is never made',
    holds: (wait, deadline) => wait < deadline,
  },
  {
    key: 'adaptiveLimit.minLimit',
    must: 'at most',
    other: 'adaptiveLimit.initialLimit',
    otherMust: 'at least',
    because: 'the limit begins no lower than it may fall',
    holds: atMost,
  },
  {
    key: 'adaptiveLimit.initialLimit',
    must: 'at most',
    other: 'bulkhead.maxConcurrentCalls',
    otherMust: 'at least',
    because: 'the bulkhead is the ceiling of the limit',
    holds: atMost,
  },
  {
    key: 'adaptiveLimit.latencyThresholdMs',
    must: 'at most',
    other: 'attemptTimeoutMs',
    otherMust: 'at least',
    because: 'a longer attempt is cut off, and counts as dropped for that',
    holds: atMost,
  },
  {
    key: 'circuitBreaker.slowCallDurationMs',
    must: 'at most',
    other: 'attemptTimeoutMs',
    otherMust: 'at least',
    because: 'a longer attempt is cut off before it can count as slow',
    holds: atMost,
  },
  {
    key: 'circuitBreaker.windowMs',
    must: 'at least twice',
    other: 'attemptTimeoutMs',
    otherMust: 'at most half of',
    because: 'in a shorter window calls are forgotten before slower ones of the same moment are counted',
    holds: (window, attempt) => window >= 2 * attempt,
  },
  {
    key: 'circuitBreaker.openMs',
    must: 'at most',
    other: 'circuitBreaker.maxOpenMs',
    otherMust: 'at least',
    because: 'the open time grows from one to the other',
    holds: atMost,
  },
  {
    key: 'circuitBreaker.maxWaitInHalfOpenMs',
    must: 'more than',
    other: 'attemptTimeoutMs',
    otherMust: 'less than',
    because: 'a probe needs the time to finish',
    holds: (wait, attempt) => wait > attempt,
  },
  {
    key: 'response.maxWireBytes',
    must: 'at most',
    other: 'response.maxBodyBytes',
    otherMust: 'at least',
    because: 'decompressing does not make a response smaller',
    holds: atMost,
  },
  {
    key: 'cache.maxEntryBytes',
    must: 'at most',
    other: 'response.maxBodyBytes',
    otherMust: 'at least',
    because: 'a larger answer is refused before it could be kept',
    holds: atMost,
  },
  {
    key: 'connections.keepAliveMs',
    must: 'at most',
    other: 'connections.keepAliveMaxMs',
    otherMust: 'at least',
    because: 'the one is what is kept unasked, the other the limit when asked',
    holds: atMost,
  },
  {
    key: 'outlierDetection.baseEjectionMs',
    must: 'at most',
    other: 'outlierDetection.maxEjectionMs',
    otherMust: 'at least',
    because: 'ejections grow from one to the other',
    holds: atMost,
  },
];
