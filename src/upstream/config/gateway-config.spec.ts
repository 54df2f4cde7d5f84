import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigurationError } from './configuration-error.js';
import { knownUpstream, loadGatewayConfig, parseGatewayConfig } from './gateway-config.js';
import { resolvePolicy } from './policy.js';

const parse = (text: string, env: Record<string, string> = {}) => parseGatewayConfig(text, { env });

function errorOf(act: () => unknown): ConfigurationError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const messagesOf = (text: string, env: Record<string, string> = {}): readonly string[] =>
  errorOf(() => parse(text, env)).message.split('\n');

/** The messages for one upstream, without its place: `upstream` is what stands below its name. */
const messagesOn = (upstream: string, env: Record<string, string> = {}): readonly string[] =>
  messagesOf(`upstreams:\n  orders:\n${upstream.replace(/^/gm, '    ')}`, env).map((line) =>
    line.replace(/^gateway\.yaml:\d+:\d+ {2}upstreams\.orders\.?/, ''),
  );

const isDeepFrozen = (value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (Object.isFrozen(value) && Object.values(value).every(isDeepFrozen));

describe('a gateway file', () => {
  it('needs no more than an upstream and its URL', () => {
    const config = parse('upstreams:\n  orders:\n    url: http://orders:8080/');
    expect(config).toEqual({
      file: 'gateway.yaml',
      server: {
        host: '0.0.0.0',
        port: 3_000,
        managementHost: '127.0.0.1',
        managementPort: 3_001,
        adminToken: null,
        shutdownGraceMs: 5_000,
        shutdownDrainMs: 10_000,
        trustedCallers: [
          '127.0.0.0/8',
          '::1/128',
          '10.0.0.0/8',
          '172.16.0.0/12',
          '192.168.0.0/16',
          'fc00::/7',
        ],
        deadlineHeader: 'x-envoy-expected-rq-timeout-ms',
        attemptCountHeader: 'x-envoy-attempt-count',
        admission: {
          maxInFlight: 2_000,
          defaultSharePercent: 90,
          sheddableSharePercent: 50,
          maxLoopDelayMs: 200,
          priorities: {},
        },
        reload: { watch: false, intervalMs: 1_000 },
      },
      cache: { maxBytes: 67_108_864, redisUrl: null, redisTimeoutMs: 50, redisNamespace: 'tributary' },
      telemetry: {
        serviceName: 'tributary',
        log: { level: 'info', format: 'auto', requests: true, successPercent: 100 },
        metrics: { enabled: true },
        tracing: { endpoint: null, headers: {}, samplePercent: 100 },
        console: { enabled: true, keptRequests: 100 },
      },
      upstreams: {
        orders: {
          name: 'orders',
          endpoints: ['http://orders:8080'],
          discovery: { type: 'logical-dns', refreshMs: 5_000 },
          critical: false,
          health: { path: '/health', intervalMs: 5_000, jitterPercent: 20, timeoutMs: 1_000 },
          headers: {},
          forwardHeaders: [],
          deadlineHeader: 'x-envoy-expected-rq-timeout-ms',
          attemptCountHeader: 'x-envoy-attempt-count',
          policy: resolvePolicy(),
          writtenPolicy: {},
        },
      },
    });
  });

  it('says where answers are kept, and never shows the URL of a Redis', () => {
    const withCache = (cache: string): string => `cache: ${cache}\nupstreams: { a: { url: http://a } }`;
    expect(
      parse(withCache('{ maxBytes: 1MiB, redisUrl: "${URL}", redisTimeoutMs: 20 }'), {
        URL: 'redis://:secret@r',
      }).cache,
    ).toEqual({
      maxBytes: 1_048_576,
      redisUrl: 'redis://:secret@r',
      redisTimeoutMs: 20,
      redisNamespace: 'tributary',
    });
    expect(
      messagesOf(withCache('{ redisUrl: "http://:secret@r", redisNamespace: a b, maxByte: 1 }')),
    ).toEqual([
      expect.stringMatching(
        /cache\.redisUrl: found something else \(not shown\); expected a Redis URL/,
      ) as string,
      expect.stringContaining('cache.redisNamespace: found a b; expected letters') as string,
      expect.stringContaining('cache.maxByte: unknown key; did you mean maxBytes?') as string,
    ]);
  });

  it('says what is told of the gateway, and shows no secret of it', () => {
    const withTelemetry = (server: string, telemetry: string): string =>
      `server: ${server}\ntelemetry: ${telemetry}\nupstreams: { a: { url: http://a } }`;
    const tracing = '{ endpoint: "http://u:secret@collector:4318", headers: { X-Key: k }, samplePercent: 1 }';
    const log = '{ level: debug, format: json, requests: false, successPercent: 0 }';
    const { server, telemetry } = parse(
      withTelemetry(
        '{ adminToken: "0123456789abcdef" }',
        `{ serviceName: shop, log: ${log}, metrics: { enabled: false }, tracing: ${tracing}, console: { enabled: false, keptRequests: 5 } }`,
      ),
    );
    expect(server.adminToken).toBe('0123456789abcdef');
    expect(telemetry).toEqual({
      serviceName: 'shop',
      log: { level: 'debug', format: 'json', requests: false, successPercent: 0 },
      metrics: { enabled: false },
      tracing: { endpoint: 'http://u:secret@collector:4318', headers: { 'x-key': 'k' }, samplePercent: 1 },
      console: { enabled: false, keptRequests: 5 },
    });
    const messages = messagesOf(
      withTelemetry(
        '{ adminToken: tooshort }',
        '{ log: { level: loud }, tracing: { endpoint: "collector:secret" } }',
      ),
    );
    expect(messages).toEqual([
      expect.stringMatching(
        /server\.adminToken: found something else \(not shown\); expected a token of 16/,
      ) as string,
      expect.stringContaining('telemetry.log.level: found loud; expected one of debug, info') as string,
      expect.stringMatching(/telemetry\.tracing\.endpoint: found something else \(not shown\)/) as string,
    ]);
    expect(messages.join()).not.toMatch(/secret|tooshort/);
  });

  it.each([
    '12345678901234567890',
    '1234e5678',
    'true',
    '[0123456789abcdef]',
    '{ 0123456789abcdef: 1 }',
    '${T}',
  ])('shows no secret that is no text: %s', (written) => {
    const text = `server: { adminToken: ${written} }
telemetry: { tracing: { endpoint: ${written} } }
cache: { redisUrl: ${written} }
upstreams: { a: { url: http://a } }`;
    const messages = messagesOf(text, { T: '12345678901234567890' });
    expect(messages).toHaveLength(3);
    for (const message of messages) {
      expect(message).toMatch(/: found something else \(not shown\); expected (a token|the URL|a Redis URL)/);
      expect(message).not.toMatch(/\d{5}|abcdef/);
    }
  });

  it('may say everything', () => {
    const text = `
server: { host: '::', port: \${PORT}, managementHost: 0.0.0.0, managementPort: 0, shutdownGraceMs: 0, shutdownDrainMs: 1m,
          trustedCallers: [10.1.2.3, 192.168.0.0/24, ::1, 'fd00::/8'], deadlineHeader: X-Wait, attemptCountHeader: null,
          admission: { maxInFlight: null, defaultSharePercent: 80, sheddableSharePercent: 10, maxLoopDelayMs: 1s,
                       priorities: { /reports: sheddable, /: critical } },
          reload: { watch: true, intervalMs: 250ms } }
defaults:
  deadlineMs: 2s
  retry: { maxAttempts: 3, backoffBaseMs: 10 }
upstreams:
  orders:
    urls: ['http://a:1/api', 'https://b:2/api/']
    discovery: { type: strict-dns, refreshMs: 1s }
    critical: true
    health: { path: /ready?full=1, intervalMs: 10s, jitterPercent: 5, timeoutMs: 2s }
    headers: { X-Api-Key: \${KEY}, x-tenant: 007, x-flag: yes }
    forwardHeaders: [Authorization, accept-language, authorization]
    deadlineHeader: X-Time-Left
    attemptCountHeader: X-Try
    retry: { maxAttempts: 1 }
    response: { maxWireBytes: 1MiB }
  Catalog_v2-eu:
    url: \${URL:-http://catalog}
    health: null
    deadlineHeader: null
    connections: { perEndpoint: null }
`;
    const { server, upstreams } = parse(text, { PORT: '8080', KEY: '0123' });
    expect(server).toEqual({
      host: '::',
      port: 8_080,
      managementHost: '0.0.0.0',
      managementPort: 0,
      adminToken: null,
      shutdownGraceMs: 0,
      shutdownDrainMs: 60_000,
      trustedCallers: ['10.1.2.3', '192.168.0.0/24', '::1', 'fd00::/8'],
      deadlineHeader: 'x-wait',
      attemptCountHeader: null,
      admission: {
        maxInFlight: null,
        defaultSharePercent: 80,
        sheddableSharePercent: 10,
        maxLoopDelayMs: 1_000,
        priorities: { '/reports': 'sheddable', '/': 'critical' },
      },
      reload: { watch: true, intervalMs: 250 },
    });
    expect(upstreams['orders']).toEqual({
      name: 'orders',
      endpoints: ['http://a:1/api', 'https://b:2/api'],
      discovery: { type: 'strict-dns', refreshMs: 1_000 },
      critical: true,
      health: { path: '/ready?full=1', intervalMs: 10_000, jitterPercent: 5, timeoutMs: 2_000 },
      headers: { 'x-api-key': '0123', 'x-tenant': '007', 'x-flag': 'yes' },
      forwardHeaders: ['authorization', 'accept-language'],
      deadlineHeader: 'x-time-left',
      attemptCountHeader: 'x-try',
      policy: resolvePolicy({
        deadlineMs: 2_000,
        retry: { maxAttempts: 1, backoffBaseMs: 10 },
        response: { maxWireBytes: '1MiB' },
      }),
      writtenPolicy: {
        deadlineMs: 2_000,
        retry: { maxAttempts: 1, backoffBaseMs: 10 },
        response: { maxWireBytes: 1_048_576 },
      },
    });
    expect(upstreams['Catalog_v2-eu']).toMatchObject({
      endpoints: ['http://catalog'],
      health: null,
      deadlineHeader: null,
      policy: { connections: { perEndpoint: null } },
    });
    expect(Object.keys(upstreams)).toEqual(['orders', 'Catalog_v2-eu']);
  });

  it('is frozen through and through', () => {
    const config = parse('upstreams: { a: { url: http://a, headers: { x: y }, retry: { maxAttempts: 1 } } }');
    expect(isDeepFrozen(config)).toBe(true);
  });

  it('lets code override an upstream as if it stood in the file', () => {
    const { writtenPolicy } = parse('upstreams: { a: { url: http://a, retry: { maxAttempts: 3 } } }')
      .upstreams['a']!;
    const policy = resolvePolicy(writtenPolicy, { attemptTimeoutMs: 300 });
    expect(policy).toMatchObject({ retry: { maxAttempts: 3 }, circuitBreaker: { slowCallDurationMs: 240 } });
  });

  it('moves the default of a health probe with what is written', () => {
    const healthOf = (health: string) =>
      parse(`upstreams: { a: { url: http://a, health: ${health} } }`).upstreams['a']?.health;
    expect(healthOf('{ intervalMs: 500ms }')).toMatchObject({ intervalMs: 500, timeoutMs: 500 });
    expect(healthOf('{ timeoutMs: 8s }')).toMatchObject({ intervalMs: 8_000, timeoutMs: 8_000 });
  });

  it('may share groups by anchor', () => {
    const text =
      'upstreams:\n  a: &base\n    url: http://a\n    deadlineMs: 2s\n  b:\n    <<: *base\n    url: http://b';
    expect(parse(text).upstreams['b']).toMatchObject({
      endpoints: ['http://b'],
      policy: { deadlineMs: 2_000 },
    });
  });
});

describe('an error in a gateway file', () => {
  it('shows line, column, path, what is wrong, and the nearest valid name', () => {
    const text = [
      'upstreams:',
      '  orders:',
      '    url: http://orders',
      '    retry:',
      '      maxAttemps: 3',
    ].join('\n');
    const error = errorOf(() => parseGatewayConfig(text, { file: 'config/gateway.yaml', env: {} }));
    expect(error.message).toBe(
      'config/gateway.yaml:5:7  upstreams.orders.retry.maxAttemps: unknown key; did you mean maxAttempts?',
    );
    expect(error.problems).toEqual([
      {
        file: 'config/gateway.yaml',
        line: 5,
        column: 7,
        path: 'upstreams.orders.retry.maxAttemps',
        message: 'unknown key; did you mean maxAttempts?',
      },
    ]);
  });

  it('never comes alone where there are several', () => {
    const text = `server: { port: \${PORT}, managmentPort: 1 }
default: {}
defaults:
  attemptTimeoutMs: 4s
  deadlineMs: \${DEADLINE}
  circuitBreaker:
    mode: enable
  bulkhead:
upstreams:
  my orders:
    url: ftp://orders
  orders:
    url: \${ORDERS_URL}
    critical: 1
    connectTimeoutMs: 5s
    headers: { x-api-key: \${KEY}, x key: 1 }
  offers:
    ulr: http://offers
    retry: 3
`;
    expect(messagesOf(text, { PORT: 'eighty', DEADLINE: '3000', KEY: 'a\r\nb: c' })).toEqual([
      'gateway.yaml:1:17  server.port: found ${PORT} (value not shown); expected a whole number from 0 to 65535',
      'gateway.yaml:1:26  server.managmentPort: unknown key; did you mean managementPort?',
      'gateway.yaml:2:1  default: unknown key; did you mean defaults?',
      'gateway.yaml:4:21  defaults.attemptTimeoutMs: found 4s; expected at most deadlineMs, which is ${DEADLINE} (value not shown): the deadline of a call ends its attempts too',
      'gateway.yaml:7:11  defaults.circuitBreaker.mode: found enable; expected one of enabled, disabled, metrics-only, force-open; did you mean enabled?',
      'gateway.yaml:8:3  defaults.bulkhead: found nothing; expected a group of keys (maxConcurrentCalls, maxQueue, maxQueueWaitMs)',
      'gateway.yaml:10:3  upstreams.my orders: found "my orders" as the name of an upstream; expected a name of letters, digits, - and _, beginning with a letter',
      'gateway.yaml:11:10  upstreams.my orders.url: found ftp://orders; expected an http or https URL such as http://orders:8080/api, without query, fragment or credentials',
      'gateway.yaml:13:10  upstreams.orders.url: the environment variable ORDERS_URL is not set; set it, or write a default: ${ORDERS_URL:-default}',
      'gateway.yaml:14:15  upstreams.orders.critical: found 1; expected true or false',
      'gateway.yaml:15:23  upstreams.orders.connectTimeoutMs: found 5s; expected at most attemptTimeoutMs, which is 4s (from defaults): connecting is part of an attempt',
      'gateway.yaml:16:27  upstreams.orders.headers.x-api-key: found line breaks or control characters; expected text in one line, without control characters',
      'gateway.yaml:16:35  upstreams.orders.headers.x key: found "x key"; expected the name of a header, such as x-api-key',
      'gateway.yaml:18:5  upstreams.offers.ulr: unknown key; did you mean url?',
      'gateway.yaml:19:12  upstreams.offers.retry: found 3; expected a group of keys (maxAttempts, backoffBaseMs, backoffCapMs, maxRetryAfterMs, retryOn500)',
    ]);
  });

  it('says that there is nothing, and that no upstream is named', () => {
    expect(messagesOf('')).toEqual([
      'gateway.yaml:1:1  found nothing; expected a group of keys (server, cache, telemetry, defaults, upstreams, composites)',
    ]);
    expect(messagesOf('# only a comment')).toHaveLength(1);
    expect(messagesOf('- a')).toEqual([
      'gateway.yaml:1:1  found a list; expected a group of keys (server, cache, telemetry, defaults, upstreams, composites)',
    ]);
    expect(messagesOf('server: {}')).toEqual([
      'gateway.yaml:1:1  upstreams: is missing; expected at least one upstream',
    ]);
    expect(messagesOf('upstreams: {}')).toEqual([
      'gateway.yaml:1:12  upstreams: is missing; expected at least one upstream',
    ]);
    expect(messagesOf('upstreams:')).toEqual([
      'gateway.yaml:1:1  upstreams: found nothing; expected a group of upstreams by name',
    ]);
    expect(messagesOf('upstreams: []')).toEqual([
      'gateway.yaml:1:12  upstreams: found a list; expected a group of upstreams by name',
    ]);
    expect(messagesOf('upstreams:\n  orders:')).toEqual([
      expect.stringMatching(
        /^gateway\.yaml:2:3 {2}upstreams\.orders: found nothing; expected a group of keys \(url, urls, /,
      ),
    ]);
  });

  it('lists the valid keys where none is near', () => {
    expect(messagesOf('zzz: 1\nupstreams: { a: { url: http://a } }')).toEqual([
      'gateway.yaml:1:1  zzz: unknown key; valid keys here: server, cache, telemetry, defaults, upstreams, composites',
    ]);
    expect(messagesOn('url: http://a\nhealth: { zzz: 1 }')).toEqual([
      'health.zzz: unknown key; valid keys here: path, intervalMs, jitterPercent, timeoutMs',
    ]);
  });

  it.each(['__proto__', 'constructor', 'toString'])('knows no key %s', (key) => {
    expect(messagesOn(`url: http://a\n${key}: 1`)).toEqual([expect.stringContaining(`${key}: unknown key`)]);
  });

  it.each(['my orders', '1st', '-a', '_a', 'a.b', 'ä', '__proto__', ''])(
    'refuses %j as the name of an upstream',
    (name) => {
      expect(messagesOf(`upstreams:\n  "${name}": { url: http://a }`)).toEqual([
        expect.stringContaining(
          `found "${name}" as the name of an upstream; expected a name of letters, digits, - and _`,
        ),
      ]);
    },
  );

  it('asks for one of url and urls', () => {
    expect(messagesOn('critical: true')).toEqual([
      'url: is missing; expected the base URL of the upstream (or urls, for several endpoints)',
    ]);
    expect(messagesOn('url: http://a\nurls: [http://b]')).toEqual([
      'urls: found next to url; expected one of the two',
    ]);
    expect(messagesOn('urls: []')).toEqual(['urls: found a list; expected at least one URL']);
    expect(messagesOn('urls: http://a')).toEqual(['urls: found http://a; expected a list of URLs']);
    expect(messagesOn('urls: [http://a, http://A/]')).toEqual([
      'urls[1]: found http://A/; expected each URL once',
    ]);
  });

  it('does not call a key missing that is only misspelt', () => {
    expect(messagesOn('ulrs: [http://a]')).toEqual(['ulrs: unknown key; did you mean urls?']);
    expect(messagesOf('upstream: {}')).toEqual([
      'gateway.yaml:1:1  upstream: unknown key; did you mean upstreams?',
    ]);
  });

  it('does not let an empty key switch anything off', () => {
    expect(messagesOn('url: http://a\nhealth:\ndeadlineHeader:\nconnections: { perEndpoint: }')).toEqual([
      'health: found nothing; expected a group of keys (path, intervalMs, jitterPercent, timeoutMs)',
      'deadlineHeader: found nothing; expected the name of a header, such as x-api-key',
      expect.stringMatching(/^connections\.perEndpoint: found nothing; expected a whole number from 1 /),
    ]);
  });

  it.each<[string, object]>([
    ['defaultSharePercent: 30', { defaultSharePercent: 30, sheddableSharePercent: 30 }],
    ['sheddableSharePercent: 95', { defaultSharePercent: 95, sheddableSharePercent: 95 }],
    ['maxInFlight: 1', { maxInFlight: 1, maxLoopDelayMs: 200 }],
  ])('moves the defaults of admission with what is written: %s', (written, expected) => {
    const { server } = parse(`server: { admission: { ${written} } }\nupstreams: { a: { url: http://a } }`);
    expect(server.admission).toMatchObject(expected);
  });

  it('says what is wrong with admission', () => {
    const text = `server:
  admission:
    maxInFlight: 0
    defaultSharePercent: 40
    sheddableSharePercent: 60
    maxLoopDelayMs: 0
    priorities: { reports: sheddable, /checkout: criticl }
upstreams: { a: { url: http://a } }`;
    expect(messagesOf(text)).toEqual([
      expect.stringContaining(
        '3:18  server.admission.maxInFlight: found 0; expected a whole number from 1 to',
      ),
      'gateway.yaml:5:28  server.admission.sheddableSharePercent: found 60; expected at most ' +
        'server.admission.defaultSharePercent, which is 40: the lesser requests have the lesser share',
      expect.stringContaining(
        '6:21  server.admission.maxLoopDelayMs: found 0; expected a duration from 1 ms',
      ),
      expect.stringContaining('expected the beginning of a route, such as /reports'),
      expect.stringContaining(
        'server.admission.priorities./checkout: found criticl; expected one of critical, default, sheddable; did you mean critical?',
      ),
    ]);
  });

  it('believes nobody where nobody is named', () => {
    const { server } = parse('server: { trustedCallers: [] }\nupstreams: { a: { url: http://a } }');
    expect(server.trustedCallers).toEqual([]);
  });

  it('says which caller is no address and no range', () => {
    const ranges = [
      '10.0.0.0/33',
      '10.0.0',
      'localhost',
      'fd00::/129',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '::1%lo',
      '7',
    ];
    const text = `server:\n  trustedCallers:\n    - 10.0.0.0/8\n${ranges.map((range) => `    - ${range}\n`).join('')}`;
    const expected = 'expected an IP address or a CIDR range, such as 10.0.0.0/8 or fd00::/8';
    expect(messagesOf(`${text}upstreams: { a: { url: http://a } }`)).toEqual(
      ranges.map(
        (range, index) =>
          `gateway.yaml:${index + 4}:7  server.trustedCallers[${index + 1}]: found ${range}; ${expected}`,
      ),
    );
  });

  it('does not let one header say two things', () => {
    const message =
      /^gateway\.yaml:1:\d+ {2}server\.attemptCountHeader: found x-a; expected another header than deadlineHeader has$/;
    const server = 'server: { deadlineHeader: x-a, attemptCountHeader: x-a }';
    expect(messagesOf(`${server}\nupstreams: { a: { url: http://a } }`)).toEqual([
      expect.stringMatching(message),
    ]);
    expect(messagesOn('url: http://a\ndeadlineHeader: X-Envoy-Attempt-Count')).toEqual([
      'deadlineHeader: found X-Envoy-Attempt-Count; expected another header than attemptCountHeader has',
    ]);
    const { orders } = parse(
      'upstreams: { orders: { url: http://a, deadlineHeader: null, attemptCountHeader: null } }',
    ).upstreams;
    expect(orders).toMatchObject({ deadlineHeader: null, attemptCountHeader: null });
  });

  it('shows a header once, and no header twice', () => {
    expect(messagesOn('url: http://a\nheaders: { X-A: 1, x-a: 2 }')).toEqual([
      'headers.x-a: found a second time (case does not count); expected each header once',
    ]);
    expect(messagesOn('url: http://a\nheaders: { X-A: 1 }\nforwardHeaders: [x-A]')).toEqual([
      'forwardHeaders: found x-a, which headers sets as well; expected it in one of the two',
    ]);
    expect(messagesOn('url: http://a\nforwardHeaders: [Host, connection]')).toEqual([
      'forwardHeaders[0]: found Host; expected another header: host names the gateway, not the upstream',
      expect.stringMatching(/^forwardHeaders\[1\]: found connection; expected the name of a header/),
    ]);
  });

  it('refuses a health probe that outlasts its interval, and one that is no path', () => {
    expect(messagesOn('url: http://a\nhealth: { timeoutMs: 2s, intervalMs: 1s }')).toEqual([
      'health.timeoutMs: found 2s; expected at most health.intervalMs, which is 1s: one probe ends before the next begins',
    ]);
    for (const path of ['health', '//evil', '"/a b"', '/a#b', 'http://x/health']) {
      expect(messagesOn(`url: http://a\nhealth: { path: ${path} }`)).toEqual([
        `health.path: found ${path}; expected a path such as /health, without fragment`,
      ]);
    }
  });

  it('refuses the same port twice, unless the system chooses', () => {
    const withServer = (server: string): string => `server: ${server}\nupstreams: { a: { url: http://a } }`;
    expect(messagesOf(withServer('{ port: 80, managementPort: 80 }'))).toEqual([
      'gateway.yaml:1:37  server.managementPort: found 80; expected another port than server.port has',
    ]);
    expect(messagesOf(withServer('{ port: 3001 }'))).toEqual([
      'gateway.yaml:1:17  server.port: found 3001; expected another port than server.managementPort has',
    ]);
    expect(parse(withServer('{ port: 0, managementPort: 0 }')).server.port).toBe(0);
  });

  it('names a contradiction within defaults once, and one that an upstream makes at the upstream', () => {
    const text = `defaults: { attemptTimeoutMs: 2s, deadlineMs: 1s, connectTimeoutMs: 800ms }
upstreams:
  a:
    url: http://a
  b:
    url: http://b
    deadlineMs: 1.5s
  c:
    url: http://c
    attemptTimeoutMs: 700ms
`;
    expect(messagesOf(text)).toEqual([
      'gateway.yaml:1:31  defaults.attemptTimeoutMs: found 2s; expected at most deadlineMs, which is 1s: the deadline of a call ends its attempts too',
      'gateway.yaml:7:17  upstreams.b.deadlineMs: found 1.5s; expected at least attemptTimeoutMs, which is 2s (from defaults): the deadline of a call ends its attempts too',
      'gateway.yaml:10:23  upstreams.c.attemptTimeoutMs: found 700ms; expected at least connectTimeoutMs, which is 800ms (from defaults): connecting is part of an attempt',
    ]);
  });

  it('stands at the upstream when it comes of a default that the upstream moved', () => {
    const text =
      'defaults: { connectTimeoutMs: 800 }\nupstreams:\n  a:\n    url: http://a\n    deadlineMs: 500';
    expect(messagesOf(text)).toEqual([
      'gateway.yaml:3:3  upstreams.a.connectTimeoutMs: found 800 (from defaults); expected at most attemptTimeoutMs, which is 500 (the default): connecting is part of an attempt',
    ]);
  });

  it('does not take an unset variable for the default of its key', () => {
    expect(messagesOn('url: http://a\nattemptTimeoutMs: ${UNSET}\nconnectTimeoutMs: 2s')).toEqual([
      'attemptTimeoutMs: the environment variable UNSET is not set; set it, or write a default: ${UNSET:-default}',
    ]);
  });

  it('never shows a value of the environment, wherever it is wrong', () => {
    const secret = 'hunter2!';
    const text = `server: { host: \${S} x, port: \${S}, shutdownGraceMs: \${S} }
defaults: { deadlineMs: \${S}, retry: \${S}, circuitBreaker: { mode: \${S} }, response: { maxBodyBytes: "\${S}" } }
upstreams:
  a: { url: \${S}, critical: \${S}, health: { path: \${S} }, headers: \${S}, forwardHeaders: [\${S}], deadlineHeader: \${S} x }
  b: { urls: ["http://u:\${S}@b", "http://\${S}?"], headers: { x: "\${S}\\n" } }
  c: \${S}
`;
    const { message, problems } = errorOf(() => parse(text, { S: secret }));
    expect(problems.length).toBeGreaterThanOrEqual(14);
    expect(message).not.toContain(secret);
  });
});

describe('loadGatewayConfig', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-'));
  const file = join(directory, 'gateway.yaml');
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it('reads the file and takes variables from the environment of the process', () => {
    process.env['TRIBUTARY_TEST_URL'] = 'http://from-env';
    writeFileSync(file, 'upstreams: { a: { url: ${TRIBUTARY_TEST_URL} } }');
    expect(loadGatewayConfig({ file }).upstreams['a']?.endpoints).toEqual(['http://from-env']);
    delete process.env['TRIBUTARY_TEST_URL'];
  });

  it('says which file is missing, and where it looked', () => {
    expect(errorOf(() => loadGatewayConfig({ file: 'no-gateway.yaml' })).message).toBe(
      `no-gateway.yaml  there is no such file; looked for ${resolve('no-gateway.yaml')}`,
    );
  });

  it('says why a file cannot be read', () => {
    expect(errorOf(() => loadGatewayConfig({ file: directory })).message).toContain(
      'cannot be read (EISDIR)',
    );
    writeFileSync(file, Buffer.from([0x61, 0x3a, 0x20, 0xff]));
    expect(errorOf(() => loadGatewayConfig({ file })).message).toContain('found bytes that are not UTF-8');
  });
});

describe('knownUpstream', () => {
  const config = parse('upstreams: { orders: { url: http://a }, offers: { url: http://b } }');

  it('gives the upstream of that name', () => {
    expect(knownUpstream(config, 'orders')).toBe(config.upstreams['orders']);
  });

  it('names the nearest one, and who asked', () => {
    expect(errorOf(() => knownUpstream(config, 'order')).message).toBe(
      "upstream 'order' is not in gateway.yaml; did you mean 'orders'?",
    );
    const where = "UpstreamModule.register({ name: 'ofers' })";
    expect(errorOf(() => knownUpstream(config, 'ofers', where)).message).toBe(
      `${where}: upstream 'ofers' is not in gateway.yaml; did you mean 'offers'?`,
    );
  });

  it.each(['billing', 'toString', '__proto__'])('lists them all for %s, which is near none', (name) => {
    expect(errorOf(() => knownUpstream(config, name)).message).toBe(
      `upstream '${name}' is not in gateway.yaml; upstreams there: orders, offers`,
    );
  });
});

describe('the gateway.yaml of the reference gateway', () => {
  const load = (env: Record<string, string>) => loadGatewayConfig({ file: resolve('gateway.yaml'), env });

  it('finds the demo services, and needs no variable', () => {
    const { server, upstreams } = load({});
    expect(server).toMatchObject({ port: 3_000, managementPort: 3_001, managementHost: '127.0.0.1' });
    expect(
      Object.values(upstreams).map(({ name, endpoints, critical }) => [name, ...endpoints, critical]),
    ).toEqual([
      ['customers', 'http://127.0.0.1:4101', true],
      ['orders', 'http://127.0.0.1:4102', false],
      ['catalog', 'http://127.0.0.1:4103', true],
      ['inventory', 'http://127.0.0.1:4104', false],
      ['reviews', 'http://127.0.0.1:4105', false],
      ['offers', 'http://127.0.0.1:4106', false],
    ]);
  });

  it('lets a deployment say where they are', () => {
    const { server, upstreams } = load({ PORT: '8080', ORDERS_URL: 'https://orders.internal/api' });
    expect(server.port).toBe(8_080);
    expect(upstreams['orders']?.endpoints).toEqual(['https://orders.internal/api']);
  });
});
