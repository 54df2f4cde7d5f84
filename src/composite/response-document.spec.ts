import fc from 'fast-check';
import { type MergePolicy, type PartConfig } from './config/composite-config.js';
import { ResponseLayout } from './response-document.js';
import { Shape } from './shape.js';
import { plannedComposite } from './testing/planned-composite.js';

type Values = Readonly<Record<string, unknown>>;

/** How a part looks in the response. Not through a file: it would refuse much of what can be put together here. */
interface Look extends Partial<Omit<PartConfig, 'as' | 'merge'>> {
  readonly as?: string;
  readonly merge?: MergePolicy | undefined;
}

const DEEP: MergePolicy = { policy: 'deep' };
const CONCAT: MergePolicy = { policy: 'concat' };
const BY_ID: MergePolicy = { policy: 'by-key', key: 'id' };

const [ANY_PART] = plannedComposite({ any: {} }).parts;

function layout(parts: Readonly<Record<string, Look>>): ResponseLayout {
  const configs = Object.entries(parts).map(([name, { as = name, merge, ...look }]) => {
    return { ...ANY_PART!.config, name, as: as.split('.'), merge, ...look };
  });
  return ResponseLayout.of(configs);
}

function bytes(parts: Readonly<Record<string, Look>>, values: Values): string {
  return JSON.stringify(layout(parts).document(values));
}

describe('a response', () => {
  it('is the values themselves where each stands below its own name', () => {
    const values = { customer: { id: 1 }, orders: [] };
    expect(layout({ customer: {}, orders: { required: true } }).document(values)).toBe(values);
  });

  it('has its keys in declared order, whatever order the values came in', () => {
    const parts = { b: { as: 'group.b' }, a: {}, c: { as: 'group.c' }, d: { rename: { x: 'y' } } };
    const values = { d: { x: 4 }, c: 3, a: 1, b: 2 };
    expect(bytes(parts, values)).toBe('{"group":{"b":2,"c":3},"a":1,"d":{"y":4}}');
  });

  it('leaves out hidden parts', () => {
    expect(bytes({ a: {}, b: { hidden: true } }, { a: 1, b: 2 })).toBe('{"a":1}');
  });

  it('shapes fallbacks as it shapes answers', () => {
    const parts = { a: { pick: ['id'], rename: { id: 'number' } } };
    expect(bytes(parts, { a: { id: 7, name: 'x' } })).toBe('{"a":{"number":7}}');
    expect(bytes(parts, { a: null })).toBe('{"a":null}');
  });

  it('has room for a place below another one, and keeps what has no room below it', () => {
    const parts = { a: {}, b: { as: 'a.b.c', merge: DEEP } };
    expect(bytes(parts, { a: { x: 1 }, b: 2 })).toBe('{"a":{"x":1,"b":{"c":2}}}');
    expect(bytes(parts, { a: null, b: 2 })).toBe('{"a":{"b":{"c":2}}}');
    expect(bytes(parts, { a: [1], b: 2 })).toBe('{"a":[1]}');
    expect(bytes(parts, { a: null, b: null })).toBe('{"a":{"b":{"c":null}}}');
  });

  it('merges at one place as the later part says', () => {
    const parts = { a: { as: 'x.list' }, b: { as: 'x.list', merge: BY_ID }, c: { as: 'x', merge: DEEP } };
    const values = { a: [{ id: 1, a: 1 }], b: [{ id: '1', b: 1 }, { id: 2 }], c: { more: true, list: null } };
    expect(bytes(parts, values)).toBe('{"x":{"list":[{"id":"1","a":1,"b":1},{"id":2}],"more":true}}');
  });

  it('never changes a value, which a cache may hold too', () => {
    const parts = {
      a: {},
      b: { as: 'a.b', merge: DEEP },
      c: { as: 'a.list', merge: CONCAT },
      d: { flatten: true, merge: DEEP },
    };
    const values = { a: { b: { x: 1 }, list: [1] }, b: { y: 1 }, c: [2], d: { a: { z: 1 }, e: { f: 1 } } };
    const before = structuredClone(values);
    const frozen = frozenDeep(values);
    expect(layout(parts).document(frozen)).toEqual({
      a: { b: { x: 1, y: 1 }, list: [1, 2], z: 1 },
      e: { f: 1 },
    });
    expect(values).toEqual(before);
  });
});

describe('a flattened part', () => {
  it('puts its keys into the root, where it stands among the parts', () => {
    const parts = { a: {}, b: { flatten: true, omit: ['y'] }, c: {} };
    expect(bytes(parts, { a: 1, b: { x: 2, y: 3 }, c: 4 })).toBe('{"a":1,"x":2,"c":4}');
  });

  it('gives nothing if it is no object', () => {
    const parts = { a: {}, b: { flatten: true } };
    for (const b of [null, [1], 'text', 7]) expect(bytes(parts, { a: 1, b })).toBe('{"a":1}');
  });

  it('leaves the declared places of others alone, before it and behind it', () => {
    const parts = { a: {}, b: { flatten: true }, c: { as: 'c.d' } };
    expect(bytes(parts, { a: null, b: { a: 1, c: 2, x: 3 }, c: 4 })).toBe('{"a":null,"x":3,"c":{"d":4}}');
  });

  it('merges with them where the later of the two says how', () => {
    const earlier = { a: {}, b: { flatten: true, merge: DEEP } };
    expect(bytes(earlier, { a: { x: 1 }, b: { a: { y: 2 } } })).toBe('{"a":{"x":1,"y":2}}');
    const later = { b: { flatten: true }, a: { merge: DEEP } };
    expect(bytes(later, { a: { x: 1 }, b: { a: { y: 2 } } })).toBe('{"a":{"y":2,"x":1}}');
  });

  it('gives way to the keys of a later flattened one, but not to its nulls', () => {
    const parts = { a: { flatten: true }, b: { flatten: true } };
    expect(bytes(parts, { a: { x: 1, y: 1 }, b: { y: 2, x: null } })).toBe('{"x":1,"y":2}');
  });

  it('may have any key', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3}') as object;
    const document = layout({ a: { flatten: true }, b: {} }).document({ a: hostile, b: 1 });
    expect(JSON.stringify(document)).toBe('{"__proto__":{"polluted":1},"constructor":2,"toString":3,"b":1}');
    expect(document).not.toHaveProperty('polluted');
  });
});

describe('a response that grows', () => {
  it('gives the keys a part has changed, with all that stands below them', () => {
    const growing = layout({
      a: { as: 'group.a' },
      b: {},
      c: { as: 'group.c' },
      d: { flatten: true },
      e: { hidden: true },
    }).growing();
    expect(growing.land('c', 3)).toEqual({ group: { c: 3 } });
    expect(growing.land('e', 5)).toEqual({});
    expect(growing.land('b', 2)).toEqual({ b: 2 });
    expect(JSON.stringify(growing.land('a', 1))).toBe('{"group":{"a":1,"c":3}}');
    expect(growing.land('d', { x: 1, b: 'no' })).toEqual({ x: 1 });
  });

  it('ends up as the whole response, in whatever order its parts land', () => {
    fc.assert(
      fc.property(partsAndValues(), ({ parts, values, order }) => {
        const whole = layout(parts);
        const growing = whole.growing();
        const received = {};
        for (const name of order) {
          for (const [key, value] of Object.entries(growing.land(name, values[name]))) {
            Object.defineProperty(received, key, { value, enumerable: true, configurable: true });
          }
        }
        expect(received).toEqual(whole.document(values));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a narrowed response', () => {
  it('is the whole one without the rest, though made of fewer parts', () => {
    const key = fc.constantFrom('x', 'y', 'z');
    const fields = fc.array(fc.array(key, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(partsAndValues(), fields, ({ parts, values }, paths) => {
        const whole = layout(parts);
        const shown = new Set(whole.partsShowing(paths));
        const ofShown = Object.fromEntries(Object.entries(values).filter(([name]) => shown.has(name)));
        const narrowed = whole.narrowed(shown, paths).document(ofShown);
        const picked = Shape.picking(paths).apply(whole.document(values));
        expect(JSON.stringify(narrowed)).toBe(JSON.stringify(picked));
      }),
      { numRuns: 2000 },
    );
  });
});

/** Parts that write into one another's places, with values of every form, and an order in which they land. */
function partsAndValues(): fc.Arbitrary<{
  readonly parts: Readonly<Record<string, Look>>;
  readonly values: Values;
  readonly order: readonly string[];
}> {
  const key = fc.constantFrom('x', 'y', 'z');
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, 1),
      fc.dictionary(key, tie('value'), { maxKeys: 3 }),
      fc.array(tie('value'), { maxLength: 2 }),
    ),
  }));
  const place: fc.Arbitrary<Look> = fc.oneof(
    fc.record({ as: fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => keys.join('.')) }),
    fc.constantFrom({ flatten: true }, { hidden: true }),
  );
  const merge = fc.constantFrom<MergePolicy>(DEEP, CONCAT, { policy: 'by-key', key: 'x' });
  const drawn = fc.array(fc.tuple(place, merge, fc.boolean(), value), { minLength: 1, maxLength: 5 });
  return drawn.chain((draws) => {
    const named = draws.map(([place, merge, merges, value], at) => ({
      name: `part${at}`,
      value,
      part: { ...place, merge: merges ? merge : undefined },
    }));
    const names = named.map(({ name }) => name);
    return fc.shuffledSubarray(names, { minLength: names.length }).map((order) => ({
      parts: Object.fromEntries(named.map(({ name, part }) => [name, part])),
      values: Object.fromEntries(named.map(({ name, value }) => [name, value])),
      order,
    }));
  });
}

function frozenDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozenDeep);
  return Object.freeze(value);
}
