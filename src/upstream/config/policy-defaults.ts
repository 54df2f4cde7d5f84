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
    hedge = {},
    circuitBreaker = {},
    bulkhead = {},
    adaptiveLimit = {},
    response = {},
    connections = {},
    coalesce = {},
    cache = {},
    outlierDetection = {},
    slowStart = {},
  } = written;
  const deadlineMs = written.deadlineMs ?? Math.max(3_000, written.attemptTimeoutMs ?? 0);
  const attemptTimeoutMs = written.attemptTimeoutMs ?? Math.min(1_000, deadlineMs);
  const adaptive = adaptiveLimit.enabled ?? false;
  const leastPermits = Math.max(adaptiveLimit.initialLimit ?? 0, adaptiveLimit.minLimit ?? 0);
  const maxConcurrentCalls = bulkhead.maxConcurrentCalls ?? Math.max(64, leastPermits);
  const initialLimit =
    adaptiveLimit.initialLimit ?? Math.min(maxConcurrentCalls, Math.max(20, adaptiveLimit.minLimit ?? 0));
  const baseEjectionMs =
    outlierDetection.baseEjectionMs ?? Math.min(30_000, outlierDetection.maxEjectionMs ?? Infinity);
  const halfAttemptMs = Math.floor(attemptTimeoutMs / 2);
  // A longest delay yields to a written shortest one, as far as the attempt timeout lets it.
  const maxDelayMs =
    hedge.maxDelayMs ?? Math.max(halfAttemptMs, Math.min(hedge.minDelayMs ?? 0, attemptTimeoutMs - 1));
  const maxBodyBytes =
    response.maxBodyBytes ?? Math.max(20 * MIB, response.maxWireBytes ?? 0, cache.maxEntryBytes ?? 0);
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
    hedge: {
      mode: hedge.mode ?? 'off',
      percentile: hedge.percentile ?? 95,
      delayMs: hedge.delayMs ?? halfAttemptMs,
      minDelayMs: hedge.minDelayMs ?? Math.min(1, maxDelayMs),
      maxDelayMs,
      maxHedges: hedge.maxHedges ?? 2,
      budgetPercent: hedge.budgetPercent ?? 10,
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
      retryAfterExtendsOpen: circuitBreaker.retryAfterExtendsOpen ?? true,
      permittedCallsInHalfOpen: circuitBreaker.permittedCallsInHalfOpen ?? 3,
      maxWaitInHalfOpenMs: circuitBreaker.maxWaitInHalfOpenMs ?? Math.max(2_000, 2 * attemptTimeoutMs),
    },
    bulkhead: {
      maxConcurrentCalls,
      maxQueue: bulkhead.maxQueue ?? (adaptive ? 8 : 64),
      maxQueueWaitMs: bulkhead.maxQueueWaitMs ?? Math.min(adaptive ? 20 : 100, Math.floor(deadlineMs / 2)),
    },
    adaptiveLimit: {
      enabled: adaptive,
      algorithm: adaptiveLimit.algorithm ?? 'aimd',
      minLimit: adaptiveLimit.minLimit ?? Math.min(4, initialLimit),
      initialLimit,
      latencyThresholdMs: adaptiveLimit.latencyThresholdMs ?? attemptTimeoutMs,
      backoffRatioPercent: adaptiveLimit.backoffRatioPercent ?? 90,
      rttTolerancePercent: adaptiveLimit.rttTolerancePercent ?? 150,
      queueSize: adaptiveLimit.queueSize ?? 4,
      smoothingPercent: adaptiveLimit.smoothingPercent ?? 20,
      longWindow: adaptiveLimit.longWindow ?? 600,
    },
    response: {
      maxWireBytes: response.maxWireBytes ?? Math.min(5 * MIB, response.maxBodyBytes ?? Infinity),
      maxBodyBytes,
    },
    coalesce: { enabled: coalesce.enabled ?? false },
    cache: {
      enabled: cache.enabled ?? false,
      maxEntryBytes: cache.maxEntryBytes ?? Math.min(MIB, maxBodyBytes),
      staleIfErrorMs: cache.staleIfErrorMs ?? 60_000,
      staleWhileRevalidateMs: cache.staleWhileRevalidateMs ?? 0,
    },
    connections: {
      perEndpoint: connections.perEndpoint === undefined ? maxConcurrentCalls : connections.perEndpoint,
      keepAliveMs: connections.keepAliveMs ?? Math.min(4_000, connections.keepAliveMaxMs ?? Infinity),
      keepAliveMaxMs: connections.keepAliveMaxMs ?? Math.max(25_000, connections.keepAliveMs ?? 0),
      maxAgeMs: connections.maxAgeMs === undefined ? 60_000 : connections.maxAgeMs,
    },
    outlierDetection: {
      enabled: outlierDetection.enabled ?? true,
      consecutiveFailures: outlierDetection.consecutiveFailures ?? 5,
      intervalMs: outlierDetection.intervalMs ?? 10_000,
      baseEjectionMs,
      maxEjectionMs: outlierDetection.maxEjectionMs ?? Math.max(300_000, baseEjectionMs),
      maxEjectionJitterMs: outlierDetection.maxEjectionJitterMs ?? Math.floor(baseEjectionMs / 10),
      maxEjectionPercent: outlierDetection.maxEjectionPercent ?? 10,
      panicThresholdPercent: outlierDetection.panicThresholdPercent ?? 50,
      successRate: outlierDetection.successRate ?? true,
      successRateMinimumHosts: outlierDetection.successRateMinimumHosts ?? 5,
      successRateRequestVolume: outlierDetection.successRateRequestVolume ?? 100,
      successRateStdevFactor: outlierDetection.successRateStdevFactor ?? 1.9,
      failurePercentage: outlierDetection.failurePercentage ?? false,
      failurePercentageThreshold: outlierDetection.failurePercentageThreshold ?? 85,
      failurePercentageMinimumHosts: outlierDetection.failurePercentageMinimumHosts ?? 5,
      failurePercentageRequestVolume: outlierDetection.failurePercentageRequestVolume ?? 50,
    },
    slowStart: {
      windowMs: slowStart.windowMs ?? 0,
      aggression: slowStart.aggression ?? 1,
      minWeightPercent: slowStart.minWeightPercent ?? 10,
    },
  };
}
