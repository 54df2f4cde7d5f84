import { BadRequestException } from '@nestjs/common';
import { askedFields } from './asked-fields.js';
import { narrowedPlan } from './narrowed-plan.js';
import { ResponseLayout } from './response-document.js';
import { plannedComposite } from './testing/planned-composite.js';

type Parts = Readonly<Record<string, object>>;

function narrowed(parts: Parts, fields: unknown) {
  const plan = plannedComposite(parts);
  const layout = ResponseLayout.of(plan.parts.map(({ config }) => config));
  return narrowedPlan(plan, layout, askedFields(fields));
}

function run(parts: Parts, fields: unknown): readonly string[] {
  return narrowed(parts, fields).plan.parts.map(({ config }) => config.name);
}

function refusal(parts: Parts, fields: unknown): string {
  try {
    narrowed(parts, fields);
  } catch (error) {
    if (error instanceof BadRequestException) return error.message;
    throw error;
  }
  throw new Error('was not refused');
}

const screen = {
  customer: { required: true },
  orders: { get: '/orders{?c}', values: { c: 'customer.id' } },
  offers: { get: '/offers{?t}', values: { t: 'customer.tier' }, as: 'shop.offers' },
  stock: { as: 'shop.stock', needs: ['audit'] },
  audit: { hidden: true },
  extra: {},
};

describe('the fields a client asks for', () => {
  it('are the same however they are written', () => {
    const { key } = askedFields('customer,orders.total');
    expect(key).toBe('customer,orders.total');
    expect(askedFields([' orders . total ', 'customer']).key).toBe(key);
    expect(askedFields('orders.total,customer.name,customer,orders.total.net').key).toBe(key);
    expect(askedFields('a.b,a-b,a').key).toBe('a,a-b');
  });

  it.each(['', ' ', 'a,', 'a,,b', '.a', 'a..b', ['a', '']])('are refused as %j', (written) => {
    expect(() => askedFields(written)).toThrow(BadRequestException);
    expect(() => askedFields(written)).toThrow(/expected fields of the response, such as/);
  });

  it('are at most 100, in 4096 characters', () => {
    const many = Array.from({ length: 100 }, (_, at) => `field${at}`);
    expect(askedFields(many).paths).toHaveLength(100);
    expect(() => askedFields([...many, 'more'])).toThrow(/more than 100 fields/);
    expect(askedFields('a'.repeat(4096)).paths).toHaveLength(1);
    expect(() => askedFields('a'.repeat(4097))).toThrow(/longer than 4096 characters/);
  });
});

describe('a narrowed plan', () => {
  it('runs the parts that are asked for, and those they need, in declared order', () => {
    expect(run(screen, 'orders.total')).toEqual(['customer', 'orders']);
    expect(run(screen, 'shop.stock,extra')).toEqual(['stock', 'audit', 'extra']);
    expect(run(screen, 'shop')).toEqual(['customer', 'offers', 'stock', 'audit']);
  });

  it('does not run a required part that nothing asked for needs', () => {
    expect(run(screen, 'extra')).toEqual(['extra']);
  });

  it('shows what is asked for only, not what it needs', () => {
    const { layout } = narrowed(screen, 'orders.total,shop.offers.title');
    const values = { customer: { id: 1 }, orders: { total: 3, id: 4 }, offers: [{ title: 'x', percent: 5 }] };
    expect(JSON.stringify(layout.document(values))).toBe(
      '{"orders":{"total":3},"shop":{"offers":[{"title":"x"}]}}',
    );
    const growing = layout.growing();
    expect(growing.land('customer', values.customer)).toEqual({});
    expect(growing.land('offers', values.offers)).toEqual({ shop: { offers: [{ title: 'x' }] } });
  });

  it('runs a flattened part for every key that may be its', () => {
    const parts = {
      a: {},
      b: { flatten: true },
      c: { flatten: true, pick: ['x', 'y'], rename: { y: 'z' }, merge: 'deep' },
    };
    expect(run(parts, 'x')).toEqual(['b', 'c']);
    expect(run(parts, 'z.deep')).toEqual(['b', 'c']);
    expect(run(parts, 'y')).toEqual(['b']);
    expect(run(parts, 'a')).toEqual(['a']);
  });

  it('runs a stitched join only if something asked for shows its values', () => {
    const parts = {
      order: { rename: { lines: 'rows' } },
      product: {
        get: '/products/{key}',
        forEach: { items: 'order.lines', key: 'sku', stitch: 'product' },
      },
      stock: {
        get: '/stock/{key}',
        forEach: { items: 'order.lines', key: 'sku', stitch: 'stock' },
      },
      brand: {
        get: '/brands/{key}',
        forEach: { items: 'values(product)', key: 'brand', stitch: 'brand' },
      },
    };
    expect(run(parts, 'order.id')).toEqual(['order']);
    expect(run(parts, 'order.rows.stock')).toEqual(['order', 'stock']);
    expect(run(parts, 'order.rows.stock.left,order.rows.sku')).toEqual(['order', 'stock']);
    expect(run(parts, 'order.rows.product.brand.name')).toEqual(['order', 'product', 'brand']);
    expect(run(parts, 'order.rows')).toEqual(['order', 'product', 'stock', 'brand']);
    expect(run(parts, 'order')).toEqual(['order', 'product', 'stock', 'brand']);
  });

  it('runs what merges into what is asked for', () => {
    const parts = { a: {}, b: { as: 'a', merge: 'deep' }, c: { as: 'a.c', merge: 'deep' }, d: {} };
    expect(run(parts, 'a.x')).toEqual(['a', 'b']);
    expect(run(parts, 'a')).toEqual(['a', 'b', 'c']);
  });
});

describe('a field the response does not have', () => {
  it('is refused with the nearest one, and all that are valid', () => {
    expect(refusal(screen, 'custmer.name')).toBe(
      "The parameter 'fields' names 'custmer.name', which the response does not have. Did you mean customer? " +
        'Valid here: customer, orders, shop, extra.',
    );
    expect(refusal(screen, 'customer,shop.stcok.x')).toBe(
      "The parameter 'fields' names 'shop.stcok.x', which the response does not have. Did you mean shop.stock? " +
        'Valid here: shop.offers, shop.stock.',
    );
    expect(refusal(screen, 'zzz')).toMatch(/does not have\. Valid here: customer, orders, shop, extra\.$/);
  });

  it('may be that of a hidden part, or a key a flattened one cannot have', () => {
    expect(refusal(screen, 'audit')).toMatch(/Valid here: customer, orders, shop, extra\.$/);
    const parts = { a: {}, b: { flatten: true, pick: ['x', 'y.z'] } };
    expect(refusal(parts, 'z')).toMatch(/Valid here: a, x, y\.$/);
  });
});
