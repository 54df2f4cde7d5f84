import {
  type RecordingServer,
  recordingServer,
  type Serve,
  signal,
} from '../http/testing/recording-server.js';
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

const GET: UpstreamRequest = { method: 'GET', url: '/' };
/** No backoff, no jitter. */
const CALM: UpstreamRegistryOptions = { random: () => 0 };
/** So that only the endpoints decide: no retries, and a breaker that looks on. */
const ALONE: WrittenUpstream = { retry: { maxAttempts: 1 }, circuitBreaker: { mode: 'disabled' } };

const serve = async (serve: Serve): Promise<RecordingServer> => opened.add(await recordingServer(serve));

/** An upstream with an endpoint for each of `servers`. */
async function among(servers: readonly Serve[], written: WrittenUpstream = ALONE) {
  const endpoints: RecordingServer[] = [];
  for (const one of servers) endpoints.push(await serve(one));
  const urls = endpoints.map(({ origin }) => origin);
  const fixture = opened.add(new Fixture({ urls, ...written }, CALM));
  const { orders, clock } = fixture;
  const seen = (): number[] => endpoints.map(({ seen }) => seen.length);
  /** How many of `calls` each endpoint saw. */
  const traffic = async (calls: number): Promise<number[]> => {
    const before = seen();
    for (let call = 0; call < calls; call++) await outcomeOf(orders.send(GET));
    return seen().map((now, at) => now - (before[at] ?? 0));
  };
  return { fixture, orders, clock, urls, traffic, seen };
}

const well = statuses(200);
const badly = statuses(500);

describe('one bad endpoint of three', () => {
  it('gets no calls for 30 seconds after five failures, and then twice as long', async () => {
    const { clock, traffic, fixture, urls } = await among([well, badly, well]);
    expect(await traffic(15)).toEqual([5, 5, 5]);
    expect(await traffic(12)).toEqual([6, 0, 6]);
    clock.advance(29_999);
    expect(await traffic(4)).toEqual([2, 0, 2]);
    clock.advance(1);
    expect(await traffic(15)).toEqual([5, 5, 5]);
    clock.advance(59_999);
    expect(await traffic(4)).toEqual([2, 0, 2]);
    clock.advance(1);
    expect(await traffic(3)).toEqual([1, 1, 1]);
    const one = { type: 'ejection', upstream: 'orders', origin: urls[1] };
    const ejected = { ...one, change: 'ejected', reason: 'consecutive-failures' };
    expect(fixture.eventsOf('ejection')).toEqual([
      { ...ejected, forMs: 30_000 },
      { ...one, change: 'returned' },
      { ...ejected, forMs: 60_000 },
      { ...one, change: 'returned' },
    ]);
  });

  it('is ejected for not answering in time as well', async () => {
    const { orders, clock, traffic, seen } = await among([well, () => undefined, well]);
    for (let round = 0; round < 5; round++) {
      expect((await valueOf(orders.send(GET))).status).toBe(200);
      const hanging = failureOf(orders.send(GET));
      await until(() => seen()[1] === round + 1);
      clock.advance(1_000);
      expect(await hanging).toMatchObject({ reason: 'timeout' });
      expect((await valueOf(orders.send(GET))).status).toBe(200);
    }
    expect(await traffic(6)).toEqual([3, 0, 3]);
  });

  it('is ejected for running into the deadline of the gateway, where that ends attempts first', async () => {
    const policy = { ...ALONE, deadlineMs: 1_000, attemptTimeoutMs: 1_000 };
    const { orders, clock, seen, traffic } = await among([well, () => undefined], policy);
    for (let round = 0; round < 5; round++) {
      await valueOf(orders.send(GET));
      const hanging = failureOf(orders.send(GET));
      await until(() => seen()[1] === round + 1);
      clock.advance(1_000);
      expect(await hanging).toMatchObject({ reason: 'deadline' });
    }
    expect(await traffic(4)).toEqual([4, 0]);
  });

  it('is spared by callers that wait for a moment only', async () => {
    const policy = { ...ALONE, deadlineMs: 1_000, attemptTimeoutMs: 1_000 };
    const { orders, clock, seen, fixture } = await among([well, () => undefined], policy);
    for (let round = 0; round < 10; round++) {
      await valueOf(orders.send(GET));
      const hanging = failureOf(orders.send({ ...GET, deadlineMs: 500 }));
      await until(() => seen()[1] === round + 1);
      clock.advance(500);
      expect(await hanging).toMatchObject({ reason: 'deadline' });
    }
    expect(fixture.eventsOf('ejection')).toEqual([]);
  });

  it('is spared by calls whose client left, which say nothing about it', async () => {
    const asked = signal();
    const { orders, seen, traffic } = await among([
      well,
      (_request, response) => {
        asked.resolve();
        if (hanging) return;
        response.end();
      },
    ]);
    let hanging = true;
    for (let round = 0; round < 10; round++) {
      await valueOf(orders.send(GET));
      const call = orders.send(GET).subscribe();
      await until(() => seen()[1] === round + 1);
      call.unsubscribe();
    }
    await asked.promise;
    hanging = false;
    expect(await traffic(4)).toEqual([2, 2]);
    expect(orders.endpoints.snapshot(0)).toMatchObject([{}, { state: 'available', consecutiveFailures: 0 }]);
  });

  it.each([404, 429])('is spared where it answers %i', async (status) => {
    const { traffic } = await among([well, statuses(status)]);
    expect(await traffic(30)).toEqual([15, 15]);
  });

  it('is used again in panic, when most of the others are ejected too', async () => {
    const policy = { ...ALONE, outlierDetection: { maxEjectionPercent: 100 } };
    const { traffic, orders } = await among([well, badly, badly, badly], policy);
    await traffic(20);
    expect(orders.endpoints.isPanicking(0)).toBe(true);
    expect(await traffic(8)).toEqual([2, 2, 2, 2]);
  });
});

describe('further attempts of a call', () => {
  it('go to another endpoint, and to each once before any twice', async () => {
    const written: WrittenUpstream = { retry: { maxAttempts: 4 }, circuitBreaker: { mode: 'disabled' } };
    const { traffic } = await among([statuses(503), statuses(503), statuses(503)], written);
    const [seen] = [await traffic(1)];
    expect(seen.reduce((sum, one) => sum + one)).toBe(4);
    expect(Math.min(...seen)).toBe(1);
  });

  it('do not follow the turn of other calls back to the endpoint that failed', async () => {
    const failing: Serve = (request, response) => {
      response.statusCode = request.headers['x-which'] === 'first' ? 503 : 200;
      response.end();
    };
    const { orders, seen, fixture } = await among([failing, well], {});
    let others: Promise<unknown> | undefined;
    fixture.registry.events.subscribe((event) => {
      // While the retry waits, another call takes the turn of the endpoint that has not been tried.
      if (event.type === 'retry') others = outcomeOf(orders.send(GET));
    });
    expect((await valueOf(orders.send({ ...GET, headers: { 'x-which': 'first' } }))).status).toBe(200);
    await others;
    expect(seen()).toEqual([1, 2]);
  });

  it('find the one that works when all others refuse connections', async () => {
    const server = await serve(well);
    const urls = [await refusingOrigin(), await refusingOrigin(), server.origin];
    const { orders } = opened.add(new Fixture({ urls, retry: { maxAttempts: 3 } }, CALM));
    expect((await valueOf(orders.send({ ...GET, method: 'POST' }))).status).toBe(200);
    expect(server.seen).toHaveLength(1);
  });
});

describe('a lone endpoint', () => {
  it('is never ejected nor passed over, whatever it does', async () => {
    const { traffic, fixture } = await among([badly]);
    expect(await traffic(30)).toEqual([30]);
    expect(fixture.eventsOf('ejection')).toEqual([]);
  });
});
