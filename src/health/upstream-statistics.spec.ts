import { recordingServer, type Serve } from '../http/testing/recording-server.js';
import {
  configOf,
  Fixture,
  Opened,
  outcomeOf,
  refusingOrigin,
  statuses,
  until,
  type WrittenUpstream,
} from '../upstream/testing/spec-support.js';
import { UpstreamStatistics } from './upstream-statistics.js';

const opened = new Opened();
afterEach(() => opened.close());

const ONE_ATTEMPT: WrittenUpstream = { retry: { maxAttempts: 1 } };

const silence: Serve = () => undefined;

const kept: Serve = (_request, response) => {
  response.writeHead(200, { 'cache-control': 'max-age=60', 'content-type': 'application/json' }).end('{}');
};

function watching(written: WrittenUpstream) {
  const fixture = opened.add(new Fixture(written));
  const { orders, registry, clock } = fixture;
  const statistics = new UpstreamStatistics(registry);
  statistics.onApplicationBootstrap();
  const call = () => outcomeOf(orders.send({ method: 'GET', url: '/' }));
  return { fixture, orders, registry, clock, statistics, call };
}

async function watched(serve: Serve, written: WrittenUpstream = ONE_ATTEMPT) {
  const server = opened.add(await recordingServer(serve));
  return { server, ...watching({ url: server.origin, ...written }) };
}

const SILENT = {
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
};

describe('the statistics of an upstream', () => {
  it('are zeros before it is called, and where there is none', async () => {
    const { statistics, orders } = await watched(statuses(200));
    expect(statistics.of(orders)).toEqual(SILENT);
    expect(statistics.of('nobody')).toEqual(SILENT);
    for (const name of ['orders', 'nobody']) {
      const { stepMs, calls, p99Ms } = statistics.seriesOf(name);
      expect([stepMs, calls.length, p99Ms.length]).toEqual([5_000, 60, 60]);
      expect(new Set(calls)).toEqual(new Set([0]));
    }
  });

  it('count calls, and those without a usable answer', async () => {
    const { statistics, call, clock } = await watched(statuses(200, 404, 500, 429));
    clock.advance(1_000);
    for (let made = 0; made < 4; made++) await call();
    const { p50Ms, p99Ms } = statistics.of('orders');
    expect(statistics.of('orders')).toEqual({
      ...SILENT,
      calls: 4,
      errors: 2,
      errorPercent: 50,
      callsPerSecond: 4,
      p50Ms,
      p95Ms: p50Ms,
      p99Ms,
    });
    // Time stood still meanwhile.
    expect(p50Ms).toBeLessThan(1);
  });

  it('count a refused connection as an error', async () => {
    const { statistics, call } = watching({ url: await refusingOrigin(), ...ONE_ATTEMPT });
    await call();
    expect(statistics.of('orders')).toMatchObject({ calls: 1, errors: 1, timeouts: 0 });
  });

  it('count what was not answered in time, and how long that was', async () => {
    const { statistics, call, clock, server } = await watched(silence, {
      ...ONE_ATTEMPT,
      attemptTimeoutMs: 400,
    });
    const ended = call();
    await until(() => server.seen.length === 1);
    clock.advance(400);
    await ended;
    const { p50Ms, ...counts } = statistics.of('orders');
    expect(counts).toMatchObject({ calls: 1, errors: 1, timeouts: 1 });
    expect(Math.abs(p50Ms! - 400)).toBeLessThanOrEqual(20);
  });

  it('count a retry, and the call it saved as a good one', async () => {
    const { statistics, call } = await watched(statuses(503, 200), { retry: { maxAttempts: 2 } });
    await call();
    expect(statistics.of('orders')).toMatchObject({ calls: 1, errors: 0, retries: 1 });
  });

  it('count what the breaker refuses as errors, and not among the durations', async () => {
    const { statistics, call, orders } = await watched(statuses(200));
    orders.breaker.setMode('force-open');
    await call();
    expect(statistics.of('orders')).toMatchObject({
      calls: 1,
      errors: 1,
      errorPercent: 100,
      rejections: 1,
      p50Ms: null,
    });
  });

  it('leave out whom nobody waited for', async () => {
    const { statistics, orders, server } = await watched(silence);
    const subscription = orders.send({ method: 'GET', url: '/' }).subscribe();
    await until(() => server.seen.length === 1);
    subscription.unsubscribe();
    expect(statistics.of('orders')).toEqual(SILENT);
  });

  it('leave out what was answered without sending anything', async () => {
    const { statistics, call, server } = await watched(kept, { ...ONE_ATTEMPT, cache: { enabled: true } });
    for (let made = 0; made < 3; made++) await call();
    expect(server.seen).toHaveLength(1);
    expect(statistics.of('orders').calls).toBe(1);
  });

  it('count hedges, and those that were worth it', async () => {
    const { statistics, registry } = await watched(statuses(200));
    const { events } = registry;
    events.emit({ type: 'hedge', upstream: 'orders', number: 2, delayMs: 40 });
    events.emit({ type: 'hedge', upstream: 'orders', number: 2, delayMs: 40 });
    events.emit({ type: 'hedge-won', upstream: 'orders', number: 2 });
    expect(statistics.of('orders')).toMatchObject({ hedges: 2, hedgesWon: 1 });
  });

  it('do not count the repetition of what met a dead connection', async () => {
    const { statistics, registry } = await watched(statuses(200));
    registry.events.emit({ type: 'retry', upstream: 'orders', number: 1, delayMs: 0, free: true });
    expect(statistics.of('orders').retries).toBe(0);
  });

  it('are those of the last minute; the series goes further back', async () => {
    const { statistics, call, clock } = await watched(statuses(500, 200));
    await call();
    clock.advance(60_000);
    await call();
    expect(statistics.of('orders')).toMatchObject({ calls: 1, errors: 0 });
    const { calls, errors } = statistics.seriesOf('orders');
    expect([calls.at(-13), errors.at(-13), calls.at(-1), errors.at(-1)]).toEqual([1, 1, 1, 0]);
  });

  it('outlive a reload that changes the upstream, and not one that takes it away', async () => {
    const { statistics, call, registry, server } = await watched(statuses(200));
    await call();
    registry.replace(configOf({ orders: { url: `${server.origin}/v2` } }));
    expect(statistics.of('orders').calls).toBe(1);
    registry.replace(configOf({ others: { url: server.origin } }));
    expect(statistics.of('orders')).toEqual(SILENT);
    registry.replace(configOf({ orders: { url: server.origin } }));
    expect(statistics.of('orders')).toEqual(SILENT);
  });

  it('end with the application', async () => {
    const { statistics, call } = await watched(statuses(200));
    statistics.onModuleDestroy();
    await call();
    expect(statistics.of('orders')).toEqual(SILENT);
  });
});
