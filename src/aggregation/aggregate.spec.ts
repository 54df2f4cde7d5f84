import { HttpException, Logger, NotFoundException } from '@nestjs/common';
import { defer, EMPTY, map, NEVER, type Observable, of, timeout } from 'rxjs';
import { BreakerOpenError } from '../resilience/rejections.js';
import { VERDICTS } from '../resilience/verdict.js';
import { type FailureReason, UpstreamError } from '../upstream/upstream-error.js';
import { aggregate, withReport } from './aggregate.js';
import { optional, type Part, type Parts, required, skipped } from './part.js';
import { PartFailedError } from './part-failed-error.js';
import { CapturedLog } from './testing/captured-log.js';
import { fakeTime, realTime } from './testing/fake-time.js';
import { ScriptedSource } from './testing/scripted-source.js';
import { watch } from './testing/watched.js';

const log = new CapturedLog();

function upstreamError(reason: FailureReason, status?: number): UpstreamError {
  return new UpstreamError({ upstream: 'secret-name', reason, verdict: VERDICTS.neutral, status });
}

function reportOf(composite: Observable<unknown>): ReturnType<typeof watch> {
  return watch(
    composite.pipe(
      withReport(),
      map(({ report }) => report),
    ),
  );
}

beforeEach(() => {
  fakeTime();
  log.errors.length = 0;
  Logger.overrideLogger(log);
});

afterEach(() => {
  // Whatever a test did, it may not leave a timer behind.
  expect(realTime()).toBe(0);
});

afterAll(() => {
  Logger.overrideLogger(false);
});

describe('the parts of a composite', () => {
  it('are asked all at once, and only when somebody subscribes', () => {
    const a = new ScriptedSource();
    const b = new ScriptedSource();
    const composite = aggregate({ a: required(a.source), b: optional(b.source) });
    expect([a.asked, b.asked]).toEqual([0, 0]);
    const watched = watch(composite);
    expect([a.asked, b.asked]).toEqual([1, 1]);
    watched.cancel();
    expect(watched).toMatchObject({ end: 'cancelled', values: [] });
  });

  it('are asked anew by every subscription', () => {
    let asked = 0;
    const composite = aggregate({ a: required(defer(() => of(++asked))) });
    expect(watch(composite).values).toEqual([{ a: 1 }]);
    expect(watch(composite).values).toEqual([{ a: 2 }]);
  });

  it('stand in the order of their declaration, whichever answers first', () => {
    const sources = { b: new ScriptedSource(), a: new ScriptedSource(), c: new ScriptedSource() };
    const { a, b, c } = sources;
    const watched = watch(aggregate({ b: required(b.source), a: optional(a.source), c: optional(c.source) }));
    c.answer('third');
    a.answer('second');
    expect(watched.end).toBe('none');
    b.answer('first');
    expect(watched.json).toBe('[{"b":"first","a":"second","c":"third"}]');
    expect(watched.end).toBe('completed');
  });

  it.each([0, '', false, null, [], {}, NaN])('may answer %p, which is a value like any other', (value) => {
    const composite = aggregate({
      needed: required(of(value)),
      wanted: optional(of(value), { fallback: 'other' }),
    });
    expect(watch(composite).values).toEqual([{ needed: value, wanted: value }]);
  });

  it('answer null for undefined and for nothing at all, so that JSON keeps the key', () => {
    const composite = aggregate({
      undefined: required(of(undefined)),
      empty: required(EMPTY),
      wanted: optional(EMPTY, { fallback: 'other' }),
      skipped: skipped(undefined),
    });
    expect(watch(composite).json).toBe('[{"undefined":null,"empty":null,"wanted":null,"skipped":null}]');
  });

  it('answer the last of several values, when they are complete', () => {
    const part = new ScriptedSource();
    const watched = watch(aggregate({ part: required(part.source) }));
    part.emit('first');
    part.emit('last');
    expect(watched.values).toEqual([]);
    part.complete();
    expect(watched.values).toEqual([{ part: 'last' }]);
  });

  it('may be none at all', () => {
    const watched = watch(aggregate({}).pipe(withReport()));
    expect(watched.values).toEqual([{ value: {}, report: { complete: true, parts: [] } }]);
    expect(watched.end).toBe('completed');
  });

  it('may have the names of what every object has', () => {
    const composite = aggregate({
      constructor: required(of(1)),
      toString: optional(of(2)),
      then: required(of(3)),
    });
    expect(watch(composite).json).toBe('[{"constructor":1,"toString":2,"then":3}]');
  });

  it.each(['', '1', 'a b', 'größe', '_composite', '__proto__', 'a,b', 'a;b', 'a=b', '"a"', 'a\r\nb'])(
    'may not be named %j, which could not stand in a header field',
    (name) => {
      const part = new ScriptedSource();
      const watched = watch(aggregate({ fine: required(part.source), [name]: required(part.source) }));
      expect(watched.error).toEqual(
        new TypeError(`the part name '${name}' must be a letter followed by letters, digits, '_' or '-'`),
      );
      expect(part.asked).toBe(0);
    },
  );
});

describe('an optional part that fails', () => {
  it('keeps its key, with its fallback or null', () => {
    const composite = aggregate({
      needed: required(of(1)),
      orders: optional(failing(upstreamError('reset')), { fallback: [] }),
      stock: optional(failing(upstreamError('reset'))),
    });
    expect(watch(composite).json).toBe('[{"needed":1,"orders":[],"stock":null}]');
  });

  it.each([0, '', false, [], {}, null])('may have %p for its fallback', (fallback) => {
    const composite = aggregate({ part: optional(failing(upstreamError('open')), { fallback }) });
    expect(watch(composite).values).toEqual([{ part: fallback }]);
  });

  it('answers null where its fallback is undefined', () => {
    const composite = aggregate({ part: optional(failing(upstreamError('open')), { fallback: undefined }) });
    expect(watch(composite).json).toBe('[{"part":null}]');
  });

  it('falls back even after it has begun to answer', () => {
    const part = new ScriptedSource();
    const watched = watch(aggregate({ part: optional(part.source, { fallback: 'fallback' }) }));
    part.emit('half of it');
    part.fail(upstreamError('reset'));
    expect(watched.values).toEqual([{ part: 'fallback' }]);
  });

  it('says why in the report', () => {
    const reasons: FailureReason[] = [
      'timeout',
      'deadline',
      'connect',
      'reset',
      'status',
      'open',
      'full',
      'too-large',
      'invalid',
    ];
    const parts: Record<string, Part<unknown>> = {};
    for (const reason of reasons) parts[reason] = optional(failing(upstreamError(reason)));
    const report = {
      complete: false,
      parts: reasons.map((reason) => ({
        part: reason,
        state: 'fallback',
        reason,
        durationMs: 0,
        startedAtMs: 0,
      })),
    };
    expect(reportOf(aggregate(parts)).values).toEqual([report]);
  });

  it('falls back for a bug too, and writes it into the log', () => {
    const bug = new TypeError('x is not a function');
    const composite = aggregate({
      thrown: optional(
        defer((): Observable<string> => {
          throw bug;
        }),
      ),
    });
    expect(reportOf(composite).values).toEqual([
      {
        complete: false,
        parts: [{ part: 'thrown', state: 'fallback', reason: 'invalid', durationMs: 0, startedAtMs: 0 }],
      },
    ]);
    expect(log.errors).toEqual([["the optional part 'thrown' fell back because of a bug", bug, 'Composite']]);
  });

  it('writes nothing into the log for what upstreams do, and what code throws on purpose', () => {
    watch(
      aggregate({
        upstream: optional(failing(upstreamError('status', 500))),
        guard: optional(failing(new BreakerOpenError(1000))),
        exception: optional(failing(new NotFoundException())),
        late: optional(NEVER.pipe(timeout(10))),
      }),
    );
    jest.advanceTimersByTime(10);
    expect(log.errors).toEqual([]);
  });
});

describe('a required part that fails', () => {
  it('ends the composite at once and cancels the others', () => {
    const [a, b, c] = [new ScriptedSource(), new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ a: required(a.source), b: required(b.source), c: optional(c.source, { within: 100 }) }),
    );
    b.fail(upstreamError('reset'));
    expect(watched.error).toBeInstanceOf(PartFailedError);
    expect(watched.error).toMatchObject({
      part: 'b',
      reason: 'reset',
      message: "the required part 'b' failed: reset",
    });
    expect([a.cancelled, b.cancelled, c.cancelled]).toEqual([1, 0, 1]);
  });

  it('keeps the parts behind it from being asked when it fails at once', () => {
    const later = new ScriptedSource();
    const parts: Parts = {
      first: required(failing(upstreamError('open'))),
      optional: optional(later.source),
      within: optional(later.source, { within: 10 }),
      required: required(later.source),
    };
    expect(watch(aggregate(parts)).error).toMatchObject({ part: 'first' });
    expect(later.asked).toBe(0);
  });

  it('tells nothing but its reason, and keeps its own error as the cause, out of sight', () => {
    const cause = upstreamError('status', 500);
    const { error } = watch(aggregate({ a: required(failing(cause)) }));
    expect((error as PartFailedError).cause).toBe(cause);
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(String(error)).not.toContain('secret');
  });

  it('passes on only those statuses the composite names', () => {
    const failed = (status: number, passThrough?: number[]): unknown =>
      watch(
        aggregate(
          { a: required(failing(upstreamError('status', status))) },
          passThrough === undefined ? {} : { passThrough },
        ),
      ).error;
    for (const status of [401, 403, 404, 410])
      expect(failed(status)).toMatchObject({ passedThrough: status });
    for (const status of [400, 409, 418, 429, 500, 503])
      expect(failed(status)).toMatchObject({ passedThrough: undefined });
    expect(failed(404, [418])).toMatchObject({ passedThrough: undefined });
    expect(failed(418, [418])).toMatchObject({ passedThrough: 418 });
    expect(failed(404, [])).toMatchObject({ passedThrough: undefined });
  });

  it('hands on what code threw on purpose, and what nobody expected, as it is', () => {
    const exception = new HttpException('no', 418);
    const bug = new TypeError('x is not a function');
    expect(watch(aggregate({ a: required(failing(exception)) })).error).toBe(exception);
    expect(watch(aggregate({ a: required(failing(bug)) })).error).toBe(bug);
  });

  it('hands on how long to stay away', () => {
    const { error } = watch(aggregate({ a: required(failing(new BreakerOpenError(1500))) }));
    expect(error).toMatchObject({ part: 'a', reason: 'open', retryAfterMs: 1500 });
  });

  it('passes the reason, status and patience of a composite within it on', () => {
    const inner = aggregate({ b: required(failing(upstreamError('status', 404))) });
    expect(watch(aggregate({ a: required(inner) })).error).toMatchObject({
      part: 'a',
      reason: 'status',
      passedThrough: 404,
    });
    const busy = aggregate({ b: required(failing(new BreakerOpenError(2000))) });
    expect(watch(aggregate({ a: required(busy) })).error).toMatchObject({
      reason: 'open',
      retryAfterMs: 2000,
    });
  });
});

describe('a skipped part', () => {
  it('has its value, and leaves the composite complete', () => {
    const composite = aggregate({ a: required(of(1)), b: skipped([]), c: skipped() });
    const [{ value, report }] = watch(composite.pipe(withReport())).values as [
      { value: object; report: object },
    ];
    expect(value).toEqual({ a: 1, b: [], c: null });
    expect(report).toMatchObject({
      complete: true,
      parts: [{ state: 'ok' }, { state: 'skipped' }, { state: 'skipped' }],
    });
  });
});

describe('the report', () => {
  it('says when each part began and how long it took, in whole ms', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = reportOf(aggregate({ a: required(a.source), b: optional(b.source) }));
    jest.advanceTimersByTime(12);
    a.answer('a');
    jest.advanceTimersByTime(30);
    b.fail(upstreamError('connect'));
    expect(watched.values).toEqual([
      {
        complete: false,
        parts: [
          { part: 'a', state: 'ok', reason: undefined, durationMs: 12, startedAtMs: 0 },
          { part: 'b', state: 'fallback', reason: 'connect', durationMs: 42, startedAtMs: 0 },
        ],
      },
    ]);
  });

  it('can only be had directly behind the composite', () => {
    const mapped = aggregate({ a: required(of(1)) }).pipe(map((value) => value));
    expect(() => mapped.pipe(withReport())).toThrow(
      new TypeError('withReport() must directly follow aggregate() or thenAlso()'),
    );
  });
});

describe('what cannot be meant', () => {
  it.each([NaN, 0, -1, Infinity])('is a deadline, or a time for a part, of %p ms', (ms) => {
    expect(() => aggregate({}, { deadline: ms })).toThrow(
      new RangeError(`'deadline' must be a positive number of ms, not ${ms}`),
    );
    expect(() => required(NEVER, { within: ms })).toThrow(RangeError);
    expect(() => optional(NEVER, { within: ms })).toThrow(RangeError);
  });

  it.each([0, 100, 199, 600, 206.5, NaN])('is a partialStatus of %p', (partialStatus) => {
    expect(() => aggregate({}, { partialStatus })).toThrow(RangeError);
  });
});

function failing(error: unknown): Observable<never> {
  return defer(() => {
    throw error;
  });
}
