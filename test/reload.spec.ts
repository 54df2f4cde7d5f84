import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpService } from '@nestjs/axios';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Agent } from 'undici';
import { aggregate } from '../src/aggregation/aggregate.js';
import { required } from '../src/aggregation/part.js';
import { eventually } from '../src/aggregation/testing/eventually.js';
import { loadGateway } from '../src/composite/config/gateway.js';
import { createApi } from '../src/gateway.js';
import { ShutdownState } from '../src/health/shutdown-state.js';
import { GatewayReload } from '../src/reload.js';
import { UpstreamClient } from '../src/upstream/upstream-client.js';
import { UpstreamModule } from '../src/upstream/upstream.module.js';
import { UpstreamRegistry } from '../src/upstream/upstream-registry.js';

/** A service of somebody else's, that knows who is connected to it. */
class Service {
  readonly sockets = new Set<Socket>();
  readonly urls: string[] = [];
  /** `Connection` of the request, by its URL. */
  readonly connectionOf = new Map<string, string | undefined>();
  /** Requests under `/slow` wait in here. */
  readonly held: ServerResponse[] = [];
  readonly server = createServer(({ url = '', headers }, response) => {
    this.urls.push(url);
    this.connectionOf.set(url, headers.connection);
    response.setHeader('content-type', 'application/json');
    if (url.startsWith('/slow')) this.held.push(response);
    else response.end(JSON.stringify({ by: this.name, url }));
  });

  private constructor(readonly name: string) {
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  static async start(name: string): Promise<Service> {
    const service = new Service(name);
    await new Promise<void>((listening) => service.server.listen(0, '127.0.0.1', listening));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  release(): void {
    for (const response of this.held.splice(0)) response.end(JSON.stringify({ by: this.name, url: '/slow' }));
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

class Log {
  readonly lines: string[] = [];
  log(message: unknown, context?: string): void {
    if (context === 'Reload') this.lines.push(`log ${String(message)}`);
  }
  warn(message: unknown, context?: string): void {
    if (context === 'Reload') this.lines.push(`warn ${String(message)}`);
  }
  error(message: unknown): void {
    this.lines.push(`error ${String(message)}`);
  }
  fatal(message: unknown): void {
    this.lines.push(`fatal ${String(message)}`);
  }
}

@Injectable()
class OrdersClient extends UpstreamClient {
  latest(path: string): Observable<unknown> {
    return this.get(path);
  }
}

@Controller('code')
class CodeController {
  constructor(
    private readonly orders: OrdersClient,
    private readonly http: HttpService,
  ) {
    http.axiosRef.interceptors.request.use((config) => {
      config.headers.set('x-through', 'interceptor');
      return config;
    });
  }

  @Get('client')
  client(): unknown {
    return aggregate({ order: required(this.orders.latest('/latest')) });
  }

  @Get('slow')
  slow(): unknown {
    return aggregate({ order: required(this.orders.latest('/slow')) });
  }

  @Get('http')
  plain(): unknown {
    return this.http.get<object>('/plain').pipe(map(({ data }) => data));
  }
}

@Module({
  imports: [UpstreamModule.register({ name: 'orders', client: OrdersClient })],
  controllers: [CodeController],
})
class CodeModule {}

let directory: string;
let file: string;
let one: Service;
let two: Service;
let api: NestFastifyApplication;
let reloading: GatewayReload;
let log: Log;
let agent: Agent;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-reload-'));
  file = join(directory, 'gateway.yaml');
  [one, two] = await Promise.all([Service.start('one'), Service.start('two')]);
  log = new Log();
  agent = new Agent({ connections: 32 });
});

afterEach(async () => {
  one.release();
  two.release();
  await agent.destroy();
  await api.close();
  await Promise.all([one.stop(), two.stop()]);
  rmSync(directory, { recursive: true });
});

/** Clients, gateway and services share a process: where that stalls, it is no overload. */
const UNSHED = '{ maxInFlight: null, maxLoopDelayMs: null }';

/** Below these, two indented by one step each. */
function written({
  upstreams = '',
  composites = '',
  server = '',
}: {
  readonly upstreams?: string;
  readonly composites?: string;
  readonly server?: string;
}): string {
  return `
server: { host: 127.0.0.1, port: 0, managementPort: 0, admission: ${UNSHED}${server} }
defaults: { retry: { maxAttempts: 1 } }
upstreams:
${upstreams}
composites:
${composites || '  nothing: { get: /nothing, parts: { it: { upstream: orders, get: /nothing } } }'}
`;
}

const ORDERS = (url: string, more = ''): string => `  orders: { url: '${url}', health: null${more} }`;
const COMPOSITE = (name: string, route: string, parts: string): string =>
  `  ${name}: { get: '${route}', deadline: 60s, parts: { ${parts} } }`;

async function start(text: string, features: readonly (typeof CodeModule)[] = []): Promise<void> {
  writeFileSync(file, text);
  const definition = loadGateway({ file });
  api = await createApi(definition, { features, logger: log });
  reloading = new GatewayReload(api, definition);
  await api.listen(0, '127.0.0.1');
}

function reload(text: string): Promise<boolean> {
  writeFileSync(file, text);
  return reloading.reload();
}

async function ask(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const url = await api.getUrl();
  const { statusCode, body } = await agent.request({ origin: url, path, method: 'GET' });
  return { status: statusCode, body: await body.json() };
}

describe('a reload', () => {
  it('fails no request, and each answer is whole from one file or the other', async () => {
    const files = [one, two].map((service, at) =>
      written({
        upstreams: ORDERS(
          service.url,
          `, deadlineMs: 60s, connectTimeoutMs: 20s, attemptTimeoutMs: ${30_000 + at}`,
        ),
        composites: COMPOSITE(
          'order',
          '/order',
          `a: { upstream: orders, get: /a-${at} }, b: { upstream: orders, get: '/b-${at}{?a}', values: { a: a.by } }`,
        ),
      }),
    );
    await start(files[0] ?? '');
    const answer = ({ name }: Service, at: number): object => ({
      status: 200,
      body: { a: { by: name, url: `/a-${at}` }, b: { by: name, url: `/b-${at}?a=${name}` } },
    });
    const whole = [answer(one, 0), answer(two, 1)];
    let asked = 0;
    let underLoad = true;
    const seen = new Set<string>();
    const client = async (): Promise<void> => {
      while (underLoad) {
        const answered = await ask('/order');
        expect(whole).toContainEqual(answered);
        seen.add(JSON.stringify(answered));
        asked++;
      }
    };
    const clients = Promise.all(Array.from({ length: 16 }, client));
    for (let turn = 1; turn <= 20; turn++) {
      const before = asked;
      expect(await reload(files[turn % 2] ?? '')).toBe(true);
      await Promise.race([clients, eventually(() => asked >= before + 8)]);
    }
    underLoad = false;
    await clients;
    expect(seen.size).toBe(2);
    expect(reloading.state.report()).toMatchObject({ generation: 21 });
    // All calls went to `one` last.
    await eventually(() => two.sockets.size === 0);
  }, 60_000);

  it('lets a request that has begun go on by the old plan, over upstreams that are gone', async () => {
    const parts = `a: { upstream: orders, get: /slow }, b: { upstream: gone, get: '/b{?a}', values: { a: a.by } }`;
    await start(
      written({
        upstreams: `${ORDERS(one.url)}\n  gone: { url: '${one.url}', health: null }`,
        composites: COMPOSITE('order', '/order', parts),
      }),
    );
    const before = ask('/order');
    await eventually(() => one.held.length === 1);
    const composites = COMPOSITE('order', '/order', `other: { upstream: orders, get: /other }`);
    expect(await reload(written({ upstreams: ORDERS(two.url), composites }))).toBe(true);
    expect(await ask('/order')).toEqual({ status: 200, body: { other: { by: 'two', url: '/other' } } });
    one.release();
    expect(await before).toEqual({
      status: 200,
      body: { a: { by: 'one', url: '/slow' }, b: { by: 'one', url: '/b?a=one' } },
    });
    // The late call had a socket for itself.
    expect(one.connectionOf.get('/b?a=one')).toBe('close');
    await eventually(() => one.sockets.size === 0);
    expect(log.lines).toEqual([
      'log reloaded: 1 composite changed (order); upstream orders: urls; upstream gone removed',
    ]);
  });

  it('adds, moves and removes routes', async () => {
    const parts = `it: { upstream: orders, get: /it }`;
    const upstreams = ORDERS(one.url);
    await start(
      written({
        upstreams,
        composites: [COMPOSITE('a', '/a', parts), COMPOSITE('b', '/b', parts)].join('\n'),
      }),
    );
    const ofThese = async (...paths: string[]): Promise<number[]> =>
      (await Promise.all(paths.map((path) => ask(path)))).map(({ status }) => status);
    expect(await ofThese('/a', '/b', '/c', '/moved')).toEqual([200, 200, 404, 404]);
    await reload(
      written({
        upstreams,
        composites: [COMPOSITE('b', '/moved', parts), COMPOSITE('c', '/c', parts)].join('\n'),
      }),
    );
    expect(await ofThese('/a', '/b', '/c', '/moved')).toEqual([404, 404, 200, 200]);
    expect(log.lines).toEqual(['log reloaded: 1 composite changed (b), 1 added (c), 1 removed (a)']);
  });

  it('comes after the one before it, and reads the file that is there by then', async () => {
    const named = (name: string): string =>
      written({
        upstreams: ORDERS(one.url),
        composites: COMPOSITE(name, `/${name}`, 'it: { upstream: orders, get: /it }'),
      });
    await start(named('a'));
    const reloads = ['b', 'c', 'd'].map((name) => reload(named(name)));
    expect(await Promise.all(reloads)).toEqual([true, true, true]);
    expect(await ask('/d')).toMatchObject({ status: 200 });
    expect(log.lines).toEqual(['log reloaded: 1 composite added (d), 1 removed (a)']);
  });

  it('comes too late for a gateway that is on its way out', async () => {
    await start(written({ upstreams: ORDERS(one.url) }));
    api.get(ShutdownState).begin();
    expect(await reload(written({ upstreams: ORDERS(two.url) }))).toBe(false);
    expect(api.get(UpstreamRegistry).get('orders').config.endpoints).toEqual([one.url]);
  });

  it('says when nothing has changed', async () => {
    const text = written({ upstreams: ORDERS(one.url) });
    await start(text);
    expect(await reload(text)).toBe(true);
    expect(log.lines).toEqual(['log reloaded: nothing has changed']);
    expect(reloading.state.report()).toMatchObject({ generation: 1 });
  });
});

describe('code that holds an upstream', () => {
  it('calls it as the new file says, from the next call on', async () => {
    await start(written({ upstreams: ORDERS(one.url) }), [CodeModule]);
    const begunBefore = ask('/code/slow');
    await eventually(() => one.held.length === 1);
    await reload(written({ upstreams: ORDERS(one.url, ', attemptTimeoutMs: 50') }));
    const { status, body } = await ask('/code/slow');
    expect([status, body]).toEqual([504, expect.objectContaining({ part: 'order', reason: 'timeout' })]);
    one.release();
    expect(await begunBefore).toMatchObject({ status: 200 });
  });

  it('finds it at its new address, and with the interceptors it has given its HttpService', async () => {
    await start(written({ upstreams: ORDERS(one.url) }), [CodeModule]);
    expect(await ask('/code/client')).toMatchObject({ body: { order: { by: 'one' } } });
    const through: unknown[] = [];
    await reload(written({ upstreams: ORDERS(two.url) }));
    two.server.prependListener('request', ({ headers }) => through.push(headers['x-through']));
    expect(await ask('/code/client')).toMatchObject({ body: { order: { by: 'two' } } });
    expect(await ask('/code/http')).toMatchObject({ body: { by: 'two', url: '/plain' } });
    expect(through).toEqual(['interceptor', 'interceptor']);
    await eventually(() => one.sockets.size === 0);
  });

  it('keeps a file out that has not got it, and is named', async () => {
    const others = `  others: { url: '${one.url}', health: null }`;
    await start(written({ upstreams: ORDERS(one.url) }), [CodeModule]);
    const composites = COMPOSITE('x', '/x', 'it: { upstream: others, get: /it }');
    expect(await reload(written({ upstreams: others, composites }))).toBe(false);
    expect(log.lines).toEqual([
      `error ${file}:4:1  upstreams.orders: is gone; expected it to stay: UpstreamModule.register({ name: 'orders' }) ` +
        'holds on to it until the end\nthe running configuration stays',
    ]);
    expect(await ask('/code/client')).toMatchObject({ status: 200 });
    expect(await ask('/x')).toMatchObject({ status: 404 });
  });
});

describe('a file that cannot be used', () => {
  const good = (): string =>
    written({
      upstreams: ORDERS(one.url),
      composites: COMPOSITE('a', '/a', 'it: { upstream: orders, get: /it }'),
    });

  it.each([
    ['no YAML', 'server: {', /gateway\.yaml:1:10/],
    ['a mistake', 'upstreams: { orders: { url: http://a, retri: {} } }', /did you mean retry\?/],
    [
      'a composite over nothing',
      'upstreams: { a: { url: http://a } }\ncomposites: { x: { get: /x, parts: { y: { upstream: b, get: /y } } } }',
      /composites\.x\.parts\.y\.upstream/,
    ],
  ])('changes nothing, and says why: %s', async (_what, text, why) => {
    await start(good());
    const before = api.get(UpstreamRegistry).get('orders').breaker;
    expect(await reload(text)).toBe(false);
    expect(await ask('/a')).toEqual({ status: 200, body: { it: { by: 'one', url: '/it' } } });
    expect(api.get(UpstreamRegistry).get('orders').breaker).toBe(before);
    expect(log.lines).toEqual([expect.stringMatching(why)]);
    expect(log.lines[0]).toContain('the running configuration stays');
    expect(reloading.state.report()).toMatchObject({
      generation: 1,
      lastError: { problems: [expect.stringContaining(file) as string] },
    });
  });

  it('shows none of its values in health', async () => {
    await start(good());
    await reload("upstreams: { orders: { url: 'ftp://user:secret@a' } }");
    expect(JSON.stringify(reloading.state.report())).not.toContain('secret');
    expect(reloading.state.report()).toMatchObject({
      lastError: { problems: [`${file}:1:29 upstreams.orders.url`] },
    });
  });

  it('is forgotten once it is mended', async () => {
    await start(good());
    await reload('upstreams: 1');
    expect(await reload(good())).toBe(true);
    expect(reloading.state.report()).not.toHaveProperty('lastError');
  });

  it('may have a route that a controller serves', async () => {
    await start(good(), [CodeModule]);
    const composites = COMPOSITE('code', '/code/{id}', `it: { upstream: orders, get: '/{id}' }`);
    expect(await reload(written({ upstreams: ORDERS(one.url), composites }))).toBe(true);
    const hidden = COMPOSITE('code', '/code/client', 'it: { upstream: orders, get: /it }');
    expect(await reload(written({ upstreams: ORDERS(one.url), composites: hidden }))).toBe(false);
    expect(log.lines.at(-1)).toContain(
      `${file}:7:16  composites.code.get: found '/code/client'; expected another route: GET /code/client of a ` +
        'controller answers those requests already',
    );
  });

  it('may be gone', async () => {
    await start(good());
    rmSync(file);
    expect(await reloading.reload()).toBe(false);
    expect(log.lines).toEqual([expect.stringContaining('there is no such file')]);
    expect(await ask('/a')).toMatchObject({ status: 200 });
  });
});

describe('settings that a start reads', () => {
  it('wait for the next one, and are named', async () => {
    await start(written({ upstreams: ORDERS(one.url) }));
    const { port } = new URL(await api.getUrl());
    await reload(
      written({ upstreams: ORDERS(one.url), server: ', deadlineHeader: x-left, shutdownGraceMs: 1s' }) +
        'cache: { maxBytes: 1MiB }',
    );
    expect(log.lines).toEqual([
      'log reloaded: server.shutdownGraceMs',
      'warn server.deadlineHeader, cache.maxBytes: takes effect at the next start',
    ]);
    expect(new URL(await api.getUrl()).port).toBe(port);
    expect(reloading.definition.config.server).toMatchObject({ shutdownGraceMs: 1_000 });
  });

  it('are those of the start for a cache that is needed later', async () => {
    await start(
      written({
        upstreams: ORDERS(one.url),
        composites: COMPOSITE('a', '/a', 'it: { upstream: orders, get: /it }'),
      }),
    );
    one.server.prependListener('request', (_request, response: ServerResponse) =>
      response.setHeader('cache-control', 'max-age=60'),
    );
    await reload(
      written({
        upstreams: ORDERS(one.url, ', cache: { enabled: true }'),
        composites: COMPOSITE('a', '/a', 'it: { upstream: orders, get: /it }'),
      }),
    );
    await ask('/a');
    await ask('/a');
    expect(one.urls).toEqual(['/it']);
  });
});
