import fc from 'fast-check';
import { EMPTY, Observable, of, throwError } from 'rxjs';
import { asHandler, asObservable, type Attempt, type Call, type Handler } from './call.js';
import { HedgeBudget } from './hedge-budget.js';
import { HedgeDelay } from './hedge-delay.js';
import { type HedgeOptions, withHedging } from './hedge.operator.js';
import { AttemptTimeoutError, BreakerOpenError, BulkheadFullError } from './rejections.js';
import { RetryBudget } from './retry-budget.js';
import { withRetry } from './retry.operator.js';
import {
  type HedgePolicy,
  NO_BUDGET,
  Pipeline,
  type PipelinePolicy,
  ScriptedWire,
  watch,
  type Watched,
  WireError,
} from './testing/spec-support.js';
import { VERDICTS } from './verdict.js';
import { VirtualClock } from './virtual-clock.js';

const DELAY_MS = 40;

interface Options {
  readonly policy?: Partial<HedgePolicy>;
  readonly sharedBudget?: RetryBudget;
  readonly onHedge?: HedgeOptions<Call>['onHedge'];
  readonly onRetry?: HedgeOptions<Call>['onRetry'];
  readonly handler?: Handler<Attempt, string>;
  readonly clock?: VirtualClock;
  /** Default: no bound, and no backoff. */
  readonly retry?: Partial<HedgeOptions<Call>['retry']>;
}

/** A layer that hedges after 40 ms, unless told otherwise, around a wire that waits for the test. */
class Bench {
  readonly clock: VirtualClock;
  readonly wire: ScriptedWire;
  readonly shared: RetryBudget;
  readonly told: string[] = [];
  readonly handler: Handler<Call, string>;

  constructor(options: Options = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.wire = new ScriptedWire<Attempt>(this.clock);
    const { clock } = this;
    const policy: HedgePolicy = {
      mode: 'fixed',
      percentile: 95,
      delayMs: DELAY_MS,
      minDelayMs: 1,
      maxDelayMs: 500,
      maxHedges: 2,
      budgetPercent: 100_000,
      ...options.policy,
    };
    this.shared = options.sharedBudget ?? new RetryBudget(NO_BUDGET, clock);
    const retry = withRetry<string, Call>({
      policy: { maxAttempts: 2, backoffBaseMs: 0, backoffCapMs: 0, maxRetryAfterMs: 0 },
      budget: this.shared,
      clock,
      random: () => 0,
      onRetry: (_call, number) => this.told.push(`the retry layer retries, attempt ${number}`),
    });
    this.handler = withHedging<string, Call>(
      {
        retry: { maxAttempts: 10, backoffBaseMs: 0, backoffCapMs: 0, ...options.retry },
        random: () => 0.5,
        maxHedges: policy.maxHedges,
        delay: new HedgeDelay(policy),
        budget: new HedgeBudget(policy.budgetPercent, 10_000, this.shared, clock),
        clock,
        onHedge: (call, number, delayMs) => {
          this.told.push(`hedge ${number} after ${delayMs}`);
          options.onHedge?.(call, number, delayMs);
        },
        onHedgeWon: (_call, number) => this.told.push(`hedge ${number} has won`),
        onRetry: (call, number, delayMs, error, free) => {
          this.told.push(`${free ? 'free ' : ''}retry ${number} after ${delayMs}`);
          options.onRetry?.(call, number, delayMs, error, free);
        },
      },
      retry,
    )(options.handler ?? this.wire.handler);
  }

  call({ deadlineMs = Infinity, ...rest }: Partial<Call> & { deadlineMs?: number } = {}): Watched<string> {
    return watch(
      asObservable(this.handler, { deadlineAt: this.clock.now() + deadlineMs, replaySafe: true, ...rest }),
    );
  }

  attempt(number: number) {
    const attempt = this.wire.attempts.find(({ request }) => request.number === number);
    if (attempt === undefined) throw new Error(`attempt ${number} was not made`);
    return attempt;
  }

  /** `1 open, 2 cancelled` */
  get attempts(): string {
    return this.wire.attempts.map(({ request, state }) => `${request.number} ${state}`).join(', ');
  }

  expectNothingLeft(): void {
    expect(this.clock.pendingTimers).toBe(0);
    expect(this.wire.open).toHaveLength(0);
  }
}

describe('withHedging', () => {
  it('hands on what answers before the delay: one attempt, and no timer is left', () => {
    const bench = new Bench();
    const call = bench.call();
    expect(bench.clock.pendingTimers).toBe(1);
    bench.clock.advance(DELAY_MS - 1);
    bench.wire.last.answer('quick');
    expect(call).toMatchObject({ values: ['quick'], end: 'completed' });
    expect(bench.attempts).toBe('1 answered');
    expect(bench.told).toEqual([]);
    bench.expectNothingLeft();
  });

  it('sends the call once more when the delay is over, and again after another one', () => {
    const bench = new Bench();
    bench.call();
    bench.clock.advance(DELAY_MS - 1);
    expect(bench.attempts).toBe('1 open');
    bench.clock.advance(1);
    expect(bench.attempts).toBe('1 open, 2 open');
    bench.clock.advance(DELAY_MS);
    expect(bench.attempts).toBe('1 open, 2 open, 3 open');
    expect(bench.wire.attempts.map(({ at }) => at)).toEqual([0, DELAY_MS, 2 * DELAY_MS]);
    expect(bench.told).toEqual(['hedge 2 after 40', 'hedge 3 after 40']);
  });

  it('sends no more hedges than it may', () => {
    const bench = new Bench({ policy: { maxHedges: 1 } });
    bench.call();
    bench.clock.advance(DELAY_MS);
    expect(bench.clock.pendingTimers).toBe(0);
    bench.clock.advance(10_000);
    expect(bench.attempts).toBe('1 open, 2 open');
  });

  it('tells what is beneath which attempts run beside another one', () => {
    const bench = new Bench();
    const call: Call = { deadlineAt: Infinity, replaySafe: true };
    watch(asObservable(bench.handler, call));
    bench.clock.advance(2 * DELAY_MS);
    expect(bench.wire.attempts.map(({ request }) => request)).toEqual([
      { call, number: 1, hedge: false },
      { call, number: 2, hedge: true },
      { call, number: 3, hedge: true },
    ]);
  });

  it.each([1, 2, 3])('gives the answer of whichever is first, here %i, and cuts the others off', (winner) => {
    const bench = new Bench();
    const states: string[] = [];
    const call = watch(asObservable(bench.handler, { deadlineAt: Infinity, replaySafe: true }));
    bench.clock.advance(2 * DELAY_MS);
    bench.attempt(winner).answer(`from ${winner}`);
    states.push(...bench.wire.attempts.map(({ state }) => state));
    expect(call).toMatchObject({ values: [`from ${winner}`], end: 'completed' });
    expect(states).toEqual([1, 2, 3].map((number) => (number === winner ? 'answered' : 'cancelled')));
    expect(bench.told.slice(2)).toEqual(winner === 1 ? [] : [`hedge ${winner} has won`]);
    bench.expectNothingLeft();
  });

  it('has cut the losers off before the caller gets the answer', () => {
    const bench = new Bench();
    let seen = '';
    asObservable(bench.handler, { deadlineAt: Infinity, replaySafe: true }).subscribe(
      () => (seen = bench.attempts),
    );
    bench.clock.advance(DELAY_MS);
    bench.attempt(2).answer();
    expect(seen).toBe('1 cancelled, 2 answered');
  });

  it('never hedges after the first emission, nor fails over', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.wire.last.emit('a beginning');
    bench.clock.advance(10_000);
    expect(bench.attempts).toBe('1 open');
    const error = new WireError();
    bench.wire.last.fail(error);
    expect(call).toMatchObject({ values: ['a beginning'], end: 'failed', error });
    expect(bench.attempts).toBe('1 failed');
  });

  it.each(Object.entries(VERDICTS))(
    'gives the caller the failure of what had begun to answer, here one that says %s',
    (_name, verdict) => {
      const bench = new Bench({ policy: { maxHedges: 4 } });
      const call = bench.call();
      bench.wire.last.fail();
      bench.wire.last.emit('a beginning');
      const error = new WireError(verdict);
      bench.wire.last.fail(error);
      expect(call.error).toBe(error);
      expect(bench.attempts).toBe('1 failed, 2 failed');
    },
  );

  it('lets what has begun to answer finish, in as many parts as it likes', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    bench.attempt(2).emit('one');
    expect(bench.attempts).toBe('1 cancelled, 2 open');
    bench.attempt(2).answer('two');
    expect(call).toMatchObject({ values: ['one', 'two'], end: 'completed' });
    expect(bench.told).toEqual(['hedge 2 after 40', 'hedge 2 has won']);
  });

  it.each([1, 2, 3])('cuts attempt %i off, which has begun to answer, when the caller leaves', (number) => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(2 * DELAY_MS);
    bench.attempt(number).emit('a beginning');
    call.cancel();
    expect(bench.attempts).toBe('1 cancelled, 2 cancelled, 3 cancelled');
    bench.expectNothingLeft();
  });

  it('takes an empty answer for an answer', () => {
    const bench = new Bench({
      handler: asHandler(({ number }) => (number === 1 ? new Observable() : EMPTY)),
    });
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    expect(call).toMatchObject({ values: [], end: 'completed' });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('hands a synchronous answer on, and leaves no timer behind', () => {
    const bench = new Bench({ handler: asHandler(() => of('now')) });
    expect(bench.call()).toMatchObject({ values: ['now'], end: 'completed' });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('may send all at once', () => {
    const bench = new Bench({ policy: { delayMs: 0 } });
    bench.call();
    bench.clock.advance(0);
    expect(bench.attempts).toBe('1 open, 2 open, 3 open');
  });

  it('ends all attempts, and the timer, when the caller leaves', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    call.cancel();
    expect(bench.attempts).toBe('1 cancelled, 2 cancelled');
    bench.expectNothingLeft();
    bench.clock.advance(10_000);
    expect(bench.wire.attempts).toHaveLength(2);
  });

  it('makes no attempt for a caller who leaves on hearing of the hedge', () => {
    const bench: Bench = new Bench({
      onHedge: () => {
        call.cancel();
      },
    });
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    expect(bench.attempts).toBe('1 cancelled');
    bench.expectNothingLeft();
  });

  it('loses no attempt to a listener that throws; its error surfaces by itself', () => {
    const bench = new Bench({
      onHedge: () => {
        throw new Error('a bug of the listener');
      },
    });
    bench.call();
    expect(() => {
      bench.clock.advance(DELAY_MS);
    }).toThrow('a bug of the listener');
    expect(bench.attempts).toBe('1 open, 2 open');
  });

  it('starts afresh with each subscription', () => {
    const bench = new Bench();
    const call = asObservable(bench.handler, { deadlineAt: Infinity, replaySafe: true });
    expect(bench.wire.attempts).toHaveLength(0);
    const [one, two] = [watch(call), watch(call)];
    bench.clock.advance(DELAY_MS);
    expect(bench.wire.attempts.map(({ request }) => request.number)).toEqual([1, 1, 2, 2]);
    bench.wire.attempts[2]!.answer('for one');
    expect([one.end, two.end]).toEqual(['completed', 'none']);
  });

  it.each<[string, Partial<Call>]>([
    ['must not be repeated', { replaySafe: false }],
    ['is repeated by a layer above', { retriedAbove: true }],
    ['has its body for itself', { hedgeable: false }],
  ])('leaves a call that %s to the retry layer', (_name, properties) => {
    const bench = new Bench();
    bench.call(properties);
    bench.clock.advance(1_000);
    expect(bench.attempts).toBe('1 open');
    bench.wire.last.fail(new WireError(VERDICTS.unsent));
    bench.clock.advance(0);
    expect(bench.told).toEqual(properties.retriedAbove ? [] : ['the retry layer retries, attempt 2']);
  });
});

describe('a failed attempt', () => {
  it('does not end the call while another one runs; the next hedge is sent at once', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(DELAY_MS + 5);
    bench.attempt(1).fail();
    expect(call.end).toBe('none');
    expect(bench.attempts).toBe('1 failed, 2 open, 3 open');
    expect(bench.told).toEqual(['hedge 2 after 40', 'hedge 3 after 5']);
    bench.attempt(2).answer('saved');
    expect(call).toMatchObject({ values: ['saved'], end: 'completed' });
    bench.expectNothingLeft();
  });

  it('with nothing else running is replaced at once, which is a retry', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(7);
    bench.attempt(1).fail();
    expect(bench.attempts).toBe('1 failed, 2 open');
    expect(bench.wire.last.request.hedge).toBe(false);
    expect(bench.told).toEqual(['retry 2 after 0']);
    bench.attempt(2).answer('second time lucky');
    expect(call).toMatchObject({ values: ['second time lucky'], end: 'completed' });
    expect(bench.told).toHaveLength(1);
    bench.expectNothingLeft();
  });

  it('is replaced after the backoff of a retry, during which nothing is hedged', () => {
    const bench = new Bench({ retry: { backoffBaseMs: 200, backoffCapMs: 200 } });
    const call = bench.call();
    bench.attempt(1).fail();
    expect(bench.told).toEqual(['retry 2 after 100']);
    bench.clock.advance(99);
    expect(bench.attempts).toBe('1 failed');
    bench.clock.advance(1);
    expect(bench.attempts).toBe('1 failed, 2 open');
    bench.attempt(2).answer('second time lucky');
    expect(call).toMatchObject({ values: ['second time lucky'], end: 'completed' });
    bench.expectNothingLeft();
  });

  it('is not replaced by a call that is cancelled during the backoff', () => {
    const bench = new Bench({ retry: { backoffBaseMs: 200, backoffCapMs: 200 } });
    const call = bench.call();
    bench.attempt(1).fail();
    call.cancel();
    bench.clock.advance(1_000);
    expect(bench.attempts).toBe('1 failed');
    bench.expectNothingLeft();
  });

  it.each([
    [1, '1 failed'],
    [2, '1 failed, 2 failed'],
  ])('is replaced as often as the retry policy says: %i attempts', (maxAttempts, attempts) => {
    const bench = new Bench({ retry: { maxAttempts } });
    const call = bench.call();
    for (let number = 1; number <= maxAttempts; number++) bench.attempt(number).fail();
    expect(call.end).toBe('failed');
    expect(bench.attempts).toBe(attempts);
    bench.expectNothingLeft();
  });

  it('is replaced before any percentile is known too, and then counts as an attempt', () => {
    const bench = new Bench({ policy: { mode: 'percentile', maxHedges: 1 } });
    const call = bench.call();
    bench.attempt(1).fail();
    bench.attempt(2).fail();
    expect(call.end).toBe('failed');
    expect(bench.attempts).toBe('1 failed, 2 failed');
  });

  it('puts the next hedge off by a whole delay', () => {
    const bench = new Bench();
    bench.call();
    bench.clock.advance(30);
    bench.attempt(1).fail();
    bench.clock.advance(DELAY_MS - 1);
    expect(bench.wire.attempts).toHaveLength(2);
    bench.clock.advance(1);
    expect(bench.wire.attempts).toHaveLength(3);
  });

  it('gives the caller the failure of the first attempt when all have failed, whatever their order', () => {
    for (const order of [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ]) {
      const bench = new Bench();
      const call = bench.call();
      bench.clock.advance(2 * DELAY_MS);
      const errors = new Map(order.map((number) => [number, new WireError()]));
      for (const number of order) bench.attempt(number).fail(errors.get(number));
      expect(call.error).toBe(errors.get(1));
      bench.expectNothingLeft();
    }
  });

  it('can fail at once, without a stack that grows', () => {
    let attempts = 0;
    const bench = new Bench({
      policy: { maxHedges: 4 },
      handler: asHandler(() => {
        attempts++;
        return throwError(() => new WireError());
      }),
    });
    expect(bench.call().end).toBe('failed');
    expect(attempts).toBe(5);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('may be a handler that throws', () => {
    const bench = new Bench({
      handler: () => {
        throw new TypeError('not a URL');
      },
    });
    expect(bench.call().error).toBeInstanceOf(TypeError);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it.each(
    Object.entries(VERDICTS)
      .filter(([, { retry }]) => retry === 'never')
      .map(([name, verdict]) => ({ name, verdict })),
  )('that says "$name" is an answer: it ends the call and the others', ({ verdict }) => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    const error = new WireError(verdict);
    bench.attempt(2).fail(error);
    expect(call.error).toBe(error);
    expect(bench.attempts).toBe('1 cancelled, 2 failed');
    bench.expectNothingLeft();
  });

  it('of unknown make ends the call: a bug is not hedged', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    bench.attempt(1).fail(new TypeError('a bug of ours'));
    expect(call.error).toBeInstanceOf(TypeError);
    bench.expectNothingLeft();
  });

  it('that is a timeout, ours and late or not, does not end the call', () => {
    for (const late of [false, true]) {
      const bench = new Bench({ policy: { maxHedges: 1 } });
      const call = bench.call();
      bench.clock.advance(DELAY_MS);
      bench.attempt(1).fail(new AttemptTimeoutError(1_000, late));
      expect(call.end).toBe('none');
      bench.attempt(2).answer();
      expect(call.end).toBe('completed');
    }
  });

  it('on a connection that was closed while idle is repeated once, for nothing, under its own number', () => {
    const bench = new Bench({ policy: { maxHedges: 1, budgetPercent: 0 }, sharedBudget: empty() });
    const call = bench.call();
    bench.wire.last.fail(new WireError(VERDICTS.idleClosed));
    expect(bench.attempts).toBe('1 failed, 1 open');
    expect(bench.told).toEqual(['free retry 1 after 0']);
    bench.wire.last.fail(new WireError(VERDICTS.idleClosed));
    expect(call.end).toBe('failed');
    expect(bench.wire.attempts).toHaveLength(2);
    bench.expectNothingLeft();
  });
});

describe('an upstream that asks for patience', () => {
  it.each([
    ['with a 429', new WireError(VERDICTS.throttled)],
    ['with Retry-After', new WireError(VERDICTS.failed, 100)],
    ['with a Retry-After of none', new WireError(VERDICTS.failed, 0)],
  ])('%s gets no further hedge; what runs goes on', (_how, error) => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    bench.attempt(2).fail(error);
    bench.clock.advance(10_000);
    expect(bench.attempts).toBe('1 open, 2 failed');
    bench.attempt(1).answer('after all');
    expect(call).toMatchObject({ values: ['after all'], end: 'completed' });
    bench.expectNothingLeft();
  });

  it('is not asked again when nothing runs', () => {
    const bench = new Bench();
    const call = bench.call();
    const error = new WireError(VERDICTS.throttled, 50);
    bench.attempt(1).fail(error);
    expect(call.error).toBe(error);
    bench.expectNothingLeft();
  });
});

describe('a hedge that is refused', () => {
  it.each([
    ['a breaker that has opened', () => new BreakerOpenError(100)],
    ['a bulkhead that is full', () => new BulkheadFullError()],
  ])('by %s does not fail the call, and is not repeated', (_by, refusal) => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    bench.attempt(2).fail(refusal());
    bench.clock.advance(10_000);
    expect(bench.attempts).toBe('1 open, 2 failed');
    bench.attempt(1).answer();
    expect(call.end).toBe('completed');
    bench.expectNothingLeft();
  });

  it('leaves the caller with the failure of the first attempt, when that fails as well', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.advance(DELAY_MS);
    bench.attempt(2).fail(new BulkheadFullError());
    const error = new WireError();
    bench.attempt(1).fail(error);
    expect(call.error).toBe(error);
    expect(bench.wire.attempts).toHaveLength(2);
  });

  it('is no different for a first attempt: a refusal is final when nothing else runs', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.attempt(1).fail(new BulkheadFullError());
    expect(call.error).toBeInstanceOf(BulkheadFullError);
    expect(bench.wire.attempts).toHaveLength(1);
    bench.expectNothingLeft();
  });
});

/** A retry budget with nothing in it, and nothing to come. */
function empty(): RetryBudget {
  return new RetryBudget({ percent: 0, windowMs: 10_000, minRetriesPerSecond: 0 }, new VirtualClock());
}

describe('the budgets', () => {
  function withBudgets(
    { percent = 10, sharedPercent = 20, floor = 0 } = {},
    policy: Partial<HedgePolicy> = {},
  ) {
    const clock = new VirtualClock();
    const sharedBudget = new RetryBudget(
      { percent: sharedPercent, windowMs: 10_000, minRetriesPerSecond: floor },
      clock,
    );
    return new Bench({ clock, sharedBudget, policy: { budgetPercent: percent, maxHedges: 1, ...policy } });
  }

  it('let one call in ten be hedged', () => {
    const bench = withBudgets();
    for (let call = 0; call < 100; call++) bench.call();
    bench.clock.advance(DELAY_MS);
    expect(bench.told).toHaveLength(10);
    expect(bench.shared.balance).toBe(10);
  });

  it('are asked when the hedge is due, not before: a quick call costs nothing', () => {
    const bench = withBudgets();
    for (let call = 0; call < 100; call++) {
      bench.call();
      bench.wire.last.answer();
    }
    expect(bench.shared.balance).toBe(20);
  });

  it('count each call once, however often it is sent', () => {
    const bench = withBudgets({ percent: 100, sharedPercent: 100 }, { maxHedges: 4 });
    for (let call = 0; call < 10; call++) bench.call();
    bench.clock.advance(4 * DELAY_MS);
    expect(bench.wire.attempts).toHaveLength(20);
    expect(bench.shared.balance).toBe(0);
  });

  it('leave a call alone whose hedge they refuse', () => {
    const bench = withBudgets({ percent: 1 });
    const call = bench.call();
    bench.clock.advance(10_000);
    expect(bench.attempts).toBe('1 open');
    bench.wire.last.answer();
    expect(call.end).toBe('completed');
  });

  it('let a failed attempt be replaced out of the retry budget alone, with its floor', () => {
    const bench = withBudgets({ percent: 1, floor: 1 });
    bench.call();
    bench.wire.last.fail();
    expect(bench.attempts).toBe('1 failed, 2 open');
    expect(bench.shared.balance).toBe(9);
  });

  it('refuse that as well when the retry budget is spent', () => {
    const bench = withBudgets({ percent: 100, sharedPercent: 0 });
    const call = bench.call();
    bench.wire.last.fail();
    expect(call.end).toBe('failed');
    expect(bench.attempts).toBe('1 failed');
  });

  it('keep a dead upstream to 1.2 times its calls', () => {
    const bench = withBudgets({}, { maxHedges: 4 });
    let attempts = 0;
    for (let call = 0; call < 5_000; call++) {
      bench.call();
      while (bench.wire.open.length > 0) bench.wire.last.fail();
      attempts += bench.wire.attempts.splice(0).length;
      bench.clock.advance(10);
    }
    expect(attempts / 5_000).toBeLessThanOrEqual(1.2);
    expect(attempts / 5_000).toBeGreaterThan(1.19);
  });

  it('keep an upstream that answers nothing in time to 1.1 times its calls', () => {
    const bench = withBudgets({}, { maxHedges: 4 });
    let attempts = 0;
    for (let round = 0; round < 200; round++) {
      const calls = Array.from({ length: 50 }, () => bench.call());
      bench.clock.advance(500);
      for (const call of calls) call.cancel();
      attempts += bench.wire.attempts.splice(0).length;
    }
    expect(attempts / 10_000).toBeLessThanOrEqual(1.1);
    expect(attempts / 10_000).toBeGreaterThan(1.09);
  });
});

describe('the deadline', () => {
  it.each([
    ['leaves 5 ms for it', DELAY_MS + 5, '1 open, 2 open'],
    ['leaves less', DELAY_MS + 4, '1 open'],
  ])('lets a hedge be sent if it %s', (_name, deadlineMs, attempts) => {
    const bench = new Bench({ policy: { maxHedges: 1 } });
    bench.call({ deadlineMs });
    bench.clock.advance(DELAY_MS);
    expect(bench.attempts).toBe(attempts);
  });

  it('needs no timer for a hedge that would come too late', () => {
    const bench = new Bench();
    bench.call({ deadlineMs: 30 });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('is looked at again when the timer was late', () => {
    const bench = new Bench();
    bench.call({ deadlineMs: 60 });
    bench.clock.block(57);
    bench.clock.advance(0);
    expect(bench.attempts).toBe('1 open');
  });

  it.each([
    ['leaves 5 ms for it', 5, 2],
    ['leaves less', 4, 1],
  ])('lets a failed attempt be replaced if it %s', (_name, leftMs, attempts) => {
    const bench = new Bench();
    bench.call({ deadlineMs: 20 });
    bench.clock.advance(20 - leftMs);
    bench.wire.last.fail();
    expect(bench.wire.attempts).toHaveLength(attempts);
  });
});

describe('a delay that is a percentile', () => {
  const percentile: Options = { policy: { mode: 'percentile' } };

  function answered(bench: Bench, calls: number, durationMs: number): void {
    for (let call = 0; call < calls; call++) {
      bench.call();
      bench.clock.advance(durationMs);
      bench.wire.last.answer();
    }
  }

  function hedged(bench: Bench): void {
    const sent = bench.wire.attempts.length + 1;
    bench.call();
    while (bench.wire.attempts.length === sent) bench.clock.advance(1);
  }

  it('hedges nothing, and sets no timer, before it is known', () => {
    const bench = new Bench(percentile);
    answered(bench, 19, 10);
    bench.call();
    expect(bench.clock.pendingTimers).toBe(0);
    bench.clock.advance(10_000);
    expect(bench.told).toEqual([]);
  });

  it('is known after twenty calls', () => {
    const bench = new Bench(percentile);
    answered(bench, 20, 10);
    bench.call();
    bench.clock.advance(11);
    expect(bench.told).toEqual(['hedge 2 after 10.5']);
  });

  it('is not made of fast failures', () => {
    const bench = new Bench({ policy: { mode: 'percentile', maxHedges: 1 } });
    for (let call = 0; call < 100; call++) {
      bench.call();
      while (bench.wire.open.length > 0) bench.wire.last.fail();
    }
    bench.call();
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('is made of answers the client did not like, too', () => {
    const bench = new Bench(percentile);
    for (let call = 0; call < 20; call++) {
      bench.call();
      bench.clock.advance(10);
      bench.wire.last.fail(new WireError(VERDICTS.answered));
    }
    bench.call();
    expect(bench.clock.pendingTimers).toBe(1);
  });

  it('takes superseded attempts for as slow as they were', () => {
    const bench = new Bench({ policy: { mode: 'percentile', maxHedges: 1 } });
    answered(bench, 20, 10);
    bench.clock.advance(3_000);
    // From now on each first attempt hangs, and the hedge answers at once.
    for (let call = 0; call < 40; call++) {
      hedged(bench);
      bench.clock.advance(20);
      bench.wire.last.answer();
    }
    bench.clock.advance(3_000);
    bench.told.length = 0;
    bench.call();
    bench.clock.advance(29);
    expect(bench.told).toEqual([]);
    bench.clock.advance(471);
    expect(bench.told.length).toBeGreaterThan(0);
  });

  it('is not made of hedges, of which only the fast ones answer', () => {
    const bench = new Bench({ policy: { mode: 'percentile', percentile: 50, maxHedges: 1 } });
    answered(bench, 20, 100);
    for (let call = 0; call < 100; call++) {
      hedged(bench);
      bench.wire.last.answer();
    }
    bench.clock.advance(3_000);
    bench.told.length = 0;
    // Most first attempts took longer than 104 ms, and half of all answers none.
    bench.call();
    bench.clock.advance(106);
    expect(bench.told).toEqual([]);
  });
});

describe('a timer that fires late', () => {
  it('lets an answer win that had arrived while the loop was blocked', () => {
    const bench = new Bench();
    const call = bench.call();
    bench.clock.block(80);
    bench.clock.setTimeout(
      () => {
        bench.wire.last.answer('in time');
      },
      0,
      undefined,
    );
    bench.clock.advance(0);
    expect(call).toMatchObject({ values: ['in time'], end: 'completed' });
    expect(bench.attempts).toBe('1 answered');
    bench.expectNothingLeft();
  });

  it('sends no storm of hedges for fifty calls whose answers lie unread', () => {
    const bench = new Bench();
    const calls = Array.from({ length: 50 }, () => bench.call());
    bench.clock.block(80);
    bench.clock.setTimeout(
      () => {
        for (const attempt of bench.wire.open) attempt.answer();
      },
      0,
      undefined,
    );
    bench.clock.advance(0);
    expect(calls.every(({ end }) => end === 'completed')).toBe(true);
    expect(bench.told).toEqual([]);
  });

  it('hedges what has still not answered after the sockets were read', () => {
    const bench = new Bench();
    bench.call();
    bench.clock.block(80);
    bench.clock.advance(0);
    expect(bench.told).toEqual(['hedge 2 after 80']);
  });

  it('does not hedge for a caller who leaves meanwhile', () => {
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
    expect(bench.attempts).toBe('1 cancelled');
    bench.expectNothingLeft();
  });

  it('does not hedge twice when the attempt fails meanwhile', () => {
    const bench = new Bench();
    bench.call();
    bench.clock.block(80);
    bench.clock.setTimeout(
      () => {
        bench.attempt(1).fail();
      },
      0,
      undefined,
    );
    bench.clock.advance(0);
    expect(bench.attempts).toBe('1 failed, 2 open');
    expect(bench.told).toEqual(['retry 2 after 0']);
  });
});

describe('among the other layers', () => {
  const hedge: PipelinePolicy['hedge'] = { mode: 'fixed', delayMs: DELAY_MS, budgetPercent: 10_000 };
  const budget: PipelinePolicy['budget'] = NO_BUDGET;

  function expectNothingLeft({ clock, bulkhead, breaker, wire }: Pipeline): void {
    expect(clock.pendingTimers).toBe(0);
    expect(bulkhead).toMatchObject({ inUse: 0, queued: 0 });
    expect(breaker.unsettled).toBe(0);
    expect(wire.open).toHaveLength(0);
  }

  it('is neutral to the breaker about those it supersedes, and gives their permits back', () => {
    const pipeline = new Pipeline({ hedge, budget, breaker: { minimumNumberOfCalls: 1 } });
    const call = pipeline.call(3_000);
    pipeline.clock.advance(2 * DELAY_MS);
    expect(pipeline.bulkhead.inUse).toBe(3);
    pipeline.wire.last.answer();
    expect(call.end).toBe('completed');
    expect(pipeline.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 1, failures: 0 });
    expectNothingLeft(pipeline);
  });

  it('sends a hedge only where a permit is free: it never queues', () => {
    const pipeline = new Pipeline({ hedge, budget, bulkhead: { maxConcurrentCalls: 1 } });
    const call = pipeline.call(3_000);
    pipeline.clock.advance(DELAY_MS);
    expect(pipeline.wire.attempts).toHaveLength(1);
    expect(pipeline.bulkhead.queued).toBe(0);
    pipeline.clock.advance(500);
    expect(pipeline.wire.attempts).toHaveLength(1);
    pipeline.wire.last.answer();
    expect(call.end).toBe('completed');
    expectNothingLeft(pipeline);
  });

  it('sends none past those who wait for a permit', () => {
    const pipeline = new Pipeline({
      hedge,
      budget,
      bulkhead: { maxConcurrentCalls: 2, maxQueueWaitMs: 1_000 },
    });
    const calls = [1, 2, 3].map(() => pipeline.call(3_000));
    pipeline.clock.advance(DELAY_MS);
    expect(pipeline.wire.attempts).toHaveLength(2);
    pipeline.wire.attempts[0]!.answer();
    expect(pipeline.wire.attempts.map(({ request }) => request.number)).toEqual([1, 1, 1]);
    for (const attempt of pipeline.wire.open) attempt.answer();
    expect(calls.every(({ end }) => end === 'completed')).toBe(true);
    expectNothingLeft(pipeline);
  });

  it('lets what replaces a failed attempt queue like any retry', () => {
    const pipeline = new Pipeline({ hedge, budget, bulkhead: { maxConcurrentCalls: 1 } });
    const call = pipeline.call(3_000);
    const other = pipeline.call(3_000);
    pipeline.wire.attempts[0]!.fail();
    pipeline.clock.advance(25);
    expect(pipeline.bulkhead).toMatchObject({ inUse: 1, queued: 1 });
    pipeline.wire.attempts[1]!.answer();
    pipeline.wire.attempts[2]!.answer();
    expect([call.end, other.end]).toEqual(['completed', 'completed']);
    expectNothingLeft(pipeline);
  });

  it('goes on with its first attempt where the breaker opens meanwhile', () => {
    const pipeline = new Pipeline({ hedge, budget, breaker: { minimumNumberOfCalls: 2 } });
    const call = pipeline.call(3_000);
    for (let failure = 0; failure < 2; failure++) {
      pipeline.call(3_000, false);
      pipeline.wire.last.fail();
    }
    expect(pipeline.breaker.stateName).toBe('open');
    pipeline.clock.advance(500);
    expect(pipeline.wire.attempts).toHaveLength(3);
    pipeline.wire.attempts[0]!.answer();
    expect(call.end).toBe('completed');
    expectNothingLeft(pipeline);
  });

  it('ends everything at the deadline', () => {
    const pipeline = new Pipeline({ hedge, budget });
    const call = pipeline.call(100);
    pipeline.clock.advance(100);
    expect(call.end).toBe('failed');
    expect(pipeline.wire.attempts.map(({ state }) => state)).toEqual(new Array(3).fill('cancelled'));
    expectNothingLeft(pipeline);
  });

  it('lets each attempt time out by itself', () => {
    const pipeline = new Pipeline({ hedge, budget, attemptTimeoutMs: 60 });
    const call = pipeline.call(3_000);
    pipeline.clock.advance(60);
    expect(pipeline.wire.attempts.map(({ state }) => state)).toEqual(['cancelled', 'open', 'open']);
    pipeline.clock.advance(39);
    expect(pipeline.wire.open).toHaveLength(2);
    pipeline.clock.advance(21);
    expect(call.error).toBeInstanceOf(AttemptTimeoutError);
    expectNothingLeft(pipeline);
  });

  const step = fc.record({
    kind: fc.constantFrom(
      'call',
      'answer',
      'emit',
      'fail',
      'fatal',
      'throttle',
      'free',
      'cancel',
      'advance',
      'block',
    ),
    which: fc.nat(30),
    ms: fc.integer({ min: 0, max: 120 }),
  });
  const policies = fc.record({
    mode: fc.constantFrom('fixed', 'percentile'),
    maxHedges: fc.integer({ min: 1, max: 4 }),
    budgetPercent: fc.constantFrom(1, 10, 50, 100, 400),
    maxConcurrentCalls: fc.integer({ min: 1, max: 6 }),
  });

  it('keeps its promises under any interleaving', () => {
    fc.assert(
      fc.property(policies, fc.array(step, { maxLength: 120 }), (options, steps) => {
        const { maxHedges, budgetPercent, maxConcurrentCalls } = options;
        let hedges = 0;
        const mode = options.mode;
        const pipeline = new Pipeline({
          hedge: { mode, delayMs: DELAY_MS, maxHedges, budgetPercent },
          budget: { percent: 300 },
          bulkhead: { maxConcurrentCalls, maxQueue: 3 },
          breaker: { minimumNumberOfCalls: 10, openMs: 50 },
          attemptTimeoutMs: 150,
          onHedge: () => hedges++,
        });
        const calls: Watched<string>[] = [];
        const perform = ({ kind, which, ms }: { kind: string; which: number; ms: number }): void => {
          const { open } = pipeline.wire;
          const attempt = open[which % Math.max(1, open.length)];
          switch (kind) {
            case 'call':
              calls.push(pipeline.call(400));
              break;
            case 'answer':
              attempt?.answer();
              break;
            case 'emit':
              attempt?.emit('a part');
              break;
            case 'fail':
              attempt?.fail();
              break;
            case 'fatal':
              attempt?.fail(new WireError(VERDICTS.answered));
              break;
            case 'throttle':
              attempt?.fail(new WireError(VERDICTS.throttled));
              break;
            case 'free':
              attempt?.fail(new WireError(VERDICTS.idleClosed));
              break;
            case 'cancel':
              calls[which % Math.max(1, calls.length)]?.cancel();
              break;
            case 'advance':
              pipeline.clock.advance(ms);
              break;
            default:
              pipeline.clock.block(ms);
          }
          expect(hedges).toBeLessThanOrEqual((calls.length * budgetPercent) / 100 + 1e-6);
          expect(pipeline.bulkhead.inUse).toBe(pipeline.wire.open.length);
        };
        for (const one of steps) perform(one);

        pipeline.clock.advance(1_000);
        expect(calls.every(({ end }) => end !== 'none')).toBe(true);
        expectNothingLeft(pipeline);
        const attempts = new Map<unknown, number>();
        for (const { request } of pipeline.wire.attempts) {
          attempts.set(request.call, (attempts.get(request.call) ?? 0) + 1);
          expect(request.number).toBeLessThanOrEqual(1 + maxHedges);
        }
        // One more for a connection that had been closed while it was idle.
        for (const count of attempts.values()) expect(count).toBeLessThanOrEqual(2 + maxHedges);
      }),
      { numRuns: 300, seed: 4 },
    );
  });
});
