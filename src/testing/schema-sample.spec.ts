import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { SchemaSample } from './schema-sample.js';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

function sample(schema: object): unknown {
  return new SchemaSample(schema).of(schema, 'it');
}

describe('a sample of a schema', () => {
  it.each<[string, object]>([
    ['text', { type: 'string', minLength: 5, maxLength: 6 }],
    ['text with a pattern', { type: 'string', pattern: '^p-[0-9]+$' }],
    ['a time', { type: 'string', format: 'date-time' }],
    ['a uuid', { type: 'string', format: 'uuid' }],
    ['a number', { type: 'number', exclusiveMinimum: 10, multipleOf: 4 }],
    ['an integer', { type: 'integer', maximum: -3 }],
    ['one of some', { enum: ['gold', 'silver'] }],
    ['a constant', { const: { a: 1 } }],
    ['what may be null', { type: ['null', 'integer'] }],
    ['alternatives', { anyOf: [{ type: 'null' }, { type: 'boolean' }] }],
    [
      'all of several',
      {
        allOf: [
          { properties: { a: { type: 'string' } } },
          { required: ['b'], properties: { b: { type: 'null' } } },
        ],
      },
    ],
    ['a list', { type: 'array', minItems: 3, items: { type: 'string' } }],
    ['a pair', { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false }],
    [
      'an object',
      {
        type: 'object',
        required: ['a'],
        properties: { a: { type: 'object', properties: { b: { type: 'boolean' } } } },
      },
    ],
    ['a map', { type: 'object', minProperties: 1, additionalProperties: { type: 'integer' } }],
    ['what is referred to', { $ref: '#/$defs/it', $defs: { it: { type: 'integer' } } }],
    ['what holds itself', { type: 'object', properties: { next: { $ref: '#' }, name: { type: 'string' } } }],
  ])('fits %s', (_what, schema) => {
    expect(ajv.validate(schema, sample(schema))).toBe(true);
  });

  it('has everything in it that may be there, and elements that differ', () => {
    const schema = {
      type: 'object',
      required: [],
      properties: {
        lines: { type: 'array', items: { properties: { sku: { type: 'string' }, n: { type: 'integer' } } } },
      },
    };
    expect(sample(schema)).toEqual({
      lines: [
        { sku: 'sku-1', n: 1 },
        { sku: 'sku-2', n: 2 },
      ],
    });
  });

  it('says what the schema says itself', () => {
    expect(sample({ type: 'string', examples: ['for example'] })).toBe('for example');
    expect(sample({ type: 'string', default: 'usual' })).toBe('usual');
  });

  it('finds what stands among the components of a document', () => {
    const definitions = new Map([['shop.Order', { properties: { id: { type: 'integer' } } }]]);
    const schema = { $ref: '#/components/schemas/shop.Order' };
    expect(new SchemaSample(schema, definitions).of(schema, 'order')).toEqual({ id: 1 });
  });
});
