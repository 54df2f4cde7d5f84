import { type ServerResponse } from 'node:http';
import { lastValueFrom, type Observable } from 'rxjs';
import {
  clientGone,
  type RecordingServer,
  recordingServer,
  signal,
} from '../http/testing/recording-server.js';
import { ConfigurationReport } from './config/configuration-report.js';
import { CodeSource } from './config/configuration-source.js';
import { parseGatewayConfig } from './config/gateway-config.js';
import { settingsForNextStart } from './config/next-start.js';
import {
  configOf,
  failureOf,
  Fixture,
  Opened,
  outcomeOf,
  statuses,
  until,
  valueOf,
  type WrittenUpstream,
} from './testing/spec-support.js';
import { type Upstream } from './upstream.js';
import { type UpstreamResponse } from './upstream-call.js';
import { type UpstreamError } from './upstream-error.js';
import { type UpstreamRegistry } from './upstream-registry.js';

const opened = new Opened();

afterEach(() => opened.close());

async function serving(...answers: readonly number[]): Promise<RecordingServer> {
  return opened.add(await recordingServer(statuses(...answers)));
}

/** Answers when it is told to. */
async function holding(): Promise<{ readonly server: RecordingServer; readonly held: ServerResponse[] }> {
  const held: ServerResponse[] = [];
  const server = opened.add(await recordingServer((_request, response) => void held.push(response)));
  return { server, held };
}

function given(written: WrittenUpstream): Fixture {
  return opened.add(new Fixture(written));
}

function become(
  { registry }: { readonly registry: UpstreamRegistry },
  orders: WrittenUpstream,
): readonly object[] {
  return registry.replace(configOf({ orders }));
}

function get(upstream: Upstream, url = '/'): Observable<UpstreamResponse> {
  return upstream.send({ method: 'GET', url });
}

/** Asks, and waits until the socket is free again. */
async function asked(upstream: Upstream): Promise<UpstreamResponse> {
  return valueOf(get(upstream)).finally(free);
}

/** As asked(), for a call that fails. */
async function refused(upstream: Upstream): Promise<UpstreamError> {
  return failureOf(get(upstream)).finally(free);
}

function free(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

/** All that an upstream is made of. */
function madeOf({ breaker, bulkhead, budget, endpoints, http }: Upstream): object {
  return { breaker, bulkhead, budget, endpoints, http };
}

function sameParts(upstream: Upstream, before: object): readonly string[] {
  const now: Readonly<Record<string, unknown>> = { ...madeOf(upstream) };
  return Object.entries(before).flatMap(([name, part]) => (now[name] === part ? [name] : []));
}

describe('an upstream of a new configuration', () => {
  it('is not touched where nothing of it has changed', async () => {
    const server = await serving(200);
    const fixture = given({ url: server.origin });
    await asked(fixture.orders);
    const before = madeOf(fixture.orders);
    expect(become(fixture, { url: server.origin, deadlineMs: 3_000 })).toEqual([]);
    await asked(fixture.orders);
    expect(sameParts(fixture.orders, before)).toEqual(Object.keys(before));
    expect(server.connections).toBe(1);
    expect(fixture.eventsOf('configured')).toEqual([]);
  });

  it('keeps what it has learned where that still holds', async () => {
    const server = await serving(500, 200, 503, 200);
    const fixture = given({ url: server.origin, retry: { maxAttempts: 1 } });
    await refused(fixture.orders);
    const before = madeOf(fixture.orders);
    const changes = become(fixture, { url: server.origin, retry: { maxAttempts: 2 } });
    expect(changes).toEqual([{ upstream: 'orders', change: 'changed', settings: ['retry'] }]);
    expect(fixture.eventsOf('configured')).toMatchObject(changes);
    await asked(fixture.orders);
    expect(sameParts(fixture.orders, before)).toEqual(Object.keys(before));
    expect(fixture.orders.breaker.snapshot()).toMatchObject({ calls: 2, failures: 1 });
    expect(server.connections).toBe(1);
    // And the new policy holds.
    expect((await valueOf(get(fixture.orders))).status).toBe(200);
    expect(server.seen).toHaveLength(4);
  });

  it('has another breaker, which is closed, where the breaker is another', async () => {
    const server = await serving(500);
    const circuitBreaker = { minimumNumberOfCalls: 1 };
    const fixture = given({ url: server.origin, circuitBreaker });
    await refused(fixture.orders);
    expect(fixture.orders.breaker.snapshot().state).toBe('open');
    const before = madeOf(fixture.orders);
    become(fixture, { url: server.origin, circuitBreaker: { minimumNumberOfCalls: 2 } });
    expect(fixture.orders.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    expect(sameParts(fixture.orders, before)).toEqual(['bulkhead', 'budget', 'endpoints', 'http']);
  });

  it('has a breaker that stays as an operator has switched it, wherever it is, unless the file says another mode', () => {
    const fixture = given({ url: 'http://one' });
    fixture.orders.breaker.setMode('force-open');
    become(fixture, { url: 'http://one', circuitBreaker: { minimumNumberOfCalls: 2 } });
    expect(fixture.orders.breaker.stateName).toBe('force-open');
    become(fixture, { url: 'http://other', circuitBreaker: { minimumNumberOfCalls: 2 } });
    expect(fixture.orders.breaker.stateName).toBe('force-open');
    become(fixture, { url: 'http://other', circuitBreaker: { mode: 'metrics-only' } });
    expect(fixture.orders.breaker.stateName).toBe('metrics-only');
    become(fixture, { url: 'http://other', circuitBreaker: { mode: 'enabled' } });
    expect(fixture.orders.breaker.stateName).toBe('closed');
    expect(fixture.eventsOf('breaker').map(({ to }) => to)).toEqual(['force-open']);
  });

  it('gives a result to the breaker it was let through by, of which nobody hears any more', async () => {
    const { server, held } = await holding();
    const fixture = given({ url: server.origin, circuitBreaker: { minimumNumberOfCalls: 1 } });
    const { breaker } = fixture.orders;
    const failing = failureOf(get(fixture.orders));
    await until(() => held.length === 1);
    become(fixture, { url: server.origin, circuitBreaker: { minimumNumberOfCalls: 2 } });
    held[0]?.writeHead(500).end();
    await failing;
    expect(breaker.snapshot().state).toBe('open');
    expect(fixture.orders.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    expect(fixture.eventsOf('breaker')).toEqual([]);
  });

  it('begins anew at another address, whatever was learned at the old one', async () => {
    const [broken, sound] = [await serving(500), await serving(200)];
    const fixture = given({ url: broken.origin, circuitBreaker: { minimumNumberOfCalls: 1 } });
    await refused(fixture.orders);
    const before = madeOf(fixture.orders);
    become(fixture, { url: sound.origin, circuitBreaker: { minimumNumberOfCalls: 1 } });
    expect((await valueOf(get(fixture.orders))).status).toBe(200);
    expect(sameParts(fixture.orders, before)).toEqual(['http']);
  });

  it('goes on with its breaker where an endpoint is added', async () => {
    const [one, other] = [await serving(200), await serving(200)];
    const fixture = given({ urls: [one.origin] });
    await asked(fixture.orders);
    become(fixture, { urls: [one.origin, other.origin] });
    for (let turn = 0; turn < 2; turn++) await asked(fixture.orders);
    expect(fixture.orders.breaker.snapshot().calls).toBe(3);
    expect([one.seen.length, other.seen.length]).toEqual([2, 1]);
  });

  it('makes a call that is under way as it began: its address, its attempts, its deadline', async () => {
    const { server: old, held } = await holding();
    const now = await serving(200);
    const fixture = given({ url: old.origin, retry: { maxAttempts: 2 } });
    const answer = outcomeOf(get(fixture.orders));
    await until(() => held.length === 1);
    become(fixture, { url: now.origin, retry: { maxAttempts: 1 } });
    held[0]?.writeHead(503).end();
    await until(() => held.length === 2);
    held[1]?.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    expect(await answer).toMatchObject({ value: { status: 200 } });
    expect(now.seen).toEqual([]);
  });

  it('cancels a call that is under way on the wire it began on', async () => {
    const gone = signal();
    const { resolve: arrived, promise } = signal();
    const server = opened.add(
      await recordingServer((_request, response) => {
        void clientGone(response).then(gone.resolve);
        arrived();
      }),
    );
    const fixture = given({ url: server.origin });
    const subscription = get(fixture.orders).subscribe();
    await promise;
    become(fixture, { url: (await serving(200)).origin });
    subscription.unsubscribe();
    await gone.promise;
  });

  it('closes the sockets it has no use for, once they are idle', async () => {
    const { server, held } = await holding();
    const fixture = given({ url: server.origin });
    const answer = lastValueFrom(get(fixture.orders));
    await until(() => held.length === 1);
    const socket = held[0]?.socket;
    become(fixture, { url: (await serving(200)).origin });
    await asked(fixture.orders);
    expect(socket?.destroyed).toBe(false);
    held[0]?.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    await answer;
    await until(() => socket?.destroyed ?? false);
  });

  it('limits answers as the new configuration says', async () => {
    const server = await serving(200);
    const fixture = given({ url: server.origin });
    await asked(fixture.orders);
    become(fixture, { url: server.origin, response: { maxWireBytes: 5 } });
    expect((await refused(fixture.orders)).reason).toBe('too-large');
    become(fixture, { url: server.origin });
    expect((await asked(fixture.orders)).status).toBe(200);
  });

  it('opens other sockets only where they are to live otherwise', async () => {
    const server = await serving(200);
    const fixture = given({ url: server.origin });
    await asked(fixture.orders);
    become(fixture, { url: server.origin, response: { maxWireBytes: '1MiB' }, hedge: { mode: 'fixed' } });
    await asked(fixture.orders);
    expect(server.connections).toBe(1);
    become(fixture, { url: server.origin, connections: { keepAliveMs: 1_000 } });
    await asked(fixture.orders);
    expect(server.connections).toBe(2);
  });
});

describe('the bulkhead of a new configuration', () => {
  it('counts the calls that were let in before', async () => {
    const { server, held } = await holding();
    const fixture = given({ url: server.origin, bulkhead: { maxConcurrentCalls: 2, maxQueue: 0 } });
    const answers = [outcomeOf(get(fixture.orders)), outcomeOf(get(fixture.orders))];
    await until(() => held.length === 2);
    become(fixture, { url: server.origin, bulkhead: { maxConcurrentCalls: 3, maxQueue: 1 } });
    answers.push(outcomeOf(get(fixture.orders)), outcomeOf(get(fixture.orders)));
    expect(fixture.orders.bulkhead.snapshot()).toMatchObject({ inUse: 3, queued: 1, limit: 3 });
    expect((await refused(fixture.orders)).reason).toBe('full');
    become(fixture, { url: server.origin, bulkhead: { maxConcurrentCalls: 4, maxQueue: 0 } });
    await until(() => held.length === 4);
    for (const response of held) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    expect(await Promise.all(answers)).toHaveLength(4);
    expect(fixture.orders.bulkhead.snapshot()).toMatchObject({ inUse: 0, queued: 0, limit: 4 });
  });

  it('stays as an operator has sized it, unless the file says another size than it did', async () => {
    const server = await serving(200);
    const fixture = given({ url: server.origin, bulkhead: { maxConcurrentCalls: 8 } });
    fixture.orders.bulkhead.resize(2);
    become(fixture, { url: server.origin, bulkhead: { maxConcurrentCalls: 8 }, retry: { maxAttempts: 1 } });
    expect(fixture.orders.bulkhead.limit).toBe(2);
    become(fixture, { url: server.origin, bulkhead: { maxConcurrentCalls: 9 } });
    expect(fixture.orders.bulkhead.limit).toBe(9);
  });

  it('is another where its limit adapts otherwise, and takes no permit of the old one', async () => {
    const { server, held } = await holding();
    const fixture = given({ url: server.origin, adaptiveLimit: { enabled: true, initialLimit: 7 } });
    const { bulkhead } = fixture.orders;
    const answer = outcomeOf(get(fixture.orders));
    await until(() => held.length === 1);
    become(fixture, { url: server.origin });
    expect(fixture.orders.bulkhead.snapshot()).toMatchObject({ inUse: 0, limit: 64 });
    held[0]?.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    await answer;
    expect([bulkhead.inUse, fixture.orders.bulkhead.inUse]).toEqual([0, 0]);
    expect(fixture.orders.bulkhead.limit).toBe(64);
  });
});

describe('an upstream pinned to its configuration', () => {
  it('stays as it was', async () => {
    const [old, now] = [await serving(200), await serving(200)];
    const fixture = given({ url: old.origin });
    const pinned = fixture.orders.pinned();
    become(fixture, { url: now.origin });
    await valueOf(get(pinned));
    await asked(fixture.orders);
    expect([old.seen.length, now.seen.length]).toEqual([1, 1]);
    expect(pinned.policy).not.toBe(fixture.orders.policy);
  });
});

describe('an upstream that is gone', () => {
  it('still answers whoever comes late, on a socket for this one request', async () => {
    const server = await serving(200);
    const fixture = given({ url: server.origin });
    const { orders, registry } = fixture;
    await asked(orders);
    expect(registry.replace(configOf({ others: { url: 'http://others' } }))).toEqual([
      { upstream: 'others', change: 'added' },
      { upstream: 'orders', change: 'removed' },
    ]);
    expect(registry.find('orders')).toBeUndefined();
    expect(registry.all().map(({ name }) => name)).toEqual(['others']);
    await asked(orders);
    expect(server.connections).toBe(2);
    expect(server.seen.map(({ headers }) => headers['connection'])).toEqual(['keep-alive', 'close']);
  });

  it('cannot be one that code holds', () => {
    const fixture = given({ url: 'http://orders' });
    fixture.registry.get('orders');
    const problems = (): readonly string[] => {
      const report = new ConfigurationReport(new CodeSource('', {}));
      fixture.registry.checkHolders(configOf({ others: { url: 'http://others' } }), report);
      return report.problems.map(({ path, message }) => `${path} ${message}`);
    };
    expect(problems()).toEqual([]);
    fixture.registry.get('orders', 'OrdersModule');
    fixture.registry.get('orders', 'CartModule');
    expect(problems()).toEqual([
      'upstreams.orders is gone; expected it to stay: OrdersModule, CartModule holds on to it until the end',
    ]);
  });
});

describe('a setting that only a start reads', () => {
  it('is named where it has changed, and stays as it was', () => {
    const parse = (text: string): ReturnType<typeof parseGatewayConfig> =>
      parseGatewayConfig(`${text}\nupstreams: { orders: { url: http://orders } }`, { env: {} });
    const running = parse('server: { port: 8000 }');
    const next = parse(`
server: { port: 8001, admission: { maxInFlight: 7 }, shutdownDrainMs: 1s, reload: { watch: true } }
cache: { maxBytes: 1MiB }`);
    expect(settingsForNextStart(running, next)).toEqual([
      'server.port',
      'server.admission',
      'cache.maxBytes',
    ]);
    const fixture = given({ url: 'http://orders' });
    const { server, cache } = fixture.registry.config;
    fixture.registry.replace(next);
    expect(fixture.registry.config).toMatchObject({
      cache,
      server: { ...server, shutdownDrainMs: 1_000, reload: { watch: true, intervalMs: 1_000 } },
    });
  });
});
