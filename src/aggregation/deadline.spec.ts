import { defer, map, NEVER, type Observable, of } from 'rxjs';
import { DeadlineExceededError } from '../resilience/rejections.js';
import { VERDICTS } from '../resilience/verdict.js';
import { RequestContext } from '../upstream/request-context.js';
import { UpstreamError } from '../upstream/upstream-error.js';
import { aggregate, thenAlso, withReport } from './aggregate.js';
import { optional, required, skipped } from './part.js';
import { PartFailedError } from './part-failed-error.js';
import { fakeTime, realTime } from './testing/fake-time.js';
import { ScriptedSource } from './testing/scripted-source.js';
import { watch, type Watched } from './testing/watched.js';

/** What a composite keeps for writing its answer, in ms. */
const RESERVE_MS = 20;

beforeEach(() => {
  fakeTime();
});

afterEach(() => {
  expect(realTime()).toBe(0);
});

function inContext<T>(deadlineAt: number, work: () => T): T {
  return new RequestContext('id', deadlineAt, {}).run(work, undefined);
}

describe('a part with a time of its own', () => {
  it('falls back with reason timeout when it is not there within that time', () => {
    const part = new ScriptedSource();
    const watched = watch(
      aggregate({ part: optional(part.source, { within: 300, fallback: 'fallback' }) }).pipe(withReport()),
    );
    jest.advanceTimersByTime(299);
    expect(watched.values).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(part.cancelled).toBe(1);
    expect(watched.values).toEqual([
      {
        value: { part: 'fallback' },
        report: {
          complete: false,
          parts: [{ part: 'part', state: 'fallback', reason: 'timeout', durationMs: 300, startedAtMs: 0 }],
        },
      },
    ]);
  });

  it('fails with reason timeout where it is required', () => {
    const watched = watch(aggregate({ part: required(NEVER, { within: 300 }) }));
    jest.advanceTimersByTime(300);
    expect(watched.error).toMatchObject({ part: 'part', reason: 'timeout' });
  });

  it('leaves no timer when it answers in time', () => {
    const part = new ScriptedSource();
    const watched = watch(aggregate({ part: optional(part.source, { within: 300 }) }));
    part.answer('in time');
    expect(watched.values).toEqual([{ part: 'in time' }]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('has that time from its own start, not from that of the composite', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ a: required(a.source) }).pipe(
        thenAlso(['a'], () => ({ b: optional(b.source, { within: 300 }) })),
      ),
    );
    jest.advanceTimersByTime(250);
    a.answer('a');
    jest.advanceTimersByTime(250);
    b.answer('b');
    expect(watched.values).toEqual([{ a: 'a', b: 'b' }]);
  });

  it('calls it a timeout as well when the call beneath notices first', () => {
    const part = new ScriptedSource();
    const watched = watch(
      aggregate({ part: optional(part.source, { within: 300 }) }).pipe(
        withReport(),
        map(({ report }) => report.parts[0]?.reason),
      ),
    );
    part.fail(deadlineError());
    expect(watched.values).toEqual(['timeout']);
  });

  it('calls it the deadline when that comes first, whoever notices', () => {
    const reasonOf = (source: Observable<string>): Watched<string | undefined> =>
      watch(
        aggregate({ part: optional(source, { within: 300 }) }, { deadline: 100 }).pipe(
          withReport(),
          map(({ report }) => report.parts[0]?.reason),
        ),
      );
    const part = new ScriptedSource();
    const [ours, theirs] = [reasonOf(NEVER), reasonOf(part.source)];
    part.fail(deadlineError());
    jest.advanceTimersByTime(100);
    expect([...ours.values, ...theirs.values]).toEqual(['deadline', 'deadline']);
  });
});

describe('the deadline of a composite', () => {
  it('ends optional parts with their fallback, in time for an answer', () => {
    const [quick, slow] = [new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ quick: required(quick.source), slow: optional(slow.source) }, { deadline: 500 }).pipe(
        withReport(),
      ),
    );
    jest.advanceTimersByTime(100);
    quick.answer('quick');
    jest.advanceTimersByTime(500 - RESERVE_MS - 101);
    expect(watched.end).toBe('none');
    jest.advanceTimersByTime(1);
    expect(slow.cancelled).toBe(1);
    expect(watched.values).toMatchObject([
      {
        value: { quick: 'quick', slow: null },
        report: {
          parts: [
            { state: 'ok', durationMs: 100 },
            { state: 'fallback', reason: 'deadline', durationMs: 480 },
          ],
        },
      },
    ]);
  });

  it('ends the composite where a required part is missing', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = watch(aggregate({ a: optional(a.source), b: required(b.source) }, { deadline: 500 }));
    jest.advanceTimersByTime(500 - RESERVE_MS);
    expect(watched.error).toBeInstanceOf(PartFailedError);
    expect(watched.error).toMatchObject({ part: 'b', reason: 'deadline' });
    expect([a.cancelled, b.cancelled]).toEqual([1, 1]);
  });

  it('is 3 seconds where nobody says otherwise', () => {
    const watched = watch(aggregate({ a: optional(NEVER) }));
    jest.advanceTimersByTime(3000 - RESERVE_MS - 1);
    expect(watched.end).toBe('none');
    jest.advanceTimersByTime(1);
    expect(watched.end).toBe('completed');
  });

  it('leaves time for the parts even where it is very short', () => {
    const part = new ScriptedSource();
    const watched = watch(aggregate({ part: required(part.source) }, { deadline: 10 }));
    expect(part.asked).toBe(1);
    jest.advanceTimersByTime(8);
    part.answer('quick');
    expect(watched.values).toEqual([{ part: 'quick' }]);
  });

  it('ends parts that were still to come without asking for them', () => {
    const [a, b, c] = [new ScriptedSource(), new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ a: optional(a.source, { fallback: 'a' }) }, { deadline: 100 }).pipe(
        thenAlso(['a'], () => ({ b: optional(b.source, { fallback: 'b' }), s: skipped('s') })),
        thenAlso(() => ({ c: optional(c.source, { fallback: 'c', within: 10 }) })),
        withReport(),
      ),
    );
    jest.advanceTimersByTime(100);
    expect(watched.values).toMatchObject([{ value: { a: 'a', b: 'b', s: 's', c: 'c' } }]);
    expect(watched.values[0]?.report.parts.map(({ state, reason }) => `${state} ${reason ?? ''}`)).toEqual([
      'fallback deadline',
      'fallback deadline',
      'skipped ',
      'fallback deadline',
    ]);
    expect([a.asked, b.asked, c.asked]).toEqual([1, 0, 0]);
  });

  it('asks for no part after it even when its timer is a little early', () => {
    const late = new ScriptedSource();
    const watched = watch(
      aggregate({ a: optional(NEVER) }, { deadline: 100 }).pipe(
        thenAlso(['a'], () => ({ b: optional(late.source) })),
      ),
    );
    // Node counts in whole ms, the clock in µs: the timer may come before its time is up on the clock.
    jest.spyOn(performance, 'now').mockReturnValue(89.4);
    jest.advanceTimersByTime(90);
    expect(late.asked).toBe(0);
    expect(watched.values).toEqual([{ a: null, b: null }]);
  });

  it('asks for no part after it even when its timer is late', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ a: required(a.source) }, { deadline: 100 }).pipe(
        thenAlso(['a'], () => ({ b: optional(b.source) })),
      ),
    );
    // The event loop was blocked: the answer comes before the timer had its turn.
    jest.spyOn(performance, 'now').mockReturnValue(5000);
    a.answer('a');
    expect(b.asked).toBe(0);
    expect(watched.values).toEqual([{ a: 'a', b: null }]);
  });

  it('leaves no timer when the composite is done or cancelled', () => {
    watch(aggregate({ a: required(of(1)) }));
    watch(aggregate({ a: required(NEVER, { within: 10 }) })).cancel();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('the deadline of the request', () => {
  it('wins where it is earlier', () => {
    const watched = inContext(200, () => watch(aggregate({ a: optional(NEVER) }, { deadline: 1000 })));
    jest.advanceTimersByTime(200 - RESERVE_MS);
    expect(watched.end).toBe('completed');
  });

  it('gives way where it is later', () => {
    const watched = inContext(2000, () => watch(aggregate({ a: optional(NEVER) }, { deadline: 1000 })));
    jest.advanceTimersByTime(1000 - RESERVE_MS);
    expect(watched.end).toBe('completed');
  });

  it('keeps parts from being asked when it has passed', () => {
    const part = new ScriptedSource();
    jest.advanceTimersByTime(100);
    for (const deadlineAt of [100, 99, -1]) {
      const { error } = inContext(deadlineAt, () => watch(aggregate({ a: optional(part.source) })));
      expect(error).toBeInstanceOf(DeadlineExceededError);
    }
    expect(part.asked).toBe(0);
  });
});

describe('the context a part is asked in', () => {
  it('ends with the composite', () => {
    const part = new ScriptedSource();
    const watched = inContext(Infinity, () =>
      watch(aggregate({ a: required(part.source) }, { deadline: 500 })),
    );
    expect(part.context).toMatchObject({ id: 'id', deadlineAt: 500 - RESERVE_MS });
    watched.cancel();
  });

  it('ends with the part where that has a time of its own', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = inContext(Infinity, () =>
      watch(
        aggregate(
          { a: required(a.source, { within: 100 }), b: required(b.source, { within: 900 }) },
          { deadline: 500 },
        ),
      ),
    );
    expect(a.context?.deadlineAt).toBe(100);
    expect(b.context?.deadlineAt).toBe(480);
    watched.cancel();
  });

  it('is that of the composite for a part that needs another, not that of the part it needs', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = inContext(Infinity, () =>
      watch(
        aggregate({ a: required(a.source, { within: 100 }) }, { deadline: 500 }).pipe(
          thenAlso(['a'], () => ({ b: required(b.source) })),
        ),
      ),
    );
    // As an upstream client does: it answers in the context it was asked in.
    a.context?.run(() => {
      a.answer('a');
    }, undefined);
    expect(b.context?.deadlineAt).toBe(480);
    watched.cancel();
  });

  it('is that of the composite too for what thenAlso declares', () => {
    const a = new ScriptedSource();
    let seen: number | undefined;
    const watched = inContext(Infinity, () =>
      watch(
        aggregate({ a: required(a.source, { within: 100 }) }, { deadline: 500 }).pipe(
          thenAlso(['a'], () => {
            seen = RequestContext.current().deadlineAt;
            return {};
          }),
        ),
      ),
    );
    a.answer('a');
    expect(seen).toBe(480);
    expect(watched.end).toBe('completed');
  });

  it('is over for what hangs behind the composite: that runs in the context the composite was asked in', () => {
    const a = new ScriptedSource();
    const seen: RequestContext[] = [];
    const see = (): void => void seen.push(RequestContext.current());
    const context = new RequestContext('id', Infinity, {});
    context.run(() => {
      aggregate({ a: optional(a.source, { within: 100 }) }).subscribe({ next: see, complete: see });
      aggregate({ a: required(a.source, { within: 100 }) }).subscribe({ error: see });
    }, undefined);
    a.context?.run(() => {
      a.fail(deadlineError());
    }, undefined);
    expect(seen).toEqual([context, context, context]);
    expect(seen.every((one) => one === context)).toBe(true);
  });

  it('shrinks again for a composite inside a part', () => {
    const part = new ScriptedSource();
    const inner = defer(() => aggregate({ b: required(part.source) }, { deadline: 900 }));
    const watched = inContext(Infinity, () => watch(aggregate({ a: required(inner) }, { deadline: 500 })));
    expect(part.context?.deadlineAt).toBe(500 - 2 * RESERVE_MS);
    watched.cancel();
  });
});

function deadlineError(): UpstreamError {
  return new UpstreamError({ upstream: 'u', reason: 'deadline', verdict: VERDICTS.neutral });
}
