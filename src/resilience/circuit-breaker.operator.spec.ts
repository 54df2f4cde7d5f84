import { EMPTY, NEVER, of, Subject, take, takeUntil, throwError } from 'rxjs';
import { asHandler, asObservable } from './call.js';
import { type CircuitBreakerPolicy } from './circuit-breaker.js';
import { withCircuitBreaker } from './circuit-breaker.operator.js';
import { BreakerOpenError } from './rejections.js';
import { BREAKER, RecordingBreaker, ScriptedWire, watch, WireError } from './testing/spec-support.js';
import { VERDICTS } from './verdict.js';
import { VirtualClock } from './virtual-clock.js';

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new ScriptedWire<string>(this.clock);
  readonly breaker: RecordingBreaker;

  constructor(policy: Partial<CircuitBreakerPolicy> = {}) {
    this.breaker = new RecordingBreaker({ ...BREAKER, ...policy }, this.clock, () => 0.5);
  }

  call() {
    return watch(
      asObservable(withCircuitBreaker<string, string>(this.breaker)(this.wire.handler), 'request'),
    );
  }

  fail(calls: number): void {
    for (let call = 0; call < calls; call++) {
      this.call();
      this.wire.last.fail();
    }
  }

  awaitProbes(): void {
    this.fail(20);
    this.clock.advance(5_000);
  }
}

describe('withCircuitBreaker', () => {
  it('passes an answer on and records a success', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.wire.last.answer('hello');
    expect(call).toMatchObject({ values: ['hello'], end: 'completed' });
    expect(bench.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
    expect(bench.breaker.unsettled).toBe(0);
  });

  it('hands the request on as it is', () => {
    const bench = new Bench();
    bench.call();
    expect(bench.wire.last.request).toBe('request');
  });

  it.each(Object.entries(VERDICTS))('records an error that says %s by its verdict', (_name, verdict) => {
    const bench = new Bench();
    const call = bench.call();
    const error = new WireError(verdict);
    bench.wire.last.fail(error);
    expect(call.error).toBe(error);
    expect(bench.breaker.unsettled).toBe(0);
    expect(bench.breaker.snapshot()).toMatchObject({
      calls: verdict.breaker === 'neutral' ? 0 : 1,
      failures: verdict.breaker === 'failure' ? 1 : 0,
    });
  });

  it('records nothing for an error of unknown make', () => {
    const bench = new Bench({ minimumNumberOfCalls: 1 });
    bench.call();
    bench.wire.last.fail(new TypeError('a bug of ours'));
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });

  it('makes no attempt while open, and says when the next probe is due', () => {
    const bench = new Bench();
    bench.fail(20);
    bench.clock.advance(1_000);
    const call = bench.call();
    expect(call.error).toBeInstanceOf(BreakerOpenError);
    expect(call.error).toMatchObject({ reason: 'open', retryAfterMs: 4_000 });
    expect(bench.wire.attempts).toHaveLength(20);
    expect(bench.breaker.snapshot().calls).toBe(20);
  });

  it('is not moved by clients that leave', () => {
    const bench = new Bench({ minimumNumberOfCalls: 5 });
    for (let client = 0; client < 5; client++) bench.call().cancel();
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    expect(bench.breaker.unsettled).toBe(0);
  });

  it('is not moved by 20,000 clients that leave, at whatever point of the call', () => {
    const bench = new Bench({ minimumNumberOfCalls: 1 });
    const before = bench.breaker.snapshot();
    const guarded = withCircuitBreaker<string, string>(bench.breaker)(bench.wire.handler);
    for (let client = 0; client < 20_000; client++) {
      const subscription = asObservable(guarded, 'request').subscribe();
      if (client % 2 === 0) bench.clock.advance(0.001);
      subscription.unsubscribe();
    }
    expect(bench.wire.open).toEqual([]);
    expect(bench.breaker.snapshot()).toEqual(before);
    expect(bench.breaker.unsettled).toBe(0);
  });

  it('rejects 1,000 callers at once while its one probe hangs, and recovers after the longest wait', () => {
    const bench = new Bench({ permittedCallsInHalfOpen: 1 });
    bench.awaitProbes();
    const hung = bench.call();
    const callers = Array.from({ length: 1_000 }, () => bench.call());
    expect(callers.every(({ error }) => error instanceof BreakerOpenError)).toBe(true);
    expect(new Set(callers.map(({ error }) => (error as BreakerOpenError).retryAfterMs))).toEqual(
      new Set([2_000]),
    );
    expect(bench.wire.open).toHaveLength(1);
    expect(bench.clock.pendingTimers).toBe(0);
    bench.clock.advance(2_000);
    bench.call();
    bench.wire.last.answer();
    expect(bench.breaker.stateName).toBe('closed');
    hung.cancel();
    expect(bench.breaker.unsettled).toBe(0);
  });

  it.each([
    ['fails and asks callers to stay away', VERDICTS.failed, 30_000],
    ['asks for patience without a failure (429)', VERDICTS.throttled, 5_000],
  ])('stays open for as long as an upstream wants that %s', (_what, verdict, openMs) => {
    const bench = new Bench();
    bench.call();
    bench.wire.last.fail(new WireError(verdict, 30_000));
    while (bench.breaker.stateName === 'closed') bench.fail(1);
    expect(bench.breaker.retryAfterMs).toBe(openMs);
  });

  it("gives a cancelled probe's permit back", () => {
    const bench = new Bench({ permittedCallsInHalfOpen: 1 });
    bench.awaitProbes();
    const probe = bench.call();
    expect(bench.call().error).toBeInstanceOf(BreakerOpenError);
    probe.cancel();
    probe.cancel();
    expect(bench.call().end).toBe('none');
    expect(bench.call().error).toBeInstanceOf(BreakerOpenError);
    bench.wire.last.answer();
    expect(bench.breaker.stateName).toBe('closed');
  });

  it('cuts the wire when it is cancelled, after the token has gone back', () => {
    const bench = new Bench({ permittedCallsInHalfOpen: 1 });
    bench.awaitProbes();
    const probe = bench.call();
    probe.cancel();
    expect(bench.wire.last.state).toBe('cancelled');
    expect(bench.breaker.unsettled).toBe(0);
  });

  it('keeps no token, and makes no attempt, for a caller that leaves on hearing that the breaker probes', () => {
    const leave = new Subject<void>();
    const clock = new VirtualClock();
    const wire = new ScriptedWire<string>(clock);
    const breaker = new RecordingBreaker(
      { ...BREAKER, minimumNumberOfCalls: 1, permittedCallsInHalfOpen: 1 },
      clock,
      () => 0.5,
      {
        transition: ({ to }) => {
          if (to === 'half-open') leave.next();
        },
        notice: () => undefined,
      },
    );
    const guarded = withCircuitBreaker<string, string>(breaker)(wire.handler);
    watch(asObservable(guarded, 'request'));
    wire.last.fail();
    clock.advance(breaker.retryAfterMs);
    watch(asObservable(guarded, 'request').pipe(takeUntil(leave)));
    expect(breaker.stateName).toBe('half-open');
    expect(breaker.unsettled).toBe(0);
    expect(wire.attempts).toHaveLength(1);
    expect(watch(asObservable(guarded, 'request')).end).toBe('none');
  });

  it('has settled when the caller hears of the answer', () => {
    const bench = new Bench({ permittedCallsInHalfOpen: 1 });
    bench.awaitProbes();
    const states: string[] = [];
    const guarded = withCircuitBreaker<string, string>(bench.breaker)(bench.wire.handler);
    asObservable(guarded, 'request').subscribe(() => {
      states.push(bench.breaker.stateName);
    });
    bench.wire.last.answer();
    expect(states).toEqual(['closed']);
  });

  it('takes an answer that is empty for a success', () => {
    const bench = new Bench();
    const guarded = withCircuitBreaker<string, string>(bench.breaker)(asHandler(() => EMPTY));
    expect(watch(asObservable(guarded, 'request')).end).toBe('completed');
    expect(bench.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
  });

  it('settles when the caller is content with the first value', () => {
    const bench = new Bench();
    const guarded = withCircuitBreaker<string, string>(bench.breaker)(asHandler(() => of('a', 'b')));
    watch(asObservable(guarded, 'request').pipe(take(1)));
    expect(bench.breaker.unsettled).toBe(0);
    expect(bench.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
  });

  it('settles when the handler throws instead of answering', () => {
    const bench = new Bench();
    const bug = new TypeError('not a URL');
    const guarded = withCircuitBreaker<string, string>(bench.breaker)(() => {
      throw bug;
    });
    const call = watch(asObservable(guarded, 'request'));
    expect(call.error).toBe(bug);
    expect(bench.breaker.unsettled).toBe(0);
  });

  it('asks the breaker anew for every subscription', () => {
    const bench = new Bench();
    const guarded = withCircuitBreaker<string, string>(bench.breaker)(
      asHandler(() => throwError(() => new WireError())),
    );
    const attempt = asObservable(guarded, 'request');
    expect(bench.breaker.tokens).toHaveLength(0);
    watch(attempt);
    watch(attempt);
    expect(bench.breaker.tokens).toHaveLength(2);
    expect(bench.breaker.snapshot().failures).toBe(2);
  });

  it('reaches the healthy upstream again although every probe of the first round hangs', () => {
    const bench = new Bench();
    bench.awaitProbes();
    const hanging = withCircuitBreaker<string, string>(bench.breaker)(asHandler(() => NEVER));
    const hung = Array.from({ length: 3 }, () => watch(asObservable(hanging, 'request')));
    expect(bench.call().error).toBeInstanceOf(BreakerOpenError);
    bench.clock.advance(2_000);
    for (let probe = 0; probe < 2; probe++) {
      bench.call();
      bench.wire.last.answer();
    }
    expect(bench.breaker.stateName).toBe('closed');
    for (const probe of hung) probe.cancel();
    expect(bench.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    expect(bench.breaker.unsettled).toBe(0);
  });
});
