import fc from 'fast-check';
import { type MergePolicy } from '../config/composite-config.js';
import { Expression } from '../expression.js';
import { type JsonObject } from '../json-object.js';
import { merged } from '../merge.js';
import { Shape } from '../shape.js';
import { ExpressionShape } from './expression-shape.js';
import { type Definitions, type Schema } from './schema-reader.js';
import { schemaOfValue, SchemaShape } from './schema-shape.js';
import { ANYTHING, NULL, unionOf } from './schema-union.js';
import { isValid } from './value-conflict.js';

const NONE: Definitions = new Map();
const plain = new SchemaShape(NONE);

const closed = (properties: Record<string, Schema>, required = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
  additionalProperties: false,
});
const string: Schema = { type: 'string' };
const integer: Schema = { type: 'integer' };

const NAMES = ['a', 'b', 'c'];
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.constantFrom('x', 'y', 1, 2.5, true),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 3 }),
}));
const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => names.join('.'));

describe('the schema of what is made of a value', () => {
  it('fits a value that is picked from, left out of and renamed in', () => {
    const shaping = fc.record({
      pick: fc.option(fc.array(path, { minLength: 1, maxLength: 3 }), { nil: undefined }),
      omit: fc.array(path, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(json.value, shaping, (value, { pick, omit }) => {
        const shape = Shape.of({ pick, omit, rename: {} });
        const shaped = shape === undefined ? value : shape.apply(value);
        const whole = schemaOfValue(value);
        const picked = pick === undefined ? whole : plain.pick(whole, pick);
        expect(isValid(shaped, plain.omit(picked, omit), NONE)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('fits a value whose fields have been renamed, two for each other too', () => {
    const object = { a: { a: 1, b: 'x' }, b: [{ c: true }], c: null };
    for (const rename of [
      { a: 'b', b: 'a' },
      { 'a.a': 'z', a: 'y' },
      { 'b.c': 'd', c: 'b' },
      { a: 'c' },
      { nowhere: 'a' },
    ]) {
      const shaped = Shape.of({ pick: undefined, omit: [], rename })?.apply(object);
      const schema = plain.rename(schemaOfValue(object), rename);
      expect({ rename, fits: isValid(shaped, schema, NONE) }).toEqual({ rename, fits: true });
      expect(Object.keys((schema as { properties: object }).properties).sort()).toEqual(
        Object.keys(shaped as object).sort(),
      );
    }
  });

  it.each<[MergePolicy | undefined]>([
    [undefined],
    [{ policy: 'deep' }],
    [{ policy: 'concat' }],
    [{ policy: 'by-key', key: 'a' }],
  ])('fits two values that have become one by %j', (policy) => {
    const schemaOf = (one: Schema, other: Schema): Schema => {
      switch (policy?.policy) {
        case 'deep':
          return plain.merged(one, other);
        case 'concat':
          return plain.concatenated(one, other);
        case 'by-key':
          return plain.joined(one, other);
        case undefined:
          return plain.overlaid(one, other);
      }
    };
    const value =
      policy?.policy === 'concat' || policy?.policy === 'by-key' ? fc.array(json.object) : json.value;
    fc.assert(
      fc.property(value, value, (one, other) => {
        const schema = schemaOf(schemaOfValue(one), schemaOfValue(other));
        expect(isValid(merged(one, other, policy), schema, NONE)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    'a',
    'a.b.c',
    'a[0]',
    'a[-1].b',
    'a[*].b',
    'a[].b',
    'a[][].b',
    'a[?b].c',
    'a[1:]',
    '*.a',
    '{x: a, y: b.c}',
    'a.{x: b}',
    'a[*].{x: b, y: c}',
    '[a, b]',
    'a || b',
    'a && b',
    'a | [0]',
    '!a',
    'a == b',
    "not_null(a, b, 'z')",
    'type(a)',
    'to_array(a)',
    'let $x = a in [$x, b]',
    'a ? b : c',
    '`{"a": [1, null]}`',
    'map(&a, to_array(b))',
  ])('fits what JMESPath makes of one: %s', (source) => {
    const expression = new Expression(source);
    const shapes = new ExpressionShape(plain);
    fc.assert(
      fc.property(json.object, (value) => {
        const schema = shapes.of(source, schemaOfValue(value));
        expect(isValid(expression.evaluate(value), schema, NONE)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a schema', () => {
  const definitions: Definitions = new Map<string, Schema>([
    [
      'Node',
      closed({ name: string, children: { type: 'array', items: { $ref: '#/components/schemas/Node' } } }),
    ],
    ['Circle', { $ref: '#/components/schemas/Circle' }],
  ]);
  const shape = new SchemaShape(definitions);
  const node: Schema = { $ref: '#/components/schemas/Node' };

  it('keeps what is not changed as a reference', () => {
    const held = closed({ node, other: integer });
    expect(shape.omit(held, ['other'])).toEqual(closed({ node }));
    expect(shape.field(held, 'node')).toBe(node);
  });

  it('may hold itself', () => {
    expect(shape.pick(node, ['name'])).toEqual(closed({ name: string }));
    expect(shape.pick(node, ['children.name'])).toEqual(
      closed({ children: { type: 'array', items: closed({ name: string }) } }),
    );
    expect(shape.field({ $ref: '#/components/schemas/Circle' }, 'name')).toEqual(ANYTHING);
  });

  it('has null for a field that may be missing, or cannot be there', () => {
    const held = closed({ sure: string, perhaps: string }, ['sure']);
    expect(shape.field(held, 'sure')).toEqual(string);
    expect(shape.field(held, 'perhaps')).toEqual({ type: ['string', 'null'] });
    expect(shape.field(held, 'never')).toEqual(NULL);
    expect(shape.field(string, 'never')).toEqual(NULL);
    expect(shape.field({ type: 'object', properties: { a: string } }, 'b')).toEqual(ANYTHING);
  });

  it('is one when it is put together with allOf', () => {
    const both = { allOf: [closed({ a: string }), { type: 'object', properties: { b: integer } }] };
    expect(shape.field(both, 'a')).toEqual(string);
    expect(shape.field(both, 'b')).toEqual({ type: ['integer', 'null'] });
  });

  it('is several where there are alternatives', () => {
    const either = { oneOf: [closed({ kind: { const: 'a' }, a: string }), closed({ kind: { const: 'b' } })] };
    expect(shape.field(either, 'a')).toEqual({ type: ['string', 'null'] });
    expect(shape.pick(either, ['a'])).toEqual({ anyOf: [closed({ a: string }), closed({}, [])] });
  });

  it('gets a field in each item that something is stitched into', () => {
    const order = closed({ lines: { type: 'array', items: closed({ sku: string }) } });
    expect(shape.stitch(order, ['lines', '*'], 'product', node)).toEqual(
      closed({ lines: { type: 'array', items: closed({ sku: string, product: node }) } }),
    );
  });

  it('is that of the earlier value where the later one may be null', () => {
    const perhaps: Schema = { type: ['integer', 'null'] };
    expect(shape.overlaid(string, integer)).toEqual(integer);
    expect(shape.overlaid(string, perhaps)).toEqual({ anyOf: [integer, string] });
    expect(shape.overlaid(perhaps, perhaps)).toEqual(perhaps);
    expect(shape.overlaid(perhaps, NULL)).toEqual(perhaps);
  });

  it('names all its fields only if it is closed', () => {
    expect(shape.namesWithout(closed({ a: string }), 'b')).toEqual(['a']);
    expect(shape.namesWithout(unionOf([closed({ a: string }), NULL]), 'b')).toEqual(['a']);
    expect(shape.namesWithout(closed({ a: string }), 'a')).toBeUndefined();
    expect(shape.namesWithout({ type: 'object', properties: { a: string } }, 'b')).toBeUndefined();
    expect(shape.namesWithout(ANYTHING, 'b')).toBeUndefined();
  });
});

describe('a union', () => {
  it('is written as short as can be', () => {
    expect(unionOf([string, string])).toEqual(string);
    expect(unionOf([string, NULL])).toEqual({ type: ['string', 'null'] });
    expect(unionOf([{ type: 'string', enum: ['a'] }, NULL])).toEqual({
      anyOf: [{ type: 'string', enum: ['a'] }, NULL],
    });
    expect(unionOf([string, ANYTHING])).toEqual(ANYTHING);
    expect(unionOf([{ type: 'array', items: string }, schemaOfValue([])])).toEqual({
      type: 'array',
      items: string,
    });
    expect(unionOf([unionOf([string, integer]), NULL])).toEqual({ anyOf: [string, integer, NULL] });
    expect(unionOf([])).toEqual({ not: {} });
  });

  it('has the values of both', () => {
    fc.assert(
      fc.property(json.value, json.value, (one, other) => {
        const union = unionOf([schemaOfValue(one), schemaOfValue(other)]);
        expect(isValid(one, union, NONE) && isValid(other, union, NONE)).toBe(true);
      }),
    );
  });
});

describe('the check of the checks', () => {
  it('sees what does not fit', () => {
    const value: JsonObject = { a: [1, { b: 'x' }] };
    expect(isValid({ a: [1, { b: 'y' }] }, schemaOfValue(value), NONE)).toBe(false);
    expect(isValid({ a: 1, c: 1 }, plain.pick(schemaOfValue({ a: 1, c: 1 }), ['a']), NONE)).toBe(false);
  });
});
