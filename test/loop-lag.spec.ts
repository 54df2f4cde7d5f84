import { stat } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { firstValueFrom, map, type Observable, timeout, TimeoutError } from 'rxjs';
import { aggregate } from '../src/aggregation/aggregate.js';
import { required } from '../src/aggregation/part.js';
import { parseGatewayConfig } from '../src/upstream/config/gateway-config.js';
import { type UpstreamPolicyInput } from '../src/upstream/config/policy-schema.js';
import { type Upstream } from '../src/upstream/upstream.js';
import { UpstreamRegistry } from '../src/upstream/upstream-registry.js';

const BLOCKED_MS = 80;
const TIMEOUT_MS = 50;
/** After these the timer itself is hardly late, and the answer has been there for most of the time all the same. */
const SHORTER_BLOCKS_MS = [52, 60, 68];
/** The least that is to be left of a call's time when the block begins. */
const MARGIN_MS = 5;
/** For a machine that is too busy to play each round once. */
const PATIENCE_MS = 60_000;

/** What the two threads tell each other: the number of the call that has reached the upstream, and so on. */
const REACHED = 0;
const GO = 1;
const ANSWERED = 2;

/**
 * An upstream in a thread of its own, which goes on while this one is blocked. It answers 5 ms after it was told that
 * the block has begun, and says when its answer has been handed to the kernel.
 */
const UPSTREAM = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const flags = new Int32Array(workerData);
  createServer((request, response) => {
    const call = Number(request.url.slice(1));
    response.on('finish', () => {
      Atomics.store(flags, ${ANSWERED}, call);
      Atomics.notify(flags, ${ANSWERED});
    });
    response.setHeader('content-type', 'application/json');
    Atomics.store(flags, ${REACHED}, call);
    for (let go = 0; go < call; go = Atomics.load(flags, ${GO})) Atomics.wait(flags, ${GO}, go);
    setTimeout(() => response.end('"in time"'), 5);
  }).listen(0, '127.0.0.1', function () {
    parentPort.postMessage(this.address().port);
  });
`;

/** Where in a turn of the event loop it is blocked. */
const PHASES: Readonly<Record<string, (task: () => void) => void>> = {
  'an I/O callback': (task) => {
    stat(__filename, task);
  },
  setImmediate: (task) => {
    setImmediate(task);
  },
  'a timer': (task) => {
    setTimeout(task, 1);
  },
};

function inPhase<T>(phase: string, task: () => T): Promise<T> {
  return new Promise((resolve) => {
    PHASES[phase]?.(() => {
      resolve(
        new Promise((taskDone) => {
          taskDone(task());
        }),
      );
    });
  });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Guard {
  readonly policy: UpstreamPolicyInput;
  readonly call: (orders: Upstream, number: number) => Observable<unknown>;
}

/** What cuts a call off after 50 ms. */
const GUARDS = {
  'the attempt timeout': { policy: { attemptTimeoutMs: TIMEOUT_MS }, call: get },
  'the deadline': { policy: { deadlineMs: TIMEOUT_MS }, call: get },
  "a part's own time": {
    policy: {},
    call: (orders, number) =>
      aggregate({ part: required(get(orders, number), { within: TIMEOUT_MS }) }).pipe(
        map(({ part }) => part),
      ),
  },
  "a composite's deadline": {
    policy: {},
    call: (orders, number) =>
      aggregate({ part: required(get(orders, number)) }, { deadline: TIMEOUT_MS }).pipe(
        map(({ part }) => part),
      ),
  },
  "RxJS's own timeout": {
    policy: {},
    call: (orders, number) => get(orders, number).pipe(timeout(TIMEOUT_MS)),
  },
} satisfies Readonly<Record<string, Guard>>;

function get(orders: Upstream, number: number): Observable<unknown> {
  return orders.send({ method: 'GET', url: `/${number}` }, ({ data }) => data);
}

jest.setTimeout(PATIENCE_MS);

describe('80 ms of a blocked loop, with an upstream that takes 5 ms and has 50', () => {
  const flags = new Int32Array(new SharedArrayBuffer(12));
  let worker: Worker;
  let url: string;
  let registry: UpstreamRegistry | undefined;
  let calls = 0;

  beforeAll(async () => {
    worker = new Worker(UPSTREAM, { eval: true, workerData: flags.buffer });
    const port = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    url = `http://127.0.0.1:${port}`;
  });

  afterEach(() => registry?.onApplicationShutdown());

  afterAll(() => worker.terminate());

  /** One attempt a call: a retry would hide a false timeout. No breaker: to one, 80 ms of 50 are slow. */
  function upstream(policy: UpstreamPolicyInput): Upstream {
    const alone = { retry: { maxAttempts: 1 }, circuitBreaker: { mode: 'disabled' } };
    const orders = { url, ...alone, ...policy };
    registry = new UpstreamRegistry(parseGatewayConfig(JSON.stringify({ upstreams: { orders } })));
    return registry.get('orders');
  }

  function go(call: number): void {
    Atomics.store(flags, GO, call);
    Atomics.notify(flags, GO);
  }

  /** Blocks for so long, and until the answer lies in this process's socket. */
  function block(call: number, blockedMs: number): void {
    const startedAt = performance.now();
    go(call);
    for (let answered = 0; answered < call; answered = Atomics.load(flags, ANSWERED)) {
      if (Atomics.wait(flags, ANSWERED, answered, 10_000) === 'timed-out') throw new Error('no answer came');
    }
    while (performance.now() - startedAt < blockedMs);
  }

  /**
   * What becomes of one call during which the loop is blocked. Undefined if its time was nearly over before that: on a
   * machine that is too busy to get a request across in 50 ms, that is a timeout as it should be, and the round is
   * played again.
   */
  async function outcomeOf(
    phase: string,
    guard: Guard,
    orders: Upstream,
    blockedMs: number,
  ): Promise<unknown> {
    const call = { number: ++calls, ended: false };
    const lastMomentToBlock = performance.now() + TIMEOUT_MS - MARGIN_MS;
    const outcome = firstValueFrom(guard.call(orders, call.number))
      .catch((error: unknown) => error)
      .finally(() => {
        call.ended = true;
      });
    while (!call.ended && Atomics.load(flags, REACHED) < call.number) await nextTurn();
    const blocked = await inPhase(phase, () => {
      // It may be over already, and only wait for its poll.
      if (call.ended || performance.now() > lastMomentToBlock) return false;
      block(call.number, blockedMs);
      return true;
    });
    go(call.number);
    const ended = await outcome;
    return blocked ? ended : undefined;
  }

  async function outcomesOf(
    rounds: number,
    phase: string,
    guard: Guard,
    blockedMs = BLOCKED_MS,
  ): Promise<unknown[]> {
    const orders = upstream(guard.policy);
    const outcomes: unknown[] = [];
    for (let tries = 0; outcomes.length < rounds; tries++) {
      if (tries > 10 * rounds) throw new Error('this machine is too busy');
      const outcome = await outcomeOf(phase, guard, orders, blockedMs);
      if (outcome !== undefined) outcomes.push(outcome);
    }
    return outcomes;
  }

  it.each(Object.keys(PHASES))('is no timeout in 50 of 50 calls, blocked from %s', async (phase) => {
    const outcomes = await outcomesOf(50, phase, GUARDS['the attempt timeout']);
    expect(outcomes).toEqual(Array(50).fill('in time'));
  });

  it.each(SHORTER_BLOCKS_MS)('is none after %i ms either', async (blockedMs) => {
    for (const phase of Object.keys(PHASES)) {
      const outcomes = await outcomesOf(5, phase, GUARDS['the attempt timeout'], blockedMs);
      expect(outcomes).toEqual(Array(5).fill('in time'));
    }
  });

  it.each(['the deadline', "a part's own time", "a composite's deadline"] as const)(
    'is no timeout to %s, wherever it is blocked from',
    async (guard) => {
      for (const phase of Object.keys(PHASES)) {
        expect(await outcomesOf(5, phase, GUARDS[guard])).toEqual(Array(5).fill('in time'));
      }
    },
  );

  it("is where RxJS's own timeout gives up on an answer that had arrived", async () => {
    const outcomes = await outcomesOf(2, 'an I/O callback', GUARDS["RxJS's own timeout"]);
    expect(outcomes).toEqual([expect.any(TimeoutError), expect.any(TimeoutError)]);
  });
});
