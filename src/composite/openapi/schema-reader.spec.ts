import { type Schema, SchemaReader } from './schema-reader.js';

describe('a schema of OpenAPI 3.0', () => {
  it.each<[string, object, object]>([
    ['a type that may be null', { type: 'string', nullable: true }, { type: ['string', 'null'] }],
    [
      'a choice that may be null',
      { type: 'string', enum: ['a'], nullable: true },
      { type: ['string', 'null'], enum: ['a', null] },
    ],
    [
      'alternatives that may be null',
      { oneOf: [{ type: 'string' }], nullable: true },
      { anyOf: [{ oneOf: [{ type: 'string' }] }, { type: 'null' }] },
    ],
    ['an exclusive bound', { minimum: 1, exclusiveMinimum: true }, { exclusiveMinimum: 1 }],
    ['an inclusive bound', { maximum: 1, exclusiveMaximum: false }, { maximum: 1 }],
    ['an example', { example: 7 }, { examples: [7] }],
    [
      'all that lies deeper',
      { properties: { a: { items: { nullable: true, type: 'object' } } } },
      { properties: { a: { items: { type: ['object', 'null'] } } } },
    ],
    [
      'a field that is called like a keyword',
      { properties: { nullable: {}, example: {} } },
      { properties: { nullable: {}, example: {} } },
    ],
  ])('has %s in the words of JSON Schema', (_, written, read) => {
    expect(new SchemaReader({}, 'x', 'openapi-3.0', new Map()).read(written)).toEqual(read);
  });
});

describe('a schema', () => {
  const root = {
    components: {
      schemas: {
        Order: {
          type: 'object',
          properties: {
            next: { $ref: '#/components/schemas/Order' },
            ship: { $ref: '#/components/schemas/Ship~1To' },
          },
        },
        'Ship/To': { type: 'string' },
        Unused: { type: 'string' },
      },
    },
  };

  it('refers to what it referred to, under names of the document it came from', () => {
    const definitions = new Map<string, Schema>();
    const reader = new SchemaReader(root, 'orders', '2020-12', definitions);

    expect(reader.read({ type: 'array', items: { $ref: '#/components/schemas/Order' } })).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/orders.Order' },
    });
    expect(Object.fromEntries(definitions)).toEqual({
      'orders.Order': {
        type: 'object',
        properties: {
          next: { $ref: '#/components/schemas/orders.Order' },
          ship: { $ref: '#/components/schemas/orders.Ship_To' },
        },
      },
      'orders.Ship_To': { type: 'string' },
    });
  });

  it('keeps what stands beside a reference, where that counts', () => {
    const written = { $ref: '#/components/schemas/Ship~1To', description: 'Where to' };
    const $ref = '#/components/schemas/orders.Ship_To';
    expect(new SchemaReader(root, 'orders', '2020-12', new Map()).read(written)).toEqual({
      $ref,
      description: 'Where to',
    });
    expect(new SchemaReader(root, 'orders', 'openapi-3.0', new Map()).read(written)).toEqual({ $ref });
  });

  it('may lead from one to the next as often as there are schemas', () => {
    const count = 20_000;
    const schemas = Array.from({ length: count }, (_, at) => ({
      items: { $ref: `#/components/schemas/${at + 1}` },
    }));
    const definitions = new Map<string, Schema>();
    const chain = { components: { schemas: Object.fromEntries([...schemas, {}].entries()) } };
    new SchemaReader(chain, 'a', '2020-12', definitions).read({ $ref: '#/components/schemas/0' });
    expect(definitions.size).toBe(count + 1);
  });

  it('takes no name that is taken', () => {
    const definitions = new Map<string, Schema>([['orders.Order', { type: 'null' }]]);
    const reader = new SchemaReader(root, 'orders', '2020-12', definitions);
    expect(reader.read({ $ref: '#/components/schemas/Order' })).toEqual({
      $ref: '#/components/schemas/orders.Order_2',
    });
    expect(definitions.get('orders.Order')).toEqual({ type: 'null' });
  });

  it('may be a whole document that refers to itself, as JSON Schemas of gateway files do', () => {
    const definitions = new Map<string, Schema>();
    const written = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $defs: { Sku: { type: 'string' } },
      properties: { below: { $ref: '#' }, sku: { $ref: '#/$defs/Sku' } },
    };
    expect(new SchemaReader(written, 'page.tree', '2020-12', definitions).read(written)).toEqual({
      properties: {
        below: { $ref: '#/components/schemas/page.tree' },
        sku: { $ref: '#/components/schemas/page.tree.Sku' },
      },
    });
    expect([...definitions.keys()]).toEqual(['page.tree', 'page.tree.Sku']);
  });

  it.each(['./other.yaml#/Order', 'https://example.com/order.json', '#/components/schemas/Gone', '#anchor'])(
    'lets everything through that %s would have said',
    (reference) => {
      expect(new SchemaReader(root, 'orders', '2020-12', new Map()).read({ $ref: reference })).toEqual({});
    },
  );

  it('knows the schemas that a discriminator chooses between by their new names', () => {
    const written = {
      discriminator: {
        propertyName: 'kind',
        mapping: { o: '#/components/schemas/Order', s: 'Unused', g: 'Gone' },
      },
    };
    expect(new SchemaReader(root, 'orders', '2020-12', new Map()).read(written)).toEqual({
      discriminator: {
        propertyName: 'kind',
        mapping: { o: '#/components/schemas/orders.Order', s: '#/components/schemas/orders.Unused' },
      },
    });
  });
});
