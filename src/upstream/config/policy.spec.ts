import fc from 'fast-check';
import { ConfigurationError } from './configuration-error.js';
import { POLICY_RULES, type PolicyKey } from './policy-contradictions.js';
import { policySchema, type UpstreamPolicyInput } from './policy-schema.js';
import { resolvePolicy, resolvePolicyAt } from './policy.js';

function messagesOf(resolve: () => unknown): readonly string[] {
  try {
    resolve();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split('\n');
    throw error;
  }
  return [];
}

/** `circuitBreaker.openMs` and 1 make `{ circuitBreaker: { openMs: 1 } }`. */
function written(values: Partial<Record<PolicyKey, number | string>>): UpstreamPolicyInput {
  const policy: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const [key = '', inner] = path.split('.');
    policy[key] = inner ? { ...(policy[key] as object), [inner]: value } : value;
  }
  return policy;
}

describe('the default policy', () => {
  it('is that of an interactive gateway', () => {
    expect(resolvePolicy()).toEqual({
      deadlineMs: 3_000,
      attemptTimeoutMs: 1_000,
      connectTimeoutMs: 500,
      retry: {
        maxAttempts: 2,
        backoffBaseMs: 25,
        backoffCapMs: 250,
        maxRetryAfterMs: 1_000,
        retryOn500: false,
      },
      retryBudget: { percent: 20, windowMs: 10_000, minRetriesPerSecond: 10 },
      hedge: {
        mode: 'off',
        percentile: 95,
        delayMs: 500,
        minDelayMs: 1,
        maxDelayMs: 500,
        maxHedges: 2,
        budgetPercent: 10,
      },
      circuitBreaker: {
        mode: 'enabled',
        failureRateThresholdPercent: 50,
        slowCallRateThresholdPercent: 100,
        slowCallDurationMs: 800,
        minimumNumberOfCalls: 20,
        windowMs: 10_000,
        openMs: 5_000,
        maxOpenMs: 60_000,
        openJitterPercent: 20,
        retryAfterExtendsOpen: true,
        permittedCallsInHalfOpen: 3,
        maxWaitInHalfOpenMs: 2_000,
      },
      bulkhead: { maxConcurrentCalls: 64, maxQueue: 64, maxQueueWaitMs: 100 },
      adaptiveLimit: {
        enabled: false,
        algorithm: 'aimd',
        minLimit: 4,
        initialLimit: 20,
        latencyThresholdMs: 1_000,
        backoffRatioPercent: 90,
        rttTolerancePercent: 150,
        queueSize: 4,
        smoothingPercent: 20,
        longWindow: 600,
      },
      response: { maxWireBytes: 5_242_880, maxBodyBytes: 20_971_520 },
      coalesce: { enabled: false },
      cache: {
        enabled: false,
        maxEntryBytes: 1_048_576,
        staleIfErrorMs: 60_000,
        staleWhileRevalidateMs: 0,
      },
      connections: { perEndpoint: 64, keepAliveMs: 4_000, keepAliveMaxMs: 25_000, maxAgeMs: 60_000 },
      outlierDetection: {
        enabled: true,
        consecutiveFailures: 5,
        intervalMs: 10_000,
        baseEjectionMs: 30_000,
        maxEjectionMs: 300_000,
        maxEjectionJitterMs: 3_000,
        maxEjectionPercent: 10,
        panicThresholdPercent: 50,
        successRate: true,
        successRateMinimumHosts: 5,
        successRateRequestVolume: 100,
        successRateStdevFactor: 1.9,
        failurePercentage: false,
        failurePercentageThreshold: 85,
        failurePercentageMinimumHosts: 5,
        failurePercentageRequestVolume: 50,
      },
      slowStart: { windowMs: 0, aggression: 1, minWeightPercent: 10 },
    });
  });
});

describe('resolvePolicy', () => {
  it('lays later policies over earlier ones, key by key', () => {
    const policy = resolvePolicy(
      { deadlineMs: '2s', retry: { maxAttempts: 3, backoffBaseMs: 10 } },
      { retry: { maxAttempts: 1 }, response: { maxWireBytes: '1MiB' } },
      { deadlineMs: 1_500, retry: { retryOn500: true } },
    );
    expect(policy.deadlineMs).toBe(1_500);
    expect(policy.retry).toEqual({
      maxAttempts: 1,
      backoffBaseMs: 10,
      backoffCapMs: 250,
      maxRetryAfterMs: 1_000,
      retryOn500: true,
    });
    expect(policy.response.maxWireBytes).toBe(1_048_576);
  });

  it('lets undefined overwrite nothing, and null lift the limit on connections', () => {
    const policy = resolvePolicy(
      { deadlineMs: 2_000, retry: { maxAttempts: 3 }, connections: { perEndpoint: 8 } },
      { deadlineMs: undefined, retry: undefined, connections: { perEndpoint: null } },
    );
    expect(policy).toMatchObject({
      deadlineMs: 2_000,
      retry: { maxAttempts: 3 },
      connections: { perEndpoint: null },
    });
  });

  it.each<[string, UpstreamPolicyInput, object]>([
    [
      'a slow call is never slower than the attempt may be',
      { attemptTimeoutMs: 300 },
      { circuitBreaker: { slowCallDurationMs: 240 } },
    ],
    ['nor slower than 800 ms', { attemptTimeoutMs: 2_000 }, { circuitBreaker: { slowCallDurationMs: 800 } }],
    ['connecting is never longer than the attempt', { attemptTimeoutMs: 300 }, { connectTimeoutMs: 300 }],
    [
      'the attempt is never longer than the deadline',
      { deadlineMs: 400 },
      { attemptTimeoutMs: 400, connectTimeoutMs: 400, circuitBreaker: { slowCallDurationMs: 320 } },
    ],
    ['the deadline is never shorter than the attempt', { attemptTimeoutMs: 8_000 }, { deadlineMs: 8_000 }],
    [
      'the window holds two attempts, in tens of ms',
      { attemptTimeoutMs: 7_003 },
      { circuitBreaker: { windowMs: 14_010 } },
    ],
    [
      'probes have time for two attempts',
      { attemptTimeoutMs: 4_000 },
      { circuitBreaker: { maxWaitInHalfOpenMs: 8_000 } },
    ],
    [
      'a hedge is sent before half of the attempt is over',
      { attemptTimeoutMs: 301 },
      { hedge: { delayMs: 150, minDelayMs: 1, maxDelayMs: 150 } },
    ],
    [
      'the least delay of a hedge is never above the longest',
      { hedge: { maxDelayMs: 0 } },
      { hedge: { minDelayMs: 0 } },
    ],
    [
      'the longest delay of a hedge is never below the least',
      { hedge: { minDelayMs: 700 } },
      { hedge: { maxDelayMs: 700 } },
    ],
    ['the queue wait leaves half of the deadline', { deadlineMs: 150 }, { bulkhead: { maxQueueWaitMs: 75 } }],
    [
      'an adaptive limit makes the queue before it short',
      { adaptiveLimit: { enabled: true } },
      { bulkhead: { maxQueue: 8, maxQueueWaitMs: 20 } },
    ],
    [
      'unless it is said how long it is',
      { adaptiveLimit: { enabled: true }, bulkhead: { maxQueue: 64, maxQueueWaitMs: 100 } },
      { bulkhead: { maxQueue: 64, maxQueueWaitMs: 100 } },
    ],
    [
      'an adaptive limit begins within the bulkhead',
      { bulkhead: { maxConcurrentCalls: 3 } },
      { adaptiveLimit: { minLimit: 3, initialLimit: 3 } },
    ],
    [
      'and the bulkhead has room for where it begins',
      { adaptiveLimit: { initialLimit: 200 } },
      { bulkhead: { maxConcurrentCalls: 200 }, connections: { perEndpoint: 200 } },
    ],
    [
      'it begins no lower than it may fall',
      { adaptiveLimit: { minLimit: 30 } },
      { adaptiveLimit: { initialLimit: 30 } },
    ],
    [
      'its latency threshold follows the attempt timeout',
      { attemptTimeoutMs: 300 },
      { adaptiveLimit: { latencyThresholdMs: 300 } },
    ],
    [
      'the backoff base is never above the cap',
      { retry: { backoffCapMs: 10 } },
      { retry: { backoffBaseMs: 10 } },
    ],
    [
      'the backoff cap is never below the base',
      { retry: { backoffBaseMs: 500 } },
      { retry: { backoffCapMs: 500 } },
    ],
    [
      'the open time is never above its cap',
      { circuitBreaker: { maxOpenMs: '1s' } },
      { circuitBreaker: { openMs: 1_000 } },
    ],
    [
      'the cap is never below the open time',
      { circuitBreaker: { openMs: '2m' } },
      { circuitBreaker: { maxOpenMs: 120_000 } },
    ],
    [
      'a wire limit lifts the body limit',
      { response: { maxWireBytes: '50MiB' } },
      { response: { maxBodyBytes: 52_428_800 } },
    ],
    [
      'a body limit lowers the wire limit',
      { response: { maxBodyBytes: '1MiB' } },
      { response: { maxWireBytes: 1_048_576 } },
    ],
    [
      'a body limit lowers what is kept of a body',
      { response: { maxBodyBytes: '512KiB' } },
      { cache: { maxEntryBytes: 524_288 } },
    ],
    [
      'what is kept of a body lifts the body limit',
      { cache: { maxEntryBytes: '50MiB' } },
      { response: { maxBodyBytes: 52_428_800 } },
    ],
    [
      'connections follow the bulkhead',
      { bulkhead: { maxConcurrentCalls: 200 } },
      { connections: { perEndpoint: 200 } },
    ],
    [
      'keep-alive is never above its limit',
      { connections: { keepAliveMaxMs: '1s' } },
      { connections: { keepAliveMs: 1_000 } },
    ],
    [
      'the limit is never below keep-alive',
      { connections: { keepAliveMs: '1m' } },
      { connections: { keepAliveMaxMs: 60_000 } },
    ],
    [
      'connections may grow as old as they like',
      { connections: { maxAgeMs: null } },
      { connections: { maxAgeMs: null } },
    ],
    [
      'the first ejection is never longer than the longest, and its jitter follows it',
      { outlierDetection: { maxEjectionMs: '10s' } },
      { outlierDetection: { baseEjectionMs: 10_000, maxEjectionJitterMs: 1_000 } },
    ],
    [
      'nor the longest shorter than the first',
      { outlierDetection: { baseEjectionMs: '10m' } },
      { outlierDetection: { maxEjectionMs: 600_000 } },
    ],
  ])('moves defaults with what is written: %s', (_, input, expected) => {
    expect(resolvePolicy(input)).toMatchObject(expected);
  });

  it('never contradicts itself, whatever the deadline and the attempt timeout', () => {
    const ms = fc.integer({ min: 1, max: 10_000_000 });
    const leaders = fc.oneof(
      ms.map((deadlineMs) => ({ deadlineMs })),
      ms.map((attemptTimeoutMs) => ({ attemptTimeoutMs })),
      fc.tuple(ms, ms).map(([one, other]) => ({
        deadlineMs: Math.max(one, other),
        attemptTimeoutMs: Math.min(one, other),
      })),
    );
    fc.assert(
      fc.property(leaders, (input) => {
        const policy = resolvePolicy(input);
        expect(policy).toMatchObject(input);
        expect(resolvePolicy(policy)).toEqual(policy);
      }),
    );
  });

  // For each rule: values that break it, and the border, which does not.
  it.each<[PolicyKey, number | string, PolicyKey, number | string, number | string]>([
    ['attemptTimeoutMs', 2_001, 'deadlineMs', '2s', 2_000],
    ['connectTimeoutMs', '901ms', 'attemptTimeoutMs', 900, 900],
    ['retry.backoffBaseMs', 251, 'retry.backoffCapMs', 250, 250],
    ['hedge.delayMs', '1s', 'attemptTimeoutMs', 1_000, 999],
    ['hedge.maxDelayMs', 600, 'attemptTimeoutMs', '600ms', 599],
    ['hedge.minDelayMs', 301, 'hedge.maxDelayMs', '300ms', 300],
    ['bulkhead.maxQueueWaitMs', 1_000, 'deadlineMs', '1s', 999],
    ['circuitBreaker.slowCallDurationMs', 801, 'attemptTimeoutMs', 800, 800],
    ['circuitBreaker.windowMs', 3_990, 'attemptTimeoutMs', '2s', 4_000],
    ['circuitBreaker.openMs', '1.1s', 'circuitBreaker.maxOpenMs', '1s', '1s'],
    ['circuitBreaker.maxWaitInHalfOpenMs', 1_500, 'attemptTimeoutMs', 1_500, 1_501],
    ['adaptiveLimit.minLimit', 21, 'adaptiveLimit.initialLimit', 20, 20],
    ['adaptiveLimit.initialLimit', 11, 'bulkhead.maxConcurrentCalls', 10, 10],
    ['adaptiveLimit.latencyThresholdMs', 901, 'attemptTimeoutMs', 900, 900],
    ['response.maxWireBytes', '6MiB', 'response.maxBodyBytes', '5MiB', '5MiB'],
    ['cache.maxEntryBytes', '3MiB', 'response.maxBodyBytes', '2MiB', '2MiB'],
    ['connections.keepAliveMs', '31s', 'connections.keepAliveMaxMs', '30s', '30s'],
    ['outlierDetection.baseEjectionMs', '61s', 'outlierDetection.maxEjectionMs', '60s', '60s'],
  ])(
    'refuses %s of %j with %s of %j, in whichever place they stand',
    (key, value, other, otherValue, border) => {
      const rule = POLICY_RULES.find((rule) => rule.key === key && rule.other === other)!;
      const shown = JSON.stringify(value);
      const otherShown = JSON.stringify(otherValue);

      expect(messagesOf(() => resolvePolicy(written({ [key]: value, [other]: otherValue })))).toEqual([
        `${key}: found ${shown}; expected ${rule.must} ${other}, which is ${otherShown}: ${rule.because}`,
      ]);
      expect(
        messagesOf(() => resolvePolicy(written({ [other]: otherValue }), written({ [key]: value }))),
      ).toEqual([
        `${key}: found ${shown}; expected ${rule.must} ${other}, which is ${otherShown} (inherited): ${rule.because}`,
      ]);
      expect(
        messagesOf(() => resolvePolicy(written({ [key]: value }), written({ [other]: otherValue }))),
      ).toEqual([
        `${other}: found ${otherShown}; expected ${rule.otherMust} ${key}, which is ${shown} (inherited): ${rule.because}`,
      ]);
      expect(messagesOf(() => resolvePolicy(written({ [key]: border, [other]: otherValue })))).toEqual([]);
    },
  );

  it('has a test for every rule', () => {
    expect(POLICY_RULES).toHaveLength(18);
  });

  it('refuses a written value that contradicts a default which does not follow it', () => {
    expect(messagesOf(() => resolvePolicy({ circuitBreaker: { slowCallDurationMs: '2s' } }))).toEqual([
      'circuitBreaker.slowCallDurationMs: found "2s"; expected at most attemptTimeoutMs, which is 1000 (the default): ' +
        'a longer attempt is cut off before it can count as slow',
    ]);
  });

  it('blames the key that an override made wrong, even if a default stands in between', () => {
    expect(messagesOf(() => resolvePolicy({ connectTimeoutMs: 800 }, { deadlineMs: 500 }))).toEqual([
      'connectTimeoutMs: found 800 (inherited); expected at most attemptTimeoutMs, which is 500 (the default): ' +
        'connecting is part of an attempt',
    ]);
  });

  it('concludes nothing from a value that is refused anyway', () => {
    expect(messagesOf(() => resolvePolicy({ attemptTimeoutMs: 'soon', connectTimeoutMs: '2s' }))).toEqual([
      expect.stringContaining('attemptTimeoutMs: found "soon"'),
    ]);
  });

  it('gives a policy that is frozen through and through', () => {
    const policy = resolvePolicy({ deadlineMs: 2_000 });
    expect([policy, ...Object.values(policy)].every(Object.isFrozen)).toBe(true);
  });

  it('reports every mistake of every layer at once', () => {
    const wrong = { retry: { maxAttemps: 3, maxAttempts: 11 }, zzz: {} } as UpstreamPolicyInput;
    expect(messagesOf(() => resolvePolicy(wrong, { deadlineMs: '100ms', attemptTimeoutMs: 200 }))).toEqual([
      'retry.maxAttempts: found 11; expected a whole number from 1 to 10',
      'retry.maxAttemps: unknown key; did you mean maxAttempts?',
      `zzz: unknown key; valid keys here: ${Object.keys(policySchema.shape).join(', ')}`,
      'attemptTimeoutMs: found 200; expected at most deadlineMs, which is "100ms": ' +
        'the deadline of a call ends its attempts too',
    ]);
  });

  it.each<[unknown, string]>([
    [{ retry: { maxAttempts: 0 } }, 'retry.maxAttempts: found 0; expected a whole number from 1 to 10'],
    [{ retry: { retryOn500: 'no' } }, 'retry.retryOn500: found "no"; expected true or false'],
    [{ retry: null }, 'retry: found null; expected a group of keys (maxAttempts, '],
    [{ retry: [] }, 'retry: found a list; expected a group of keys (maxAttempts, '],
    [{ retry: () => 1 }, 'retry: found a function; expected a group of keys (maxAttempts, '],
    [
      { circuitBreaker: { permittedCallsInHalfOpen: 0 } },
      'circuitBreaker.permittedCallsInHalfOpen: found 0; expected a whole number from 1',
    ],
    [
      { circuitBreaker: { windowMs: 10_005 } },
      'circuitBreaker.windowMs: found 10005; expected a multiple of 10 ms: the window has 10 buckets',
    ],
    [
      { circuitBreaker: { failureRateThresholdPercent: 0 } },
      'circuitBreaker.failureRateThresholdPercent: found 0; expected a percentage above 0, up to 100',
    ],
    [
      { circuitBreaker: { mode: 'forceopen' } },
      'circuitBreaker.mode: found "forceopen"; expected one of enabled, disabled, metrics-only, force-open; did you mean force-open?',
    ],
    [
      { bulkhead: { maxConcurrentCalls: 0 } },
      'bulkhead.maxConcurrentCalls: found 0; expected a whole number from 1 ',
    ],
    [
      { adaptiveLimit: { algorithm: 'gradient' } },
      'adaptiveLimit.algorithm: found "gradient"; expected one of aimd, gradient2; did you mean gradient2?',
    ],
    [
      { adaptiveLimit: { backoffRatioPercent: 49 } },
      'adaptiveLimit.backoffRatioPercent: found 49; expected a whole number from 50 to 99',
    ],
    [
      { connections: { perEndpoint: 0 } },
      'connections.perEndpoint: found 0; expected a whole number from 1 ',
    ],
    [
      { outlierDetection: { maxEjectionPercent: 0 } },
      'outlierDetection.maxEjectionPercent: found 0; expected a percentage above 0',
    ],
    [
      { outlierDetection: { successRateStdevFactor: 1_900 } },
      'outlierDetection.successRateStdevFactor: found 1900; expected a number from 0 to 10',
    ],
    [{ slowStart: { aggression: 0 } }, 'slowStart.aggression: found 0; expected a number from 0.1 to 10'],
    [{ deadlineMs: null }, 'deadlineMs: found null; expected a duration from 1 ms'],
    ['3s', 'found "3s"; expected a group of keys (deadlineMs, '],
  ])('refuses %j', (input, message) => {
    const messages = messagesOf(() => resolvePolicy(input as UpstreamPolicyInput));
    expect(messages).toEqual([expect.stringContaining(message)]);
    expect(messages[0]?.startsWith(message)).toBe(true);
  });
});

describe('resolvePolicyAt', () => {
  it('says where in code the mistake is', () => {
    const where = "UpstreamModule.register({ name: 'orders' }).policy";
    const wrong = { retry: { maxAttemps: 3 } } as UpstreamPolicyInput;
    expect(messagesOf(() => resolvePolicyAt(where, {}, wrong))).toEqual([
      "UpstreamModule.register({ name: 'orders' }).policy.retry.maxAttemps: unknown key; did you mean maxAttempts?",
    ]);
  });
});
