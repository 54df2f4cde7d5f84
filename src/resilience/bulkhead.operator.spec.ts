import fc from 'fast-check';
import { Observable, of, Subject, take, throwError } from 'rxjs';
import { Bulkhead } from './bulkhead.js';
import { withBulkhead } from './bulkhead.operator.js';
import { asHandler, asObservable, type Handler } from './call.js';
import { Link } from './link.js';
import { BulkheadFullError } from './rejections.js';
import { ScriptedWire, watch, type Watched, WireError } from './testing/spec-support.js';
import { VirtualClock } from './virtual-clock.js';

const WAIT_MS = 100;

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new ScriptedWire<string>(this.clock);
  readonly bulkhead: Bulkhead;

  constructor(maxConcurrentCalls = 1, maxQueue = 2) {
    this.bulkhead = new Bulkhead({ maxConcurrentCalls, maxQueue, maxQueueWaitMs: WAIT_MS });
  }

  call(
    request = 'request',
    handler: Handler<string, string> = this.wire.handler,
    onEnd?: () => void,
  ): Watched<string> {
    const guarded = withBulkhead<string, string>(this.bulkhead, WAIT_MS, this.clock)(handler);
    return watch(asObservable(guarded, request), onEnd);
  }

  get requests(): string[] {
    return this.wire.attempts.map(({ request }) => request);
  }

  expectIdle(): void {
    expect(this.bulkhead).toMatchObject({ inUse: 0, queued: 0 });
    expect(this.clock.pendingTimers).toBe(0);
  }
}

describe('withBulkhead', () => {
  it('holds a permit while the attempt runs', () => {
    const bench = new Bench();
    const call = bench.call();
    expect(bench.bulkhead.inUse).toBe(1);
    bench.wire.last.answer('hello');
    expect(call).toMatchObject({ values: ['hello'], end: 'completed' });
    bench.expectIdle();
  });

  it('gives the permit back after an error, and passes the error on', () => {
    const bench = new Bench();
    const call = bench.call();
    const error = new WireError();
    bench.wire.last.fail(error);
    expect(call.error).toBe(error);
    bench.expectIdle();
  });

  it('gives the permit back when the caller leaves, once, and cuts the wire', () => {
    const bench = new Bench(2);
    const [leaving] = [bench.call(), bench.call()];
    leaving.cancel();
    leaving.cancel();
    expect(bench.wire.attempts[0]!.state).toBe('cancelled');
    expect(bench.bulkhead.inUse).toBe(1);
  });

  it.each([
    ['answers', () => of('a')],
    ['fails', () => throwError(() => new WireError())],
    [
      'throws',
      () => {
        throw new TypeError('not a URL');
      },
    ],
  ])('keeps no permit for a handler that %s at once', (_how, source) => {
    const bench = new Bench();
    expect(bench.call('request', asHandler(source)).end).not.toBe('none');
    bench.expectIdle();
  });

  it('keeps no permit when the caller is content with the first value', () => {
    const bench = new Bench();
    const guarded = withBulkhead<string, string>(
      bench.bulkhead,
      WAIT_MS,
      bench.clock,
    )(asHandler(() => of('a', 'b')));
    watch(asObservable(guarded, 'request').pipe(take(1)));
    bench.expectIdle();
  });

  it.each(['answer', 'fail'] as const)(
    'has given the permit back when the caller hears of the end: %s',
    (end) => {
      const bench = new Bench(1, 0);
      const inUse: number[] = [];
      bench.call('request', bench.wire.handler, () => inUse.push(bench.bulkhead.inUse));
      bench.wire.last[end]();
      expect(inUse).toEqual([0]);
    },
  );

  it('keeps no permit for a wire that throws when it is cut', () => {
    const bench = new Bench();
    const guarded = withBulkhead<string, string>(
      bench.bulkhead,
      WAIT_MS,
      bench.clock,
    )((_request, answer) => {
      answer.worksWith({
        unsubscribe: () => {
          throw new TypeError('a bug of the wire');
        },
      });
    });
    const call = watch(asObservable(guarded, 'request'));
    expect(() => {
      call.cancel();
    }).toThrow();
    bench.expectIdle();
  });

  it('refuses at once, without an attempt, when the queue is full', () => {
    const bench = new Bench(1, 1);
    bench.call('running');
    bench.call('waiting');
    expect(bench.call('refused').error).toBeInstanceOf(BulkheadFullError);
    expect(bench.requests).toEqual(['running']);
    expect(bench.bulkhead).toMatchObject({ inUse: 1, queued: 1 });
  });

  it('starts those in the queue in order of arrival, as permits come free', () => {
    const bench = new Bench();
    bench.call('first');
    bench.call('second');
    bench.call('third');
    expect(bench.requests).toEqual(['first']);
    bench.wire.last.answer();
    expect(bench.requests).toEqual(['first', 'second']);
    bench.wire.last.fail();
    expect(bench.requests).toEqual(['first', 'second', 'third']);
    bench.wire.last.answer();
    bench.expectIdle();
  });

  it('gives up on a permit after the longest wait, and leaves the queue at that moment', () => {
    const bench = new Bench();
    bench.call('running');
    const waiting = bench.call('waiting');
    bench.clock.advance(WAIT_MS - 1);
    expect(waiting.end).toBe('none');
    bench.clock.advance(1);
    expect(waiting.error).toBeInstanceOf(BulkheadFullError);
    expect(bench.bulkhead.queued).toBe(0);
    bench.wire.last.answer();
    expect(bench.requests).toEqual(['running']);
    bench.expectIdle();
  });

  it('takes a permit that comes free in the poll after its wait was over late, and keeps it', () => {
    const bench = new Bench();
    const running = bench.call('running');
    const waiting = bench.call('waiting');
    bench.clock.block(WAIT_MS + 30);
    bench.clock.setTimeout(
      () => {
        bench.wire.last.answer();
      },
      0,
      undefined,
    );
    bench.clock.advance(0);
    expect([running.end, waiting.end]).toEqual(['completed', 'none']);
    expect(bench.requests).toEqual(['running', 'waiting']);
    bench.wire.last.answer('after all');
    expect(waiting.values).toEqual(['after all']);
    bench.expectIdle();
  });

  it('gives up after that poll if none came free', () => {
    const bench = new Bench();
    bench.call('running');
    const waiting = bench.call('waiting');
    bench.clock.block(WAIT_MS + 30);
    bench.clock.advance(0);
    expect(waiting.error).toBeInstanceOf(BulkheadFullError);
    expect(bench.bulkhead.queued).toBe(0);
  });

  it('leaves the queue when the caller does, and makes room for the next', () => {
    const bench = new Bench(1, 1);
    bench.call('running');
    const leaving = bench.call('leaving');
    leaving.cancel();
    expect(bench.bulkhead.queued).toBe(0);
    expect(bench.clock.pendingTimers).toBe(0);
    bench.call('next');
    bench.wire.last.answer();
    expect(bench.requests).toEqual(['running', 'next']);
  });

  it('stops the clock on a waiter that got its permit', () => {
    const bench = new Bench();
    bench.call('running');
    const waiting = bench.call('waiting');
    bench.wire.last.answer();
    expect(bench.clock.pendingTimers).toBe(0);
    bench.clock.advance(10 * WAIT_MS);
    expect(waiting.end).toBe('none');
    bench.wire.last.answer();
    expect(waiting.end).toBe('completed');
    bench.expectIdle();
  });

  it('gives the permit of a waiter back that was granted one and then left', () => {
    const bench = new Bench();
    bench.call('running');
    const waiting = bench.call('waiting');
    bench.wire.last.answer();
    waiting.cancel();
    expect(bench.wire.last.state).toBe('cancelled');
    bench.expectIdle();
  });

  it('takes no permit for a waiter whose own leaving has freed it', () => {
    const bench = new Bench(1, 2);
    const running = bench.call('running');
    class LeavingTogether extends Link<string> {
      protected override end(): void {
        running.cancel();
        super.end();
      }
    }
    const answer = new LeavingTogether(new Subject<string>());
    withBulkhead<string, string>(bench.bulkhead, WAIT_MS, bench.clock)(bench.wire.handler)('leaving', answer);
    const waiting = bench.call('waiting');
    answer.unsubscribe();
    expect(bench.requests).toEqual(['running', 'waiting']);
    waiting.cancel();
    bench.expectIdle();
  });

  it('passes a permit on only when the wire of the one before is cut, however that one ended', () => {
    const bench = new Bench(1, 10);
    const events: string[] = [];
    const handler = asHandler<string, string>(
      (request) =>
        new Observable((subscriber) => {
          events.push(`${request} starts`);
          subscriber.add(() => events.push(`${request} is cut`));
          // As an attempt timeout does: the error comes from above the wire, which is still open.
          if (request === 'b')
            bench.clock.setTimeout(
              () => {
                subscriber.error(new WireError());
              },
              10,
              undefined,
            );
        }),
    );
    const first = bench.call('a', handler);
    for (const name of ['b', 'c']) bench.call(name, handler);
    first.cancel();
    bench.clock.advance(10);
    expect(events).toEqual(['a starts', 'a is cut', 'b starts', 'b is cut', 'c starts']);
  });

  it('ends a waiting call whose handler throws, and nobody else', () => {
    const bench = new Bench(1, 2);
    const running = bench.call('running');
    const throwing = bench.call('throwing', () => {
      throw new TypeError('not a URL');
    });
    const waiting = bench.call('waiting');
    bench.wire.last.answer();
    expect(running.end).toBe('completed');
    expect(throwing.error).toBeInstanceOf(TypeError);
    expect(bench.requests).toEqual(['running', 'waiting']);
    bench.wire.last.answer();
    expect(waiting.end).toBe('completed');
    bench.expectIdle();
  });

  it('empties a long queue of attempts that fail at once, without growing the stack', () => {
    const bench = new Bench(1, 10_000);
    bench.call('running');
    const calls = Array.from({ length: 10_000 }, () =>
      bench.call(
        'refused',
        asHandler(() => throwError(() => new WireError())),
      ),
    );
    bench.wire.last.answer();
    expect(calls.every(({ error }) => error instanceof WireError)).toBe(true);
    bench.expectIdle();
  });

  it('is cold: every subscription takes a permit of its own', () => {
    const bench = new Bench(2);
    const guarded = withBulkhead<string, string>(bench.bulkhead, WAIT_MS, bench.clock)(bench.wire.handler);
    const attempt = asObservable(guarded, 'request');
    expect(bench.bulkhead.inUse).toBe(0);
    watch(attempt);
    watch(attempt);
    expect(bench.bulkhead.inUse).toBe(2);
  });

  it('has exactly the permits in use that attempts run, under any interleaving, and none at the end', () => {
    const step = fc.record({
      do: fc.constantFrom(
        'call',
        'call',
        'call at once',
        'answer',
        'fail',
        'cancel',
        'cancel',
        'advance',
        'resize',
      ),
      whom: fc.nat(20),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.nat(4),
        fc.array(step, { maxLength: 80 }),
        (limit, maxQueue, steps) => {
          const bench = new Bench(limit, maxQueue);
          const calls: Watched<string>[] = [];
          for (const { do: action, whom } of steps) {
            const open = bench.wire.open;
            const inUseBefore = bench.bulkhead.inUse;
            switch (action) {
              case 'call':
                calls.push(bench.call());
                break;
              case 'call at once':
                calls.push(
                  bench.call(
                    'at once',
                    asHandler(() => (whom % 2 ? of('a') : throwError(() => new WireError()))),
                  ),
                );
                break;
              case 'answer':
                open[whom % open.length]?.answer();
                break;
              case 'fail':
                open[whom % open.length]?.fail();
                break;
              case 'cancel':
                calls[whom % calls.length]?.cancel();
                break;
              case 'advance':
                bench.clock.advance(whom * 10);
                break;
              case 'resize':
                bench.bulkhead.resize(1 + (whom % 5));
                break;
            }
            expect(bench.bulkhead.inUse).toBe(bench.wire.open.length);
            // What was started above the limit was started before it shrank.
            expect(bench.bulkhead.inUse).toBeLessThanOrEqual(Math.max(inUseBefore, bench.bulkhead.limit));
            expect(bench.bulkhead.queued).toBe(bench.clock.pendingTimers);
            expect(bench.bulkhead.queued).toBeLessThanOrEqual(maxQueue);
            if (bench.bulkhead.queued > 0)
              expect(bench.bulkhead.inUse).toBeGreaterThanOrEqual(bench.bulkhead.limit);
          }
          for (const call of calls) call.cancel();
          bench.expectIdle();
        },
      ),
    );
  });
});
