import { defer, EMPTY, Observable, of, Subject, take, takeUntil, throwError } from 'rxjs';
import { type Attempt, type Call, type Handler } from './call.js';
import { type Random } from './random.js';
import { RetryBudget, type RetryBudgetPolicy } from './retry-budget.js';
import { type RetryOptions, type RetryPolicy, withRetry } from './retry.operator.js';
import { BUDGET, NO_BUDGET, ScriptedWire, watch, type Watched, WireError } from './testing/spec-support.js';
import { VERDICTS } from './verdict.js';
import { VirtualClock } from './virtual-clock.js';

const ALMOST_ONE = 1 - Number.EPSILON / 2;

interface Options {
  readonly policy?: Partial<RetryPolicy>;
  readonly budget?: RetryBudgetPolicy;
  readonly random?: Random;
  readonly onRetry?: RetryOptions<Call>['onRetry'];
  readonly handler?: Handler<Attempt, string>;
}

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new ScriptedWire<Attempt>(this.clock);
  readonly budget: RetryBudget;
  readonly decided: { readonly number: number; readonly delayMs: number }[] = [];
  readonly handler: Handler<Call, string>;

  constructor(options: Options = {}) {
    this.budget = new RetryBudget(options.budget ?? NO_BUDGET, this.clock);
    this.handler = withRetry<string, Call>({
      policy: {
        maxAttempts: 4,
        backoffBaseMs: 100,
        backoffCapMs: 300,
        maxRetryAfterMs: 1_000,
        ...options.policy,
      },
      budget: this.budget,
      clock: this.clock,
      random: options.random ?? (() => 0.5),
      onRetry: (call, number, delayMs, error) => {
        this.decided.push({ number, delayMs });
        options.onRetry?.(call, number, delayMs, error);
      },
    })(options.handler ?? this.wire.handler);
  }

  call({ deadlineMs = Infinity, replaySafe = true } = {}): Watched<string> {
    return watch(this.handler({ deadlineAt: this.clock.now() + deadlineMs, replaySafe }));
  }

  get numbers(): number[] {
    return this.wire.attempts.map(({ request }) => request.number);
  }
}

describe('withRetry', () => {
  it('passes an answer on', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.wire.last.answer('hello');
    expect(call).toMatchObject({ values: ['hello'], end: 'completed' });
    expect(bench.numbers).toEqual([1]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('passes an empty answer on', () => {
    expect(new Bench({ handler: () => EMPTY }).call().end).toBe('completed');
  });

  it('hands the call on with every attempt, and numbers them from 1', () => {
    const bench = new Bench();
    const call: Call = { deadlineAt: Infinity, replaySafe: true };
    watch(bench.handler(call));
    for (let failed = 0; failed < 3; failed++) {
      bench.wire.last.fail();
      bench.clock.advance(300);
    }
    expect(bench.numbers).toEqual([1, 2, 3, 4]);
    expect(bench.wire.attempts.every(({ request }) => request.call === call)).toBe(true);
  });

  it("gives the caller the upstream's own error when the attempts are spent", () => {
    const bench = new Bench({ policy: { maxAttempts: 3 } });
    const call = bench.call();
    const errors = [new WireError(), new WireError(), new WireError()];
    for (const error of errors) {
      bench.wire.last.fail(error);
      bench.clock.advance(300);
    }
    expect(call.error).toBe(errors[2]);
    expect(bench.numbers).toEqual([1, 2, 3]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('never retries where one attempt is all there is', () => {
    const bench = new Bench({ policy: { maxAttempts: 1 } });
    const call = bench.call();
    bench.wire.last.fail();
    expect(call.end).toBe('failed');
    expect(bench.clock.pendingTimers).toBe(0);
  });

  describe.each([
    ['a call that may be repeated', true],
    ['a call that must not be repeated', false],
  ])('%s', (_name, replaySafe) => {
    it.each(Object.entries(VERDICTS))('after an error that says %s', (_verdict, verdict) => {
      const bench = new Bench();
      const call = bench.call({ replaySafe });
      bench.wire.last.fail(new WireError(verdict));
      const retries = verdict.retry === 'always' || (verdict.retry === 'if-replay-safe' && replaySafe);
      expect(call.end).toBe(retries ? 'none' : 'failed');
      bench.clock.advance(300);
      expect(bench.numbers).toEqual(retries ? [1, 2] : [1]);
    });
  });

  it('does not repeat an error of unknown make', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.wire.last.fail(new TypeError('a bug of ours'));
    expect(call.error).toBeInstanceOf(TypeError);
  });

  it('reads each error by itself: a final one ends the call whatever came before', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.wire.last.fail();
    bench.clock.advance(300);
    bench.wire.last.fail(new WireError(VERDICTS.answered));
    expect(call.end).toBe('failed');
    expect(bench.numbers).toEqual([1, 2]);
  });
});

describe('backoff', () => {
  it.each<[string, Random, number[]]>([
    ['at most base times two to the retries, up to the cap', () => ALMOST_ONE, [100, 200, 300, 300]],
    ['at least nothing', () => 0, [0, 0, 0, 0]],
    ['anything in between', () => 0.25, [25, 50, 75, 75]],
  ])('is %s', (_name, random, delays) => {
    const bench = new Bench({ random, policy: { maxAttempts: 5 } });
    bench.call();
    for (let failed = 0; failed < 5; failed++) {
      bench.wire.last.fail();
      bench.clock.advance(300);
    }
    bench.decided.forEach(({ delayMs }, index) => {
      expect(delayMs).toBeCloseTo(delays[index]!, 6);
    });
    expect(bench.decided.map(({ number }) => number)).toEqual([2, 3, 4, 5]);
  });

  it('is slept in full, and not a moment longer', () => {
    const bench = new Bench();
    bench.call();
    bench.wire.last.fail();
    bench.clock.advance(49);
    expect(bench.numbers).toEqual([1]);
    bench.clock.advance(1);
    expect(bench.numbers).toEqual([1, 2]);
  });

  it('ends with the caller: no timer and no further attempt are left', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.wire.last.fail();
    bench.clock.advance(20);
    call.cancel();
    expect(bench.clock.pendingTimers).toBe(0);
    bench.clock.advance(10_000);
    expect(bench.numbers).toEqual([1]);
  });

  it('leaves nothing behind when the caller leaves on hearing of the retry', () => {
    const bench: Bench = new Bench({
      onRetry: () => {
        call.cancel();
      },
    });
    const call = bench.call();
    bench.wire.last.fail();
    expect(bench.clock.pendingTimers).toBe(0);
    bench.clock.advance(10_000);
    expect(bench.numbers).toEqual([1]);
  });

  it('leaves nothing behind when the caller leaves while an attempt starts that fails at once', () => {
    let leave = (): void => undefined;
    const bench = new Bench({
      handler: ({ number }) =>
        defer(() => {
          if (number === 2) leave();
          return throwError(() => new WireError());
        }),
    });
    const call = bench.call();
    leave = () => {
      call.cancel();
    };
    bench.clock.advance(50);
    expect(bench.clock.pendingTimers).toBe(0);
    expect(bench.decided).toHaveLength(1);
  });

  it('is not decided on for a caller that leaves while the first attempt starts', () => {
    const leave = new Subject<void>();
    const bench = new Bench({
      handler: () =>
        defer(() => {
          leave.next();
          return throwError(() => new WireError());
        }),
    });
    watch(bench.handler({ deadlineAt: Infinity, replaySafe: true }).pipe(takeUntil(leave)));
    expect(bench.decided).toEqual([]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('goes on although whoever listens for retries throws', () => {
    const bench = new Bench({
      onRetry: () => {
        throw new Error('a bug of the listener');
      },
    });
    const call = bench.call();
    bench.wire.last.fail();
    expect(() => {
      bench.clock.advance(0);
    }).toThrow('a bug of the listener');
    bench.clock.advance(50);
    bench.wire.last.answer();
    expect(call.end).toBe('completed');
  });
});

describe('cancelling', () => {
  it.each([1, 2, 3])('cuts attempt %i off the wire', (number) => {
    const bench = new Bench();
    const call = bench.call();
    for (let failed = 1; failed < number; failed++) {
      bench.wire.last.fail();
      bench.clock.advance(300);
    }
    call.cancel();
    expect(bench.wire.last).toMatchObject({ state: 'cancelled', request: { number } });
    expect(bench.wire.open).toEqual([]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('reaches an attempt that emits while it is being started', () => {
    let cut = 0;
    const bench = new Bench({
      handler: () =>
        new Observable((subscriber) => {
          subscriber.add(() => {
            cut++;
          });
          subscriber.next('early');
        }),
    });
    watch(bench.handler({ deadlineAt: Infinity, replaySafe: true }).pipe(take(1)));
    expect(cut).toBe(1);
  });
});

describe('a handler that throws instead of answering', () => {
  it.each([1, 2])('ends the call at attempt %i', (number) => {
    const bug = new TypeError('not a URL');
    const bench = new Bench({
      handler: (attempt) => {
        if (attempt.number === number) throw bug;
        return throwError(() => new WireError());
      },
    });
    const call = bench.call();
    bench.clock.advance(300);
    expect(call.error).toBe(bug);
    expect(bench.clock.pendingTimers).toBe(0);
  });
});

describe('Retry-After', () => {
  const asking = (ms: number) => new WireError(VERDICTS.throttled, ms);

  it('is slept in full, with the backoff as jitter on top', () => {
    const bench = new Bench({ random: () => 0.5 });
    bench.call();
    bench.wire.last.fail(asking(800));
    expect(bench.decided).toEqual([{ number: 2, delayMs: 850 }]);
  });

  it('is never cut short by the jitter', () => {
    const bench = new Bench({ random: () => 0 });
    bench.call();
    bench.wire.last.fail(asking(800));
    bench.clock.advance(799);
    expect(bench.numbers).toEqual([1]);
    bench.clock.advance(1);
    expect(bench.numbers).toEqual([1, 2]);
  });

  it('is waited for up to the longest, and no longer', () => {
    const [longest, longer] = [new Bench(), new Bench()];
    const [waits, fails] = [longest.call(), longer.call()];
    longest.wire.last.fail(asking(1_000));
    longer.wire.last.fail(asking(1_000.001));
    expect(waits.end).toBe('none');
    expect(fails.end).toBe('failed');
    expect(longer.clock.pendingTimers).toBe(0);
  });

  it('ends the call at once where it does not fit the deadline', () => {
    const bench = new Bench();
    const error = asking(800);
    const call = bench.call({ deadlineMs: 800 });
    bench.wire.last.fail(error);
    expect(call.error).toBe(error);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('of 0 leaves the backoff as it is', () => {
    const bench = new Bench();
    bench.call();
    bench.wire.last.fail(asking(0));
    expect(bench.decided).toEqual([{ number: 2, delayMs: 50 }]);
  });
});

describe('the deadline', () => {
  it('ends the call at once where the delay and a least attempt do not fit', () => {
    const bench = new Bench();
    const call = bench.call({ deadlineMs: 54.9 });
    const error = new WireError();
    bench.wire.last.fail(error);
    expect(call.error).toBe(error);
    expect(bench.clock.pendingTimers).toBe(0);
    expect(bench.decided).toEqual([]);
  });

  it('leaves room where they just fit', () => {
    const bench = new Bench();
    bench.call({ deadlineMs: 55 });
    bench.wire.last.fail();
    bench.clock.advance(50);
    expect(bench.numbers).toEqual([1, 2]);
  });

  it('counts from where the attempt ended', () => {
    const bench = new Bench();
    const call = bench.call({ deadlineMs: 1_000 });
    bench.clock.advance(950);
    bench.wire.last.fail();
    expect(call.end).toBe('failed');
  });

  it('costs no budget when it leaves no room', () => {
    const bench = new Bench({ budget: { percent: 0, windowMs: 10_000, minRetriesPerSecond: 1 } });
    bench.call({ deadlineMs: 10 });
    bench.wire.last.fail();
    expect(bench.budget.balance).toBe(10);
  });
});

describe('after the first emission', () => {
  it('nothing is retried', () => {
    const bench = new Bench();
    const call = bench.call();
    const error = new WireError();
    bench.wire.last.emit('half an answ');
    bench.wire.last.fail(error);
    expect(call).toMatchObject({ values: ['half an answ'], end: 'failed', error });
    bench.clock.advance(10_000);
    expect(bench.numbers).toEqual([1]);
  });
});

describe('the retry budget', () => {
  it('is asked when a retry is decided: retries that sleep count', () => {
    const bench = new Bench({ budget: BUDGET });
    const calls = Array.from({ length: 1_000 }, () => bench.call());
    for (const attempt of bench.wire.open) attempt.fail();
    // 20 % of a thousand calls, and a floor of a hundred.
    expect(bench.clock.pendingTimers).toBe(300);
    expect(calls.filter(({ end }) => end === 'failed')).toHaveLength(700);
    expect(bench.budget.balance).toBe(0);
  });

  it('counts calls, not attempts', () => {
    const bench = new Bench({ budget: { percent: 100, windowMs: 10_000, minRetriesPerSecond: 0 } });
    const call = bench.call();
    bench.wire.last.fail();
    bench.clock.advance(300);
    bench.wire.last.fail();
    expect(call.end).toBe('failed');
    expect(bench.numbers).toEqual([1, 2]);
  });

  it('is not spent on errors that are not retried', () => {
    const bench = new Bench({ budget: { percent: 0, windowMs: 10_000, minRetriesPerSecond: 1 } });
    for (const verdict of [VERDICTS.answered, VERDICTS.broken, VERDICTS.neutral]) {
      bench.call();
      bench.wire.last.fail(new WireError(verdict));
    }
    expect(bench.budget.balance).toBe(10);
  });

  it('keeps a dead upstream from more than 1.2 times its calls, and the floor', () => {
    const { calls, attempts } = deadUpstream(BUDGET);
    const floor = BUDGET.minRetriesPerSecond * (200 + BUDGET.windowMs / 1_000);
    expect(attempts).toBeLessThanOrEqual(1.2 * calls + floor);
    expect(attempts).toBeGreaterThan(1.2 * calls);
  });

  it('keeps a dead upstream to 1.2 times its calls where there is no floor', () => {
    const { calls, attempts } = deadUpstream({ ...BUDGET, minRetriesPerSecond: 0 });
    expect(attempts / calls).toBeLessThanOrEqual(1.2);
    expect(attempts / calls).toBeGreaterThan(1.19);
  });

  it('is what keeps it so: without one, four attempts are four times the calls', () => {
    const { calls, attempts } = deadUpstream(NO_BUDGET);
    expect(attempts).toBe(4 * calls);
  });

  /** A hundred calls per second, over twenty windows, with up to four attempts each. */
  function deadUpstream(budget: RetryBudgetPolicy): { calls: number; attempts: number } {
    let attempts = 0;
    const bench = new Bench({
      budget,
      policy: { maxAttempts: 4, backoffBaseMs: 5, backoffCapMs: 20 },
      handler: () => {
        attempts++;
        return throwError(() => new WireError());
      },
    });
    const calls = 20_000;
    for (let call = 0; call < calls; call++) {
      bench.call();
      bench.clock.advance(10);
    }
    bench.clock.advance(1_000);
    expect(bench.clock.pendingTimers).toBe(0);
    return { calls, attempts };
  }
});

describe('a source that fails at once', () => {
  it('can be tried ten thousand times without growing the stack', () => {
    let attempts = 0;
    let nested = 0;
    let deepest = 0;
    const bench = new Bench({
      policy: { maxAttempts: 10_000, backoffBaseMs: 0 },
      budget: { percent: 1_000_000, windowMs: 10_000, minRetriesPerSecond: 0 },
      handler: () =>
        new Observable((subscriber) => {
          attempts++;
          deepest = Math.max(deepest, ++nested);
          subscriber.error(new WireError());
          nested--;
        }),
    });
    const call = bench.call();
    bench.clock.advance(0);
    expect(call.end).toBe('failed');
    expect({ attempts, deepest }).toEqual({ attempts: 10_000, deepest: 1 });
  });
});

describe('subscribing again', () => {
  it('starts afresh: attempts, numbers and deposit', () => {
    const numbers: number[] = [];
    const bench = new Bench({
      policy: { maxAttempts: 3 },
      budget: { percent: 200, windowMs: 10_000, minRetriesPerSecond: 0 },
      handler: ({ number }) => {
        numbers.push(number);
        return throwError(() => new WireError());
      },
    });
    const call = bench.handler({ deadlineAt: Infinity, replaySafe: true });
    expect(numbers).toEqual([]);
    for (let subscription = 0; subscription < 2; subscription++) {
      watch(call);
      bench.clock.advance(1_000);
    }
    expect(numbers).toEqual([1, 2, 3, 1, 2, 3]);
    expect(bench.budget.balance).toBe(0);
  });

  it('works while the first subscription still runs', () => {
    const bench = new Bench();
    const call = bench.handler({ deadlineAt: Infinity, replaySafe: true });
    const [first, second] = [watch(call), watch(call)];
    bench.wire.attempts[0]!.fail();
    bench.wire.attempts[1]!.answer();
    expect(second.end).toBe('completed');
    expect(first.end).toBe('none');
    bench.clock.advance(50);
    expect(bench.wire.last.request.number).toBe(2);
  });

  it('hands a synchronous answer on', () => {
    expect(new Bench({ handler: () => of('now') }).call()).toMatchObject({
      values: ['now'],
      end: 'completed',
    });
  });
});
