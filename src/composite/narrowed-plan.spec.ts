import { BadRequestException } from '@nestjs/common';
import { askedFields } from './asked-fields.js';
import { narrowedPlan } from './narrowed-plan.js';
import { ResponseLayout } from './response-document.js';
import { plannedComposite } from './testing/planned-composite.js';

type Parts = Readonly<Record<string, object>>;

function narrowed(parts: Parts, fields: unknown, composite: object = {}, upstream: object = {}) {
  const plan = plannedComposite(parts, composite, upstream);
  const layout = ResponseLayout.of(plan.parts.map(({ config }) => config));
  return narrowedPlan(plan, layout, askedFields(fields));
}

function run(parts: Parts, fields: unknown, composite?: object, upstream?: object): readonly string[] {
  return narrowed(parts, fields, composite, upstream).plan.parts.map(({ config }) => config.name);
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

  it('runs every guard: what is required and not shown', () => {
    const guard = { required: true, hidden: true };
    const parts = { guard: { ...guard, needs: ['rights'] }, rights: { hidden: true }, a: {}, b: {} };
    expect(run(parts, 'b')).toEqual(['guard', 'rights', 'b']);
    // Whoever else needs it.
    expect(run({ ...parts, a: { needs: ['guard'] } }, 'b')).toEqual(['guard', 'rights', 'b']);
    expect(
      run({ ...parts, guard: { ...guard, required: false, needs: ['rights'] }, a: { when: 'guard' } }, 'b'),
    ).toEqual(['b']);
  });

  it.each<[string, object, object, object]>([
    ['forward', { auth: 'bearer' }, { forward: { headers: ['authorization'] } }, {}],
    [
      'forward of the composite',
      { auth: 'basic', forward: { headers: ['authorization'] } },
      {},
      { forward: {} },
    ],
    ['cookies', { auth: 'cookie' }, { forward: { cookies: ['session'] } }, {}],
    [
      'headers',
      { auth: 'bearer', params: { token: { in: 'header', alias: 'authorization' } } },
      { headers: { authorization: 'params.token' } },
      {},
    ],
  ])('runs what judges the credentials, by its %s', (_how, composite, account, other) => {
    const parts = { account: { required: true, ...account }, stock: { required: true, ...other }, b: other };
    expect(run(parts, 'b', composite)).toEqual(['account', 'b']);
    const optional = { ...parts, account: { ...account, required: false } };
    expect(run(optional, 'b', composite)).toEqual(['b']);
  });

  it('runs what judges the credentials, by what its upstream passes on', () => {
    const upstream = { forwardHeaders: ['authorization'] };
    const parts = { account: { required: true }, b: {} };
    expect(run(parts, 'b', { auth: 'bearer' }, upstream)).toEqual(['account', 'b']);
    expect(run(parts, 'b', {}, upstream)).toEqual(['b']);
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

  it('does not run what merges into it without what is asked for', () => {
    const parts = {
      stock: { select: 'available', as: 'availability.pieces' },
      rating: { pick: ['count', 'average'], as: 'availability', merge: 'deep' },
    };
    expect(run(parts, 'availability.pieces')).toEqual(['stock']);
    expect(run(parts, 'availability.count')).toEqual(['rating']);
    expect(run(parts, 'availability')).toEqual(['stock', 'rating']);
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
        'Valid here: shop, shop.offers, shop.stock.',
    );
    expect(refusal(screen, 'zzz')).toMatch(/does not have\. Valid here: customer, orders, shop, extra\.$/);
  });

  it('is repeated up to a length, and beyond it nobody meant another one', () => {
    const parts = { a: {}, ['x'.repeat(64)]: {} };
    expect(refusal(parts, `${'x'.repeat(63)}y.z`)).toMatch(/Did you mean x{64}\?/);
    expect(refusal(parts, `${'x'.repeat(64)}y`)).toBe(
      `The parameter 'fields' names '${'x'.repeat(64)}...', which the response does not have. ` +
        `Valid here: a, ${'x'.repeat(64)}.`,
    );
    expect(refusal(screen, 'q'.repeat(4_000)).length).toBeLessThan(300);
    expect(() => askedFields(`${'q'.repeat(4_000)}.`)).toThrow(
      /names 'q{64}\.\.\.', which is no dotted path/,
    );
  });

  it('may be that of a hidden part, or a key a flattened one cannot have', () => {
    expect(refusal(screen, 'audit')).toMatch(/Valid here: customer, orders, shop, extra\.$/);
    const parts = { a: {}, b: { flatten: true, pick: ['x', 'y.z'] } };
    expect(refusal(parts, 'z')).toMatch(/Valid here: a, x, y\.$/);
  });

  it('may be one that a part cannot have, as far down as that is known', () => {
    const parts = {
      order: { pick: ['id', 'lines.sku', 'lines.priceCents'], rename: { 'lines.priceCents': 'price' } },
      stock: { as: 'order.stock', merge: 'deep', omit: ['secret'] },
      flat: { flatten: true, pick: ['address.city'] },
      products: { get: '/p/{key}', forEach: 'order.ids', pick: ['name'] },
    };
    expect(refusal(parts, 'order.nope')).toBe(
      "The parameter 'fields' names 'order.nope', which the response does not have. " +
        'Valid here: order, order.id, order.lines, order.stock.',
    );
    expect(refusal(parts, 'order.lines.priceCents')).toMatch(
      /Valid here: order\.lines, order\.lines\.sku, order\.lines\.price\.$/,
    );
    expect(refusal(parts, 'order.stock.secret.x')).toMatch(/does not have\. Valid here: order\.stock\.$/);
    expect(refusal(parts, 'address.cty')).toMatch(
      /Did you mean address\.city\? Valid here: address, address\.city\.$/,
    );
    expect(refusal(parts, 'products.p-1.nme')).toMatch(
      /Did you mean products\.p-1\.name\? Valid here: products\.p-1, products\.p-1\.name\.$/,
    );
    for (const known of [
      'order',
      'order.id.deeper',
      'order.stock.left',
      'products.p-1',
      'products.p-1.name',
    ]) {
      expect(run(parts, known)).not.toEqual([]);
    }
  });
});
