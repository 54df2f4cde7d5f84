import fc from 'fast-check';
import { recordingServer, type RecordingServer } from '../http/testing/recording-server.js';
import { type JsonObject } from './json-object.js';
import { Stitching, withFields } from './stitch.js';
import { plannedComposite } from './testing/planned-composite.js';
import { serveComposites } from './testing/serve-composites.js';

const INPUT = { params: {}, body: null };

function stitching(parts: Readonly<Record<string, object>>): Stitching {
  const found = Stitching.of(plannedComposite(parts).parts);
  if (found === undefined) throw new Error('nothing is stitched');
  return found;
}

function join(items: string, stitch: string, more: object = {}): object {
  return { forEach: { items, key: 'sku', stitch, ...more }, get: '/{key}' };
}

const order = () => ({
  id: 'o-1',
  lines: [{ sku: 'a' }, { sku: 'b', n: 1 }, { sku: 'a', n: 2 }],
  notes: [{}],
});

describe('what is stitched', () => {
  it('is in each item, in the order of the list, and the values stay as they were', () => {
    const values = { order: order(), products: { a: { name: 'A' }, b: { name: 'B' } } };
    const before = structuredClone(values);
    const applied = stitching({ order: {}, products: join('order.lines', 'product') }).applied(values, INPUT);
    expect(applied).toEqual({
      order: {
        id: 'o-1',
        lines: [
          { sku: 'a', product: { name: 'A' } },
          { sku: 'b', n: 1, product: { name: 'B' } },
          { sku: 'a', n: 2, product: { name: 'A' } },
        ],
        notes: [{}],
      },
      products: values.products,
    });
    expect(values).toEqual(before);
  });

  it('copies only what stands on the way to the items', () => {
    const values = { order: order(), products: { a: 1, b: 2 } };
    const parts = { order: {}, products: join('order.lines[?n]', 'product') };
    const stitched = stitching(parts).applied(values, INPUT)['order'] as ReturnType<typeof order>;
    expect(stitched).not.toBe(values.order);
    expect(stitched.notes).toBe(values.order.notes);
    expect(stitched.lines[0]).toBe(values.order.lines[0]);
    expect(stitched.lines[1]).toEqual({ sku: 'b', n: 1, product: 2 });
  });

  it('is the declared value for what is missing, has no key or failed altogether', () => {
    const value = { order: { lines: [{ sku: 'gone' }, { sku: null }, { sku: 'constructor' }, {}, null] } };
    const parts = { order: {}, products: join('order.lines', 'product', { missing: 'none' }) };
    for (const products of [{}, null, 'fallback', [1]]) {
      expect(stitching(parts).applied({ ...value, products }, INPUT)['order']).toEqual({
        lines: [
          { sku: 'gone', product: 'none' },
          { sku: null, product: 'none' },
          { sku: 'constructor', product: 'none' },
          { product: 'none' },
          null,
        ],
      });
    }
  });

  it('is shaped, each value by itself', () => {
    const parts = {
      order: {},
      products: {
        ...join('order.lines', 'product'),
        pick: ['name', 'stock.count'],
        rename: { name: 'title' },
      },
    };
    const products = { a: { name: 'A', price: 3, stock: { count: 1, place: 'x' } }, b: null };
    expect(stitching(parts).applied({ order: order(), products }, INPUT)['order']).toMatchObject({
      lines: [{ product: { title: 'A', stock: { count: 1 } } }, { product: null }, { sku: 'a' }],
    });
  });

  it('may come from several joins into the same items, and into items of items', () => {
    const parts = {
      orders: {},
      products: join('orders[].lines[]', 'product'),
      stock: join('orders[].lines[]', 'stock'),
      customers: { forEach: { items: 'orders', key: 'customer', stitch: 'by' }, get: '/{key}' },
    };
    const values = {
      orders: [
        { customer: 'x', lines: [{ sku: 'a' }] },
        { customer: 'y', lines: [{ sku: 'b' }] },
      ],
      products: { a: 'A', b: 'B' },
      stock: { a: 1, b: 2 },
      customers: { x: 'X', y: 'Y' },
    };
    expect(stitching(parts).applied(values, INPUT)['orders']).toEqual([
      { customer: 'x', lines: [{ sku: 'a', product: 'A', stock: 1 }], by: 'X' },
      { customer: 'y', lines: [{ sku: 'b', product: 'B', stock: 2 }], by: 'Y' },
    ]);
  });

  it('may itself have something stitched into it', () => {
    const parts = {
      order: {},
      products: join('order.lines', 'product'),
      brands: { forEach: { items: 'values(products)', key: 'brand', stitch: 'maker' }, get: '/{key}' },
    };
    const values = {
      order: { lines: [{ sku: 'a' }, { sku: 'b' }] },
      products: { a: { brand: 'x' }, b: { brand: 'y' } },
      brands: { x: 'X', y: 'Y' },
    };
    const both = stitching(parts);
    expect(both.applied(values, INPUT)['order']).toEqual({
      lines: [
        { sku: 'a', product: { brand: 'x', maker: 'X' } },
        { sku: 'b', product: { brand: 'y', maker: 'Y' } },
      ],
    });
    expect([both.shownIn('brands'), both.shownIn('products'), both.shownIn('order')]).toEqual([
      'order',
      'order',
      'order',
    ]);
  });

  it('replaces a field of that name', () => {
    const parts = { order: {}, products: join('order.lines', 'sku') };
    const values = { order: { lines: [{ sku: 'a', n: 1 }] }, products: { a: 'A' } };
    expect(JSON.stringify(stitching(parts).applied(values, INPUT)['order'])).toBe(
      '{"lines":[{"sku":"A","n":1}]}',
    );
  });

  it('takes the same object at another place for another one', () => {
    const line = { sku: 'a' };
    const values = { order: { lines: [line], first: line }, products: { a: 'A' } };
    const parts = { order: {}, products: join('order.lines', 'product') };
    expect(stitching(parts).applied(values, INPUT)['order']).toEqual({
      lines: [{ sku: 'a', product: 'A' }],
      first: { sku: 'a' },
    });
  });

  it('is nothing yet for a join that has not ended', () => {
    const parts = { order: {}, products: join('order.lines', 'product') };
    const value = order();
    expect(stitching(parts).value('order', { ...INPUT, order: value })).toBe(value);
  });

  it('is not looked for where no join is stitched', () => {
    expect(Stitching.of(plannedComposite({ order: {} }).parts)).toBeUndefined();
  });
});

describe('a value with further fields', () => {
  it('is what a slow copy of all of it would be, and changes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.func(fc.boolean()), (value, picks) => {
        const objects = objectsIn(value).filter((object) => picks(object));
        const fields = new Map(objects.map((object, index) => [object, { stitched: index }]));
        const before = structuredClone(value);
        const expected = slowCopy(value, fields);
        expect(withFields(value, fields, undefined)).toEqual(expected);
        expect(value).toEqual(before);
        if (objects.length === 0) expect(withFields(value, fields, undefined)).toBe(value);
      }),
    );
  });
});

function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? below : [value, ...below];
}

function slowCopy(value: unknown, fields: ReadonlyMap<object, JsonObject>): unknown {
  if (Array.isArray(value)) return value.map((item) => slowCopy(item, fields));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, slowCopy(item, fields)] as const);
  return { ...Object.fromEntries(entries), ...fields.get(value) };
}

describe('a stitched composite', () => {
  let upstream: RecordingServer;

  beforeEach(async () => {
    upstream = await recordingServer((_request, response, { url }) => {
      const [, kind, sku] = url.split('/');
      const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=60' };
      response.writeHead(sku === 'gone' ? 404 : 200, headers);
      response.end(
        JSON.stringify(
          kind === 'orders'
            ? { id: sku, lines: [{ sku: 'a' }, { sku: 'gone' }, { sku: 'a' }] }
            : { sku, name: `product ${sku ?? ''}`, secret: true },
        ),
      );
    });
  });

  afterEach(() => upstream.close());

  it('answers the same each time from the same kept answers, as JSON and part by part', async () => {
    const gateway = await serveComposites({
      upstreams: { shop: { url: upstream.origin, cache: { enabled: true } } },
      composites: {
        details: {
          get: '/orders/{id}',
          parts: {
            order: { upstream: 'shop', get: '/orders/{id}', omit: ['lines.sku'] },
            products: {
              upstream: 'shop',
              ...join('order.lines', 'product'),
              get: '/products/{key}',
              omit: ['secret'],
            },
          },
        },
      },
    });
    const document = {
      order: {
        id: 'o-1',
        lines: [
          { product: { sku: 'a', name: 'product a' } },
          { product: null },
          { product: { sku: 'a', name: 'product a' } },
        ],
      },
    };
    for (let time = 0; time < 3; time++) {
      const { text, headers } = await gateway.ask('/orders/o-1');
      expect(JSON.parse(text)).toEqual(document);
      expect(headers['composite-parts']).toMatch(/products;state=ok;items="1\/2"/);
    }
    // What is not there is asked for each time.
    expect(upstream.seen.map(({ url }) => url).sort()).toEqual([
      '/orders/o-1',
      '/products/a',
      '/products/gone',
      '/products/gone',
      '/products/gone',
    ]);
    const accept = 'application/x-ndjson';
    const { text } = await gateway.ask('/orders/o-1', { headers: { accept } });
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { data?: object });
    expect(Object.assign({}, ...events.map(({ data }) => data))).toEqual(document);
    await gateway.stop();
  });
});
