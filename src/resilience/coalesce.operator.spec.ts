import fc from 'fast-check';
import { take } from 'rxjs';
import { asObservable, type Call } from './call.js';
import { Flights } from './coalesce.js';
import { type CoalescedCalls, type CoalesceOptions, withCoalescing } from './coalesce.operator.js';
import { withDeadline } from './deadline.operator.js';
import { DeadlineExceededError } from './rejections.js';
import { ScriptedWire, watch, type Watched, type WireAttempt, WireError } from './testing/spec-support.js';
import { VirtualClock } from './virtual-clock.js';

interface Asked extends Call {
  readonly key?: string;
  readonly writes?: boolean;
}

const POLICY_DEADLINE_MS = 3_000;

/** Callers with deadlines of their own, over calls that are shared, over a scripted wire. */
class Shared {
  readonly clock = new VirtualClock();
  readonly flights: CoalescedCalls<string, Asked> = new Flights();
  readonly wire: ScriptedWire<Asked>;
  joins = 0;
  private readonly handler;

  constructor(
    script?: (attempt: WireAttempt<Asked>) => void,
    options: Partial<CoalesceOptions<string, Asked>> = {},
  ) {
    const { clock } = this;
    this.wire = new ScriptedWire<Asked>(clock, script);
    const coalesce = withCoalescing<string, Asked>(this.flights, {
      keyOf: ({ key }) => key,
      changes: ({ writes = false }) => writes,
      detached: (call) => ({ ...call, deadlineAt: clock.now() + POLICY_DEADLINE_MS }),
      copier: (answer) => () => `${answer} (copy)`,
      onJoin: () => this.joins++,
      ...options,
    });
    const deadline = withDeadline<string, Asked>(clock);
    this.handler = deadline(coalesce(deadline(this.wire.handler)));
  }

  source({ deadlineMs = Infinity, ...call }: Partial<Asked> & { deadlineMs?: number } = {}) {
    const deadlineAt = this.clock.now() + deadlineMs;
    return asObservable(this.handler, { key: 'k', replaySafe: true, ...call, deadlineAt });
  }

  ask(call?: Partial<Asked> & { deadlineMs?: number }): Watched<string> {
    return watch(this.source(call));
  }
}

describe('equal calls at the same time', () => {
  it('are one call, a thousand of them, and each has an answer of its own', () => {
    const shared = new Shared();
    const callers = Array.from({ length: 1_000 }, () => shared.ask());

    expect(shared.wire.attempts).toHaveLength(1);
    shared.wire.last.answer('soup');

    expect(callers[0]?.values).toEqual(['soup']);
    expect(callers.slice(1).filter(({ values }) => values[0] === 'soup (copy)')).toHaveLength(999);
    expect(callers.every(({ end }) => end === 'completed')).toBe(true);
    expect(shared.joins).toBe(999);
    expect(shared.clock.pendingTimers).toBe(0);
  });

  it('are still one when the first caller leaves, and 999 answers', () => {
    const shared = new Shared();
    const [first, ...others] = Array.from({ length: 1_000 }, () => shared.ask());

    first?.cancel();
    shared.wire.last.answer('soup');

    expect(shared.wire.attempts).toMatchObject([{ state: 'answered' }]);
    expect(first?.values).toEqual([]);
    expect(others.filter(({ end }) => end === 'completed')).toHaveLength(999);
  });

  it('end on the wire when the last caller leaves', () => {
    const shared = new Shared();
    const [first, second] = [shared.ask(), shared.ask()];

    first.cancel();
    expect(shared.wire.last.state).toBe('open');
    second.cancel();

    expect(shared.wire.last.state).toBe('cancelled');
    expect(shared.flights.size).toBe(0);
    expect(shared.clock.pendingTimers).toBe(0);
  });

  it('are asked anew once nobody waits any more, while the old one is being cancelled', () => {
    const shared = new Shared();
    shared.ask().cancel();
    const next = shared.ask();

    expect(shared.wire.attempts).toHaveLength(2);
    shared.wire.last.answer('soup');
    expect(next.values).toEqual(['soup']);
  });

  it('share a failure, which is not kept', () => {
    const shared = new Shared();
    const callers = [shared.ask(), shared.ask()];
    const error = new WireError();
    shared.wire.last.fail(error);

    expect(callers.map((caller) => caller.error)).toEqual([error, error]);
    shared.ask();
    expect(shared.wire.attempts).toHaveLength(2);
  });

  it('have nothing to do with other keys, or with calls that have none', () => {
    const shared = new Shared();
    shared.ask();
    shared.ask({ key: 'other' });
    watch(shared.source({ key: undefined as never }));
    watch(shared.source({ key: undefined as never }));

    expect(shared.wire.attempts).toHaveLength(4);
  });
});

describe('a caller of a shared call', () => {
  it('has its own deadline, the first one too, and takes nobody with it', () => {
    const shared = new Shared();
    const hasty = shared.ask({ deadlineMs: 10 });
    const patient = shared.ask({ deadlineMs: 100 });

    shared.clock.advance(10);
    expect(hasty.error).toBeInstanceOf(DeadlineExceededError);
    expect(shared.wire.last.state).toBe('open');

    shared.clock.advance(50);
    shared.wire.last.answer('soup');
    expect(patient.values).toEqual(['soup']);
  });

  it('is bounded by the deadline of the shared call, which is the policy’s', () => {
    const shared = new Shared();
    const caller = shared.ask();

    shared.clock.advance(POLICY_DEADLINE_MS);

    expect(caller.error).toBeInstanceOf(DeadlineExceededError);
    expect(shared.wire.last.state).toBe('cancelled');
  });

  it('that comes after the answer starts anew, even from within it', () => {
    const shared = new Shared();
    let again: Watched<string> | undefined;
    shared.source().subscribe(() => {
      again = shared.ask();
    });
    shared.ask();
    shared.wire.attempts[0]?.answer('soup');

    expect(shared.wire.attempts).toHaveLength(2);
    expect(again?.values).toEqual([]);
    shared.wire.last.answer('bread');
    expect(again?.values).toEqual(['bread']);
  });

  it('may be answered at once', () => {
    const shared = new Shared((attempt) => {
      attempt.answer('soup');
    });
    expect(shared.ask()).toMatchObject({ values: ['soup'], end: 'completed' });
    expect(shared.ask()).toMatchObject({ values: ['soup'], end: 'completed' });
    expect(shared.wire.attempts).toHaveLength(2);
    expect(shared.flights.size).toBe(0);
  });

  it('may leave at its answer, and end another one’s waiting with it', () => {
    const shared = new Shared();
    const ended: Watched<string>[] = [];
    shared
      .source()
      .pipe(take(1))
      .subscribe(() => {
        ended.forEach((other) => {
          other.cancel();
        });
      });
    ended.push(shared.ask());
    const last = shared.ask();
    shared.wire.last.answer('soup');

    expect(ended[0]).toMatchObject({ values: [], end: 'cancelled' });
    expect(last).toMatchObject({ values: ['soup (copy)'], end: 'completed' });
  });

  it('gets no answer that could not be copied for it', () => {
    const shared = new Shared(undefined, {
      copier: () => {
        throw new TypeError('cyclic');
      },
    });
    const callers = [shared.ask(), shared.ask()];
    shared.wire.last.answer();

    expect(callers.map(({ error }) => error)).toEqual([new TypeError('cyclic'), new TypeError('cyclic')]);
    expect(shared.flights.size).toBe(0);
  });

  it('hears of it when the call cannot even be made', () => {
    const shared = new Shared(undefined, {
      detached: () => {
        throw new TypeError('no such call');
      },
    });
    expect(shared.ask().error).toEqual(new TypeError('no such call'));
    expect(shared.flights.size).toBe(0);
  });
});

describe('a call that changes something', () => {
  it.each<[string, (write: WireAttempt<Asked>, caller: Watched<string>) => void]>([
    [
      'has succeeded',
      (write) => {
        write.answer();
      },
    ],
    [
      'has failed, who knows where',
      (write) => {
        write.fail();
      },
    ],
    [
      'was given up',
      (_write, caller) => {
        caller.cancel();
      },
    ],
  ])('is not overtaken by what was begun before it: when it %s', (_how, end) => {
    const shared = new Shared();
    const before = shared.ask();
    const writer = watch(shared.source({ key: undefined as never, writes: true }));
    const meanwhile = shared.ask();
    expect(shared.wire.attempts).toHaveLength(2);

    end(shared.wire.last, writer);
    const after = shared.ask();

    expect(shared.wire.attempts).toHaveLength(3);
    shared.wire.attempts[0]?.answer('old');
    shared.wire.last.answer('new');
    expect([before, meanwhile, after].map(({ values }) => values)).toEqual([
      ['old'],
      ['old (copy)'],
      ['new'],
    ]);
  });
});

describe('under any interleaving', () => {
  const KEYS = ['a', 'b', 'c'];
  const step = fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), key: fc.constantFrom(...KEYS), deadlineMs: fc.nat(200) }),
    fc.record({ kind: fc.constant('cancel' as const), index: fc.nat(30) }),
    fc.record({ kind: fc.constant('answer' as const), index: fc.nat(30) }),
    fc.record({ kind: fc.constant('fail' as const), index: fc.nat(30) }),
    fc.record({ kind: fc.constant('write' as const) }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(100) }),
  );

  it('gives each caller the answer to its own key, once, and leaves nothing behind', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const shared = new Shared();
        const callers: { key: string; watched: Watched<string> }[] = [];
        const open = (index: number): WireAttempt<Asked> | undefined =>
          shared.wire.open[index % Math.max(1, shared.wire.open.length)];
        for (const one of steps) {
          switch (one.kind) {
            case 'ask': {
              const { key, deadlineMs } = one;
              callers.push({ key, watched: shared.ask({ key, deadlineMs: deadlineMs + 1 }) });
              break;
            }
            case 'cancel':
              callers[one.index % Math.max(1, callers.length)]?.watched.cancel();
              break;
            case 'answer': {
              const attempt = open(one.index);
              attempt?.answer(attempt.request.key);
              break;
            }
            case 'fail':
              open(one.index)?.fail();
              break;
            case 'write':
              shared.flights.closeAll();
              break;
            case 'advance':
              shared.clock.advance(one.ms);
          }
          const waiting = callers.filter(({ watched }) => watched.end === 'none');
          // Nobody waits for a call that is not made, and no call is made that nobody waits for.
          expect(shared.wire.open.length).toBeLessThanOrEqual(waiting.length);
          expect(new Set(shared.wire.open.map(({ request }) => request.key))).toEqual(
            new Set(waiting.map(({ key }) => key)),
          );
        }
        for (const { key, watched } of callers) {
          expect(watched.values.length).toBeLessThanOrEqual(1);
          for (const value of watched.values) expect(value.replace(' (copy)', '')).toBe(key);
        }
        shared.clock.advance(POLICY_DEADLINE_MS);
        expect([shared.flights.size, shared.wire.open.length, shared.clock.pendingTimers]).toEqual([0, 0, 0]);
      }),
      { numRuns: 500 },
    );
  });
});
