import fc from 'fast-check';
import { Shape, type Shaping } from './shape.js';

const order = {
  id: 'o-1',
  total: 12,
  customer: { id: 'c-1', name: 'Ada', address: { city: 'Graz', zip: '8010' } },
  lines: [
    { sku: 'a', quantity: 1, product: { name: 'A', price: 3 } },
    { sku: 'b', quantity: 2, product: null },
  ],
};

function shape(shaping: Partial<Shaping>, value: unknown): unknown {
  return (Shape.of({ pick: undefined, omit: [], rename: {}, ...shaping }) ?? same).apply(value);
}

const same = { apply: (value: unknown) => value };

describe('pick', () => {
  it('keeps what is named, in the order of the answer', () => {
    const picked = shape({ pick: ['lines.sku', 'customer.address.city', 'id'] }, order);
    expect(JSON.stringify(picked)).toBe(
      '{"id":"o-1","customer":{"address":{"city":"Graz"}},"lines":[{"sku":"a"},{"sku":"b"}]}',
    );
  });

  it('keeps all of what is named as a whole, whichever of its fields are named too', () => {
    const whole = { customer: order.customer };
    expect(shape({ pick: ['customer', 'customer.name'] }, order)).toEqual(whole);
    expect(shape({ pick: ['customer.name', 'customer'] }, order)).toEqual(whole);
  });

  it('applies to each element of a list, of lists in it, and of a list that is the answer', () => {
    expect(shape({ pick: ['sku'] }, [order.lines, order.lines[0]])).toEqual([
      [{ sku: 'a' }, { sku: 'b' }],
      { sku: 'a' },
    ]);
  });

  it('ignores a path that leads nowhere', () => {
    expect(shape({ pick: ['id', 'nothing', 'customer.nothing.more'] }, order)).toEqual({
      id: 'o-1',
      customer: {},
    });
  });

  it('leaves a null where something was picked below it', () => {
    expect(shape({ pick: ['lines.product.name'] }, order)).toEqual({
      lines: [{ product: { name: 'A' } }, { product: null }],
    });
    expect(shape({ pick: ['id'] }, null)).toBeNull();
  });

  it('leaves out a text or a number where something was picked below it', () => {
    expect(shape({ pick: ['id.part', 'total'] }, order)).toEqual({ total: 12 });
    expect(shape({ pick: ['sku'] }, ['secret', { sku: 'a' }])).toEqual([null, { sku: 'a' }]);
    expect(shape({ pick: ['sku'] }, 'secret')).toBeNull();
  });

  it('can leave nothing', () => {
    expect(shape({ pick: [] }, order)).toEqual({});
  });
});

describe('omit', () => {
  it('leaves out what is named, in each element of a list', () => {
    expect(shape({ omit: ['total', 'customer', 'lines.product', 'nothing.at.all'] }, order)).toEqual({
      id: 'o-1',
      lines: [
        { sku: 'a', quantity: 1 },
        { sku: 'b', quantity: 2 },
      ],
    });
  });

  it('takes from what was picked', () => {
    const shaping = {
      pick: ['customer', 'id', 'total'],
      omit: ['customer.address.zip', 'total', 'lines.sku'],
    };
    expect(shape(shaping, order)).toEqual({
      id: 'o-1',
      customer: { id: 'c-1', name: 'Ada', address: { city: 'Graz' } },
    });
  });

  it('lets a text be where a path leads on', () => {
    expect(shape({ omit: ['id.part'] }, order)).toEqual(order);
    expect(shape({ omit: ['a'] }, ['text', null])).toEqual(['text', null]);
  });
});

describe('rename', () => {
  it('gives the last segment another name, where the field stood', () => {
    const renamed = shape({ rename: { id: 'number', 'lines.product': 'item', lines: 'rows' } }, order);
    expect(Object.keys(renamed as object)).toEqual(['number', 'total', 'customer', 'rows']);
    expect(renamed).toMatchObject({ number: 'o-1', rows: [{ item: { name: 'A' } }, { item: null }] });
  });

  it('means names as the answer has them, after pick and omit', () => {
    const shaping = {
      pick: ['id', 'total'],
      omit: ['total'],
      rename: { id: 'number', total: 'sum', lines: 'x' },
    };
    expect(shape(shaping, order)).toEqual({ number: 'o-1' });
  });

  it('displaces a field that has the new name, on whichever side it stands', () => {
    expect(shape({ rename: { id: 'total' } }, { id: 1, total: 2 })).toEqual({ total: 1 });
    expect(shape({ rename: { total: 'id' } }, { id: 1, total: 2 })).toEqual({ id: 2 });
    expect(shape({ rename: { total: 'id' } }, { id: 1 })).toEqual({ id: 1 });
  });

  it('lets two fields swap their names', () => {
    expect(shape({ rename: { a: 'b', b: 'a' } }, { a: 1, b: 2 })).toEqual({ a: 2, b: 1 });
  });
});

describe('any shape', () => {
  it('is none where there is nothing to do', () => {
    expect(Shape.of({ pick: undefined, omit: [], rename: {} })).toBeUndefined();
  });

  it('never changes the answer, and shares with it what it does not touch', () => {
    const before = structuredClone(order);
    const shaped = shape({ omit: ['lines.sku'], rename: { id: 'number' } }, order) as typeof order;
    expect(order).toEqual(before);
    expect(shaped.customer).toBe(order.customer);
  });

  it('sees own properties only', () => {
    expect(shape({ pick: ['constructor', 'toString', '__proto__'] }, { a: 1 })).toEqual({});
    expect(shape({ rename: { a: '__proto__' } }, { a: { polluted: 1 } })).not.toHaveProperty('polluted');
    const hostile = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"x":1},"a":1}') as object;
    expect(JSON.stringify(shape({ omit: ['a'] }, hostile))).toBe(
      '{"__proto__":{"polluted":1},"constructor":{"x":1}}',
    );
    expect(JSON.stringify(shape({ pick: ['__proto__.polluted'] }, hostile))).toBe(
      '{"__proto__":{"polluted":1}}',
    );
  });

  it('knows where a path goes', () => {
    const { pick, omit, rename } = { pick: ['id', 'lines'], omit: ['lines.sku'], rename: { lines: 'rows' } };
    const of = (path: string) => Shape.of({ pick, omit, rename })?.placeOf(path.split('.'));
    expect(of('id')).toEqual(['id']);
    expect(of('lines.product.name')).toEqual(['rows', 'product', 'name']);
    expect(of('lines.sku')).toBeUndefined();
    expect(of('total')).toBeUndefined();
  });

  it('knows the keys of its root, where only some were picked', () => {
    const shaping = { pick: ['id', 'lines.sku', 'total'], omit: ['total'], rename: { id: 'number' } };
    expect(Shape.of(shaping)?.keys).toEqual(['number', 'lines']);
    expect(Shape.of({ ...shaping, pick: undefined })?.keys).toBeUndefined();
  });

  it('does what pick, omit and rename do one after the other, on any answer', () => {
    fc.assert(
      fc.property(
        answers(),
        paths(),
        paths(),
        fc.dictionary(path(), name()),
        (answer, pick, omit, rename) => {
          const inOnce = shape({ pick, omit, rename: withoutClashes(rename) }, answer);
          const picked = shape({ pick }, answer);
          const oneByOne = shape({ rename: withoutClashes(rename) }, shape({ omit }, picked));
          expect(JSON.stringify(inOnce)).toBe(JSON.stringify(oneByOne));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

function name(): fc.Arbitrary<string> {
  return fc.constantFrom('a', 'b', 'c', '__proto__');
}

function path(): fc.Arbitrary<string> {
  return fc.array(name(), { minLength: 1, maxLength: 3 }).map((names) => names.join('.'));
}

function paths(): fc.Arbitrary<string[]> {
  return fc.array(path(), { maxLength: 4 });
}

/** Two fields that get the same name are refused when a file loads. */
function withoutClashes(rename: Readonly<Record<string, string>>): Record<string, string> {
  const taken = new Set<string>();
  const isFirst = ([path, to]: readonly [string, string]): boolean => {
    const place = `${path.split('.').slice(0, -1).join('.')} ${to}`;
    return !taken.has(place) && Boolean(taken.add(place));
  };
  return Object.fromEntries(Object.entries(rename).filter(isFirst));
}

function answers(): fc.Arbitrary<unknown> {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, 1, 'text'),
      fc.dictionary(name(), tie('value'), { maxKeys: 4 }),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  }));
  return value;
}
