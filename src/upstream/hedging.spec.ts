import { Readable } from 'node:stream';
import {
  clientGone,
  type RecordingServer,
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
  statuses,
  until,
  valueOf,
  type WrittenUpstream,
} from './testing/spec-support.js';
import { type UpstreamRequest } from './upstream-call.js';

const opened = new Opened();
afterEach(() => opened.close());

const DELAY_MS = 40;
const GET: UpstreamRequest = { method: 'GET', url: '/orders/7' };
/** Hedges each call after 40 ms, as long as the retry budget grants it. */
const ALWAYS: WrittenUpstream = {
  hedge: { mode: 'fixed', delayMs: DELAY_MS, budgetPercent: 100 },
  retryBudget: { percent: 100 },
};

const serve = async (serving: Serve): Promise<RecordingServer> => opened.add(await recordingServer(serving));

/** Never answers, and tells when the client has left. */
function silence(): { readonly serve: Serve; readonly left: Promise<void> } {
  const left = signal();
  return { left: left.promise, serve: (_request, response) => void clientGone(response).then(left.resolve) };
}

async function upstreamAt(servings: readonly Serve[], written: WrittenUpstream = ALWAYS) {
  const servers = await Promise.all(servings.map(serve));
  const fixture = opened.add(new Fixture({ urls: servers.map(({ origin }) => origin), ...written }));
  return { servers, fixture, orders: fixture.orders, clock: fixture.clock };
}

const attemptCounts = ({ seen }: RecordingServer) =>
  seen.map(({ headers }) => headers['x-envoy-attempt-count']);

describe('a hedged call', () => {
  it('goes to another endpoint; whichever answers first wins, and the other one hears of it', async () => {
    const slow = silence();
    const { servers, fixture, orders, clock } = await upstreamAt([slow.serve, statuses(200)]);
    const [one, two] = [servers[0]!, servers[1]!];
    const answer = valueOf(orders.send(GET));
    await until(() => one.seen.length === 1);
    clock.advance(DELAY_MS - 1);
    expect(two.seen).toHaveLength(0);
    clock.advance(1);

    expect((await answer).data).toEqual({ status: 200 });
    await slow.left;
    expect([attemptCounts(one), attemptCounts(two)]).toEqual([['1'], ['2']]);
    expect(two.seen[0]).toMatchObject({ method: 'GET', url: '/orders/7' });
    const durationMs = expect.any(Number) as number;
    expect(fixture.events).toEqual([
      { type: 'hedge', upstream: 'orders', number: 2, delayMs: DELAY_MS },
      {
        type: 'attempt',
        upstream: 'orders',
        number: 2,
        method: 'GET',
        outcome: 'ok',
        status: 200,
        durationMs,
      },
      { type: 'attempt', upstream: 'orders', number: 1, method: 'GET', outcome: 'cancelled', durationMs },
      { type: 'hedge-won', upstream: 'orders', number: 2 },
      expect.objectContaining({ type: 'call', outcome: 'ok', attempts: 2, durationMs: DELAY_MS }),
    ]);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
    expect(orders.bulkhead.inUse).toBe(0);
  });

  it('that its first endpoint answers after all drops the hedge', async () => {
    const slow = silence();
    const late = signal();
    const { servers, fixture, orders, clock } = await upstreamAt([
      (_request, response) => void late.promise.then(() => response.end('"late"')),
      slow.serve,
    ]);
    const answer = valueOf(orders.send(GET));
    await until(() => servers[0]!.seen.length === 1);
    clock.advance(DELAY_MS);
    await until(() => servers[1]!.seen.length === 1);
    late.resolve();
    expect((await answer).status).toBe(200);
    await slow.left;
    expect(fixture.eventsOf('hedge-won')).toEqual([]);
    expect(servers.map(({ seen }) => seen.length)).toEqual([1, 1]);
  });

  it('goes to the only endpoint again where there is no other', async () => {
    const slow = silence();
    let requests = 0;
    const { servers, orders, clock } = await upstreamAt([
      (request, response, seen) => {
        if (++requests === 1) return slow.serve(request, response, seen);
        response.end('"second"');
      },
    ]);
    const answer = valueOf(orders.send(GET));
    await until(() => requests === 1);
    clock.advance(DELAY_MS);
    expect((await answer).data).toBe('second');
    await slow.left;
    expect(attemptCounts(servers[0]!)).toEqual(['1', '2']);
  });

  it('goes to an endpoint it has not been to, though the turn is at the first one again', async () => {
    const { servers, orders, clock } = await upstreamAt([silence().serve, statuses(200)]);
    const answer = valueOf(orders.send(GET));
    await until(() => servers[0]!.seen.length === 1);
    // Takes the turn of the second endpoint.
    await valueOf(orders.send({ method: 'POST', url: '/' }));
    clock.advance(DELAY_MS);
    expect((await answer).status).toBe(200);
    expect(servers.map(({ seen }) => seen.map(({ method }) => method))).toEqual([['GET'], ['POST', 'GET']]);
  });

  it('is told what its hedge was told, where that is an answer', async () => {
    const slow = silence();
    const { servers, orders, clock } = await upstreamAt([slow.serve, statuses(404)]);
    const failure = failureOf(orders.send(GET));
    await until(() => servers[0]!.seen.length === 1);
    clock.advance(DELAY_MS);
    expect(await failure).toMatchObject({ reason: 'status', status: 404 });
    await slow.left;
  });

  it('outlives a hedge that fails', async () => {
    const late = signal();
    const { servers, fixture, orders, clock } = await upstreamAt([
      (_request, response) => void late.promise.then(() => response.end('"late"')),
      statuses(503),
    ]);
    const answer = valueOf(orders.send(GET));
    await until(() => servers[0]!.seen.length === 1);
    clock.advance(DELAY_MS);
    await until(() => fixture.eventsOf('attempt').length === 1);
    late.resolve();
    expect((await answer).status).toBe(200);
    expect(servers.map(({ seen }) => seen.length)).toEqual([1, 1]);
  });

  it('that fails at once is retried after its backoff, elsewhere', async () => {
    const { servers, fixture, orders, clock } = await upstreamAt([statuses(503), statuses(200)]);
    const answer = valueOf(orders.send(GET));
    await until(() => fixture.eventsOf('retry').length === 1);
    expect(fixture.eventsOf('retry')).toMatchObject([{ number: 2, free: false }]);
    clock.advance(25);
    expect((await answer).status).toBe(200);
    expect(servers.map(attemptCounts)).toEqual([['1'], ['2']]);
    expect(fixture.eventsOf('hedge')).toEqual([]);
  });

  it('ends on every wire when the client leaves', async () => {
    const [one, two] = [silence(), silence()];
    const { servers, orders, clock } = await upstreamAt([one.serve, two.serve]);
    const call = orders.send(GET).subscribe();
    await until(() => servers[0]!.seen.length === 1);
    clock.advance(DELAY_MS);
    await until(() => servers[1]!.seen.length === 1);
    call.unsubscribe();
    await Promise.all([one.left, two.left]);
    expect(orders.bulkhead.inUse).toBe(0);
    expect(orders.breaker.snapshot().calls).toBe(0);
  });

  it('is sent after a percentile of what such calls have taken, once there are twenty of them', async () => {
    let silent = false;
    const { servers, fixture, orders, clock } = await upstreamAt(
      [
        (_request, response) => {
          if (!silent) response.end('"quick"');
        },
      ],
      { hedge: { mode: 'percentile', budgetPercent: 100 } },
    );
    for (let call = 0; call < 20; call++) await valueOf(orders.send(GET));
    silent = true;
    const slow = orders.send(GET).subscribe();
    await until(() => servers[0]!.seen.length === 21);
    clock.advance(1);
    await until(() => servers[0]!.seen.length === 22);
    // They took no time at all on this clock; a delay is at least 1 ms.
    expect(fixture.eventsOf('hedge')).toEqual([expect.objectContaining({ number: 2, delayMs: 1 })]);
    slow.unsubscribe();
  });
});

describe('a call that is not hedged', () => {
  const streamed = (): UpstreamRequest => ({ ...GET, data: Readable.from(['a body']) });

  it.each<[string, () => UpstreamRequest]>([
    ['a POST', () => ({ method: 'POST', url: '/' })],
    ['a POST with a key', () => ({ method: 'POST', url: '/', headers: { 'idempotency-key': '7' } })],
    ['a PUT', () => ({ method: 'PUT', url: '/' })],
    ['a DELETE', () => ({ method: 'DELETE', url: '/' })],
    ['one with a streamed body', streamed],
    ['one whose answer is streamed', () => ({ ...GET, responseType: 'stream' })],
  ])('is %s', async (_name, request) => {
    const { servers, fixture, orders, clock } = await upstreamAt([silence().serve]);
    const outcome = outcomeOf(orders.send(request()));
    await until(() => servers[0]!.seen.length === 1);
    clock.advance(999);
    expect(fixture.eventsOf('hedge')).toEqual([]);
    clock.advance(10_000);
    expect(await outcome).toMatchObject({
      error: { reason: expect.stringMatching(/timeout|deadline/) as string },
    });
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'QUERY'])('is never a %s', async (method) => {
    const { servers, orders, clock } = await upstreamAt([silence().serve]);
    const call = orders.send({ ...GET, method }).subscribe();
    await until(() => servers[0]!.seen.length === 1);
    clock.advance(DELAY_MS);
    await until(() => servers[0]!.seen.length === 2);
    call.unsubscribe();
  });

  it('is one whose caller repeats it', async () => {
    const { servers, fixture, orders, clock } = await upstreamAt([silence().serve]);
    const request = new RequestContext('r-1', Infinity, {}, undefined, { retriedAbove: true });
    const outcome = request.run(() => outcomeOf(orders.send(GET)), undefined);
    await until(() => servers[0]!.seen.length === 1);
    clock.advance(10_000);
    expect(await outcome).toHaveProperty('error');
    expect(fixture.eventsOf('hedge')).toEqual([]);
  });

  it('is any call of an upstream that does not ask for it', async () => {
    const { servers, fixture, orders, clock } = await upstreamAt([silence().serve], {});
    const call = orders.send(GET).subscribe();
    await until(() => servers[0]!.seen.length === 1);
    // The deadline's and the attempt's.
    expect(clock.pendingTimers).toBe(2);
    clock.advance(999);
    expect(fixture.eventsOf('hedge')).toEqual([]);
    call.unsubscribe();
  });
});
