import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import {
  type RecordingServer,
  clientGone,
  rawServer,
  recordingServer,
  type Serve,
  signal,
} from '../http/testing/recording-server.js';
import { RequestContext } from './request-context.js';
import {
  failureOf,
  Fixture,
  Opened,
  outcomeOf,
  refusingOrigin,
  statuses,
  until,
  valueOf,
  type WrittenUpstream,
} from './testing/spec-support.js';
import { type UpstreamRegistryOptions } from './upstream-registry.js';
import { type UpstreamRequest } from './upstream-call.js';

const opened = new Opened();
afterEach(() => opened.close());

const DEADLINE = 'x-envoy-expected-rq-timeout-ms';
const GET: UpstreamRequest = { method: 'GET', url: '/orders/7' };
const POST: UpstreamRequest = { method: 'POST', url: '/orders', data: { sku: 'a' } };
/** Backoff takes its shortest time: none. */
const noJitter = (): number => 0;

const serve = async (serve: Serve): Promise<RecordingServer> => opened.add(await recordingServer(serve));

function fixture(written: WrittenUpstream, options?: UpstreamRegistryOptions): Fixture {
  return opened.add(new Fixture(written, options));
}

/** An upstream on a server of its own. */
async function upstream(serving: Serve, written: WrittenUpstream = {}, options?: UpstreamRegistryOptions) {
  const server = await serve(serving);
  return { server, ...unpacked(fixture({ url: server.origin, ...written }, options)) };
}

const unpacked = (fixture: Fixture) => ({ fixture, orders: fixture.orders, clock: fixture.clock });

/** Never answers. */
const silence: Serve = () => undefined;

describe('a call to an upstream', () => {
  it('is made when it is subscribed to, each time anew', async () => {
    const { server, orders } = await upstream(statuses(200));
    const call = orders.send(GET);
    expect(server.seen).toEqual([]);
    expect((await valueOf(call)).data).toEqual({ status: 200 });
    await valueOf(call);
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /orders/7',
      'GET /orders/7',
    ]);
  });

  it('appends its URL to the path of the endpoint, and takes endpoints in turn', async () => {
    const [one, two] = [await serve(statuses(200)), await serve(statuses(200))];
    const { orders } = fixture({ urls: [`${one.origin}/a`, `${two.origin}/b/v1/`] });
    for (let call = 0; call < 4; call++) await valueOf(orders.send({ method: 'GET', url: '/orders?page=1' }));
    expect(one.seen.map(({ url }) => url)).toEqual(['/a/orders?page=1', '/a/orders?page=1']);
    expect(two.seen.map(({ url }) => url)).toEqual(['/b/v1/orders?page=1', '/b/v1/orders?page=1']);
  });

  it.each(['orders', '@elsewhere/', ':80/', '.elsewhere/', ''])(
    'cannot leave its host by the URL %j',
    async (url) => {
      const { server, orders } = await upstream(statuses(200));
      expect(await failureOf(orders.send({ method: 'GET', url }))).toMatchObject({ reason: 'invalid' });
      expect(server.seen).toEqual([]);
    },
  );

  it('does not follow redirects: they may lead away from the upstream', async () => {
    const { server, orders } = await upstream(statuses([302, { location: '/elsewhere' }]));
    expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'status', status: 302 });
    expect(server.seen).toHaveLength(1);
  });

  it('tells what became of it, and of each attempt', async () => {
    const { fixture, orders } = await upstream(statuses(503, 200), {}, { random: () => 0.5 });
    await valueOf(orders.send(GET));
    const durationMs = expect.any(Number) as number;
    expect(fixture.events).toEqual([
      {
        type: 'attempt',
        upstream: 'orders',
        number: 1,
        method: 'GET',
        outcome: 'status',
        status: 503,
        durationMs,
      },
      { type: 'retry', upstream: 'orders', number: 2, delayMs: 12.5, free: false },
      {
        type: 'attempt',
        upstream: 'orders',
        number: 2,
        method: 'GET',
        outcome: 'ok',
        status: 200,
        durationMs,
      },
      {
        type: 'call',
        upstream: 'orders',
        method: 'GET',
        outcome: 'ok',
        status: 200,
        attempts: 2,
        durationMs: 12.5,
      },
    ]);
  });

  it('is not harmed by a listener that throws', async () => {
    const { fixture, orders } = await upstream(statuses(503, 200));
    const log = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    fixture.registry.events.subscribe(() => {
      throw new Error('oops');
    });
    expect((await valueOf(orders.send(GET))).status).toBe(200);
    expect(log).toHaveBeenCalledTimes(fixture.events.length);
    log.mockRestore();
  });

  it('leaves no timer behind', async () => {
    const { orders, clock } = await upstream(statuses(503, 200));
    await valueOf(orders.send(GET));
    await failureOf(orders.send({ ...GET, url: 'nowhere' }));
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('retries', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('follow a 503 for %s', async (method) => {
    const { server, orders } = await upstream(statuses(503, 200));
    expect((await valueOf(orders.send({ method, url: '/' }))).status).toBe(200);
    expect(server.seen.map((seen) => seen.method)).toEqual([method, method]);
  });

  it.each(['POST', 'PATCH'])('do not follow a 503 for %s', async (method) => {
    const { server, orders } = await upstream(statuses(503, 200));
    expect(await failureOf(orders.send({ ...POST, method }))).toMatchObject({
      reason: 'status',
      status: 503,
    });
    expect(server.seen).toHaveLength(1);
  });

  it('do not follow a reset for POST, which may have been acted upon', async () => {
    const server = opened.add(await rawServer((socket) => socket.resetAndDestroy()));
    const { orders } = fixture({ url: server.origin });
    expect(await failureOf(orders.send(POST))).toMatchObject({ reason: 'reset' });
    expect(server.connections).toBe(1);
  });

  it('follow a reset for GET', async () => {
    const server = opened.add(await rawServer((socket) => socket.resetAndDestroy()));
    const { orders } = fixture({ url: server.origin });
    expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'reset' });
    expect(server.connections).toBe(2);
  });

  it('follow a refused connection for POST, at the next endpoint: it was never sent', async () => {
    const server = await serve(statuses(201));
    const origin = await refusingOrigin();
    const { orders, eventsOf } = bound(fixture({ urls: [origin, server.origin] }));
    expect((await valueOf(orders.send(POST))).status).toBe(201);
    expect(server.seen).toMatchObject([{ method: 'POST', body: '{"sku":"a"}' }]);
    expect(eventsOf('endpoint-refused')).toEqual([{ type: 'endpoint-refused', upstream: 'orders', origin }]);
    expect(eventsOf('call')).toMatchObject([{ outcome: 'ok', attempts: 2 }]);
  });

  it('are not needed while the endpoint that refused is passed over', async () => {
    const server = await serve(statuses(201));
    const { orders, clock, eventsOf } = bound(fixture({ urls: [await refusingOrigin(), server.origin] }));
    for (let call = 0; call < 3; call++) await valueOf(orders.send(POST));
    expect(eventsOf('call').map(({ attempts }) => attempts)).toEqual([2, 1, 1]);
    clock.advance(1_000);
    await valueOf(orders.send(POST));
    expect(eventsOf('call').at(-1)).toMatchObject({ attempts: 2 });
  });

  it('end with the last attempt, and its error', async () => {
    const { orders, eventsOf } = bound(fixture({ url: await refusingOrigin(), retry: { maxAttempts: 3 } }));
    expect(await failureOf(orders.send(POST))).toMatchObject({ reason: 'connect' });
    expect(eventsOf('call')).toMatchObject([{ outcome: 'connect', attempts: 3 }]);
  });

  it.each(['Idempotency-Key', 'idempotency-key'])(
    'follow a 503 for POST with an %s, sent again',
    async (name) => {
      const { server, orders } = await upstream(statuses(503, 201));
      await valueOf(orders.send({ ...POST, headers: { [name]: 'k-1' } }));
      expect(server.seen.map(({ headers, body }) => [headers['idempotency-key'], body])).toEqual([
        ['k-1', '{"sku":"a"}'],
        ['k-1', '{"sku":"a"}'],
      ]);
    },
  );

  it('follow a 503 for POST with the Idempotency-Key of the client, where that is forwarded', async () => {
    const context = new RequestContext('r-1', Infinity, { 'idempotency-key': 'k-1' });
    const forwarding = await upstream(statuses(503, 201), { forwardHeaders: ['Idempotency-Key'] });
    await context.run(() => valueOf(forwarding.orders.send(POST)), undefined);
    expect(forwarding.server.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['k-1', 'k-1']);

    const silent = await upstream(statuses(503, 201));
    const failure = await context.run(() => failureOf(silent.orders.send(POST)), undefined);
    expect(failure).toMatchObject({ status: 503 });
    expect(silent.server.seen).toHaveLength(1);
  });

  it('wait for a Retry-After that is not above the cap', async () => {
    const answers = statuses([503, { 'retry-after': '1' }], 200);
    const { fixture, orders } = await upstream(answers, {}, { random: noJitter });
    expect((await valueOf(orders.send(GET))).status).toBe(200);
    expect(fixture.eventsOf('retry')).toMatchObject([{ delayMs: 1_000 }]);
  });

  it('are given up for a Retry-After above the cap, and the caller is told', async () => {
    const { server, orders } = await upstream(statuses([503, { 'retry-after': '2' }], 200));
    expect(await failureOf(orders.send(GET))).toMatchObject({ status: 503, retryAfterMs: 2_000 });
    expect(server.seen).toHaveLength(1);
  });

  it('follow a 429, which the breaker does not hold against the upstream', async () => {
    const { server, orders } = await upstream(statuses(429, 200));
    await valueOf(orders.send(GET));
    expect(server.seen).toHaveLength(2);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
  });

  it.each([
    [false, 1],
    [true, 2],
  ])('with retryOn500 %s, a 500 is asked %i times', async (retryOn500, times) => {
    const { server, orders } = await upstream(statuses(500), { retry: { retryOn500 } });
    expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'status', status: 500 });
    expect(server.seen).toHaveLength(times);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: times, failures: times });
  });

  it.each([400, 401, 404, 409, 422])(
    'do not follow a %i, and the breaker counts it as a success',
    async (status) => {
      const { server, orders } = await upstream(statuses(status));
      expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'status', status });
      expect(server.seen).toHaveLength(1);
      expect(orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
    },
  );

  it('follow a 503 that the request itself would accept', async () => {
    const { server, orders } = await upstream(statuses(503));
    const failure = await failureOf(orders.send({ ...GET, validateStatus: () => true }));
    expect(failure).toMatchObject({ reason: 'status', status: 503 });
    expect(server.seen).toHaveLength(2);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 2, failures: 2 });
  });

  it('are not made with a streamed body, which can be read once', async () => {
    const { server, orders } = await upstream(statuses(503, 200));
    const put = { method: 'PUT', url: '/', headers: { 'content-type': 'text/plain' } };
    expect(await failureOf(orders.send({ ...put, data: Readable.from(['a', 'b']) }))).toMatchObject({
      status: 503,
    });
    expect(server.seen).toMatchObject([{ body: 'ab' }]);

    const gone = bound(fixture({ url: await refusingOrigin() }));
    expect(await failureOf(gone.orders.send({ ...put, data: Readable.from(['a']) }))).toMatchObject({
      reason: 'connect',
    });
    expect(gone.eventsOf('call')).toMatchObject([{ attempts: 1 }]);
  });

  it('end the streamed answer they follow, which nobody will read', async () => {
    const abandoned = signal();
    let times = 0;
    const { orders } = await upstream((_request, response) => {
      if (++times === 1) void clientGone(response).then(abandoned.resolve);
      response.writeHead(times === 1 ? 503 : 200).write('x');
      if (times > 1) response.end();
    });
    const { data } = await valueOf(orders.send({ ...GET, responseType: 'stream' }));
    await abandoned.promise;
    await (data as Readable).toArray();
  });
});

describe('the breaker', () => {
  const breaker = {
    minimumNumberOfCalls: 4,
    openMs: 5_000,
    openJitterPercent: 0,
    permittedCallsInHalfOpen: 2,
  };
  const policy: WrittenUpstream = { circuitBreaker: breaker, retry: { maxAttempts: 1 } };

  /** Four answers of 503, and from then on what `later` says. */
  async function opening(later: number | 'none') {
    const set = await upstream(statuses(503, 503, 503, 503, later), policy);
    for (let call = 0; call < 4; call++) await failureOf(set.orders.send(GET));
    return set;
  }

  it('stays closed below the least number of calls', async () => {
    const { orders } = await upstream(statuses(503), policy);
    for (let call = 0; call < 3; call++) await failureOf(orders.send(GET));
    expect(orders.breaker.stateName).toBe('closed');
  });

  it('opens with it, and lets nothing through to the server', async () => {
    const { server, orders, clock, fixture } = await opening(200);
    expect(orders.breaker.stateName).toBe('open');
    expect(fixture.eventsOf('breaker')).toEqual([
      {
        type: 'breaker',
        upstream: 'orders',
        from: 'closed',
        to: 'open',
        reason: 'failure-rate',
        failureRatePercent: 100,
        slowCallRatePercent: 0,
      },
    ]);
    clock.advance(1_000);
    expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'open', retryAfterMs: 4_000 });
    expect(server.seen).toHaveLength(4);
    expect(fixture.eventsOf('call').at(-1)).toMatchObject({ outcome: 'open', attempts: 0 });
  });

  it('heals: probes after its open time, then closed', async () => {
    const { server, orders, clock } = await opening(200);
    clock.advance(5_000);
    await valueOf(orders.send(GET));
    expect(orders.breaker.stateName).toBe('half-open');
    await valueOf(orders.send(GET));
    expect(orders.breaker.stateName).toBe('closed');
    expect(server.seen).toHaveLength(6);
  });

  it('opens again, for twice as long, when its probes fail', async () => {
    const { orders, clock } = await opening(503);
    clock.advance(5_000);
    await failureOf(orders.send(GET));
    expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'open', retryAfterMs: 10_000 });
  });

  it.each([
    ['503 with Retry-After', 503, {}, 30_000],
    ['503 with Retry-After, where the policy does not listen', 503, { retryAfterExtendsOpen: false }, 5_000],
    ['429 with Retry-After, which is no failure', 429, {}, 5_000],
  ])('stays open for as long as is asked by %s', async (_what, status, written, openMs) => {
    const asking = [status, { 'retry-after': '30' }] as const;
    const { orders } = await upstream(statuses(asking, 503), {
      ...policy,
      circuitBreaker: { ...breaker, ...written },
    });
    for (let call = 0; call < 5; call++) await failureOf(orders.send(GET));
    expect(orders.breaker).toMatchObject({ stateName: 'open', retryAfterMs: openMs });
  });

  it('tells what else it sees: refusals, late results, and in metrics-only that it would have opened', async () => {
    const { orders, clock, fixture } = await opening(200);
    await failureOf(orders.send(GET));
    clock.advance(5_000);
    const late = outcomeOf(orders.send(GET));
    orders.breaker.setMode('metrics-only');
    await late;
    for (let call = 0; call < 4; call++) orders.breaker.settle(orders.breaker.tryAcquire()!, 'failure');
    expect(fixture.eventsOf('breaker-notice')).toEqual([
      { type: 'breaker-notice', upstream: 'orders', notice: 'not-permitted' },
      { type: 'breaker-notice', upstream: 'orders', notice: 'late', outcome: 'success', durationMs: 0 },
      {
        type: 'breaker-notice',
        upstream: 'orders',
        notice: 'would-open',
        reason: 'failure-rate',
        failureRatePercent: 100,
        slowCallRatePercent: 0,
      },
    ]);
  });

  it('lets no more probes through at once than permitted', async () => {
    const { server, orders, clock } = await opening('none');
    server.seen.length = 0;
    clock.advance(5_000);
    const probes = [1, 2, 3].map(() => outcomeOf(orders.send({ ...GET, method: 'POST' })));
    expect(await probes[2]).toMatchObject({ error: { reason: 'open' } });
    await until(() => server.seen.length === 2);
    clock.advance(1_000);
    await Promise.all(probes);
    expect(server.seen).toHaveLength(2);
  });

  it('is not opened by what clients ask wrongly', async () => {
    const { server, orders } = await upstream(statuses(404), policy);
    for (let call = 0; call < 20; call++) await failureOf(orders.send(GET));
    expect(server.seen).toHaveLength(20);
    expect(orders.breaker.stateName).toBe('closed');
  });

  it('ends a call whose retry finds it open, with the reason', async () => {
    const { server, orders } = await upstream(statuses(503), {
      circuitBreaker: { ...breaker, minimumNumberOfCalls: 1 },
    });
    expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'open' });
    expect(server.seen).toHaveLength(1);
  });
});

describe('the bulkhead', () => {
  it('refuses at once what finds neither a permit nor a place in the queue, and the breaker hears nothing', async () => {
    const { server, orders, clock } = await upstream(silence, {
      bulkhead: { maxConcurrentCalls: 1, maxQueue: 1 },
    });
    const running = orders.send(GET).subscribe();
    const waiting = outcomeOf(orders.send(GET));
    expect(await failureOf(orders.send(GET))).toMatchObject({
      reason: 'full',
      verdict: { breaker: 'neutral' },
    });
    clock.advance(100);
    expect(await waiting).toMatchObject({ error: { reason: 'full' } });
    await until(() => server.seen.length === 1);
    running.unsubscribe();
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 0 });
    expect([orders.bulkhead.inUse, orders.bulkhead.queued]).toEqual([0, 0]);
  });

  it('hands a permit on to whoever waits', async () => {
    const { server, orders } = await upstream(statuses(200), {
      bulkhead: { maxConcurrentCalls: 1, maxQueue: 9 },
    });
    await Promise.all(Array.from({ length: 10 }, () => valueOf(orders.send(GET))));
    expect(server.seen).toHaveLength(10);
    expect(server.connections).toBe(1);
  });
});

describe('time', () => {
  const once: WrittenUpstream = { retry: { maxAttempts: 1 } };

  it.each<[string, Serve]>([
    ['hangs', silence],
    [
      'drips',
      (_request, response) => {
        response.writeHead(200).flushHeaders();
      },
    ],
  ])('ends an attempt whose answer %s, on the wire as well', async (_how, answer) => {
    const gone = signal();
    const { server, orders, clock } = await upstream((request, response, seen) => {
      void clientGone(response).then(gone.resolve);
      return answer(request, response, seen);
    }, once);
    const call = outcomeOf(orders.send(GET));
    await until(() => server.seen.length === 1);
    clock.advance(999);
    expect(orders.bulkhead.inUse).toBe(1);
    clock.advance(1);
    expect(await call).toMatchObject({ error: { reason: 'timeout' } });
    await gone.promise;
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 1 });
  });

  it('ends an attempt whose body drips, byte after byte', async () => {
    const dripped = signal();
    const { orders, clock } = await upstream((_request, response) => {
      response.writeHead(200);
      let bytes = 0;
      const drip = (): void => {
        if (response.destroyed) return;
        response.write('x');
        if (++bytes === 5) dripped.resolve();
        setImmediate(drip);
      };
      drip();
    }, once);
    const call = outcomeOf(orders.send(GET));
    await dripped.promise;
    clock.advance(1_000);
    expect(await call).toMatchObject({ error: { reason: 'timeout' } });
  });

  it('ends a call at its deadline, retries or not, and blames nobody', async () => {
    const { server, orders, clock, fixture } = await upstream(silence, {
      deadlineMs: 300,
      attemptTimeoutMs: 200,
    });
    const call = outcomeOf(orders.send(GET));
    await until(() => server.seen.length === 1);
    clock.advance(200);
    await until(() => server.seen.length === 2);
    clock.advance(100);
    expect(await call).toMatchObject({ error: { reason: 'deadline' } });
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 1 });
    expect(clock.pendingTimers).toBe(0);
    expect(fixture.events).toMatchObject([
      { type: 'breaker-notice', notice: 'slow' },
      { type: 'attempt', number: 1, outcome: 'timeout' },
      { type: 'retry', number: 2 },
      { type: 'attempt', number: 2, outcome: 'cancelled' },
      { type: 'call', outcome: 'deadline', attempts: 2 },
    ]);
  });

  it('gives the permit back before a caller hears that the deadline has passed', async () => {
    const { server, orders, clock } = await upstream(silence);
    const inUse = new Promise((resolve) => {
      orders.send(GET).subscribe({
        error: () => {
          resolve(orders.bulkhead.inUse);
        },
      });
    });
    await until(() => server.seen.length === 1);
    clock.block(5_000);
    clock.advance(0);
    expect(await inUse).toBe(0);
  });

  it('sends nothing once the deadline of the request has passed', async () => {
    const { server, orders, clock } = await upstream(statuses(200));
    clock.advance(100);
    const failure = new RequestContext('r-1', 100, {}).run(() => failureOf(orders.send(GET)), undefined);
    expect(await failure).toMatchObject({ reason: 'deadline' });
    expect(server.seen).toEqual([]);
  });
});

describe('the deadline header', () => {
  const sent = (server: RecordingServer, name = DEADLINE): unknown[] =>
    server.seen.map(({ headers }) => headers[name]);

  it('says the time left for the attempt in whole ms, and shrinks from one to the next', async () => {
    const { server, orders, clock } = await upstream(
      (_request, response) => {
        clock.advance(400.5);
        response.writeHead(503).end();
      },
      { deadlineMs: 1_500, retry: { maxAttempts: 3 } },
      { random: noJitter },
    );
    await failureOf(orders.send(GET));
    expect(sent(server)).toEqual(['1000', '1000', '699']);
  });

  it.each([
    ['the request', 250.7, undefined, '250'],
    ['the call', 800, 120, '120'],
    ['neither, which leave more than the policy', 60_000, 5_000, '1000'],
    ['almost nothing', 0.2, undefined, '1'],
  ])('says what is left of %s', async (_what, deadlineAt, deadlineMs, header) => {
    const { server, orders } = await upstream(statuses(200));
    const context = new RequestContext('r-1', deadlineAt, {});
    await context.run(() => valueOf(orders.send({ ...GET, deadlineMs })), undefined);
    expect(sent(server)).toEqual([header]);
  });

  it('may have another name', async () => {
    const { server, orders } = await upstream(statuses(200), { deadlineHeader: 'X-Time-Left' });
    await valueOf(orders.send(GET));
    expect([sent(server, 'x-time-left'), sent(server)]).toEqual([['1000'], [undefined]]);
  });

  it('may be left out', async () => {
    const { server, orders } = await upstream(statuses(200), {
      deadlineHeader: null,
      attemptCountHeader: null,
    });
    await valueOf(orders.send(GET));
    expect(Object.keys(server.seen[0]?.headers ?? {}).sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ]);
  });
});

describe('the attempt-count header', () => {
  const ATTEMPTS = 'x-envoy-attempt-count';
  const counts = (server: RecordingServer, name = ATTEMPTS) =>
    server.seen.map(({ headers }) => headers[name]);

  it('counts the attempts of a call, from 1', async () => {
    const { server, orders } = await upstream(
      statuses(503, 503, 200),
      { retry: { maxAttempts: 3 } },
      { random: noJitter },
    );
    await valueOf(orders.send(GET));
    await valueOf(orders.send(GET));
    expect(counts(server)).toEqual(['1', '2', '3', '1']);
  });

  it('may have another name', async () => {
    const { server, orders } = await upstream(statuses(200), { attemptCountHeader: 'X-Try' });
    await valueOf(orders.send(GET));
    expect([counts(server, 'x-try'), counts(server)]).toEqual([['1'], [undefined]]);
  });

  it('says of what the caller repeats that it is a repetition, and is sent once', async () => {
    const { server, orders } = await upstream(statuses(503), { retry: { maxAttempts: 3 } });
    const context = new RequestContext('r-1', Infinity, {}, undefined, { retriedAbove: true });
    await context.run(() => failureOf(orders.send(GET)), undefined);
    expect(counts(server)).toEqual(['2']);
  });

  it('says so of what is done within a part of the request, too', async () => {
    const { server, orders } = await upstream(statuses(503), { retry: { maxAttempts: 3 } });
    const context = new RequestContext('r-1', Infinity, {}, undefined, { retriedAbove: true });
    await context.endingBy(10_000).run(() => failureOf(orders.send(GET)), undefined);
    expect(counts(server)).toEqual(['2']);
  });
});

describe('an upstream that hangs', () => {
  const PATIENT: WrittenUpstream = {
    attemptTimeoutMs: 3_000,
    deadlineMs: 3_000,
    retry: { maxAttempts: 1 },
    circuitBreaker: { slowCallDurationMs: 800, minimumNumberOfCalls: 2, maxWaitInHalfOpenMs: 6_000 },
  };

  it.each<[whose: string, deadlineFromClient: boolean, failures: number]>([
    ["a deadline of the gateway's own", false, 2],
    ["the client's own deadline", true, 0],
  ])('%s ends two calls after a second', async (_whose, deadlineFromClient, failures) => {
    const { server, orders, clock } = await upstream(silence, PATIENT);
    const context = new RequestContext('r-1', 1_000, {}, undefined, { deadlineFromClient });
    const calls = context.run(() => [failureOf(orders.send(GET)), failureOf(orders.send(GET))], undefined);
    await until(() => server.seen.length === 2);
    clock.advance(1_000);
    for (const failure of await Promise.all(calls)) expect(failure.reason).toBe('deadline');
    expect(orders.breaker.stateName).toBe(failures > 0 ? 'open' : 'closed');
  });

  it("is blamed where the policy's deadline is shorter than the client's", async () => {
    const { server, orders, clock } = await upstream(silence, { ...PATIENT, deadlineMs: 3_000 });
    const context = new RequestContext('r-1', 5_000, {}, undefined, { deadlineFromClient: true });
    const call = context.run(() => failureOf(orders.send({ ...GET, deadlineMs: 900 })), undefined);
    await until(() => server.seen.length === 1);
    clock.advance(900);
    expect((await call).reason).toBe('deadline');
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 1 });
  });
});

describe('headers', () => {
  const written: WrittenUpstream = {
    headers: { 'X-Api-Key': 'k-1', 'x-tenant': 'acme' },
    forwardHeaders: ['Authorization', 'x-many', 'x-absent'],
  };
  const incoming = {
    authorization: 'Bearer b-1',
    cookie: 'session=s-1',
    'x-many': ['a', 'b'],
    'x-api-key': "the client's",
    'x-request-id': "the client's",
  };

  it('are those of the configuration, the forwarded ones, and the id of the request', async () => {
    const { server, orders } = await upstream(statuses(200), written);
    await new RequestContext('r-1', Infinity, incoming).run(() => valueOf(orders.send(GET)), undefined);
    const { headers = {} } = server.seen[0] ?? {};
    expect(headers).toMatchObject({
      'x-api-key': 'k-1',
      'x-tenant': 'acme',
      authorization: 'Bearer b-1',
      'x-many': 'a, b',
      'x-request-id': 'r-1',
    });
    expect(headers).not.toHaveProperty('cookie');
    expect(headers).not.toHaveProperty('x-absent');
  });

  it('are those of the configuration alone outside a request', async () => {
    const { server, orders } = await upstream(statuses(200), written);
    await valueOf(orders.send(GET));
    const { headers = {} } = server.seen[0] ?? {};
    expect(headers).toMatchObject({ 'x-api-key': 'k-1', 'x-tenant': 'acme' });
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('x-request-id');
  });

  it('of the call itself win, whatever their case', async () => {
    const { server, orders } = await upstream(statuses(200), written);
    await valueOf(
      orders.send({ ...GET, headers: { 'X-API-KEY': 'k-2', Authorization: 'Basic x', 'x-more': 'yes' } }),
    );
    expect(server.seen[0]?.headers).toMatchObject({
      'x-api-key': 'k-2',
      'x-tenant': 'acme',
      authorization: 'Basic x',
      'x-more': 'yes',
    });
  });
});

describe('a caller who leaves', () => {
  it('ends the call on the wire, at once, and nobody is blamed', async () => {
    const gone = signal();
    const { server, orders, clock, fixture } = await upstream((_request, response) => {
      void clientGone(response).then(gone.resolve);
    });
    const call = orders.send(GET).subscribe();
    await until(() => server.seen.length === 1);
    call.unsubscribe();
    expect(orders.bulkhead.inUse).toBe(0);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 0 });
    expect(clock.pendingTimers).toBe(0);
    expect(fixture.events).toMatchObject([
      { type: 'attempt', outcome: 'cancelled' },
      { type: 'call', outcome: 'cancelled', attempts: 1 },
    ]);
    await gone.promise;
  });

  it('between two attempts prevents the second', async () => {
    const { server, orders, clock, fixture } = await upstream(statuses(503));
    const call = orders.send(GET).subscribe({ error: () => undefined });
    await until(() => fixture.eventsOf('retry').length === 1);
    call.unsubscribe();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(10_000);
    await valueOf(orders.http.request({ url: server.origin, validateStatus: null }));
    expect(server.seen).toHaveLength(2);
  });

  it('while it waits in the queue gives its place up', async () => {
    const { orders } = await upstream(silence, { bulkhead: { maxConcurrentCalls: 1 } });
    const first = orders.send(GET).subscribe();
    const second = orders.send(GET).subscribe();
    expect(orders.bulkhead.queued).toBe(1);
    second.unsubscribe();
    expect(orders.bulkhead.queued).toBe(0);
    first.unsubscribe();
  });

  it("ends all the calls made for it, on the wire, and nobody else's", async () => {
    const gone: (string | undefined)[] = [];
    const allGone = signal();
    const { server, orders, fixture } = await upstream((_request, response, { url }) => {
      void clientGone(response).then(() => {
        gone.push(url);
        if (gone.length === 3) allGone.resolve();
      });
    });
    const leaving = new RequestContext('r-1', Infinity, {});
    const staying = new RequestContext('r-2', Infinity, {});
    const calls = ['/1', '/2', '/3'].map((url) =>
      leaving.endingBy(60_000).run(() => outcomeOf(orders.send({ ...GET, url })), undefined),
    );
    const other = staying.run(() => orders.send({ ...GET, url: '/other' }).subscribe(), undefined);
    await until(() => server.seen.length === 4);
    leaving.clientLeft();
    for (const call of await Promise.all(calls))
      expect(call).toMatchObject({ error: { reason: 'cancelled' } });
    await allGone.promise;
    expect(gone.sort()).toEqual(['/1', '/2', '/3']);
    expect(orders.bulkhead.inUse).toBe(1);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 0 });
    const cancelled = ['attempt cancelled', 'call cancelled'];
    expect(fixture.events.map((event) => `${event.type} ${'outcome' in event ? event.outcome : ''}`)).toEqual(
      [...cancelled, ...cancelled, ...cancelled],
    );
    other.unsubscribe();
  });

  it('after the call finds nothing left to end', async () => {
    const { orders } = await upstream(statuses(200, 404));
    const context = new RequestContext('r-1', Infinity, {});
    const listening = new Set<() => void>();
    jest.spyOn(context, 'onClientLeave').mockImplementation((listener) => listening.add(listener));
    jest.spyOn(context, 'offClientLeave').mockImplementation((listener) => listening.delete(listener));
    await context.run(() => valueOf(orders.send(GET)), undefined);
    await context.run(() => failureOf(orders.send(GET)), undefined);
    const unsubscribed = context.run(() => orders.send(GET).subscribe(), undefined);
    expect(listening.size).toBe(1);
    unsubscribed.unsubscribe();
    expect(listening.size).toBe(0);
  });

  it('before the call prevents it', async () => {
    const { server, orders } = await upstream(statuses(200));
    const context = new RequestContext('r-1', Infinity, {});
    context.clientLeft();
    const failure = await context.run(() => failureOf(orders.send(GET)), undefined);
    expect(failure).toMatchObject({ reason: 'cancelled', verdict: { breaker: 'neutral', retry: 'never' } });
    expect(server.seen).toEqual([]);
  });
});

describe('an answer', () => {
  const response = { maxWireBytes: 1_000, maxBodyBytes: 2_000 };
  const body = JSON.stringify({ text: 'x'.repeat(1_500) });
  const packed =
    (text: string): Serve =>
    (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text));
    };

  it('may be packed, and is counted as sent', async () => {
    const { orders } = await upstream(packed(body), { response });
    expect((await valueOf(orders.send({ ...GET, responseType: 'json' }))).data).toEqual({
      text: 'x'.repeat(1_500),
    });
  });

  it.each<[string, Serve]>([
    ['on the wire', (_request, response) => void response.end(body)],
    ['once unpacked', packed('x'.repeat(2_001))],
  ])('that is too large %s is cut off, not retried, and nobody is blamed', async (_where, answer) => {
    const { server, orders } = await upstream(answer, { response });
    expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'too-large' });
    expect(server.seen).toHaveLength(1);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 0 });
  });
});

/** The fixture, with its question for events at hand. */
function bound(fixture: Fixture) {
  return { ...unpacked(fixture), eventsOf: fixture.eventsOf.bind(fixture) };
}
