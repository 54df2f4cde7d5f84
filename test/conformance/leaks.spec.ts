import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { Observable } from 'rxjs';
import { seededRandom } from '../../src/resilience/random.js';
import { RequestContext } from '../../src/upstream/request-context.js';
import { configOf } from '../../src/upstream/testing/spec-support.js';
import { UpstreamRegistry } from '../../src/upstream/upstream-registry.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const CALLS = 100_000;
/** Calls under way at once: no more than a bulkhead and its queue hold, and some. */
const AT_ONCE = 100;
const MAX_GROWTH_BYTES = 1024 * 1024;

/** One client for all calls: what each leaves behind with it would pile up. */
class Client extends RequestContext {
  readonly listeners = new Set<() => void>();

  override onClientLeave(listener: () => void): void {
    this.listeners.add(listener);
    super.onClientLeave(listener);
  }

  override offClientLeave(listener: () => void): void {
    this.listeners.delete(listener);
    super.offClientLeave(listener);
  }
}

/** An upstream on Node's own clock and timers, whose wire answers, fails or hangs at random. */
function upstream() {
  const random = seededRandom(11);
  const registry = new UpstreamRegistry(
    configOf({
      orders: {
        url: 'http://192.0.2.1',
        retry: { maxAttempts: 2, backoffBaseMs: 1, backoffCapMs: 1 },
        retryBudget: { percent: 100 },
        circuitBreaker: { mode: 'metrics-only' },
      },
    }),
    { random },
  );
  const orders = registry.get('orders');
  const running = { wires: 0 };
  // No spy: it would remember every call.
  const exchange = (config: AxiosRequestConfig): Observable<AxiosResponse<never>> =>
    new Observable((subscriber) => {
      running.wires++;
      subscriber.add(() => running.wires--);
      const draw = random();
      // The rest hangs until its caller leaves.
      if (draw > 0.8) return;
      const turn = setImmediate(() => {
        if (draw < 0.4) subscriber.next({ status: 503, headers: {}, config } as AxiosResponse<never>);
        else subscriber.next({ status: 200, headers: {}, config } as AxiosResponse<never>);
        subscriber.complete();
      });
      subscriber.add(() => {
        clearImmediate(turn);
      });
    });
  Object.assign(orders.http, { exchange });
  return { orders, random, running, client: new Client('r', Infinity, {}) };
}

async function makeCalls(
  calls: number,
  { orders, random, client }: ReturnType<typeof upstream>,
): Promise<void> {
  for (let made = 0; made < calls; made += AT_ONCE) {
    const subscriptions = Array.from({ length: AT_ONCE }, () =>
      client.run(
        () =>
          orders.send({ method: 'GET', url: '/', deadlineMs: 1_000 }).subscribe({ error: () => undefined }),
        undefined,
      ),
    );
    if (random() < 0.5) await nextTurn();
    // Half of them leave at once, the rest a turn later.
    for (const subscription of subscriptions) if (random() < 0.5) subscription.unsubscribe();
    await nextTurn();
    for (const subscription of subscriptions) subscription.unsubscribe();
  }
}

/** What keeps a process alive: timers, immediates, sockets. */
const resources = (): readonly string[] => process.getActiveResourcesInfo().sort();

function heapUsed(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('100,000 calls with random cancels', () => {
  it('leave no memory, no timer, no permit and no wire behind', async () => {
    const subject = upstream();
    // What is made once, and what the runtime compiles, is not growth.
    await makeCalls(10_000, subject);
    await nextTurn();
    const before = { heap: heapUsed(), resources: resources() };

    await makeCalls(CALLS, subject);
    await nextTurn();
    const { orders, running, client } = subject;
    expect(orders.bulkhead).toMatchObject({ inUse: 0, queued: 0 });
    expect(running.wires).toBe(0);
    expect(client.listeners.size).toBe(0);
    expect(resources()).toEqual(before.resources);
    expect(heapUsed() - before.heap).toBeLessThan(MAX_GROWTH_BYTES);
  }, 60_000);
});
