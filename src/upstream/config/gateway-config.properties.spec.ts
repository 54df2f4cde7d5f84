import fc from 'fast-check';
import { z } from 'zod';
import { ConfigurationError } from './configuration-error.js';
import { parseGatewayConfig } from './gateway-config.js';
import { gatewaySchema } from './gateway-schema.js';
import { policySchema } from './policy-schema.js';
import { YamlSource } from './yaml-source.js';

/** A file with every key there is, but for `url`, which excludes `urls`. A line holds one key at most. */
const COMPLETE = `server:
  host: 0.0.0.0
  port: 3000
  managementHost: 127.0.0.1
  managementPort: 3001
  adminToken: 0123456789abcdef
  shutdownGraceMs: 5s
  shutdownDrainMs: 10s
  admission:
    maxInFlight: 1000
    defaultSharePercent: 90
    sheddableSharePercent: 50
    maxLoopDelayMs: 200ms
    priorities: { /reports: sheddable }
  reload:
    watch: true
    intervalMs: 1s
cache:
  maxBytes: 64MiB
  redisUrl: redis://cache:6379
  redisTimeoutMs: 50ms
  redisNamespace: shop
telemetry:
  serviceName: shop
  log:
    level: warn
    format: json
    requests: false
    successPercent: 1
  metrics:
    enabled: false
  tracing:
    endpoint: http://collector:4318
    headers:
      x-key: abc
    samplePercent: 1
  console:
    enabled: false
    keptRequests: 10
defaults:
  deadlineMs: 3s
upstreams:
  orders:
    urls: [http://a, http://b]
    discovery:
      type: strict-dns
      refreshMs: 5s
    critical: true
    health:
      path: /health
      intervalMs: 5s
      timeoutMs: 1s
    headers:
      x-api-key: abc
    forwardHeaders: [authorization]
    deadlineHeader: x-time-left
    attemptCountHeader: x-try
    deadlineMs: 3s
    attemptTimeoutMs: 1s
    connectTimeoutMs: 500ms
    retry:
      maxAttempts: 2
      backoffBaseMs: 25
      backoffCapMs: 250
      maxRetryAfterMs: 1s
      retryOn500: false
    retryBudget:
      percent: 20
      windowMs: 10s
      minRetriesPerSecond: 10
    hedge:
      mode: percentile
      percentile: 95
      delayMs: 500ms
      minDelayMs: 1
      maxDelayMs: 500ms
      maxHedges: 2
      budgetPercent: 10
    circuitBreaker:
      mode: enabled
      failureRateThresholdPercent: 50
      slowCallRateThresholdPercent: 100
      slowCallDurationMs: 800ms
      minimumNumberOfCalls: 20
      windowMs: 10s
      openMs: 5s
      maxOpenMs: 60s
      openJitterPercent: 20
      retryAfterExtendsOpen: true
      permittedCallsInHalfOpen: 3
      maxWaitInHalfOpenMs: 2s
    bulkhead:
      maxConcurrentCalls: 64
      maxQueue: 64
      maxQueueWaitMs: 100ms
    adaptiveLimit:
      enabled: true
      algorithm: gradient2
      minLimit: 4
      initialLimit: 20
      latencyThresholdMs: 1s
      backoffRatioPercent: 90
      rttTolerancePercent: 150
      queueSize: 4
      smoothingPercent: 20
      longWindow: 600
    response:
      maxWireBytes: 5MiB
      maxBodyBytes: 20MiB
    connections:
      perEndpoint: 64
      keepAliveMs: 4s
      keepAliveMaxMs: 25s
      maxAgeMs: 60s
    outlierDetection:
      enabled: true
      consecutiveFailures: 5
      intervalMs: 10s
      baseEjectionMs: 30s
      maxEjectionMs: 5m
      maxEjectionJitterMs: 3s
      maxEjectionPercent: 10
      panicThresholdPercent: 50
      successRate: true
      successRateMinimumHosts: 5
      successRateRequestVolume: 100
      successRateStdevFactor: 1.9
      failurePercentage: false
      failurePercentageThreshold: 85
      failurePercentageMinimumHosts: 5
      failurePercentageRequestVolume: 50
    slowStart:
      windowMs: 0
      aggression: 1
      minWeightPercent: 10
    coalesce:
      enabled: true
    cache:
      enabled: true
      maxEntryBytes: 1MiB
      staleIfErrorMs: 60s
      staleWhileRevalidateMs: 0
  catalog:
    url: http://c
composites: {}
`;

const LINES = COMPLETE.split('\n');

/** Names that the file chooses, not the schema. */
const FREE_NAMES = new Set(['orders', 'catalog', 'x-api-key', 'x-key']);

interface Key {
  readonly name: string;
  /** Its line, from 0. */
  readonly line: number;
  readonly indent: number;
}

const KEYS: readonly Key[] = LINES.flatMap((text, line) => {
  const [, indent = '', name = ''] = /^( *)([\w-]+):/.exec(text) ?? [];
  return name && !FREE_NAMES.has(name) ? [{ name, line, indent: indent.length }] : [];
});

const NAMES: ReadonlySet<string> = new Set(KEYS.map(({ name }) => name));

/** A slip at a letter: it is lost, or swapped with the next one. Slips that make another key are none. */
const slips = fc
  .record({ key: fc.constantFrom(...KEYS), letter: fc.nat(40), kind: fc.constantFrom('lost', 'swapped') })
  .map(({ key, letter, kind }) => {
    const at = letter % key.name.length;
    const [before, here, after] = [key.name.slice(0, at), key.name.charAt(at), key.name.slice(at + 1)];
    return {
      key,
      typo: kind === 'lost' ? before + after : before + after.slice(0, 1) + here + after.slice(1),
    };
  })
  .filter(({ typo }) => !NAMES.has(typo));

function problemsOf(text: string): ConfigurationError['problems'] {
  try {
    parseGatewayConfig(text, { env: {} });
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

describe('a slip in a key', () => {
  it('is looked for in a file that has every key, and no mistake', () => {
    expect(problemsOf(COMPLETE)).toEqual([]);
    const everywhere = new Set([...Object.keys(gatewaySchema.shape), ...Object.keys(policySchema.shape)]);
    for (const group of Object.values(policySchema.shape).map((schema) => schema.unwrap())) {
      if (group instanceof z.ZodObject) Object.keys(group.shape).forEach((key) => everywhere.add(key));
    }
    expect([...everywhere].filter((key) => !NAMES.has(key))).toEqual([]);
  });

  it('is reported once, at its place, with the key that was meant', () => {
    fc.assert(
      fc.property(slips, ({ key: { name, line, indent }, typo }) => {
        const text = LINES.with(line, (LINES[line] ?? '').replace(`${name}:`, `${typo}:`)).join('\n');
        expect(problemsOf(text)).toEqual([
          expect.objectContaining({
            line: line + 1,
            column: indent + 1,
            message: `unknown key; did you mean ${name}?`,
          }),
        ]);
      }),
      { numRuns: 200 },
    );
  });
});

/** Text that would mean something if YAML saw it. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        '\n',
        '\n  ',
        ': ',
        ' #',
        '- ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '"',
        "'",
        '\\',
        '|',
        '&a ',
        '*a',
        '${X}',
      ),
      fc.constantFrom(
        '!!int ',
        '<<: ',
        '---\n',
        '...\n',
        '%',
        '@',
        '`',
        '\t',
        '\r\n',
        '\uFEFF',
        '\u2028',
        '$${',
        '\uE000',
      ),
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(''));

describe('any text in a variable', () => {
  it('changes no structure, and arrives as it is where it is quoted', () => {
    const text = `a: \${X}
b: { c: \${X}, d: [\${X}, "\${X}", '\${X}'] }
e: |-
  \${X}
f: pre\${X}post
g: last
`;
    fc.assert(
      fc.property(anyText, (X) => {
        const source = YamlSource.parse(text, { file: 'g.yaml', env: { X } });
        const { a } = source.value as { readonly a: unknown };
        expect(source.problems).toEqual([]);
        expect(source.value).toEqual({ a, b: { c: a, d: [a, X, X] }, e: X, f: `pre${X}post`, g: 'last' });
        // Unquoted, it may have become a number, a boolean or null, but nothing that holds other values.
        expect(a === X || a === null || typeof a === 'number' || typeof a === 'boolean').toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('arrives in a header as it is, or is refused without being shown', () => {
    const text = 'upstreams: { a: { url: http://a, headers: { x: "${X}", y: ${X}, z: end } } }';
    fc.assert(
      fc.property(anyText, (X) => {
        const headersOf = (): unknown => parseGatewayConfig(text, { env: { X } }).upstreams['a']?.headers;
        if (/^[\t\x20-\x7e\x80-\xff]+$/.test(X) && !/^(?:~|[Nn]ull|NULL)$/.test(X)) {
          expect(headersOf()).toEqual({ x: X, y: X, z: 'end' });
        } else {
          expect(headersOf).toThrow(ConfigurationError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
