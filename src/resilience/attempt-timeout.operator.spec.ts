import { Agent, get } from 'node:http';
import { Worker } from 'node:worker_threads';
import { firstValueFrom, of, Observable, throwError, timeout, TimeoutError } from 'rxjs';
import { withAttemptTimeout } from './attempt-timeout.operator.js';
import { type Attempt } from './call.js';
import { systemClock } from './clock.js';
import { AttemptTimeoutError } from './rejections.js';
import { ScriptedWire, watch, type Watched, WireError } from './testing/spec-support.js';
import { VERDICTS } from './verdict.js';
import { VirtualClock } from './virtual-clock.js';

const TIMEOUT_MS = 50;

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new ScriptedWire<Attempt>(this.clock);

  call(deadlineAt = Infinity): Watched<string> {
    const attempt: Attempt = { call: { deadlineAt, replaySafe: true }, number: 1 };
    return watch(withAttemptTimeout<string, Attempt>(this.clock, TIMEOUT_MS)(this.wire.handler)(attempt));
  }
}

describe('withAttemptTimeout', () => {
  it('ends an attempt that takes too long, and cuts it off the wire', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(TIMEOUT_MS - 1);
    expect(call.end).toBe('none');
    bench.clock.advance(1);
    expect(call.error).toBeInstanceOf(AttemptTimeoutError);
    expect(call.error).toMatchObject({
      late: false,
      verdict: VERDICTS.failed,
      message: 'no complete answer within 50 ms',
    });
    expect(bench.wire.last.state).toBe('cancelled');
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('leaves an answer in time alone, and its timer behind nobody', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(TIMEOUT_MS - 1);
    bench.wire.last.answer('hello');
    expect(call).toMatchObject({ values: ['hello'], end: 'completed' });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('passes an error on', () => {
    const bench = new Bench();
    const call = bench.call();
    const error = new WireError();
    bench.wire.last.fail(error);
    expect(call.error).toBe(error);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('covers the attempt up to its completion, not only to its first emission', () => {
    const bench = new Bench();
    const call = bench.call();
    for (let part = 0; part < 4; part++) {
      bench.clock.advance(10);
      bench.wire.last.emit(`part ${part}`);
    }
    bench.clock.advance(10);
    expect(call.values).toHaveLength(4);
    expect(call.error).toBeInstanceOf(AttemptTimeoutError);
  });

  it('clears its timer when the caller leaves', () => {
    const bench = new Bench();
    bench.call().cancel();
    expect(bench.wire.last.state).toBe('cancelled');
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it.each([
    ['answers', () => of('now')],
    ['fails', () => throwError(() => new WireError())],
    [
      'throws',
      () => {
        throw new TypeError('not a URL');
      },
    ],
  ])('keeps no timer for a handler that %s at once', (_how, handler) => {
    const clock = new VirtualClock();
    const attempt: Attempt = { call: { deadlineAt: Infinity, replaySafe: true }, number: 1 };
    expect(watch(withAttemptTimeout<string, Attempt>(clock, TIMEOUT_MS)(handler)(attempt)).end).not.toBe(
      'none',
    );
    expect(clock.pendingTimers).toBe(0);
  });

  it('measures every attempt from its own start', () => {
    const bench = new Bench();
    const first = bench.call();
    bench.clock.advance(30);
    const second = bench.call();
    bench.clock.advance(20);
    expect([first.end, second.end]).toEqual(['failed', 'none']);
    bench.clock.advance(30);
    expect(second.end).toBe('failed');
  });

  it.each([
    ['before the timeout', TIMEOUT_MS - 1, 0],
    ['at the timeout', TIMEOUT_MS, 0],
    ['after the timeout', TIMEOUT_MS + 1, 1],
  ])('with a deadline %s sets %s ms, %i timers', (_when, deadlineAt, timers) => {
    const bench = new Bench();
    bench.call(deadlineAt);
    expect(bench.clock.pendingTimers).toBe(timers);
  });
});

describe('a timer that fires late', () => {
  it('lets an answer win that had arrived while the loop was blocked', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.block(80);
    // The poll phase that follows the late timer.
    bench.clock.setTimeout(
      () => {
        bench.wire.last.answer('in time');
      },
      0,
      undefined,
    );
    bench.clock.advance(0);
    expect(call).toMatchObject({ values: ['in time'], end: 'completed' });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('blames nobody if there is no answer, and lets the call be repeated', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.block(80);
    bench.clock.advance(0);
    expect(call.error).toMatchObject({
      late: true,
      verdict: { breaker: 'neutral', retry: 'if-replay-safe' },
    });
    expect(bench.wire.last.state).toBe('cancelled');
  });

  it.each([
    ['20 ms late is the ordinary grain of timers', 20, false],
    ['more is a blocked loop', 20.1, true],
  ])('%s', (_name, lateByMs, late) => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.block(TIMEOUT_MS + lateByMs);
    bench.clock.advance(0);
    expect(call.error).toMatchObject({ late });
  });

  it('says nothing to a caller that leaves during the poll', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.block(80);
    bench.clock.setTimeout(
      () => {
        call.cancel();
      },
      0,
      undefined,
    );
    bench.clock.advance(0);
    expect(call).toMatchObject({ end: 'cancelled', error: undefined });
    expect(bench.clock.pendingTimers).toBe(0);
  });
});

/**
 * A server in a thread of its own, which goes on while this one is blocked. It answers 5 ms after it has been told
 * that the block began, and says when its answer has been handed to the kernel.
 */
const SERVER = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const flags = new Int32Array(workerData);
  createServer((request, response) => {
    if (request.url === '/warm-up') return response.end('warm');
    Atomics.wait(flags, 0, 0);
    setTimeout(() => {
      response.on('finish', () => {
        Atomics.store(flags, 1, 1);
        Atomics.notify(flags, 1);
      });
      response.end('in time');
    }, 5);
  }).listen(0, '127.0.0.1', function () {
    parentPort.postMessage(this.address().port);
  });
`;

describe('on the real clock, with a loop that is blocked for 80 ms and an upstream that takes 5', () => {
  const flags = new Int32Array(new SharedArrayBuffer(8));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let worker: Worker;
  let port: number;

  beforeAll(async () => {
    worker = new Worker(SERVER, { eval: true, workerData: flags.buffer });
    port = await new Promise<number>((resolve, reject) =>
      worker.once('message', resolve).once('error', reject),
    );
  });

  afterAll(async () => {
    agent.destroy();
    await worker.terminate();
  });

  function fetchText(path: string, onSent: () => void = () => undefined): Observable<string> {
    return new Observable((subscriber) => {
      const request = get({ host: '127.0.0.1', port, path, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          subscriber.next(text);
          subscriber.complete();
        });
      });
      request.on('error', (error) => {
        subscriber.error(error);
      });
      request.on('finish', onSent);
      subscriber.add(() => request.destroy());
    });
  }

  /** Blocks for 80 ms, and until the answer lies in this process's socket. */
  function block(): void {
    const startedAt = performance.now();
    Atomics.store(flags, 0, 1);
    Atomics.notify(flags, 0);
    Atomics.wait(flags, 1, 0, 10_000);
    while (performance.now() - startedAt < 80);
  }

  beforeEach(async () => {
    // With a socket that is open already, a request is on its way as soon as it is written.
    await firstValueFrom(fetchText('/warm-up'));
    flags.fill(0);
  });

  const blocked = (): Observable<string> => fetchText('/', () => setImmediate(block));

  it.each(Array.from({ length: 10 }, (_, round) => round + 1))('takes the answer: round %i', async () => {
    const attempt: Attempt = { call: { deadlineAt: Infinity, replaySafe: true }, number: 1 };
    const guarded = withAttemptTimeout<string, Attempt>(systemClock, TIMEOUT_MS)(blocked);
    await expect(firstValueFrom(guarded(attempt))).resolves.toBe('in time');
  });

  it("is where RxJS's own timeout gives up on an answer that had arrived", async () => {
    await expect(firstValueFrom(blocked().pipe(timeout(TIMEOUT_MS)))).rejects.toBeInstanceOf(TimeoutError);
  });
});
