import { Logger } from '@nestjs/common';
import { defer, EMPTY, map, NEVER, type Observable, of, retry, switchMap, throwError } from 'rxjs';
import { DeadlineExceededError } from '../resilience/rejections.js';
import { VERDICTS } from '../resilience/verdict.js';
import { RequestContext } from '../upstream/request-context.js';
import { UpstreamError } from '../upstream/upstream-error.js';
import { aggregate, thenAlso, withReport } from './aggregate.js';
import { ExchangeContext } from './exchange-context.js';
import { joinEach } from './join-each.js';
import { type JoinedItems } from './joined-items.js';
import { optional, required } from './part.js';
import { parsePrefer } from './preferences.js';
import { CapturedLog } from './testing/captured-log.js';
import { fakeTime, realTime } from './testing/fake-time.js';
import { ScriptedCalls } from './testing/scripted-calls.js';
import { watch, type Watched } from './testing/watched.js';

interface Line {
  readonly sku: unknown;
  readonly quantity?: number;
}

const log = new CapturedLog();

beforeEach(() => {
  fakeTime();
  log.errors.length = 0;
  Logger.overrideLogger(log);
});

afterEach(() => {
  expect(realTime()).toBe(0);
});

afterAll(() => {
  Logger.overrideLogger(false);
});

function failed(reason: UpstreamError['reason'], status?: number): UpstreamError {
  return new UpstreamError({ upstream: 'catalog', reason, verdict: VERDICTS.neutral, status });
}

const skuOf = ({ sku }: Line): unknown => sku;

function lines(...skus: readonly unknown[]): Line[] {
  return skus.map((sku, index) => ({ sku, quantity: index + 1 }));
}

/** The one value it is to have by now. */
function joinedOf<V, M>({ values, end }: Watched<JoinedItems<V, M>>): JoinedItems<V, M> {
  const [joined] = values;
  if (joined === undefined || end !== 'completed') throw new Error(`no value, and ${end}`);
  return joined;
}

describe('what a list join asks for', () => {
  it('is each distinct key, once, in order of first appearance, with its first item', () => {
    const asked: unknown[] = [];
    const joined = watch(
      joinEach(lines('b', 'a', 'b', 'c', 'a'), {
        key: skuOf,
        call: (key, item) => {
          asked.push([key, item.quantity]);
          return of(`product ${key}`);
        },
      }),
    );
    expect(asked).toEqual([
      ['b', 1],
      ['a', 2],
      ['c', 4],
    ]);
    expect(joinedOf(joined).keys).toEqual(['b', 'a', 'c']);
    expect(joinedOf(joined).toList()).toEqual(['product b', 'product a', 'product c']);
  });

  it('is the items themselves where they are the keys', () => {
    const calls = new ScriptedCalls();
    watch(joinEach(['a', 'b', 'a'], { call: calls.ask })).cancel();
    expect(calls.asked).toEqual(['a', 'b']);
  });

  it('takes 7 and "7" for the same key, and asks in the form that came first', () => {
    const asked: unknown[] = [];
    const answer = watch(
      joinEach([7, '7', '8', 8], {
        call: (key) => {
          asked.push(key);
          return of(`value ${key}`);
        },
      }),
    );
    expect(asked).toEqual([7, '8']);
    expect([joinedOf(answer).get('7'), joinedOf(answer).get(7)]).toEqual(['value 7', 'value 7']);
  });

  it.each([[null], [undefined], [''], [{}], [[]], [true], [NaN], [Infinity]])(
    'is nothing for the key %p, which is missing without having failed',
    (none) => {
      const calls = new ScriptedCalls();
      const answer = watch(joinEach(lines(none, 'a'), { key: skuOf, call: calls.ask, missing: 'none' }));
      expect(calls.asked).toEqual(['a']);
      calls.of('a').answer('A');
      const joined = joinedOf(answer);
      expect(joined.get(none)).toBe('none');
      expect([joined.keys, joined.failure]).toEqual([['a'], undefined]);
    },
  );

  it('takes 0 for a key', () => {
    expect(joinedOf(watch(joinEach([0], { call: () => of('zero') }))).get(0)).toBe('zero');
  });

  it('is nothing at all for an empty list, which is answered at once', () => {
    const calls = new ScriptedCalls();
    expect(joinedOf(watch(joinEach([], { call: calls.ask }))).toMap()).toEqual({});
    expect(calls.asked).toEqual([]);
  });

  it('is asked anew by every subscription, and not before', () => {
    const calls = new ScriptedCalls();
    const source = joinEach(['a'], { call: calls.ask });
    expect(calls.asked).toEqual([]);
    watch(source).cancel();
    watch(source).cancel();
    expect(calls.asked).toEqual(['a', 'a']);
  });

  it('is at most maxItems keys; the others count as failed, with reason too-large', () => {
    const calls = new ScriptedCalls();
    const keys = Array.from({ length: 1000 }, (_, index) => `k${index}`);
    const answer = watch(joinEach(keys, { call: calls.ask, maxItems: 200, concurrency: 1000 }));
    expect(calls.asked).toEqual(keys.slice(0, 200));
    for (const key of calls.asked) calls.of(key).answer(key);
    const joined = joinedOf(answer);
    expect([joined.found, joined.keys.length]).toEqual([200, 1000]);
    expect(joined.failure).toMatchObject({ reason: 'too-large' });
    expect(joined.get('k200')).toBeNull();
  });
});

describe('the calls of a list join', () => {
  it('are so many at once, and the next one starts when one ends', () => {
    const calls = new ScriptedCalls();
    const answer = watch(joinEach(['a', 'b', 'c', 'd'], { call: calls.ask, concurrency: 2 }));
    expect(calls.waiting).toEqual(['a', 'b']);
    calls.of('b').answer('B');
    expect(calls.waiting).toEqual(['a', 'c']);
    calls.of('a').fail(failed('status', 500));
    expect(calls.waiting).toEqual(['c', 'd']);
    calls.of('d').answer('D');
    calls.of('c').answer('C');
    expect(joinedOf(answer).toList()).toEqual([null, 'B', 'C', 'D']);
  });

  it('are 8 at once where nothing is said', () => {
    const calls = new ScriptedCalls();
    const keys = Array.from({ length: 20 }, (_, index) => index);
    watch(joinEach(keys, { call: calls.ask })).cancel();
    expect(calls.asked).toHaveLength(8);
  });

  it('end when nobody waits for them, and no other one starts', () => {
    const calls = new ScriptedCalls();
    const answer = watch(joinEach(['a', 'b', 'c'], { call: calls.ask, concurrency: 2 }));
    answer.cancel();
    expect(calls.cancelled).toEqual(['a', 'b']);
    expect(calls.asked).toEqual(['a', 'b']);
  });

  it('may be thousands that answer at once', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => index);
    const answer = watch(joinEach(keys, { call: (key) => of(key), maxItems: 20_000, concurrency: 1 }));
    expect(joinedOf(answer).found).toBe(20_000);
  });

  it('start in the context of the join, whatever context the last answer came in', () => {
    const calls = new ScriptedCalls();
    const contexts: string[] = [];
    const [own, other] = [new RequestContext('own', Infinity, {}), new RequestContext('other', Infinity, {})];
    const source = joinEach(['a', 'b'], {
      call: (key) => {
        contexts.push(RequestContext.current().id);
        return calls.ask(key);
      },
      concurrency: 1,
    });
    const answered: string[] = [];
    own.run(() => source.subscribe(() => answered.push(RequestContext.current().id)), undefined);
    for (const key of ['a', 'b']) {
      other.run(() => {
        calls.of(key).answer(key);
      }, undefined);
    }
    expect([contexts, answered]).toEqual([['own', 'own'], ['own']]);
  });

  it.each(['concurrency', 'maxItems'])('refuse a %s that is none', (name) => {
    for (const value of [0, -1, 1.5, NaN, Infinity]) {
      expect(() => joinEach([], { call: () => EMPTY, [name]: value })).toThrow(RangeError);
    }
  });
});

describe('one call an item', () => {
  it('leaves the other items when it fails', () => {
    const calls = new ScriptedCalls();
    const answer = watch(joinEach(['a', 'b', 'c'], { call: calls.ask }));
    calls.of('c').fail(failed('reset'));
    calls.of('b').fail(failed('timeout'));
    calls.of('a').answer('A');
    const joined = joinedOf(answer);
    expect(joined.toMap()).toEqual({ a: 'A', b: null, c: null });
    // The first in order of the keys, not in time.
    expect(joined.failure).toMatchObject({ reason: 'timeout' });
  });

  it.each([404, 410])(
    'that is answered with %i says that there is no such thing, which is no failure',
    (status) => {
      const answer = watch(
        joinEach(['a', 'b'], {
          call: (key) => (key === 'a' ? of('A') : throwError(() => failed('status', status))),
          missing: { name: 'unknown' },
        }),
      );
      const joined = joinedOf(answer);
      expect(joined.toMap()).toEqual({ a: 'A', b: { name: 'unknown' } });
      expect([joined.failure, joined.found, joined.has('b')]).toEqual([undefined, 1, false]);
    },
  );

  it.each([403, 500])('that is answered with %i has failed', (status) => {
    const answer = watch(joinEach(['a'], { call: () => throwError(() => failed('status', status)) }));
    expect(joinedOf(answer).failure).toMatchObject({ status });
  });

  it('that is answered with null, or with nothing, is missing', () => {
    const call = (key: unknown): Observable<unknown> => (key === 'a' ? of(null) : EMPTY);
    const joined = joinedOf(watch(joinEach(['a', 'b'], { call, missing: 'none' })));
    expect(joined.toList()).toEqual(['none', 'none']);
    expect(joined.failure).toBeUndefined();
  });

  it('that cannot even be made has failed', () => {
    const answer = watch(
      joinEach(['a', 'b'], {
        call: (key) => {
          if (key === 'a') throw new TypeError('a bug');
          return of(key);
        },
      }),
    );
    expect(joinedOf(answer).toList()).toEqual([null, 'b']);
    expect(joinedOf(answer).failure).toEqual(new TypeError('a bug'));
  });

  it('keeps values that are false, 0 or empty', () => {
    const values = new Map<unknown, unknown>([
      ['a', false],
      ['b', 0],
      ['c', ''],
    ]);
    const joined = joinedOf(watch(joinEach([...values.keys()], { call: (key) => of(values.get(key)) })));
    expect(joined.toList()).toEqual([false, 0, '']);
    expect(joined.found).toBe(3);
  });
});

interface Product {
  readonly sku: unknown;
  readonly name?: string;
}

describe('calls of several items', () => {
  const batch = (answer: (keys: readonly unknown[]) => unknown, size = 10) => ({
    size,
    call: (keys: readonly unknown[]) => defer(() => of(answer(keys) as readonly Product[])),
    key: ({ sku }: Product) => sku,
  });

  it('take as many keys as they may, in order', () => {
    const asked: unknown[] = [];
    watch(
      joinEach(['a', 'b', 'c', 'd', 'e'], {
        batch: batch((keys) => {
          asked.push(keys);
          return [];
        }, 2),
      }),
    );
    expect(asked).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('ask for no key beyond maxItems', () => {
    const asked: unknown[] = [];
    const options = { batch: batch((keys) => (asked.push(keys), []), 2), maxItems: 3 };
    const answer = watch(joinEach(['a', 'b', 'c', 'd', 'e'], options));
    expect(asked).toEqual([['a', 'b'], ['c']]);
    expect(joinedOf(answer).failure).toMatchObject({ reason: 'too-large' });
  });

  it('are matched by key: whatever the order, with what nobody asked for, and with some left out', () => {
    const products = [
      { sku: 'x' },
      { sku: 'c', name: 'C' },
      { sku: 'a', name: 'A' },
      { name: 'no key' },
      null,
    ];
    const joined = joinedOf(watch(joinEach(['a', 'b', 'c'], { batch: batch(() => products), missing: 0 })));
    expect(joined.toMap()).toEqual({ a: { sku: 'a', name: 'A' }, b: 0, c: { sku: 'c', name: 'C' } });
    expect(joined.failure).toBeUndefined();
  });

  it('match numbers in the list with texts in the answer, and the other way round', () => {
    const answer = () => [
      { sku: '1', name: 'one' },
      { sku: 2, name: 'two' },
    ];
    const joined = joinedOf(watch(joinEach([1, '2'], { batch: batch(answer) })));
    expect(joined.toList()).toEqual([
      { sku: '1', name: 'one' },
      { sku: 2, name: 'two' },
    ]);
  });

  it('have the first of two elements with the same key', () => {
    const twice = [
      { sku: 'a', name: 'first' },
      { sku: 'a', name: 'second' },
    ];
    expect(joinedOf(watch(joinEach(['a'], { batch: batch(() => twice) }))).get('a')).toEqual(twice[0]);
  });

  it('may answer an object by key, of which only its own properties count', () => {
    const joined = joinedOf(
      watch(joinEach(['a', 'constructor', 'b'], { batch: batch(() => ({ a: 'A', b: null, other: 1 })) })),
    );
    expect(joined.toList()).toEqual(['A', null, null]);
    expect([joined.found, joined.failure]).toEqual([1, undefined]);
  });

  it.each([
    ['text', 'text'],
    ['a number', 7],
    ['null', null],
    ['an object that has none of the keys', { items: [{ sku: 'a' }] }],
    ['a list in which nothing has a key', [{ id: 'a' }, 'a', null]],
  ])('are invalid when the answer is %s', (_, answer) => {
    const joined = joinedOf(watch(joinEach(['a', 'b'], { batch: batch(() => answer) })));
    expect(joined.failure).toMatchObject({ reason: 'invalid' });
    expect(joined.toList()).toEqual([null, null]);
  });

  it.each([
    ['list', []],
    ['object', {}],
  ])('have found nothing when the answer is an empty %s', (_, answer) => {
    const joined = joinedOf(watch(joinEach(['a'], { batch: batch(() => answer) })));
    expect([joined.get('a'), joined.failure]).toEqual([null, undefined]);
  });

  it('lose only their own items when one fails, with 404 too: that is what the endpoint says of itself', () => {
    const joined = joinedOf(
      watch(
        joinEach(['a', 'b', 'c', 'd'], {
          batch: batch((keys) => {
            if (keys.includes('a')) throw failed('status', 404);
            return keys.map((sku) => ({ sku }));
          }, 2),
        }),
      ),
    );
    expect(joined.toList()).toEqual([null, null, { sku: 'c' }, { sku: 'd' }]);
    expect(joined.failure).toMatchObject({ status: 404 });
  });

  it('fail where the key of an element throws', () => {
    const { size, call } = batch(() => [{ sku: 'a' }]);
    const key = (): unknown => {
      throw new TypeError('a bug');
    };
    expect(joinedOf(watch(joinEach(['a'], { batch: { size, call, key } }))).failure).toEqual(
      new TypeError('a bug'),
    );
  });
});

describe('what a list join has found', () => {
  it('is safe with keys that objects have of their own', () => {
    const joined = joinedOf(
      watch(joinEach(['__proto__', 'constructor', 'toString'], { call: (key) => of({ polluted: key }) })),
    );
    const map = joined.toMap();
    expect(JSON.stringify(map)).toBe(
      '{"__proto__":{"polluted":"__proto__"},"constructor":{"polluted":"constructor"},"toString":{"polluted":"toString"}}',
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(map)).toBeNull();
  });

  it('is missing for a key nobody asked for', () => {
    const joined = joinedOf(watch(joinEach(['a'], { call: () => of('A') })));
    expect([joined.get('b'), joined.get(null), joined.has('a')]).toEqual([null, null, true]);
  });

  it('is the map as JSON', () => {
    expect(JSON.stringify(joinedOf(watch(joinEach(['a'], { call: () => of('A') }))))).toBe('{"a":"A"}');
  });
});

describe('a part that is a list join', () => {
  const report = (parts: object) => ({ complete: false, parts: [{ part: 'products', ...parts }] });

  function composite(part: ReturnType<typeof optional>): Watched<unknown> {
    return watch(aggregate({ products: part }, { deadline: 1000 }).pipe(withReport()));
  }

  const asMap = map((joined: JoinedItems<unknown>) => joined.toMap());

  it('is ok and complete when nothing has failed, though some are missing', () => {
    const call = (key: unknown) => (key === 'a' ? of('A') : throwError(() => failed('status', 404)));
    expect(composite(optional(joinEach(['a', 'b'], { call }).pipe(asMap))).values).toMatchObject([
      {
        value: { products: { a: 'A', b: null } },
        report: { complete: true, parts: [{ state: 'ok', reason: undefined, items: { done: 1, of: 2 } }] },
      },
    ]);
  });

  it('falls back to what it has when some have failed, for the reason of the first of them', () => {
    const calls = new ScriptedCalls();
    const watched = composite(
      optional(joinEach(['a', 'b', 'c'], { call: calls.ask }).pipe(asMap), { fallback: 'fallback' }),
    );
    calls.of('c').fail(failed('reset'));
    calls.of('a').answer('A');
    calls.of('b').fail(failed('status', 503));
    expect(watched.values).toMatchObject([
      {
        value: { products: { a: 'A', b: null, c: null } },
        report: report({ state: 'fallback', reason: 'status', items: { done: 1, of: 3 } }),
      },
    ]);
    expect(log.errors).toEqual([]);
  });

  it('has what is missing for each item when nothing was answered and there is no fallback', () => {
    const call = () => throwError(() => failed('connect'));
    const watched = composite(optional(joinEach(['a', 'b'], { call }).pipe(asMap)));
    expect(watched.values).toMatchObject([
      {
        value: { products: { a: null, b: null } },
        report: report({ state: 'fallback', reason: 'connect', items: { done: 0, of: 2 } }),
      },
    ]);
  });

  it('falls back to its fallback when nothing was answered', () => {
    const call = () => throwError(() => failed('connect'));
    const watched = composite(optional(joinEach(['a', 'b'], { call }).pipe(asMap), { fallback: 'fallback' }));
    expect(watched.values).toMatchObject([
      {
        value: { products: 'fallback' },
        report: report({ state: 'fallback', reason: 'connect', items: { done: 0, of: 2 } }),
      },
    ]);
  });

  it('is skipped when there is nothing to ask for', () => {
    const call = () => NEVER;
    const watched = composite(optional(joinEach(lines(null), { key: skuOf, call }).pipe(asMap)));
    expect(watched.values).toMatchObject([
      {
        value: { products: {} },
        report: { complete: true, parts: [{ state: 'skipped', items: undefined }] },
      },
    ]);
  });

  it('keeps what has landed when its time is up', () => {
    const calls = new ScriptedCalls();
    const watched = composite(
      optional(joinEach(['a', 'b', 'c'], { call: calls.ask, concurrency: 2 }).pipe(asMap), { within: 300 }),
    );
    jest.advanceTimersByTime(299);
    calls.of('b').answer('B');
    expect(calls.waiting).toEqual(['a', 'c']);
    jest.advanceTimersByTime(1);
    expect(calls.cancelled).toEqual(['a', 'c']);
    expect(watched.values).toMatchObject([
      {
        value: { products: { a: null, b: 'B', c: null } },
        report: report({ state: 'fallback', reason: 'timeout', durationMs: 300, items: { done: 1, of: 3 } }),
      },
    ]);
  });

  it('keeps what has landed when the composite’s time is up', () => {
    const calls = new ScriptedCalls();
    const watched = composite(optional(joinEach(['a', 'b'], { call: calls.ask }).pipe(asMap)));
    calls.of('a').answer('A');
    jest.advanceTimersByTime(980);
    expect(watched.values).toMatchObject([
      {
        value: { products: { a: 'A', b: null } },
        report: report({ state: 'fallback', reason: 'deadline', items: { done: 1, of: 2 } }),
      },
    ]);
  });

  it('names the failure that came before the cut in order of the keys', () => {
    const calls = new ScriptedCalls();
    const watched = composite(
      optional(joinEach(['a', 'b', 'c'], { call: calls.ask }).pipe(asMap), { within: 300 }),
    );
    calls.of('a').fail(failed('reset'));
    calls.of('c').answer('C');
    jest.advanceTimersByTime(300);
    expect(watched.values).toMatchObject([
      { report: report({ reason: 'reset', items: { done: 1, of: 3 } }) },
    ]);
  });

  it('says timeout too where its calls met the part’s own time first', () => {
    const call = (key: unknown) => (key === 'a' ? of('A') : throwError(() => new DeadlineExceededError()));
    const watched = composite(optional(joinEach(['a', 'b'], { call }).pipe(asMap), { within: 300 }));
    expect(watched.values).toMatchObject([{ report: report({ reason: 'timeout' }) }]);
  });

  it('falls back to its fallback when what comes behind the join is not done in time', () => {
    const source = joinEach(['a'], { call: (key) => of(key) }).pipe(switchMap(() => NEVER));
    const watched = composite(optional(source, { within: 300, fallback: 'fallback' }));
    jest.advanceTimersByTime(300);
    expect(watched.values).toMatchObject([
      {
        value: { products: 'fallback' },
        report: report({ reason: 'timeout', items: { done: 1, of: 1 } }),
      },
    ]);
  });

  it('fails at once where it is required, and ends its other calls', () => {
    const calls = new ScriptedCalls();
    const watched = composite(required(joinEach(['a', 'b', 'c'], { call: calls.ask }).pipe(asMap)));
    calls.of('b').fail(failed('status', 403));
    expect(watched.error).toMatchObject({ part: 'products', reason: 'status', passedThrough: 403 });
    expect(calls.cancelled).toEqual(['a', 'c']);
  });

  it('fails at once under handling=strict', () => {
    const calls = new ScriptedCalls();
    const strict = new ExchangeContext('id', Infinity, {}, parsePrefer('handling=strict'));
    const watched = strict.run(
      () => composite(optional(joinEach(['a', 'b'], { call: calls.ask }).pipe(asMap))),
      undefined,
    );
    calls.of('b').fail(failed('reset'));
    expect(watched.error).toMatchObject({ part: 'products', reason: 'reset' });
    expect(calls.cancelled).toEqual(['a']);
    expect(strict.composites[0]?.report.parts).toMatchObject([
      { state: 'failed', items: { done: 0, of: 2 } },
    ]);
  });

  it('is not asked for at all where it is required and has too many items', () => {
    const calls = new ScriptedCalls();
    const watched = composite(required(joinEach(['a', 'b'], { call: calls.ask, maxItems: 1 }).pipe(asMap)));
    expect(watched.error).toMatchObject({ reason: 'too-large' });
    expect(calls.asked).toEqual([]);
  });

  it('fails with reason timeout where it is required and its time is up', () => {
    const source = joinEach(['a'], { call: () => NEVER }).pipe(asMap);
    const watched = composite(required(source, { within: 300 }));
    jest.advanceTimersByTime(300);
    expect(watched.error).toMatchObject({ reason: 'timeout' });
  });

  it('reports the last try of a join that is repeated', () => {
    let tries = 0;
    const source = joinEach(['a'], {
      call: () => (tries++ === 0 ? throwError(() => failed('reset')) : of('A')),
    }).pipe(
      map((joined) => {
        if (joined.failure !== undefined) throw failed('reset');
        return joined.toMap();
      }),
      retry(1),
    );
    expect(composite(optional(source)).values).toMatchObject([
      { value: { products: { a: 'A' } }, report: { complete: true, parts: [{ items: { done: 1, of: 1 } }] } },
    ]);
  });

  it('tells of a bug in a call in the log', () => {
    const bug = new TypeError('a bug');
    const call = (key: unknown) => (key === 'a' ? of('A') : throwError(() => bug));
    const watched = composite(optional(joinEach(['a', 'b'], { call }).pipe(asMap)));
    expect(watched.values).toMatchObject([
      { value: { products: { a: 'A', b: null } }, report: report({ reason: 'invalid' }) },
    ]);
    expect(log.errors).toEqual([
      ["the optional part 'products' fell back because of a bug", bug, 'Composite'],
    ]);
  });

  it('hands its items on to the parts that need them', () => {
    const watched = watch(
      aggregate({ products: optional(joinEach(['a'], { call: (key) => of(`product ${key}`) })) }).pipe(
        thenAlso(['products'], ({ products }) => ({ first: optional(of(products?.get('a'))) })),
      ),
    );
    expect(watched.json).toBe('[{"products":{"a":"product a"},"first":"product a"}]');
  });
});
