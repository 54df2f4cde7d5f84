import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Injectable, Logger, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Observable } from 'rxjs';
import { Agent } from 'undici';
import { aggregate, thenAlso } from '../src/aggregation/aggregate.js';
import { optional, required } from '../src/aggregation/part.js';
import { gatewayServerOptions } from '../src/aggregation/server-options.js';
import { loadGateway } from '../src/composite/config/gateway.js';
import { EventReader } from '../src/composite/testing/event-reader.js';
import {
  type CompositeDetail,
  type ConsoleState,
  type Transition,
  type UpstreamState,
} from '../src/console/console-state.js';
import { createApi } from '../src/gateway.js';
import { ManagementModule } from '../src/management.module.js';
import { GatewayReload } from '../src/reload.js';
import { UpstreamClient } from '../src/upstream/upstream-client.js';
import { UpstreamModule } from '../src/upstream/upstream.module.js';

const TOKEN = '0123456789abcdef';

/** A service of somebody else's, that can be killed and started again. */
class Service {
  status = 200;
  private server: Server | undefined;
  private port = 0;

  async start(): Promise<this> {
    const server = createServer(({ url = '' }, response) => {
      const isThere = !url.endsWith('/none');
      response
        .writeHead(isThere ? this.status : 404, { 'content-type': 'application/json' })
        .end(JSON.stringify({ secret: 'in the body', id: 'a' }));
    });
    this.server = server;
    await new Promise<void>((listening) => server.listen(this.port, '127.0.0.1', listening));
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async kill(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

@Injectable()
class OrdersClient extends UpstreamClient {
  byId(id: string): Observable<unknown> {
    return this.get('/orders/{id}', { params: { id } });
  }
}

@Controller('written')
class WrittenController {
  constructor(private readonly orders: OrdersClient) {}

  @Get(':id')
  order(@Param('id') id: string): unknown {
    return aggregate({ order: required(this.orders.byId(id)) }).pipe(
      thenAlso(['order'], () => ({ again: optional(this.orders.byId('again')) })),
    );
  }
}

@Module({
  imports: [UpstreamModule.register({ name: 'orders', client: OrdersClient })],
  controllers: [WrittenController],
})
class WrittenModule {}

/** As `startGateway()` starts it, on ports that are free, without the pages of the API's documentation. */
class Gateway {
  private constructor(
    readonly api: NestFastifyApplication,
    readonly management: NestFastifyApplication,
    readonly reload: GatewayReload,
  ) {}

  static async start(file: string): Promise<Gateway> {
    const definition = loadGateway({ file, env: {} });
    const api = await createApi(definition, { features: [WrittenModule], logger: false });
    const reload = new GatewayReload(api, definition);
    const management = await NestFactory.create<NestFastifyApplication>(
      ManagementModule.of(api, reload.state),
      new FastifyAdapter(gatewayServerOptions()),
      { logger: false },
    );
    await api.listen(0, '127.0.0.1');
    await management.listen(0, '127.0.0.1');
    return new Gateway(api, management, reload);
  }

  async stop(): Promise<void> {
    await this.api.close();
    await this.management.close();
  }
}

class World {
  readonly orders = new Service();
  readonly reviews = new Service();
  readonly audit: string[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'console-'));
  private readonly agent = new Agent();
  private readonly readers: EventReader[] = [];
  private started: Gateway | undefined;

  get gateway(): Gateway {
    if (this.started === undefined) throw new Error('there is no gateway');
    return this.started;
  }

  async start(server: object = {}, telemetry: object = {}): Promise<void> {
    await Promise.all([this.orders.start(), this.reviews.start()]);
    this.write({ details: 'reviews' }, server, telemetry);
    this.started = await Gateway.start(join(this.folder, 'gateway.yaml'));
    jest.spyOn(Logger.prototype, 'log').mockImplementation((line: unknown) => {
      this.audit.push(String(line));
    });
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  }

  /** @param composites the upstream of an optional part of each, by name. */
  write(composites: Readonly<Record<string, string>>, server: object = {}, telemetry: object = {}): void {
    const policy = {
      retry: { maxAttempts: 1 },
      circuitBreaker: { minimumNumberOfCalls: 2, openMs: 60_000 },
      health: null,
    };
    const written = Object.entries(composites).map(([name, upstream]) => [
      name,
      {
        get: `/${name}/{id}`,
        parts: {
          order: { upstream: 'orders', get: '/orders/{id}', required: true },
          more: { upstream, get: '/reviews', needs: ['order'] },
        },
      },
    ]);
    writeFileSync(
      join(this.folder, 'gateway.yaml'),
      JSON.stringify({
        server,
        telemetry,
        upstreams: {
          orders: { url: this.orders.url, critical: true, ...policy },
          reviews: { url: this.reviews.url, ...policy, health: { path: '/health', intervalMs: 60_000 } },
        },
        composites: Object.fromEntries(written) as object,
      }),
    );
  }

  ask(path: string, headers: Readonly<Record<string, string>> = {}) {
    return this.request('api', 'GET', path, undefined, headers);
  }

  console(path: string) {
    return this.request('management', 'GET', `/console${path}`);
  }

  put(path: string, body: object, token: string | null = TOKEN) {
    const bearer = token === null ? {} : { authorization: `Bearer ${token}` };
    const headers = { 'content-type': 'application/json', ...bearer };
    return this.request('management', 'PUT', `/console/api${path}`, JSON.stringify(body), headers);
  }

  async open(headers: Readonly<Record<string, string>> = {}): Promise<EventReader> {
    const { port } = this.gateway.management.getHttpServer().address() as AddressInfo;
    const reader = await EventReader.open(port, '/console/api/events', { headers });
    this.readers.push(reader);
    return reader;
  }

  async state(): Promise<ConsoleState> {
    const reader = await this.open();
    await next(reader, ({ event }) => event === 'state');
    const state = statesOf(reader).at(-1);
    reader.leave();
    if (state === undefined) throw new Error('no state came');
    return state;
  }

  async stop(): Promise<void> {
    for (const reader of this.readers) reader.leave();
    await this.started?.stop();
    await Promise.all([this.orders.kill(), this.reviews.kill(), this.agent.destroy()]);
    rmSync(this.folder, { recursive: true });
    jest.restoreAllMocks();
  }

  private async request(
    side: 'api' | 'management',
    method: 'GET' | 'PUT',
    path: string,
    body?: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const { port } = this.gateway[side].getHttpServer().address() as AddressInfo;
    const origin = `http://127.0.0.1:${port}`;
    const answer = await this.agent.request({
      origin,
      path,
      method,
      headers: { ...headers },
      body: body ?? null,
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text };
  }
}

type Read = EventReader['events'][number];

/** Waits for an event that is as it should be. */
async function next(reader: EventReader, isWanted: (event: Read) => boolean): Promise<Read> {
  for (;;) {
    const found = reader.events.find(isWanted);
    if (found !== undefined) return found;
    if (reader.isBroken || reader.hasEnded) throw new Error(`it ended before: ${reader.text}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function statesOf(reader: EventReader): readonly ConsoleState[] {
  return reader.events
    .filter(({ event }) => event === 'state')
    .map(({ data }) => data as unknown as ConsoleState);
}

function transitionsOf(reader: EventReader): readonly Transition[] {
  return reader.events
    .filter(({ event }) => event === 'transition')
    .map(({ data }) => data as unknown as Transition);
}

function upstream({ upstreams }: ConsoleState, name: string): UpstreamState {
  const found = upstreams.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no upstream ${name}`);
  return found;
}

const world: { current: World } = { current: undefined as unknown as World };

beforeEach(() => {
  world.current = new World();
});

afterEach(() => world.current.stop());

describe('the state of the console', () => {
  it('is there at once: the gateway, its upstreams and the composites of its file', async () => {
    const { current } = world;
    await current.start({ adminToken: TOKEN });
    const { gateway, upstreams, composites } = await current.state();
    expect(gateway).toMatchObject({ ready: true, generation: 1, configurationRefused: false, actions: true });
    expect(gateway.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(upstreams.map(({ name }) => name)).toEqual(['orders', 'reviews']);
    expect(upstream({ upstreams } as ConsoleState, 'reviews')).toMatchObject({
      critical: false,
      breaker: { state: 'closed', nextProbeInMs: null, thresholdPercent: 50 },
      probePaused: false,
      window: { calls: 0 },
      endpoints: [],
      composites: ['details'],
    });
    expect(composites).toEqual([
      {
        name: 'details',
        method: 'GET',
        route: '/details/{id}',
        requestsPerSecond: 0,
        requests: 0,
        completePercent: null,
        failedPercent: null,
        p50Ms: null,
        p95Ms: null,
        degradedBy: [],
      },
    ]);
  });

  it('shows what composites do, those of code too once they have run, and what degrades them', async () => {
    const { current } = world;
    await current.start();
    await current.ask('/details/a');
    await current.ask('/written/a');
    await current.reviews.kill();
    await current.ask('/details/a');
    await current.ask('/details/none');
    const { composites, upstreams } = await current.state();
    expect(composites).toMatchObject([
      {
        name: 'details',
        requests: 3,
        completePercent: 50,
        failedPercent: 0,
        degradedBy: [{ part: 'more', upstreams: ['reviews'], reason: 'connect', count: 1 }],
      },
      { name: 'GET /written/{id}', method: 'GET', route: '/written/{id}', requests: 1, completePercent: 100 },
    ]);
    expect(upstream({ upstreams } as ConsoleState, 'orders').composites).toEqual([
      'details',
      'GET /written/{id}',
    ]);
  });

  it('follows the file: a composite that is gone is forgotten, and the feed says what was taken over', async () => {
    const { current } = world;
    await current.start();
    await current.ask('/details/a');
    const reader = await current.open();
    current.write({ others: 'orders' });
    await current.gateway.reload.reload();
    current.write({ others: 'nowhere' });
    await current.gateway.reload.reload();
    const seen = await next(reader, () => transitionsOf(reader).length >= 2);
    expect(seen).toBeDefined();
    expect(transitionsOf(reader).map(({ kind, severity, text }) => [kind, severity, text])).toEqual([
      [
        'configuration',
        'info',
        'configuration 2 taken over: 1 composite added (others), 1 removed (details)',
      ],
      [
        'configuration',
        'warning',
        expect.stringMatching(/^a new configuration was refused at .*gateway\.yaml:/),
      ],
    ]);
    await next(reader, () => statesOf(reader).at(-1)?.gateway.generation === 2);
    const latest = statesOf(reader).at(-1);
    expect(latest?.composites.map(({ name }) => name)).toEqual(['others']);
    expect(latest?.gateway.configurationRefused).toBe(true);
  });
});

describe('when an upstream dies', () => {
  it('the feed names the transition, the tile shows it, and who comes back gets what was missed', async () => {
    const { current } = world;
    await current.start();
    const reader = await current.open();
    await next(reader, ({ event }) => event === 'state');
    await current.reviews.kill();
    await current.ask('/details/a');
    await current.ask('/details/a');
    await next(reader, ({ data }) => data['kind'] === 'breaker');
    const down = await next(reader, ({ data }) => data['kind'] === 'health');
    const [opened] = transitionsOf(reader);
    expect(opened).toMatchObject({ severity: 'bad', upstream: 'reviews' });
    expect(opened?.text).toMatch(/^breaker of reviews opened for \d+\.\d s: 100 % of 2 calls failed$/);
    expect(down.data).toMatchObject({ severity: 'bad', text: 'reviews is down: the breaker is open' });
    const isOpen = (state: ConsoleState): boolean => upstream(state, 'reviews').breaker.state === 'open';
    await next(reader, () => statesOf(reader).some(isOpen));
    const shown = statesOf(reader).find(isOpen);
    expect(shown === undefined ? undefined : upstream(shown, 'reviews')).toMatchObject({
      status: 'down',
      reason: 'the breaker is open',
      breaker: { state: 'open', failureRatePercent: 100 },
      window: { calls: 2, errors: 2, errorPercent: 100 },
    });
    expect(shown === undefined ? 0 : upstream(shown, 'reviews').breaker.nextProbeInMs).toBeGreaterThan(
      40_000,
    );

    const again = await current.open({ 'last-event-id': `${opened?.id ?? 0}` });
    await next(again, ({ event }) => event === 'state');
    expect(transitionsOf(again).map(({ kind }) => kind)).toEqual(['health']);
  });
});

describe('one composite', () => {
  it('has the plan of the file, and its requests with their parts, the latest first', async () => {
    const { current } = world;
    await current.start();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await current.ask('/details/a?secret=in-the-query', { 'x-request-id': 'first', traceparent });
    await current.reviews.kill();
    await current.ask('/details/b', { 'x-request-id': 'second' });
    const { status, headers, text } = await current.console('/api/composites/details');
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    const detail = JSON.parse(text) as CompositeDetail;
    expect(detail.plan).toEqual([
      { part: 'order', required: true, needs: [], upstreams: ['orders'] },
      { part: 'more', required: false, needs: ['order'], upstreams: ['reviews'] },
    ]);
    expect(detail.recent).toMatchObject([
      {
        requestId: 'second',
        method: 'GET',
        status: 200,
        complete: false,
        traceId: null,
        parts: [
          { part: 'order', state: 'ok', reason: null, detail: null },
          {
            part: 'more',
            state: 'fallback',
            reason: 'connect',
            detail: expect.stringContaining('reviews') as string,
          },
        ],
      },
      { requestId: 'first', complete: true, traceId: '0af7651916cd43dd8448eb211c80319c' },
    ]);
    expect(detail.notable.map(({ requestId }) => requestId)).toEqual(['second']);
    expect(text).not.toContain('secret');
    expect(text).not.toContain(current.reviews.url);
  });

  it('may be one of code, by its verb and route', async () => {
    const { current } = world;
    await current.start();
    await current.ask('/written/a');
    const { text } = await current.console(`/api/composites/${encodeURIComponent('GET /written/{id}')}`);
    expect(JSON.parse(text)).toMatchObject({
      name: 'GET /written/{id}',
      plan: [
        { part: 'order', required: true, needs: [], upstreams: ['orders'] },
        { part: 'again', required: false, needs: ['order'], upstreams: ['orders'] },
      ],
      recent: [{ status: 200, complete: true }],
      notable: [],
    });
  });

  it('is nothing under another name, and what was meant is said', async () => {
    const { current } = world;
    await current.start();
    const { status, text } = await current.console('/api/composites/detials');
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({
      detail: 'There is no composite of that name, or it has not run yet. Did you mean details?',
    });
  });

  it('keeps as many requests as the file says', async () => {
    const { current } = world;
    await current.start({}, { console: { keptRequests: 2 } });
    for (const id of ['a', 'b', 'c']) await current.ask('/details/x', { 'x-request-id': id });
    const { recent } = JSON.parse((await current.console('/api/composites/details')).text) as CompositeDetail;
    expect(recent.map(({ requestId }) => requestId)).toEqual(['c', 'b']);
  });
});

describe('what operators do', () => {
  it('forces a breaker open, closes it and resets it: at once, with a line in the log, and told to all', async () => {
    const { current } = world;
    await current.start({ adminToken: TOKEN });
    const reader = await current.open();
    expect((await current.put('/upstreams/reviews/breaker', { action: 'force-open' })).status).toBe(204);
    expect((await current.ask('/details/a')).headers['composite-parts']).toContain(
      'more;state=fallback;reason=open',
    );
    expect((await current.put('/upstreams/reviews/breaker', { action: 'close' })).status).toBe(204);
    expect((await current.ask('/details/a')).headers['composite-complete']).toBe('?1');
    expect((await current.put('/upstreams/reviews/breaker', { action: 'reset' })).status).toBe(204);
    expect(upstream(await current.state(), 'reviews').breaker.failureRatePercent).toBe(0);
    expect(current.audit.filter((line) => line.includes('breaker'))).toEqual([
      "force-open of the breaker of 'reviews' by 127.0.0.1: closed -> force-open",
      "close of the breaker of 'reviews' by 127.0.0.1: force-open -> closed",
      "reset of the breaker of 'reviews' by 127.0.0.1: closed -> closed",
    ]);
    await next(reader, () => transitionsOf(reader).filter(({ kind }) => kind === 'operator').length >= 3);
    expect(
      transitionsOf(reader)
        .filter(({ kind }) => kind === 'operator')
        .map(({ text }) => text),
    ).toEqual([
      'breaker of reviews forced open by an operator',
      'breaker of reviews closed by an operator',
      'breaker of reviews stays closed, and begins to count anew',
    ]);
  });

  it('pauses the probes of an upstream, until they are resumed', async () => {
    const { current } = world;
    await current.start({ adminToken: TOKEN });
    expect((await current.put('/upstreams/reviews/probe', { paused: true })).status).toBe(204);
    expect(upstream(await current.state(), 'reviews').probePaused).toBe(true);
    expect((await current.put('/upstreams/reviews/probe', { paused: false })).status).toBe(204);
    expect(upstream(await current.state(), 'reviews').probePaused).toBe(false);
    expect(current.audit.filter((line) => line.includes('probe'))).toEqual([
      "probe of 'reviews' by 127.0.0.1: running -> paused",
      "probe of 'reviews' by 127.0.0.1: paused -> running",
    ]);
    const { status, text } = await current.put('/upstreams/orders/probe', { paused: true });
    expect([status, (JSON.parse(text) as { detail: string }).detail]).toEqual([
      409,
      "Nobody probes 'orders': its health is null in the configuration.",
    ]);
  });

  it('takes the token, and changes nothing without it', async () => {
    const { current } = world;
    await current.start({ adminToken: TOKEN });
    for (const token of [null, 'not-the-token-00']) {
      expect((await current.put('/upstreams/reviews/breaker', { action: 'force-open' }, token)).status).toBe(
        401,
      );
      expect((await current.put('/upstreams/reviews/probe', { paused: true }, token)).status).toBe(401);
    }
    expect(upstream(await current.state(), 'reviews')).toMatchObject({
      breaker: { state: 'closed' },
      probePaused: false,
    });
  });

  it('is nobody’s right where no token is set', async () => {
    const { current } = world;
    await current.start();
    expect((await current.put('/upstreams/reviews/breaker', { action: 'reset' })).status).toBe(403);
    expect((await current.state()).gateway.actions).toBe(false);
  });

  it('is refused where it is no action, with what would do', async () => {
    const { current } = world;
    await current.start({ adminToken: TOKEN });
    for (const body of [{ action: 'explode' }, { action: 'close', really: true }, []]) {
      const { status, text } = await current.put('/upstreams/reviews/breaker', body);
      expect(status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({
        detail: 'The body must be {"action": "force-open"}, or "close", or "reset".',
      });
    }
  });

  it('is about an upstream there is', async () => {
    const { current } = world;
    await current.start({ adminToken: TOKEN });
    const { status, text } = await current.put('/upstreams/review/breaker', { action: 'close' });
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({
      detail: 'There is no upstream of that name. Did you mean reviews?',
    });
  });
});

describe('the console', () => {
  it('does not hold up the end of the gateway, and its streams end with it', async () => {
    const { current } = world;
    await current.start();
    const reader = await current.open();
    await next(reader, ({ event }) => event === 'state');
    await current.gateway.stop();
    await reader.toTheEnd();
    expect(reader.isBroken).toBe(false);
  });

  it('is not there where it is switched off', async () => {
    const { current } = world;
    await current.start({}, { console: { enabled: false } });
    for (const path of ['', '/', '/api/events', '/api/composites/details']) {
      expect((await current.console(path)).status).toBe(404);
    }
  });

  it('answers HEAD for its events with a head, and nothing that runs on', async () => {
    const { current } = world;
    await current.start();
    const { port } = current.gateway.management.getHttpServer().address() as AddressInfo;
    const head = await EventReader.open(port, '/console/api/events', { method: 'HEAD' });
    await head.toTheEnd();
    expect(head.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'content-security-policy': expect.stringContaining("default-src 'none'") as string,
    });
  });
});
