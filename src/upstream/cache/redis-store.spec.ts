import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { createClient } from '@keyv/redis';
import { type RecordingServer, recordingServer } from '../../http/testing/recording-server.js';
import { systemClock } from '../../resilience/clock.js';
import { parseGatewayConfig } from '../config/gateway-config.js';
import { RequestContext } from '../request-context.js';
import { Opened, until, valueOf } from '../testing/spec-support.js';
import { type UpstreamResponse } from '../upstream-call.js';
import { type UpstreamEvent } from '../upstream-events.js';
import { UpstreamRegistry } from '../upstream-registry.js';

const REDIS = 'redis-server';
const isThere = spawnSync(REDIS, ['--version']).status === 0;
const isDemanded = process.env['CI'] === 'true';

if (!isThere && !isDemanded) {
  process.stderr.write(`${REDIS} is not installed: what replicas share is not tested here (CI demands it)\n`);
}

const opened = new Opened();
beforeAll(() => {
  Logger.overrideLogger(false);
});
afterEach(() => opened.close());

/** A Redis of our own: on a free port, in memory only. */
class RedisProcess {
  private child: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  static async start(): Promise<RedisProcess> {
    const redis = new RedisProcess(await freePort());
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const child = spawn(
      REDIS,
      ['--port', String(this.port), '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    this.child = child;
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    while (!said.includes('Ready to accept connections')) {
      if (child.exitCode !== null) throw new Error(`${REDIS} did not start:\n${said}`);
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    }
  }

  async close(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

/** One replica of a gateway. */
class Replica {
  readonly results: string[] = [];
  private readonly registry: UpstreamRegistry;

  constructor(server: RecordingServer, redisUrl: string, cache: object = {}) {
    const config = parseGatewayConfig(
      JSON.stringify({
        cache: { redisUrl, redisTimeoutMs: '200ms', ...cache },
        upstreams: {
          orders: {
            url: server.origin,
            cache: { enabled: true },
            forwardHeaders: ['authorization'],
            retry: { maxAttempts: 1 },
          },
        },
      }),
      { env: {} },
    );
    this.registry = new UpstreamRegistry(config, { clock: systemClock });
    this.registry.events.subscribe((event: UpstreamEvent) => {
      if (event.type === 'cache') this.results.push(event.result);
    });
  }

  ask(url = '/', { method = 'GET', user = '' } = {}): Promise<UpstreamResponse> {
    const context = new RequestContext('r', Infinity, user === '' ? {} : { authorization: user });
    const orders = this.registry.get('orders');
    return context.run(() => valueOf(orders.send({ method, url, responseType: 'json' })), undefined);
  }

  /** Asks until the cache answers as expected: Redis connects, and takes what it is given, when it has time. */
  async askUntil(result: string, url = '/'): Promise<UpstreamResponse> {
    for (;;) {
      const answer = await this.ask(url);
      if (this.results.at(-1) === result) return answer;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close(): Promise<void> {
    return this.registry.onApplicationShutdown();
  }
}

async function counting(): Promise<RecordingServer> {
  let count = 0;
  return opened.add(
    await recordingServer((_request, response, { headers }) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'cache-control': 'public, max-age=60',
        vary: 'authorization',
      });
      response.end(JSON.stringify({ count: ++count, for: headers['authorization'] ?? 'nobody' }));
    }),
  );
}

const withRedis = isThere || isDemanded ? describe : describe.skip;

withRedis('answers kept in Redis', () => {
  it('are shared by replicas', async () => {
    const redis = opened.add(await RedisProcess.start());
    const server = await counting();
    const [one, other] = [
      opened.add(new Replica(server, redis.url)),
      opened.add(new Replica(server, redis.url)),
    ];
    const { data } = await one.askUntil('hit');
    const seen = server.seen.length;

    expect((await other.askUntil('hit')).data).toEqual(data);
    expect(server.seen.length - seen).toBeLessThanOrEqual(other.results.length - 1);
    expect((await other.ask()).headers['age']).toBe('0');
  });

  it('are invalidated for all replicas', async () => {
    const redis = opened.add(await RedisProcess.start());
    const server = await counting();
    const [one, other] = [
      opened.add(new Replica(server, redis.url)),
      opened.add(new Replica(server, redis.url)),
    ];
    const { data: before } = await one.askUntil('hit');
    await other.askUntil('hit');

    await one.ask('/', { method: 'POST' });
    let data: unknown = before;
    while (JSON.stringify(data) === JSON.stringify(before)) data = (await other.ask()).data;
    expect((data as { count: number }).count).toBeGreaterThan((before as { count: number }).count);
  });

  it('stand under a namespace, expire, and show no credential and no URL', async () => {
    const redis = opened.add(await RedisProcess.start());
    const server = await counting();
    const replica = opened.add(new Replica(server, redis.url, { redisNamespace: 'shop' }));
    const client = createClient({ url: redis.url });
    await client.connect();
    opened.add({ close: () => client.close() });

    const secret = 'Bearer top-secret';
    let keys: string[] = [];
    while (keys.length === 0) {
      expect((await replica.ask('/secret-path', { user: secret })).data).toMatchObject({ for: secret });
      keys = await client.keys('*');
    }

    for (const key of keys) {
      expect(key).toMatch(/^shop::a1:/);
      expect(key).not.toContain('secret');
      expect(await client.pTTL(key)).toBeGreaterThan(0);
      // The body is the upstream's own, and says for whom it is here.
      expect((await client.get(key))?.replace(`\\"for\\":\\"${secret}\\"`, '')).not.toContain('top-secret');
    }
    expect((await replica.ask('/secret-path', { user: 'Bearer other' })).data).toMatchObject({
      for: 'Bearer other',
    });
  });

  it('are missed without a failure while Redis is away, and there again when it is back', async () => {
    const redis = opened.add(await RedisProcess.start());
    const server = await counting();
    const replica = opened.add(new Replica(server, redis.url));
    await replica.askUntil('hit');

    await redis.close();
    for (let n = 0; n < 20; n++) expect((await replica.ask()).status).toBe(200);
    expect(replica.results.at(-1)).toBe('miss');

    await redis.start();
    expect((await replica.askUntil('hit')).status).toBe(200);
  }, 20_000);
});

describe('a Redis that is not there', () => {
  it('costs no call, and does not keep the process from ending', async () => {
    const server = await counting();
    const replica = new Replica(server, `redis://127.0.0.1:${await freePort()}`);
    for (let n = 0; n < 10; n++) expect((await replica.ask()).status).toBe(200);
    expect(replica.results).toEqual(Array.from({ length: 10 }, () => 'miss'));
    await replica.close();
  });

  it('or that never answers is waited for once, and for no longer than it may be', async () => {
    const sockets: Socket[] = [];
    let spoken = 0;
    const silent: Server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      // It greets, as far as a client asks for it, and then says nothing more.
      socket.on('data', (data) => {
        spoken++;
        if (!data.toString().includes('MGET'))
          for (const _ of data.toString().matchAll(/\*\d+\r\n/g)) socket.write('+OK\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const server = await counting();
    const { port } = silent.address() as AddressInfo;
    const replica = new Replica(server, `redis://127.0.0.1:${port}`);
    await until(() => spoken > 0);

    for (let n = 0; n < 20; n++) expect((await replica.ask()).status).toBe(200);
    expect(new Set(replica.results)).toEqual(new Set(['miss']));
    await replica.close();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
