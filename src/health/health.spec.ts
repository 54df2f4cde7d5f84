import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { type HealthCheckResult } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { AdmissionControl } from '../aggregation/admission-control.js';
import { AggregationModule } from '../aggregation/aggregation.module.js';
import { gatewayServerOptions } from '../aggregation/server-options.js';
import { CompositeModule } from '../composite/composite.module.js';
import { parseGateway } from '../composite/config/gateway.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { AffectedComposites } from './affected-composites.js';
import { ConfigurationState } from './configuration-state.js';
import { type HealthDocument } from './health-document.js';
import { HealthModule } from './health.module.js';
import { HealthManagementModule } from './health-management.module.js';
import { ShutdownState } from './shutdown-state.js';
import { UpstreamHealth } from './upstream-health.js';
import { UpstreamProber } from './upstream-prober.js';
import { type UpstreamReport } from './upstream-report.js';

/** A service of somebody else's, on a port of its own; it can be killed and revived. */
class Service {
  readonly requests: string[] = [];
  status = 200;
  port = 0;
  private server: Server | undefined;

  async start(): Promise<this> {
    const server = createServer(({ url, headers }, response) => {
      this.requests.push(`${url ?? ''} ${headers['user-agent'] ?? ''}`);
      response
        .writeHead(this.status, { 'content-type': 'application/json' })
        .end('{"secret":"of the service"}');
    });
    this.server = server;
    await new Promise<void>((listening) => server.listen(this.port, '127.0.0.1', listening));
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  async kill(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    await new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    });
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly body: HealthCheckResult;
}

class Gateway {
  private constructor(
    readonly api: NestFastifyApplication,
    readonly management: NestFastifyApplication,
  ) {}

  static async start(
    customers: Service,
    reviews: Service,
    health: string,
    admission = '{}',
  ): Promise<Gateway> {
    const { config, composites } = parseGateway(`
server: { admission: ${admission} }
upstreams:
  customers: { url: 'http://127.0.0.1:${customers.port}', critical: true, health: ${health} }
  reviews: { url: 'http://127.0.0.1:${reviews.port}', health: ${health} }
composites:
  profile: { get: '/profiles/{id}', parts: { customer: { upstream: customers, get: '/{id}' } } }
`);
    const api = await start(
      [
        UpstreamModule.forRoot({ config }),
        AggregationModule,
        HealthModule,
        CompositeModule.forRoot(composites),
      ],
      [AffectedComposites],
    );
    const shared = {
      health: api.get(UpstreamHealth),
      shutdown: api.get(ShutdownState),
      admission: api.get(AdmissionControl),
      composites: api.get(AffectedComposites),
      identity: { serviceId: 'shop', version: '1.2.3' },
    };
    return new Gateway(
      api,
      await start([
        AggregationModule,
        HealthManagementModule.sharing({ ...shared, configuration: new ConfigurationState() }),
      ]),
    );
  }

  async stop(): Promise<void> {
    await this.api.close();
    await this.management.close();
  }
}

type Metadata = Parameters<typeof Test.createTestingModule>[0];

async function start(imports: NonNullable<Metadata['imports']>, providers: Metadata['providers'] = []) {
  const module = await Test.createTestingModule({ imports, providers }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(
    new FastifyAdapter(gatewayServerOptions()),
    {
      logger: false,
    },
  );
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

async function ask(app: NestFastifyApplication, url: string, accept = '*/*'): Promise<Answer> {
  const asked = { method: 'GET', url, headers: { accept } } as const;
  const { statusCode, headers, body } = await app.inject(asked);
  return { status: statusCode, headers, text: body, body: JSON.parse(body) as HealthCheckResult };
}

/** Asks until the answer is as expected, or fails with the last one. */
async function eventually(
  app: NestFastifyApplication,
  url: string,
  expected: (answer: Answer) => void,
): Promise<Answer> {
  const giveUpAt = performance.now() + 5_000;
  for (;;) {
    const answer = await ask(app, url);
    try {
      expected(answer);
      return answer;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await new Promise((later) => setTimeout(later, 10));
    }
  }
}

const QUICK = '{ path: /up, intervalMs: 200, timeoutMs: 200 }';
const ONCE = '{ path: /up, intervalMs: 600000, timeoutMs: 1000 }';
const QUIET_DOOR = {
  inFlight: 0,
  loopDelayMs: expect.any(Number) as number,
  refused: { critical: 0, default: 0, sheddable: 0 },
};
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;

let customers: Service;
let reviews: Service;
let gateway: Gateway | undefined;

async function given(health: string, admission?: string): Promise<Gateway> {
  return (gateway = await Gateway.start(customers, reviews, health, admission));
}

function isUp({ body }: Answer): void {
  expect(body.details).toMatchObject({ customers: { upstream: 'up' }, reviews: { upstream: 'up' } });
}

beforeEach(async () => {
  [customers, reviews] = await Promise.all([new Service().start(), new Service().start()]);
});

afterEach(async () => {
  await Promise.all([customers.kill(), reviews.kill()]);
  await gateway?.stop();
  gateway = undefined;
});

describe('health in full, on the management port', () => {
  it('describes each upstream', async () => {
    const { management } = await given(QUICK);
    const { status, headers, body } = await eventually(management, '/health', isUp);
    const upstream = {
      status: 'up',
      upstream: 'up',
      since: ISO,
      breaker: {
        state: 'closed',
        since: ISO,
        nextProbeAt: null,
        nextProbeInMs: null,
        calls: 0,
        failures: 0,
        slowCalls: 0,
        failureRatePercent: 0,
        failureRateThresholdPercent: 50,
        slowCallRatePercent: 0,
        slowCallRateThresholdPercent: 100,
        minimumNumberOfCalls: 20,
        notPermitted: 0,
      },
      window: {
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
      },
      bulkhead: { inUse: 0, queued: 0, limit: 64 },
      probe: { ok: true, checkedAt: ISO, durationMs: expect.any(Number) as number },
      probeNextAt: ISO,
      probePaused: false,
      lastSuccess: null,
      lastFailure: null,
    };
    const profile = { name: 'profile', method: 'GET', route: '/profiles/{id}' };
    const details = {
      customers: { ...upstream, critical: true, composites: [profile] },
      reviews: { ...upstream, critical: false, composites: [] },
    };
    expect(status).toBe(200);
    expect(headers['cache-control']).toContain('no-store');
    expect(headers['content-type']).toContain('application/json');
    const inside = { admission: QUIET_DOOR, configuration: { generation: 1, loadedAt: ISO } };
    expect(body).toEqual({ ...inside, status: 'ok', info: details, error: {}, details });
  });

  it('says so before an upstream was asked for the first time', async () => {
    const { management } = await given('null');
    const { status, body } = await ask(management, '/health');
    expect(status).toBe(200);
    expect(body.details['customers']).toMatchObject({ status: 'up', upstream: 'unknown', probe: null });
  });

  it('tells what real calls have met', async () => {
    const { api, management } = await given('null');
    const upstream = api.get(UpstreamRegistry).get('reviews');
    const get = (url: string) => firstValueFrom(upstream.send({ method: 'GET', url })).catch(() => undefined);
    await get('/1');
    reviews.status = 500;
    await get('/2');
    const { body } = await ask(management, '/health');
    expect(body.status).toBe('degraded');
    expect(body.details['reviews']).toMatchObject({
      upstream: 'degraded',
      reason: '1 of 2 calls failed',
      breaker: { calls: 2, failures: 1, failureRatePercent: 50 },
      window: { calls: 2, errors: 1, errorPercent: 50, p50Ms: expect.any(Number) as number },
      lastSuccess: ISO,
      lastFailure: { at: ISO, reason: 'status 500' },
    });
  });

  it('is degraded while an optional upstream is dead, and well again when it is back', async () => {
    const { api, management } = await given(QUICK);
    await eventually(management, '/health', isUp);
    await reviews.kill();
    const { status, body } = await eventually(management, '/health', (answer) => {
      expect(answer.body.status).toBe('degraded');
    });
    expect(status).toBe(200);
    expect(body.details).toMatchObject({
      customers: { status: 'up', upstream: 'up' },
      reviews: {
        status: 'degraded',
        upstream: 'down',
        reason: 'probe failed: connect',
        probe: { ok: false },
      },
    });
    expect(await ask(api, '/health/ready')).toMatchObject({ status: 200, body: { status: 'ok' } });

    await reviews.start();
    await eventually(management, '/health', ({ body: { status } }) => {
      expect(status).toBe('ok');
    });
  });

  it('is an error while a critical upstream is dead; the gateway is not ready, and alive', async () => {
    const { api, management } = await given(QUICK);
    await eventually(management, '/health', isUp);
    await customers.kill();
    const { headers, body } = await eventually(management, '/health', ({ status }) => {
      expect(status).toBe(503);
    });
    expect(headers['content-type']).toContain('application/json');
    expect(headers['cache-control']).toContain('no-store');
    expect(body.status).toBe('error');
    expect(body).toMatchObject({ admission: QUIET_DOOR });
    expect(body.error).toMatchObject({ customers: { status: 'down', upstream: 'down', critical: true } });
    expect(Object.keys(body.info ?? {})).toEqual(['reviews']);
    for (const app of [api, management]) {
      expect(await ask(app, '/health/ready')).toMatchObject({ status: 503, body: { status: 'error' } });
      expect(await ask(app, '/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    }

    await customers.start();
    await eventually(api, '/health/ready', ({ status }) => {
      expect(status).toBe(200);
    });
  });

  it('counts an open breaker as down, whatever probes say', async () => {
    const { api, management } = await given(QUICK);
    await eventually(management, '/health', isUp);
    api.get(UpstreamRegistry).get('customers').breaker.setMode('force-open');
    expect(await ask(management, '/health')).toMatchObject({
      status: 503,
      body: { details: { customers: { upstream: 'down', breaker: { state: 'force-open' } } } },
    });
    expect((await ask(api, '/health/ready')).status).toBe(503);
  });

  it('says when an open breaker lets a call through to see', async () => {
    const { api, management } = await given('null');
    const { breaker } = api.get(UpstreamRegistry).get('reviews');
    for (let calls = 0; calls < 20; calls++) breaker.settle(breaker.tryAcquire()!, 'failure');
    const { body } = await ask(management, '/health');
    expect(body.details['reviews']).toMatchObject({
      upstream: 'down',
      since: ISO,
      breaker: { state: 'open', nextProbeAt: ISO, failureRatePercent: 100 },
    });
    const { nextProbeInMs } = (body.details['reviews'] as unknown as UpstreamReport).breaker;
    expect(nextProbeInMs).toBeGreaterThan(0);
    expect(nextProbeInMs).toBeLessThanOrEqual(6_000);
  });

  it('shows that probes are paused, and does not count the last one', async () => {
    const { api, management } = await given(QUICK);
    await eventually(management, '/health', isUp);
    await reviews.kill();
    await eventually(management, '/health', ({ body }) => {
      expect(body.details['reviews']).toMatchObject({ upstream: 'down' });
    });
    api.get(UpstreamProber).pause('reviews');
    const { body } = await ask(management, '/health');
    expect(body.status).toBe('ok');
    expect(body.details['reviews']).toMatchObject({
      status: 'up',
      upstream: 'unknown',
      probe: null,
      probeNextAt: null,
      probePaused: true,
    });
  });

  it('says nothing of a door where there is none', async () => {
    const { management } = await given('null', '{ maxInFlight: null, maxLoopDelayMs: null }');
    expect((await ask(management, '/health')).body).not.toHaveProperty('admission');
  });

  it('answers problem documents for what is not there', async () => {
    const { management } = await given('null');
    const { status, headers } = await ask(management, '/nothing');
    expect(status).toBe(404);
    expect(headers['content-type']).toContain('application/problem+json');
  });
});

/** What Uptime Kuma's "JSON query" and Gatus' `[BODY].path` read: a value by its dotted path. */
function valueAt({ body }: Answer, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], body);
}

describe('one upstream, on the management port', () => {
  it('is what a monitor asks for: a status code, and a status in words', async () => {
    const { api, management } = await given(QUICK);
    await eventually(management, '/health', isUp);
    const well = await ask(management, '/health/upstreams/reviews');
    expect(well.headers['content-type']).toContain('application/json');
    expect(well.headers['cache-control']).toContain('no-store');
    // Gatus: [STATUS] == 200, [BODY].status == up, [BODY].breaker.state == closed, [BODY].window.errorPercent < 5
    expect([well.status, valueAt(well, 'status'), valueAt(well, 'breaker.state')]).toEqual([
      200,
      'up',
      'closed',
    ]);
    expect(valueAt(well, 'window.errorPercent')).toBeLessThan(5);

    // Not critical: health in full is only degraded, and this is 503 all the same.
    api.get(UpstreamRegistry).get('reviews').breaker.setMode('force-open');
    const ill = await ask(management, '/health/upstreams/reviews');
    expect([ill.status, valueAt(ill, 'status'), valueAt(ill, 'reason')]).toEqual([
      503,
      'down',
      'the breaker is forced open',
    ]);
    expect((await ask(management, '/health')).status).toBe(200);
  });

  it.each([
    ['unknown', 0, 0],
    ['up', 4, 0],
    ['degraded', 4, 3],
  ])('is 200 while it is %s', async (status, calls, failures) => {
    const { api, management } = await given('null');
    const upstream = api.get(UpstreamRegistry).get('reviews');
    for (let made = 0; made < calls; made++) {
      reviews.status = made < failures ? 500 : 200;
      await firstValueFrom(upstream.send({ method: 'GET', url: '/' })).catch(() => undefined);
    }
    const answer = await ask(management, '/health/upstreams/reviews');
    expect([answer.status, valueAt(answer, 'status')]).toEqual([200, status]);
  });

  it('says what was meant where there is none of that name', async () => {
    const { management } = await given('null');
    const { status, headers, body } = await ask(management, '/health/upstreams/reveiws');
    expect(status).toBe(404);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(body).toMatchObject({ detail: "There is no upstream 'reveiws'. Did you mean 'reviews'?" });
    expect((await ask(management, '/health/upstreams/zzzzzzzzz')).body).toMatchObject({
      detail: "There is no upstream 'zzzzzzzzz'. /health/upstreams lists them.",
    });
  });

  it('stands in a list of all', async () => {
    const { api, management } = await given('null');
    api.get(UpstreamRegistry).get('customers').breaker.setMode('force-open');
    const answer = await ask(management, '/health/upstreams');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      upstreams: {
        customers: { status: 'down', reason: 'the breaker is forced open', since: ISO, critical: true },
        reviews: { status: 'unknown', reason: 'neither called nor probed yet', since: ISO, critical: false },
      },
    });
    expect(valueAt(answer, 'upstreams.customers.status')).toBe('down');
  });

  it('is kept to the management port', async () => {
    const { api } = await given('null');
    for (const url of ['/health/upstreams', '/health/upstreams/reviews'])
      expect((await ask(api, url)).status).toBe(404);
  });
});

describe('health as application/health+json', () => {
  const HEALTH_JSON = 'application/health+json';

  async function document(app: NestFastifyApplication, url: string) {
    const { status, headers, text } = await ask(app, url, HEALTH_JSON);
    return { status, headers, body: JSON.parse(text) as HealthDocument };
  }

  it('is what the draft describes', async () => {
    const { management } = await given(QUICK);
    await eventually(management, '/health', isUp);
    const { status, headers, body } = await document(management, '/health');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': HEALTH_JSON,
      'cache-control': 'no-store',
      vary: 'accept',
    });
    const { checks, ...rest } = body;
    expect(rest).toEqual({
      status: 'pass',
      version: '1.2.3',
      releaseId: '1.2.3+1',
      serviceId: 'shop',
      description: 'The gateway, and the services behind it',
    });
    const check = { componentType: 'component', status: 'pass', time: ISO };
    const number = expect.any(Number) as number;
    const expected = (upstream: string) => ({
      [`${upstream}:availability`]: [{ ...check, observedValue: 'up' }],
      [`${upstream}:circuitBreaker`]: [{ ...check, observedValue: 'closed' }],
      [`${upstream}:errorRate`]: [{ ...check, observedValue: 0, observedUnit: 'percent' }],
      [`${upstream}:responseTime`]: [{ ...check, observedValue: number, observedUnit: 'ms' }],
      [`${upstream}:connections`]: [{ ...check, observedValue: 0, observedUnit: 'calls' }],
    });
    expect(checks).toEqual({ ...expected('customers'), ...expected('reviews') });
  });

  it('fails with a critical upstream, warns of another, and says what is affected', async () => {
    const { api, management } = await given('null');
    const registry = api.get(UpstreamRegistry);
    registry.get('reviews').breaker.setMode('force-open');
    const warning = await document(management, '/health');
    expect([warning.status, warning.body.status]).toEqual([200, 'warn']);
    expect(warning.body.checks).toMatchObject({
      'reviews:availability': [{ status: 'warn', output: 'the breaker is forced open' }],
      'reviews:circuitBreaker': [{ status: 'warn', observedValue: 'force-open' }],
      'customers:availability': [{ status: 'pass', observedValue: 'unknown' }],
    });
    registry.get('customers').breaker.setMode('force-open');
    const failure = await document(management, '/health');
    expect([failure.status, failure.body.status]).toEqual([503, 'fail']);
    expect(failure.headers['content-type']).toContain(HEALTH_JSON);
    expect(failure.body.checks).toMatchObject({
      'customers:availability': [{ status: 'fail', affectedEndpoints: ['/profiles/{id}'] }],
      'customers:circuitBreaker': [{ status: 'fail', affectedEndpoints: ['/profiles/{id}'] }],
      'customers:errorRate': [{ status: 'pass' }],
    });
  });

  it('has no check that is worse than the whole', async () => {
    const { api, management } = await given('null');
    reviews.status = 429;
    const upstream = api.get(UpstreamRegistry).get('reviews');
    await firstValueFrom(upstream.send({ method: 'GET', url: '/' })).catch(() => undefined);
    const { body } = await document(management, '/health');
    expect(body.status).toBe('pass');
    expect(body.checks['reviews:errorRate']).toMatchObject([{ observedValue: 100, status: 'pass' }]);
  });

  it('speaks of one upstream for itself', async () => {
    const { api, management } = await given('null');
    api.get(UpstreamRegistry).get('reviews').breaker.setMode('force-open');
    const { status, body } = await document(management, '/health/upstreams/reviews');
    expect([status, body.status]).toEqual([503, 'fail']);
    expect(body.description).toContain("'reviews'");
    expect(Object.keys(body.checks).every((key) => key.startsWith('reviews:'))).toBe(true);
  });

  it('says that the gateway shuts down', async () => {
    const { api, management } = await given('null');
    api.get(ShutdownState).begin();
    const { status, body } = await document(management, '/health');
    expect([status, body.status, body.output]).toEqual([503, 'fail', 'the gateway shuts down']);
  });

  it.each([
    ['text/html', 'application/json'],
    ['application/json, application/health+json;q=0.9', 'application/json'],
    ['application/health+json, application/json;q=0.9', HEALTH_JSON],
  ])('to who accepts %s is %s', async (accept, type) => {
    const { management } = await given('null');
    for (const url of ['/health', '/health/upstreams/reviews']) {
      const { status, headers } = await ask(management, url, accept);
      expect(status).toBe(200);
      expect(headers['content-type']).toContain(type);
    }
  });
});

describe('health on the API port', () => {
  it('names the critical upstreams, and nothing of the inside', async () => {
    const { api, management } = await given(QUICK);
    await eventually(management, '/health', isUp);
    await customers.kill();
    const { text, body, headers } = await eventually(api, '/health/ready', ({ status }) => {
      expect(status).toBe(503);
    });
    expect(headers['cache-control']).toContain('no-store');
    const down = { customers: { status: 'down' } };
    expect(body).toEqual({ status: 'error', info: {}, error: down, details: down });
    expect(text).not.toMatch(/127\.0\.0\.1|http|breaker|reviews/);
  });

  it('is alive without looking at anything', async () => {
    const { api } = await given('null');
    const { status, headers, body } = await ask(api, '/health/live');
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toEqual({ status: 'ok', info: {}, error: {}, details: {} });
  });

  it('keeps health in full to the management port', async () => {
    const { api } = await given('null');
    expect((await ask(api, '/health')).status).toBe(404);
  });

  it('is documented with both of its answers', async () => {
    const { api } = await given('null');
    const { paths } = SwaggerModule.createDocument(api, new DocumentBuilder().build());
    expect(Object.keys(paths['/health/ready']!.get!.responses)).toEqual(['200', '503']);
    expect(Object.keys(paths['/health/live']!.get!.responses)).toEqual(['200']);
    expect(paths['/health/live']!.get!.tags).toEqual(['health']);
  });
});

describe('asking for health', () => {
  it('sends nothing: after one probe each, 600 requests reach no upstream', async () => {
    const { api, management } = await given(ONCE);
    await eventually(management, '/health', isUp);
    const urls = ['/health/ready', '/health/live'];
    const inFull = ['/health', '/health/upstreams', '/health/upstreams/reviews'];
    await Promise.all(
      Array.from({ length: 120 }, async () => {
        for (const url of urls) expect((await ask(api, url)).status).toBe(200);
        for (const url of inFull) expect((await ask(management, url)).status).toBe(200);
      }),
    );
    for (const { requests } of [customers, reviews]) expect(requests).toEqual(['/up tributary-health-probe']);
  });
});

describe('shutting down', () => {
  it('is not ready from the first moment, and still serves', async () => {
    const { api, management } = await given(QUICK);
    await eventually(management, '/health', isUp);
    api.get(ShutdownState).begin();
    const answer = await ask(api, '/health/ready');
    expect(answer.status).toBe(503);
    expect(answer.headers['cache-control']).toContain('no-store');
    expect(answer.body).toEqual({
      status: 'shutting_down',
      info: {},
      error: {},
      details: { customers: { status: 'up' } },
    });
    expect((await ask(management, '/health/ready')).status).toBe(503);
    expect(await ask(management, '/health')).toMatchObject({
      status: 503,
      body: { admission: QUIET_DOOR, status: 'shutting_down' },
    });
    expect((await ask(api, '/health/live')).status).toBe(200);
  });

  it('stops watching when the API closes; the management side is closed last, and knows', async () => {
    const { api, management } = await given(QUICK);
    const { events } = api.get(UpstreamRegistry);
    expect(events.active).toBe(true);
    await api.close();
    expect(events.active).toBe(false);
    expect(await ask(management, '/health/ready')).toMatchObject({
      status: 503,
      body: { status: 'shutting_down' },
    });
  });
});
