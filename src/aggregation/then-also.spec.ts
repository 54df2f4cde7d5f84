import { map, NEVER, type Observable, of } from 'rxjs';
import { BulkheadFullError } from '../resilience/rejections.js';
import { aggregate, thenAlso, withReport } from './aggregate.js';
import { optional, type Parts, required, skipped } from './part.js';
import { fakeTime, realTime } from './testing/fake-time.js';
import { ScriptedSource } from './testing/scripted-source.js';
import { watch } from './testing/watched.js';

beforeEach(() => {
  fakeTime();
});

afterEach(() => {
  expect(realTime()).toBe(0);
});

describe('parts that need others', () => {
  it('start as soon as the parts they need are there, whatever else is still running', () => {
    const [a, b, c, d] = [
      new ScriptedSource(),
      new ScriptedSource(),
      new ScriptedSource(),
      new ScriptedSource(),
    ];
    const watched = watch(
      aggregate({ a: required(a.source), b: required(b.source) }).pipe(
        thenAlso(['a'], () => ({ c: required(c.source) })),
        thenAlso(['b'], () => ({ d: required(d.source) })),
      ),
    );
    b.answer('b');
    expect([c.asked, d.asked]).toEqual([0, 1]);
    d.answer('d');
    a.answer('a');
    expect([c.asked, d.asked]).toEqual([1, 1]);
    c.answer('c');
    expect(watched.json).toBe('[{"a":"a","b":"b","c":"c","d":"d"}]');
  });

  it('start with the first ones where they need nothing', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ a: required(a.source) }).pipe(thenAlso([], () => ({ b: required(b.source) }))),
    );
    expect([a.asked, b.asked]).toEqual([1, 1]);
    watched.cancel();
  });

  it('wait for all that were declared before, where they do not say what they need', () => {
    const [a, b, c] = [new ScriptedSource(), new ScriptedSource(), new ScriptedSource()];
    const seen: unknown[] = [];
    const watched = watch(
      aggregate({ a: required(a.source), b: optional(b.source) }).pipe(
        thenAlso((values) => {
          seen.push(values);
          return { c: required(c.source) };
        }),
      ),
    );
    b.answer('b');
    expect(seen).toEqual([]);
    a.answer('a');
    expect(JSON.stringify(seen)).toBe('[{"a":"a","b":"b"}]');
    c.answer('c');
    expect(watched.end).toBe('completed');
  });

  it('may need parts that answer at once, and answer at once', () => {
    const composite = aggregate({ a: required(of(1)) }).pipe(
      thenAlso(['a'], ({ a }) => ({ b: required(of(a + 1)), c: skipped([]) })),
      thenAlso(({ b }) => ({ d: required(of(b + 1)), e: optional(of('e')) })),
      thenAlso(['d', 'c'], ({ d }) => ({ f: required(of(d + 1)) })),
    );
    expect(watch(composite).json).toBe('[{"a":1,"b":2,"c":[],"d":3,"e":"e","f":4}]');
  });

  it('may need parts of an earlier thenAlso, and get only what they named', () => {
    const seen: unknown[] = [];
    const composite = aggregate({ a: required(of(1)), z: required(of(0)) }).pipe(
      thenAlso(['a'], ({ a }) => ({ b: required(of(a + 1)) })),
      thenAlso(['b', 'a'], (values) => {
        seen.push(values);
        return { c: required(of(values.a + values.b)) };
      }),
    );
    expect(watch(composite).values).toEqual([{ a: 1, z: 0, b: 2, c: 3 }]);
    expect(JSON.stringify(seen)).toBe('[{"b":2,"a":1}]');
  });

  it('get the fallback of a part that fell back', () => {
    const orders = new ScriptedSource<number[]>();
    const seen: unknown[] = [];
    const watched = watch(
      aggregate({ orders: optional(orders.source, { fallback: [] }) }).pipe(
        thenAlso(['orders'], (values) => {
          seen.push(values);
          return { products: skipped([]) };
        }),
      ),
    );
    orders.fail(new BulkheadFullError());
    expect(seen).toEqual([{ orders: [] }]);
    expect(watched.json).toBe('[{"orders":[],"products":[]}]');
  });

  it('start only when a part with the name of what every object has is there', () => {
    const part = new ScriptedSource();
    const seen: unknown[] = [];
    const watched = watch(
      aggregate({ constructor: required(part.source) }).pipe(
        thenAlso(['constructor'], (values) => {
          seen.push(values);
          return {};
        }),
      ),
    );
    expect(seen).toEqual([]);
    part.answer('mine');
    expect(seen).toEqual([{ constructor: 'mine' }]);
    expect(watched.end).toBe('completed');
  });

  it('may turn out to be none at all', () => {
    const a = new ScriptedSource();
    const composite = aggregate({ a: required(a.source) }).pipe(
      thenAlso(['a'], () => ({})),
      thenAlso(() => ({ b: required(of('b')) })),
    );
    const watched = watch(composite);
    a.answer('a');
    expect(watched.json).toBe('[{"a":"a","b":"b"}]');
    expect(watch(aggregate({}).pipe(thenAlso(() => ({})))).values).toEqual([{}]);
    expect(watch(aggregate({}).pipe(thenAlso(() => ({ c: skipped(1) })))).values).toEqual([{ c: 1 }]);
  });

  it('are not asked once a required part has failed', () => {
    const [a, b, c] = [new ScriptedSource(), new ScriptedSource(), new ScriptedSource()];
    let declared = 0;
    const watched = watch(
      aggregate({ a: required(a.source), b: optional(b.source) }).pipe(
        thenAlso(['b'], () => {
          declared++;
          return { c: required(c.source) };
        }),
      ),
    );
    a.fail(new BulkheadFullError());
    b.answer('too late');
    expect(watched.error).toMatchObject({ part: 'a', reason: 'full' });
    expect(b.cancelled).toBe(1);
    expect([declared, c.asked]).toEqual([0, 0]);
  });

  it('are cancelled with the composite', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ a: required(of(1)), slow: required(a.source) }).pipe(
        thenAlso(['a'], () => ({ b: required(b.source) })),
      ),
    );
    expect(b.waiting).toBe(1);
    watched.cancel();
    expect([a.cancelled, b.cancelled]).toEqual([1, 1]);
  });

  it('end the composite when they are required and fail', () => {
    const [slow, b] = [new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ a: required(of(1)), slow: required(slow.source) }).pipe(
        thenAlso(['a'], () => ({ b: required(b.source) })),
      ),
    );
    b.fail(new BulkheadFullError());
    expect(watched.error).toMatchObject({ part: 'b', reason: 'full' });
    expect(slow.cancelled).toBe(1);
  });

  it('stand in the report in the order of their declaration, each with its own time', () => {
    const [a, b, c] = [new ScriptedSource(), new ScriptedSource(), new ScriptedSource()];
    const watched = watch(
      aggregate({ a: required(a.source), b: required(b.source) }).pipe(
        thenAlso(['b'], () => ({ c: required(c.source) })),
        withReport(),
        map(({ report }) => report.parts.map(({ part, durationMs }) => `${part} ${durationMs}`)),
      ),
    );
    jest.advanceTimersByTime(10);
    b.answer('b');
    jest.advanceTimersByTime(5);
    c.answer('c');
    jest.advanceTimersByTime(85);
    a.answer('a');
    expect(watched.values).toEqual([['a 100', 'b 10', 'c 5']]);
  });
});

describe('a mistake in thenAlso', () => {
  it('is needing a part that nobody declares: it says so, when nothing can bring it any more', () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    const misspelt = ['a', 'costumer', 'ordres'] as unknown as 'a'[];
    const watched = watch(
      aggregate({ a: required(a.source), b: required(b.source) }).pipe(
        thenAlso(misspelt, () => ({ c: required(NEVER) })),
      ),
    );
    a.answer('a');
    expect(watched.end).toBe('none');
    b.answer('b');
    expect(watched.error).toEqual(
      new TypeError("thenAlso() needs 'costumer', 'ordres', which no earlier stage declares"),
    );
  });

  it.each(['toString', 'constructor', '__proto__'])('is needing %s', (name) => {
    const composite = aggregate({ a: required(of(1)) }).pipe(
      thenAlso([name] as unknown as 'a'[], () => ({ c: required(NEVER) })),
    );
    expect(watch(composite).error).toBeInstanceOf(TypeError);
  });

  it('is needing a part that comes later', () => {
    const composite = aggregate({ a: required(of(1)) }).pipe(
      thenAlso(['c'] as unknown as 'a'[], () => ({ b: required(of(1)) })),
      thenAlso(['a'], () => ({ c: required(NEVER) })),
    );
    expect(watch(composite).error).toBeInstanceOf(TypeError);
  });

  it('is declaring a part twice', () => {
    const composite = aggregate({ a: required(of(1)), b: required(of(2)) }).pipe(
      thenAlso(['b'], () => ({ a: required(of(3)) })),
    );
    expect(watch(composite).error).toEqual(new TypeError("the part 'a' is declared twice"));
  });

  it('is a name that could not stand in a header field', () => {
    const composite = aggregate({ a: required(of(1)) }).pipe(thenAlso(() => ({ 'b;c': required(of(3)) })));
    expect(watch(composite).error).toBeInstanceOf(TypeError);
  });

  it('is not lost when its function throws: the composite fails with it, and ends the rest', () => {
    const [a, slow] = [new ScriptedSource(), new ScriptedSource()];
    const bug = new TypeError('customer is null');
    const watched = watch(
      aggregate({ a: required(a.source), slow: required(slow.source) }).pipe(
        thenAlso(['a'], (): Parts => {
          throw bug;
        }),
      ),
    );
    a.answer('a');
    expect(watched.error).toBe(bug);
    expect(slow.cancelled).toBe(1);
  });

  it('is standing behind anything but aggregate() or thenAlso()', () => {
    const mapped: Observable<object> = aggregate({ a: required(of(1)) }).pipe(map((values) => values));
    expect(() => mapped.pipe(thenAlso(() => ({})))).toThrow(
      new TypeError('thenAlso() must directly follow aggregate() or thenAlso()'),
    );
  });
});
