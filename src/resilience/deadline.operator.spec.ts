import { of, throwError } from 'rxjs';
import { asHandler, asObservable, type Call } from './call.js';
import { withDeadline } from './deadline.operator.js';
import { DeadlineExceededError } from './rejections.js';
import { ScriptedWire, watch, type Watched, WireError } from './testing/spec-support.js';
import { VirtualClock } from './virtual-clock.js';

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new ScriptedWire<Call>(this.clock);

  call(deadlineAt: number): Watched<string> {
    const guarded = withDeadline<string, Call>(this.clock)(this.wire.handler);
    return watch(asObservable(guarded, { deadlineAt, replaySafe: true }));
  }
}

describe('withDeadline', () => {
  it('ends a call at its deadline, and cuts it off the wire', () => {
    const bench = new Bench();
    bench.clock.advance(1_000);
    const call = bench.call(1_300);
    bench.clock.advance(299);
    expect(call.end).toBe('none');
    bench.clock.advance(1);
    expect(call.error).toBeInstanceOf(DeadlineExceededError);
    expect(bench.wire.last.state).toBe('cancelled');
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it.each([1_000, 999, -Infinity])(
    'makes no attempt where it is 1000 and the deadline was %d',
    (deadlineAt) => {
      const bench = new Bench();
      bench.clock.advance(1_000);
      expect(bench.call(deadlineAt).error).toBeInstanceOf(DeadlineExceededError);
      expect(bench.wire.attempts).toEqual([]);
      expect(bench.clock.pendingTimers).toBe(0);
    },
  );

  it('sets no timer for a call without one', () => {
    const bench = new Bench();
    const call = bench.call(Infinity);
    expect(bench.clock.pendingTimers).toBe(0);
    bench.wire.last.answer();
    expect(call.end).toBe('completed');
  });

  it('passes the answer on, and clears its timer', () => {
    const bench = new Bench();
    const call = bench.call(300);
    bench.wire.last.answer('hello');
    expect(call).toMatchObject({ values: ['hello'], end: 'completed' });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('passes an error on, and clears its timer', () => {
    const bench = new Bench();
    const call = bench.call(300);
    const error = new WireError();
    bench.wire.last.fail(error);
    expect(call.error).toBe(error);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('clears its timer when the caller leaves', () => {
    const bench = new Bench();
    bench.call(300).cancel();
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
  ])('keeps no timer for a handler that %s at once', (_how, source) => {
    const clock = new VirtualClock();
    const guarded = withDeadline<string, Call>(clock)(asHandler(source));
    const call = watch(asObservable(guarded, { deadlineAt: 300, replaySafe: true }));
    expect(call.end).not.toBe('none');
    expect(clock.pendingTimers).toBe(0);
  });

  it('is looked at when the call is made, not when it is described', () => {
    const bench = new Bench();
    const guarded = withDeadline<string, Call>(bench.clock)(bench.wire.handler);
    const call = asObservable(guarded, { deadlineAt: 300, replaySafe: true });
    bench.clock.advance(200);
    const watched = watch(call);
    bench.clock.advance(100);
    expect(watched.error).toBeInstanceOf(DeadlineExceededError);
    expect(watch(call).error).toBeInstanceOf(DeadlineExceededError);
    expect(bench.wire.attempts).toHaveLength(1);
  });
});

describe('a deadline that is noticed late', () => {
  it('lets an answer win that had arrived while the loop was blocked', () => {
    const bench = new Bench();
    const call = bench.call(300);
    bench.clock.block(330);
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

  it('ends the call after one poll without an answer', () => {
    const bench = new Bench();
    const call = bench.call(300);
    bench.clock.block(330);
    bench.clock.advance(0);
    expect(call.error).toBeInstanceOf(DeadlineExceededError);
    expect(bench.wire.last.state).toBe('cancelled');
    expect(bench.clock.pendingTimers).toBe(0);
  });
});
