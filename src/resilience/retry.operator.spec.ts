import fc from 'fast-check';
import { EMPTY, Observable, of, Subject, take, takeUntil, throwError } from 'rxjs';
import { asHandler, asObservable, type Attempt, type Call, type Handler } from './call.js';
import { type Random, seededRandom } from './random.js';
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
  /** The numbers of the attempts that were repeated for free. */
  readonly free: number[] = [];
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
      onRetry: (call, number, delayMs, error, free) => {
        if (free) this.free.push(number);
        else this.decided.push({ number, delayMs });
        options.onRetry?.(call, number, delayMs, error, free);
      },
    })(options.handler ?? this.wire.handler);
  }

  call({ deadlineMs = Infinity, replaySafe = true, retriedAbove = false } = {}): Watched<string> {
    return watch(
      asObservable(this.handler, { deadlineAt: this.clock.now() + deadlineMs, replaySafe, retriedAbove }),
    );
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
    expect(new Bench({ handler: asHandler(() => EMPTY) }).call().end).toBe('completed');
  });

  it('hands the call on with every attempt, and numbers them from 1', () => {
    const bench = new Bench();
    const call: Call = { deadlineAt: Infinity, replaySafe: true };
    watch(asObservable(bench.handler, call));
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
      const retries = verdict.retry === 'always' || (verdict.retry !== 'never' && replaySafe);
      expect(call.end).toBe(retries ? 'none' : 'failed');
      bench.clock.advance(300);
      const numbers = verdict.retry === 'free' ? [1, 1] : [1, 2];
      expect(bench.numbers).toEqual(retries ? numbers : [1]);
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
      handler: asHandler(({ number }) => {
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
      handler: asHandler(() => {
        leave.next();
        return throwError(() => new WireError());
      }),
    });
    watch(asObservable(bench.handler, { deadlineAt: Infinity, replaySafe: true }).pipe(takeUntil(leave)));
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
      handler: asHandler(
        () =>
          new Observable((subscriber) => {
            subscriber.add(() => {
              cut++;
            });
            subscriber.next('early');
          }),
      ),
    });
    watch(asObservable(bench.handler, { deadlineAt: Infinity, replaySafe: true }).pipe(take(1)));
    expect(cut).toBe(1);
  });
});

describe('a handler that throws instead of answering', () => {
  it.each([1, 2])('ends the call at attempt %i', (number) => {
    const bug = new TypeError('not a URL');
    const bench = new Bench({
      handler: asHandler((attempt) => {
        if (attempt.number === number) throw bug;
        return throwError(() => new WireError());
      }),
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

describe('a connection that had been closed while it was idle', () => {
  const closed = () => new WireError(VERDICTS.idleClosed);
  const WITHOUT_BUDGET = { percent: 0, windowMs: 10_000, minRetriesPerSecond: 0 };

  it('is replaced at once: no backoff, no budget, no attempt spent', () => {
    const bench = new Bench({ budget: WITHOUT_BUDGET, policy: { maxAttempts: 1 } });
    const call = bench.call();
    bench.wire.last.fail(closed());
    expect(bench.numbers).toEqual([1, 1]);
    expect(bench.clock.pendingTimers).toBe(0);
    bench.wire.last.answer('from a fresh one');
    expect(call).toMatchObject({ values: ['from a fresh one'], end: 'completed' });
    expect({ free: bench.free, decided: bench.decided }).toEqual({ free: [1], decided: [] });
  });

  it('is replaced once a call: the next one is an attempt like any other', () => {
    const bench = new Bench({ policy: { maxAttempts: 2 } });
    const call = bench.call();
    bench.wire.last.fail(closed());
    bench.wire.last.fail(closed());
    expect(bench.decided).toEqual([{ number: 2, delayMs: 50 }]);
    bench.clock.advance(50);
    bench.wire.last.fail(closed());
    expect(call.end).toBe('failed');
    expect(bench.numbers).toEqual([1, 1, 2]);
  });

  it('is replaced after a retry as well, which keeps its number', () => {
    const bench = new Bench();
    bench.call();
    bench.wire.last.fail();
    bench.clock.advance(50);
    bench.wire.last.fail(closed());
    expect(bench.numbers).toEqual([1, 2, 2]);
  });

  it('leaves all attempts to the call that comes after it', () => {
    const bench = new Bench({ policy: { maxAttempts: 2 } });
    bench.call();
    bench.wire.last.fail(closed());
    bench.wire.last.fail();
    bench.clock.advance(50);
    expect(bench.numbers).toEqual([1, 1, 2]);
  });

  it('is not replaced for a call that must not be repeated', () => {
    const bench = new Bench();
    const call = bench.call({ replaySafe: false });
    const error = closed();
    bench.wire.last.fail(error);
    expect(call.error).toBe(error);
    expect(bench.numbers).toEqual([1]);
  });

  it.each([
    [4.9, [1]],
    [5, [1, 1]],
  ])('is replaced where a least attempt still fits: %d ms', (deadlineMs, numbers) => {
    const bench = new Bench();
    bench.call({ deadlineMs });
    bench.wire.last.fail(closed());
    expect(bench.numbers).toEqual(numbers);
  });

  it('is not replaced after the first emission', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.wire.last.emit('half an answ');
    bench.wire.last.fail(closed());
    expect(call.end).toBe('failed');
    expect(bench.numbers).toEqual([1]);
  });

  it('is not replaced for a caller that leaves on hearing of it', () => {
    const bench: Bench = new Bench({
      onRetry: () => {
        call.cancel();
      },
    });
    const call = bench.call();
    bench.wire.last.fail(closed());
    expect(bench.numbers).toEqual([1]);
  });

  it('is replaced although whoever listens throws', () => {
    const bench = new Bench({
      onRetry: () => {
        throw new Error('a bug of the listener');
      },
    });
    bench.call();
    bench.wire.last.fail(closed());
    expect(bench.numbers).toEqual([1, 1]);
    expect(() => {
      bench.clock.advance(0);
    }).toThrow('a bug of the listener');
  });
});

describe('a call that a layer above repeats', () => {
  it.each([['failed'], ['unsent'], ['throttled']] as const)('is not repeated here: %s', (verdict) => {
    const bench = new Bench({ budget: BUDGET });
    const call = bench.call({ retriedAbove: true });
    const error = new WireError(VERDICTS[verdict]);
    bench.wire.last.fail(error);
    expect(call.error).toBe(error);
    expect(bench.clock.pendingTimers).toBe(0);
    expect(bench.numbers).toEqual([1]);
  });

  it('still gets a fresh connection for one that was closed', () => {
    const bench = new Bench({ budget: BUDGET });
    bench.call({ retriedAbove: true });
    bench.wire.last.fail(new WireError(VERDICTS.idleClosed));
    expect(bench.numbers).toEqual([1, 1]);
    bench.wire.last.fail(new WireError(VERDICTS.idleClosed));
    expect(bench.numbers).toEqual([1, 1]);
  });

  it('earns no retries: the budget counts calls that are new', () => {
    const bench = new Bench({ budget: { percent: 100, windowMs: 10_000, minRetriesPerSecond: 0 } });
    bench.call({ retriedAbove: true });
    expect(bench.budget.balance).toBe(0);
    bench.call();
    expect(bench.budget.balance).toBe(1);
  });
});

describe('whatever happens', () => {
  const end = fc.constantFrom<keyof typeof VERDICTS | 'answer' | 'half' | 'cancel'>(
    'answer',
    'half',
    'cancel',
    'answered',
    'failed',
    'unsent',
    'throttled',
    'neutral',
    'idleClosed',
  );
  const call = fc.record({
    replaySafe: fc.boolean(),
    retriedAbove: fc.boolean(),
    deadlineMs: fc.constantFrom(1, 60, 400, Infinity),
    ends: fc.array(fc.record({ end, afterMs: fc.nat(80) }), { minLength: 8, maxLength: 8 }),
  });

  it('a call makes no more than its attempts and a free one, and none after its first emission', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer(),
        fc.array(call, { minLength: 1, maxLength: 12 }),
        (maxAttempts, seed, calls) => {
          const budget = { percent: 50, windowMs: 10_000, minRetriesPerSecond: 0.5 };
          const bench = new Bench({ random: seededRandom(seed), policy: { maxAttempts }, budget });
          const earning = calls.filter(({ retriedAbove }) => !retriedAbove).length;
          for (const { ends, ...options } of calls) {
            const before = bench.wire.attempts.length;
            const freeBefore = bench.free.length;
            const watched = bench.call(options);
            const startedAt = bench.clock.now();
            for (const { end, afterMs } of ends) {
              if (watched.end !== 'none') break;
              const attempt = bench.wire.last;
              if (attempt.state === 'open') {
                if (end === 'answer') attempt.answer();
                else if (end === 'cancel') watched.cancel();
                else if (end === 'half') attempt.emit('half');
                else attempt.fail(new WireError(VERDICTS[end]));
              }
              bench.clock.advance(afterMs);
            }
            const made = bench.wire.attempts.slice(before);
            const free = bench.free.length - freeBefore;
            expect(free).toBeLessThanOrEqual(options.replaySafe ? 1 : 0);
            expect(made.length - free).toBeLessThanOrEqual(options.retriedAbove ? 1 : maxAttempts);
            for (const again of made.slice(1))
              expect(again.at).toBeLessThanOrEqual(startedAt + options.deadlineMs - 5);
            if (watched.values.length > 0) expect(made.at(-1)).toBe(bench.wire.last);
            watched.cancel();
            expect(bench.clock.pendingTimers).toBe(0);
          }
          expect(bench.decided.length).toBeLessThanOrEqual(5 + 0.5 * earning);
          expect(bench.wire.open).toEqual([]);
        },
      ),
    );
  });

  it('an attempt that has emitted is the last one', () => {
    fc.assert(
      fc.property(fc.array(end, { maxLength: 6 }), fc.nat(5), (ends, emitsAt) => {
        const bench = new Bench({ policy: { maxAttempts: 10 } });
        const watched = bench.call();
        let emitted = false;
        for (const [index, verdict] of ends.entries()) {
          const attempt = bench.wire.last;
          if (attempt.state !== 'open') break;
          if (index === emitsAt) {
            attempt.emit('half');
            emitted = true;
          }
          const made = bench.wire.attempts.length;
          attempt.fail(new WireError(verdict in VERDICTS ? VERDICTS[verdict as 'failed'] : VERDICTS.failed));
          bench.clock.advance(300);
          if (emitted) {
            expect(bench.wire.attempts).toHaveLength(made);
            expect(watched.end).toBe('failed');
          }
        }
      }),
    );
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
});

describe('a source that fails at once', () => {
  it('can be tried ten thousand times without growing the stack', () => {
    let attempts = 0;
    let nested = 0;
    let deepest = 0;
    const bench = new Bench({
      policy: { maxAttempts: 10_000, backoffBaseMs: 0 },
      budget: { percent: 1_000_000, windowMs: 10_000, minRetriesPerSecond: 0 },
      handler: asHandler(
        () =>
          new Observable((subscriber) => {
            attempts++;
            deepest = Math.max(deepest, ++nested);
            subscriber.error(new WireError());
            nested--;
          }),
      ),
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
      handler: asHandler(({ number }) => {
        numbers.push(number);
        return throwError(() => new WireError());
      }),
    });
    const call = asObservable(bench.handler, { deadlineAt: Infinity, replaySafe: true });
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
    const call = asObservable(bench.handler, { deadlineAt: Infinity, replaySafe: true });
    const [first, second] = [watch(call), watch(call)];
    bench.wire.attempts[0]!.fail();
    bench.wire.attempts[1]!.answer();
    expect(second.end).toBe('completed');
    expect(first.end).toBe('none');
    bench.clock.advance(50);
    expect(bench.wire.last.request.number).toBe(2);
  });

  it('hands a synchronous answer on', () => {
    expect(new Bench({ handler: asHandler(() => of('now')) }).call()).toMatchObject({
      values: ['now'],
      end: 'completed',
    });
  });
});
