import { type ServerResponse } from 'node:http';
import { type Subscription } from 'rxjs';
import { eventually } from '../aggregation/testing/eventually.js';
import {
  clientGone,
  type RecordingServer,
  recordingServer,
  signal,
} from '../http/testing/recording-server.js';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { configOf } from '../upstream/testing/spec-support.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { WriteLedger } from './write-ledger.js';

const ledger = new WriteLedger(['note']);
let clock: VirtualClock;
let registry: UpstreamRegistry;
let shop: RecordingServer;
let arrived: ReturnType<typeof signal<ServerResponse>>;

beforeEach(async () => {
  clock = new VirtualClock();
  arrived = signal<ServerResponse>();
  shop = await recordingServer((_request, response) => {
    arrived.resolve(response);
  });
  const retry = { maxAttempts: 3, backoffBaseMs: 400, backoffCapMs: 400 };
  const config = configOf({
    shop: { url: shop.origin, attemptTimeoutMs: 100, deadlineMs: 10_000, deadlineHeader: null, retry },
  });
  registry = new UpstreamRegistry(config, { clock, random: () => 0.9 });
});

afterEach(async () => {
  await registry.onApplicationShutdown();
  await shop.close();
});

function write(): Subscription {
  const call = registry.get('shop').send({ method: 'PUT', url: '/note' }, ({ status }) => status);
  return ledger.recorded('note', call).subscribe({ error: () => undefined });
}

/** The attempt is cut off by its time. */
async function cut(attempt: ServerResponse): Promise<void> {
  const abandoned = clientGone(attempt);
  clock.advance(100);
  // What is due is looked at once more, after what the sockets have to say.
  clock.advance(0);
  await abandoned;
}

describe('an attempt of a write that its time cuts off', () => {
  it('is followed by another one', async () => {
    write();
    await cut(await arrived.promise);
    clock.advance(400);
    await eventually(() => shop.seen.length === 2);
  });

  it('is not, for whoever left while the next one was due', async () => {
    const call = write();
    await cut(await arrived.promise);
    call.unsubscribe();
    expect(clock.pendingTimers).toBe(0);
    expect(ledger.outcomes()).toEqual({ note: 'unknown' });
  });

  it('is not, for whoever left before: that one alone goes on to its end', async () => {
    const call = write();
    const attempt = await arrived.promise;
    call.unsubscribe();
    expect(clock.pendingTimers).toBeGreaterThan(0);
    await cut(attempt);
    expect(clock.pendingTimers).toBe(0);
    expect(ledger.outcomes()).toEqual({ note: 'unknown' });
  });
});

describe('an attempt of a write that fails when nobody waits any more', () => {
  it('counts for the breaker, and is not followed by another one', async () => {
    const call = write();
    const attempt = await arrived.promise;
    call.unsubscribe();
    attempt.writeHead(503).end();
    await eventually(() => clock.pendingTimers === 0);
    expect(registry.get('shop').breaker.snapshot()).toMatchObject({ calls: 1, failures: 1 });
    expect(shop.seen).toHaveLength(1);
  });
});
