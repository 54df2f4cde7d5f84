import { type UpstreamPolicy, type WrittenPolicy } from './policy-schema.js';

const MIB = 2 ** 20;

/**
 * Settles a policy: what was written stays, the rest gets its default for an interactive gateway (DESIGN.md 4).
 *
 * A default yields to what was written. `deadlineMs` and `attemptTimeoutMs` lead (whichever of the two is written
 * moves the other one's default), the values that depend on them follow; so lowering `attemptTimeoutMs` alone lowers
 * the duration that counts as slow, and raising it widens the breaker's window.
 */
export function withDefaults(written: WrittenPolicy): UpstreamPolicy {
  const {
    retry = {},
    retryBudget = {},
    circuitBreaker = {},
    bulkhead = {},
    response = {},
    connections = {},
  } = written;
  const deadlineMs = written.deadlineMs ?? Math.max(3_000, written.attemptTimeoutMs ?? 0);
  const attemptTimeoutMs = written.attemptTimeoutMs ?? Math.min(1_000, deadlineMs);
  const maxConcurrentCalls = bulkhead.maxConcurrentCalls ?? 64;
  return {
    deadlineMs,
    attemptTimeoutMs,
    connectTimeoutMs: written.connectTimeoutMs ?? Math.min(500, attemptTimeoutMs),
    retry: {
      maxAttempts: retry.maxAttempts ?? 2,
      backoffBaseMs: retry.backoffBaseMs ?? Math.min(25, retry.backoffCapMs ?? Infinity),
      backoffCapMs: retry.backoffCapMs ?? Math.max(250, retry.backoffBaseMs ?? 0),
      maxRetryAfterMs: retry.maxRetryAfterMs ?? 1_000,
      retryOn500: retry.retryOn500 ?? false,
    },
    retryBudget: {
      percent: retryBudget.percent ?? 20,
      windowMs: retryBudget.windowMs ?? 10_000,
      minRetriesPerSecond: retryBudget.minRetriesPerSecond ?? 10,
    },
    circuitBreaker: {
      mode: circuitBreaker.mode ?? 'enabled',
      failureRateThresholdPercent: circuitBreaker.failureRateThresholdPercent ?? 50,
      slowCallRateThresholdPercent: circuitBreaker.slowCallRateThresholdPercent ?? 100,
      slowCallDurationMs:
        circuitBreaker.slowCallDurationMs ?? Math.min(800, Math.max(1, Math.floor(0.8 * attemptTimeoutMs))),
      minimumNumberOfCalls: circuitBreaker.minimumNumberOfCalls ?? 20,
      windowMs: circuitBreaker.windowMs ?? Math.max(10_000, Math.ceil((2 * attemptTimeoutMs) / 10) * 10),
      openMs: circuitBreaker.openMs ?? Math.min(5_000, circuitBreaker.maxOpenMs ?? Infinity),
      maxOpenMs: circuitBreaker.maxOpenMs ?? Math.max(60_000, circuitBreaker.openMs ?? 0),
      openJitterPercent: circuitBreaker.openJitterPercent ?? 20,
      permittedCallsInHalfOpen: circuitBreaker.permittedCallsInHalfOpen ?? 3,
      maxWaitInHalfOpenMs: circuitBreaker.maxWaitInHalfOpenMs ?? Math.max(2_000, 2 * attemptTimeoutMs),
    },
    bulkhead: {
      maxConcurrentCalls,
      maxQueue: bulkhead.maxQueue ?? 64,
      maxQueueWaitMs: bulkhead.maxQueueWaitMs ?? Math.min(100, Math.floor(deadlineMs / 2)),
    },
    response: {
      maxWireBytes: response.maxWireBytes ?? Math.min(5 * MIB, response.maxBodyBytes ?? Infinity),
      maxBodyBytes: response.maxBodyBytes ?? Math.max(20 * MIB, response.maxWireBytes ?? 0),
    },
    connections: {
      perEndpoint: connections.perEndpoint === undefined ? maxConcurrentCalls : connections.perEndpoint,
      keepAliveMs: connections.keepAliveMs ?? Math.min(4_000, connections.keepAliveMaxMs ?? Infinity),
      keepAliveMaxMs: connections.keepAliveMaxMs ?? Math.max(25_000, connections.keepAliveMs ?? 0),
    },
  };
}
