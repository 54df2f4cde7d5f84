import { recordingServer, type RecordingServer, type Serve } from '../http/testing/recording-server.js';
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

const GET: UpstreamRequest = { method: 'GET', url: '/orders/7' };
const ONCE = { maxAttempts: 1 };
/** Never answers. */
const silence: Serve = () => undefined;

const opened = new Opened();
afterEach(() => opened.close());

async function upstream(
  serve: Serve,
  written: WrittenUpstream,
): Promise<Fixture & { readonly server: RecordingServer }> {
  const server = opened.add(await recordingServer(serve));
  return Object.assign(opened.add(new Fixture({ url: server.origin, retry: ONCE, ...written })), { server });
}

describe('the size of the bulkhead of an upstream', () => {
  it('may be changed while calls run and wait', async () => {
    const { orders, server, clock } = await upstream(silence, {
      bulkhead: { maxConcurrentCalls: 1, maxQueue: 3 },
      connections: { perEndpoint: null },
    });
    const calls = Array.from({ length: 4 }, () => outcomeOf(orders.send(GET)));
    await until(() => server.seen.length === 1);
    orders.bulkhead.resize(3);
    await until(() => server.seen.length === 3);
    expect(orders.bulkhead.snapshot()).toEqual({ inUse: 3, queued: 1, limit: 3, ceiling: 3 });
    orders.bulkhead.resize(2);
    expect(orders.bulkhead.snapshot()).toEqual({ inUse: 3, queued: 1, limit: 2, ceiling: 2 });
    clock.advance(3_000);
    await Promise.all(calls);
    expect(server.seen).toHaveLength(3);
    expect(orders.bulkhead.snapshot()).toEqual({ inUse: 0, queued: 0, limit: 2, ceiling: 2 });
  });

  it('is fixed unless the policy has it adapt', async () => {
    const { orders } = await upstream(statuses(503), { circuitBreaker: { mode: 'disabled' } });
    for (let call = 0; call < 5; call++) await failureOf(orders.send(GET));
    expect(orders.bulkhead.limit).toBe(64);
  });
});

describe('an adaptive limit', () => {
  const written: WrittenUpstream = {
    adaptiveLimit: { enabled: true, initialLimit: 10, minLimit: 1 },
    circuitBreaker: { mode: 'disabled' },
  };

  it('begins where the policy says, below the ceiling of the bulkhead', async () => {
    const { orders } = await upstream(statuses(200), written);
    expect(orders.bulkhead.snapshot()).toMatchObject({ limit: 10, ceiling: 64 });
  });

  it('falls with every answer that says the upstream is full, and with no other failure', async () => {
    const { orders } = await upstream(statuses(503, 429, 500, 404, 200), written);
    const limits: number[] = [];
    for (let call = 0; call < 5; call++) {
      await outcomeOf(orders.send(GET));
      limits.push(orders.bulkhead.limit);
    }
    expect(limits).toEqual([9, 8, 8, 8, 8]);
  });

  it('falls with an attempt that times out, and not with one whose caller leaves', async () => {
    const { orders, clock, server } = await upstream(silence, written);
    const left = orders.send(GET).subscribe({ error: () => undefined });
    await until(() => server.seen.length === 1);
    left.unsubscribe();
    expect(orders.bulkhead.snapshot()).toMatchObject({ inUse: 0, limit: 10 });
    const call = outcomeOf(orders.send(GET));
    await until(() => server.seen.length === 2);
    clock.advance(1_000);
    expect(await call).toMatchObject({ error: { reason: 'timeout' } });
    expect(orders.bulkhead.limit).toBe(9);
  });

  it('is no sample of a call the breaker refused', async () => {
    const { orders } = await upstream(statuses(200), { ...written, circuitBreaker: { mode: 'force-open' } });
    for (let call = 0; call < 20; call++)
      expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'open' });
    expect(orders.bulkhead.snapshot()).toMatchObject({ inUse: 0, limit: 10 });
  });

  it('refuses what is above it as a full bulkhead does', async () => {
    const { orders, clock } = await upstream(silence, {
      ...written,
      adaptiveLimit: { enabled: true, initialLimit: 1, minLimit: 1 },
      bulkhead: { maxQueue: 0 },
    });
    const running = outcomeOf(orders.send(GET));
    expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'full' });
    clock.advance(3_000);
    await running;
  });

  it('grows with answers while it is used', async () => {
    const { orders } = await upstream(statuses(200), {
      ...written,
      adaptiveLimit: { enabled: true, initialLimit: 2, minLimit: 1, algorithm: 'aimd' },
    });
    await valueOf(orders.send(GET));
    expect(orders.bulkhead.limit).toBe(3);
  });
});

describe('a call that waits for a permit', () => {
  it('waits no longer than its deadline, and leaves the queue with it', async () => {
    const { orders, clock } = await upstream(silence, {
      bulkhead: { maxConcurrentCalls: 1, maxQueue: 5, maxQueueWaitMs: 100 },
    });
    const running = orders.send(GET).subscribe();
    const waiting = outcomeOf(orders.send({ ...GET, deadlineMs: 50 }));
    expect(orders.bulkhead.queued).toBe(1);
    clock.advance(50);
    expect(await waiting).toMatchObject({ error: { reason: 'deadline' } });
    expect(orders.bulkhead.queued).toBe(0);
    running.unsubscribe();
  });
});
