import { of, throwError } from 'rxjs';
import { withAttemptTimeout } from './attempt-timeout.operator.js';
import { asHandler, asObservable, type Attempt } from './call.js';
import { AttemptTimeoutError } from './rejections.js';
import { Pipeline, ScriptedWire, watch, type Watched, WireError } from './testing/spec-support.js';
import { TimedLink } from './timed-link.js';
import { VERDICTS } from './verdict.js';
import { VirtualClock } from './virtual-clock.js';

const TIMEOUT_MS = 50;

function fail(): never {
  throw new Error('nobody is there to hear of it');
}

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new ScriptedWire<Attempt>(this.clock);

  call(deadlineAt = Infinity, timeoutMs = TIMEOUT_MS): Watched<string> {
    const attempt: Attempt = { call: { deadlineAt, replaySafe: true }, number: 1 };
    const guarded = withAttemptTimeout<string, Attempt>(this.clock, timeoutMs)(this.wire.handler);
    return watch(asObservable(guarded, attempt));
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
  ])('keeps no timer for a handler that %s at once', (_how, source) => {
    const clock = new VirtualClock();
    const attempt: Attempt = { call: { deadlineAt: Infinity, replaySafe: true }, number: 1 };
    const guarded = withAttemptTimeout<string, Attempt>(clock, TIMEOUT_MS)(asHandler(source));
    expect(watch(asObservable(guarded, attempt)).end).not.toBe('none');
    expect(clock.pendingTimers).toBe(0);
  });

  it('sets no timer, and makes no attempt, for an answer that nobody waits for', () => {
    const bench = new Bench();
    const left = new TimedLink<string>({ next: fail, error: fail, complete: fail });
    left.unsubscribe();
    const attempt: Attempt = { call: { deadlineAt: Infinity, replaySafe: true }, number: 1 };
    withAttemptTimeout<string, Attempt>(bench.clock, TIMEOUT_MS)(bench.wire.handler)(attempt, left);
    expect(bench.wire.attempts).toEqual([]);
    expect(bench.clock.pendingTimers).toBe(0);
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
    bench.clock.advance(30);
    expect(call.error).toMatchObject({
      late: true,
      verdict: { breaker: 'neutral', retry: 'if-replay-safe' },
    });
    expect(bench.wire.last.state).toBe('cancelled');
  });

  it.each([
    [50, 20, false],
    [50, 20.1, true],
    [200, 20.1, true],
    [1_000, 25, false],
    [1_000, 100, false],
    [1_000, 100.1, true],
    [10_000, 1_000, false],
    [10_000, 1_000.1, true],
  ])('of %d ms, by %d ms: excuses the upstream is %s', (timeoutMs, lateByMs, late) => {
    const bench = new Bench();
    const call = bench.call(Infinity, timeoutMs);
    bench.clock.block(timeoutMs + lateByMs);
    bench.clock.advance(late ? lateByMs : 0);
    expect(call.error).toMatchObject({ late, verdict: late ? VERDICTS.neutralRetryable : VERDICTS.failed });
  });

  it('gives the time back that the loop was away: the request may not have been written before', () => {
    const bench = new Bench();
    const [answered, silent] = [bench.call(), bench.call()];
    bench.clock.block(80);
    bench.clock.advance(29);
    expect([answered.end, silent.end]).toEqual(['none', 'none']);
    bench.wire.attempts[0]!.answer('in time');
    bench.clock.advance(1);
    expect(answered.values).toEqual(['in time']);
    expect(silent.error).toMatchObject({ late: true });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('gives back no more than the timeout, however long the process was stopped', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.block(3_600_000);
    bench.clock.advance(TIMEOUT_MS);
    expect(call.error).toMatchObject({ late: true });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('leaves no timer behind with a caller that leaves in the time given back', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.block(80);
    bench.clock.advance(10);
    call.cancel();
    expect(bench.wire.last.state).toBe('cancelled');
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('lets the answer win even where it would not excuse the upstream', () => {
    const bench = new Bench();
    const call = bench.call(Infinity, 1_000);
    bench.clock.block(1_025);
    bench.clock.setTimeout(
      () => {
        bench.wire.last.answer('in time');
      },
      0,
      undefined,
    );
    bench.clock.advance(0);
    expect(call).toMatchObject({ values: ['in time'], end: 'completed' });
  });

  it('opens the breaker of a hung upstream although the loop lags by 25 ms at every timeout', () => {
    const pipeline = new Pipeline({ retry: { maxAttempts: 1 }, breaker: { minimumNumberOfCalls: 5 } });
    for (let call = 0; call < 5; call++) {
      pipeline.call();
      pipeline.clock.block(1_025);
      pipeline.clock.advance(0);
    }
    expect(pipeline.breaker.stateName).toBe('open');
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
