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
import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { ConfigurationState } from './configuration-state.js';
import { HealthModule } from './health.module.js';
import { HealthManagementModule } from './health-management.module.js';
import { ShutdownState } from './shutdown-state.js';
import { UpstreamHealth } from './upstream-health.js';

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
    const config = parseGatewayConfig(`
server: { admission: ${admission} }
upstreams:
  customers: { url: 'http://127.0.0.1:${customers.port}', critical: true, health: ${health} }
  reviews: { url: 'http://127.0.0.1:${reviews.port}', health: ${health} }
`);
    const api = await start([UpstreamModule.forRoot({ config }), AggregationModule, HealthModule]);
    const shared = {
      health: api.get(UpstreamHealth),
      shutdown: api.get(ShutdownState),
      admission: api.get(AdmissionControl),
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

async function start(imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>) {
  const module = await Test.createTestingModule({ imports }).compile();
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

async function ask(app: NestFastifyApplication, url: string): Promise<Answer> {
  const { statusCode, headers, body } = await app.inject({ method: 'GET', url });
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
      breaker: { state: 'closed', since: ISO, retryAfterMs: 0 },
      window: { calls: 0, failures: 0, slowCalls: 0, failureRatePercent: 0, thresholdPercent: 50 },
      bulkhead: { inUse: 0, queued: 0, limit: 64 },
      probe: { ok: true, checkedAt: ISO, durationMs: expect.any(Number) as number },
      lastSuccess: null,
      lastFailure: null,
    };
    const details = { customers: { ...upstream, critical: true }, reviews: { ...upstream, critical: false } };
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
      window: { calls: 2, failures: 1, failureRatePercent: 50 },
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
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        for (const url of urls) expect((await ask(api, url)).status).toBe(200);
        expect((await ask(management, '/health')).status).toBe(200);
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
