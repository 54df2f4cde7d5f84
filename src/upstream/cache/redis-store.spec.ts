import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { createClient } from '@keyv/redis';
import { type RecordingServer, recordingServer } from '../../http/testing/recording-server.js';
import { systemClock } from '../../resilience/clock.js';
import { VirtualClock } from '../../resilience/virtual-clock.js';
import { parseGatewayConfig } from '../config/gateway-config.js';
import { RequestContext } from '../request-context.js';
import { FakeRedis } from '../testing/fake-redis.js';
import { Opened, until, valueOf } from '../testing/spec-support.js';
import { type UpstreamResponse } from '../upstream-call.js';
import { type UpstreamEvent } from '../upstream-events.js';
import { UpstreamRegistry } from '../upstream-registry.js';
import { type KeptAnswer } from './kept-answer.js';
import { RedisStore } from './redis-store.js';

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

  it('are not those of another gateway whose upstream of that name is elsewhere', async () => {
    const redis = opened.add(await RedisProcess.start());
    const [staging, production] = [await counting(), await counting()];
    const [one, other] = [
      opened.add(new Replica(staging, redis.url)),
      opened.add(new Replica(production, redis.url)),
    ];
    await one.askUntil('hit');
    await other.askUntil('hit');
    expect(production.seen.length).toBeGreaterThan(0);
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

/** A store over a Redis whose answers the test times. */
class Timed {
  readonly said: string[] = [];
  readonly store: RedisStore;

  private constructor(
    readonly redis: FakeRedis,
    readonly clock: VirtualClock,
  ) {
    const log = { warn: (line: string) => this.said.push(line), log: (line: string) => this.said.push(line) };
    this.store = new RedisStore({
      redisUrl: redis.url,
      redisTimeoutMs: 50,
      redisNamespace: 'n',
      clock: this.clock,
      wall: () => this.clock.now(),
      log,
    });
  }

  static async of(clock = new VirtualClock()): Promise<Timed> {
    const timed = new Timed(opened.add(await FakeRedis.start()), clock);
    opened.add({ close: () => timed.close() });
    await until(() => timed.client.isReady);
    return timed;
  }

  /** How many of so many calls at once wait for Redis. */
  waiting(calls: number): number {
    const found = Array.from({ length: calls }, () => this.store.get({ uri: '/', key: 'k' }));
    return found.filter((one) => one !== undefined).length;
  }

  /** Once everything has been read that Redis has written so far: it answers in order. */
  async settled(): Promise<void> {
    await this.client.ping();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Once so many commands have been written. */
  written(count: number): Promise<void> {
    return until(() => this.redis.commands.length >= count);
  }

  /** A call finds out that Redis does not answer. */
  async timeOut(): Promise<void> {
    this.redis.mode = 'held';
    const before = this.redis.commands.length;
    expect(this.waiting(1)).toBe(1);
    await until(() => this.redis.commands.length > before);
    this.clock.advance(50);
  }

  /** The pause is over, and a call finds out that Redis answers. */
  async comeBack(): Promise<void> {
    this.redis.mode = 'prompt';
    this.clock.advance(1_000);
    expect(await this.store.get({ uri: '/', key: 'k' })).toBeUndefined();
  }

  /** What Redis was told of these URIs, in order. */
  get told(): readonly number[] {
    return this.redis.named('SET').map(([, , entry = '']) => (JSON.parse(entry) as { value: number }).value);
  }

  private get client(): ReturnType<typeof createClient> {
    return (this.store as unknown as { client: ReturnType<typeof createClient> }).client;
  }

  private async close(): Promise<void> {
    this.redis.mode = 'prompt';
    this.redis.answer();
    await this.store.close();
  }
}

/** Node polls its sockets however time stands still. */
class PollingClock extends VirtualClock {
  override afterPoll<A>(task: (argument: A) => void, argument: A): void {
    systemClock.afterPoll(task, argument);
  }
}

const AWAY = 'Redis is away (no answer within 50 ms): calls go on without kept answers';

describe('a Redis that answers too late', () => {
  it('is not back with that, and not spoken of again', async () => {
    const timed = await Timed.of();
    await timed.timeOut();
    timed.redis.answer();
    await timed.settled();

    expect(timed.said).toEqual([AWAY]);
    expect(timed.waiting(20)).toBe(0);
    for (let n = 0; n < 3; n++) {
      timed.clock.advance(1_000);
      await timed.timeOut();
      timed.redis.answer();
      await timed.settled();
    }
    expect(timed.said).toEqual([AWAY]);
  });

  it('is asked by one call at a time after the pause, until it answers in time', async () => {
    const timed = await Timed.of();
    await timed.timeOut();
    timed.clock.advance(999);
    expect(timed.waiting(20)).toBe(0);
    timed.clock.advance(1);
    expect(timed.waiting(20)).toBe(1);
    timed.clock.advance(50);
    expect(timed.waiting(20)).toBe(0);

    timed.clock.advance(1_000);
    expect(timed.waiting(20)).toBe(1);
    await until(() => timed.redis.commands.length === 3);
    timed.redis.answer();
    await timed.settled();
    expect(timed.said).toEqual([AWAY, 'Redis is back']);
    expect(timed.waiting(20)).toBe(20);
  });

  it('is asked again after a call that tried has failed', async () => {
    const timed = await Timed.of();
    await timed.timeOut();
    timed.redis.mode = 'failing';
    timed.clock.advance(1_000);
    timed.redis.answer();
    expect(await timed.store.get({ uri: '/', key: 'k' })).toBeUndefined();
    expect(timed.waiting(20)).toBe(0);
    await timed.comeBack();
    expect(timed.waiting(20)).toBe(20);
  });

  it('is told of the last change of a URL, though it takes the one before only then', async () => {
    const timed = await Timed.of();
    timed.redis.mode = 'held';
    timed.store.invalidate('/', 1);
    await until(() => timed.redis.commands.length === 1);
    timed.clock.advance(50);
    timed.store.invalidate('/', 2);
    timed.redis.answer();
    await timed.settled();
    expect(timed.told).toEqual([1]);

    await timed.comeBack();
    await until(() => timed.told.length > 1);
    expect(timed.told).toEqual([1, 2]);
  });
});

it('is not away where its answer came while the event loop was blocked', async () => {
  const timed = await Timed.of(new PollingClock());
  timed.redis.mode = 'held';
  const found = timed.store.get({ uri: '/', key: 'k' });
  await timed.written(1);
  timed.redis.answer();
  timed.clock.block(80);
  timed.clock.advance(0);
  await found;
  await timed.settled();
  expect(timed.said).toEqual([]);
  expect(timed.waiting(20)).toBe(20);
});

describe('what changed while Redis was away', () => {
  it('is told in full when it is back, beyond what its queue holds', async () => {
    const timed = await Timed.of();
    await timed.timeOut();
    for (let at = 1; at <= 2_500; at++) timed.store.invalidate(`/${at}`, at);
    expect(timed.told).toEqual([]);

    timed.redis.answer();
    await timed.comeBack();
    await timed.written(2_502);
    await timed.settled();
    expect(timed.told).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1));
    expect(timed.said).toEqual([AWAY, 'Redis is back']);
  });

  it('is told again where Redis did not take it', async () => {
    const timed = await Timed.of();
    timed.redis.mode = 'failing';
    timed.store.invalidate('/a', 1);
    timed.store.invalidate('/b', 2);
    await until(() => timed.said.length === 1);
    await timed.settled();
    expect(timed.told).toEqual([1, 2]);

    await timed.comeBack();
    await until(() => timed.told.length >= 4);
    await timed.settled();
    expect(timed.told).toEqual([1, 2, 1, 2]);
  });

  it('before there was any Redis is told to the first one', async () => {
    const redis = opened.add(await FakeRedis.start());
    const log = { warn: () => undefined, log: () => undefined };
    const clock = new VirtualClock();
    const store = opened.add(
      new RedisStore({
        redisUrl: redis.url,
        redisTimeoutMs: 50,
        redisNamespace: 'n',
        clock,
        wall: () => 0,
        log,
      }),
    );
    store.invalidate('/', 1);
    await until(() => redis.named('SET').length === 1);
  });

  it('is bounded, and the loss of more is said, and costs kept answers at worst', async () => {
    const timed = await Timed.of();
    await timed.timeOut();
    for (let at = 1; at <= 10_003; at++) timed.store.invalidate(`/${at}`, at);
    expect(timed.said).toEqual([
      AWAY,
      'Redis was away for more than 10000 changes: it is not told of the oldest ones',
    ]);

    timed.redis.answer();
    await timed.comeBack();
    await timed.written(10_002);
    await timed.settled();
    expect(timed.told).toHaveLength(10_000);
    expect(timed.told[0]).toBe(4);

    const answer = (askedAt: number) => ({ record: { askedAt } }) as KeptAnswer;
    timed.store.set({ uri: '/other', key: 'old' }, answer(3), 1_000);
    timed.store.set({ uri: '/other', key: 'new' }, answer(4), 1_000);
    await timed.written(10_003);
    await timed.settled();
    expect(timed.redis.named('SET').filter(([, key]) => key?.endsWith(':old'))).toEqual([]);
  });
});

/** Below the ports the system gives out by itself: nobody else gets it before Redis has taken it. */
async function freePort(): Promise<number> {
  const port = 12_000 + Math.floor(Math.random() * 20_000);
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return freePort();
  }
  server.close();
  await once(server, 'close');
  return port;
}
