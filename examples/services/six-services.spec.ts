import { type Customer } from '../data/customers.js';
import { type StockRecord } from '../data/inventory.js';
import { type Offer } from '../data/offers.js';
import { type Order } from '../data/orders.js';
import { type Product } from '../data/products.js';
import { type Review, type ReviewSummary } from '../data/reviews.js';
import { startService, type RunningService } from '../kernel/service.js';
import { ask, askJson, type Question } from '../testing/ask.js';
import { SIX_SERVICES } from './six-services.js';

const running = new Map<string, RunningService>();

beforeAll(async () => {
  for (const definition of SIX_SERVICES)
    running.set(definition.name, await startService(definition, { port: 0 }));
});

afterAll(() => Promise.all([...running.values()].map((service) => service.close())));

const url = (service: string, path: string): string => `${running.get(service)?.url ?? ''}${path}`;
const status = async (service: string, path: string): Promise<number> =>
  (await ask(url(service, path))).status;

describe('the six services', () => {
  it('stand in the order of their ports', () => {
    const names = SIX_SERVICES.map(({ name }) => name);
    expect(names).toEqual(['customers', 'orders', 'catalog', 'inventory', 'reviews', 'offers']);
  });

  it.each([
    ['customers', '/customers'],
    ['orders', '/orders'],
    ['catalog', '/products'],
    ['inventory', '/inventory'],
    ['reviews', '/reviews'],
    ['offers', '/offers'],
  ])('%s: lists with limit and offset, 100 at most unless asked', async (service, path) => {
    const all = await askJson<unknown[]>(url(service, `${path}?limit=5000`));
    expect(await askJson(url(service, `${path}?limit=1`))).toEqual(all.slice(0, 1));
    expect(await askJson(url(service, `${path}?limit=3&offset=2`))).toEqual(all.slice(2, 5));
    expect(await askJson(url(service, path))).toEqual(all.slice(0, 100));
    expect(await askJson(url(service, `${path}?limit=0`))).toEqual([]);
    expect(await status(service, `${path}?limit=5001`)).toBe(400);
  });
});

describe('customers', () => {
  it('answers one by id', async () => {
    const customer = await askJson<Customer>(url('customers', '/customers/c-42'));
    expect(Object.keys(customer)).toEqual(['id', 'name', 'email', 'tier', 'city', 'country', 'memberSince']);
    expect(customer.id).toBe('c-42');
    expect(customer.memberSince).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  it('filters by tier', async () => {
    const customers = await askJson<Customer[]>(url('customers', '/customers?tier=platinum'));
    expect(customers.length).toBeGreaterThan(10);
    expect(new Set(customers.map(({ tier }) => tier))).toEqual(new Set(['platinum']));
  });
});

describe('orders', () => {
  const place = (question: Question): ReturnType<typeof ask> =>
    ask(url('orders', '/orders'), { method: 'POST', ...question });
  const body = { customerId: 'c-900', lines: [{ sku: 'p-7', quantity: 2 }] };

  it('lists what a customer placed, newest first', async () => {
    const orders = await askJson<Order[]>(url('orders', '/orders?customerId=c-42'));
    expect(orders.length).toBeGreaterThan(2);
    expect(orders.every(({ customerId }) => customerId === 'c-42')).toBe(true);
    const times = orders.map(({ placedAt }) => placedAt);
    expect(times).toEqual([...times].sort().reverse());
    expect(await askJson(url('orders', `/orders/${orders[0]?.id ?? ''}`))).toEqual(orders[0]);
  });

  it('answers an empty list for a customer who never ordered, and refuses what is no customer', async () => {
    expect(await askJson(url('orders', '/orders?customerId=c-99999'))).toEqual([]);
    expect(await status('orders', '/orders?customerId=42')).toBe(400);
    expect(await status('orders', '/orders/o-99999')).toBe(404);
  });

  it('places an order at the prices of the catalog', async () => {
    const product = await askJson<Product>(url('catalog', '/products/p-7'));
    const reply = await place({ body });
    const order = JSON.parse(reply.bytes.toString()) as Order;
    expect(reply.status).toBe(201);
    expect(reply.headers.location).toBe(`/orders/${order.id}`);
    expect(order.lines).toEqual([{ sku: 'p-7', quantity: 2, unitPriceCents: product.priceCents }]);
    expect(order.totalCents).toBe(2 * product.priceCents);
    expect(await askJson(url('orders', `/orders/${order.id}`))).toEqual(order);
    expect((await askJson<Order[]>(url('orders', '/orders?customerId=c-900')))[0]).toEqual(order);
    expect((await askJson<Order[]>(url('orders', '/orders?limit=1')))[0]).toEqual(order);
  });

  it('places one order for one idempotency key, and refuses the key for another', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const first = await place({ body, headers });
    const second = await place({ body, headers });
    expect(second.bytes).toEqual(first.bytes);
    expect(second.status).toBe(201);
    expect([first, second].map((reply) => reply.headers['idempotent-replayed'])).toEqual([undefined, 'true']);
    expect((await place({ body: { ...body, customerId: 'c-1' }, headers })).status).toBe(422);
    expect((await place({ body })).bytes).not.toEqual(first.bytes);
  });

  it.each([
    ['{"customerId":', 'not valid JSON'],
    [[], 'An order is a JSON object'],
    [{ ...body, customerId: 'c-1001' }, 'customerId'],
    [{ ...body, lines: [] }, 'lines'],
    [{ ...body, lines: [{ sku: 'p-501', quantity: 1 }] }, 'lines[0].sku'],
    [{ ...body, lines: [{ sku: 'p-1', quantity: 0.5 }] }, 'lines[0].quantity'],
    [{ ...body, lines: [null] }, 'lines[0].sku'],
  ])('refuses %j and names what is wrong', async (wrong, message) => {
    const reply = await place({ body: wrong });
    expect(reply.status).toBe(400);
    expect((JSON.parse(reply.bytes.toString()) as { message: string }).message).toContain(message);
  });
});

describe('catalog', () => {
  it('answers 304 to whoever has the product already', async () => {
    const product = url('catalog', '/products/p-7');
    const whole = await ask(product);
    const { etag = '' } = whole.headers;
    expect(whole.headers['cache-control']).toBe('no-cache');

    const again = await ask(product, { headers: { 'if-none-match': etag } });
    expect(again).toMatchObject({ status: 304, headers: { etag, 'cache-control': 'no-cache' } });
    expect(again.bytes.length).toBe(0);
    expect(await status('catalog', '/products/p-99999')).toBe(404);
    expect((await ask(url('catalog', '/products/p-8'), { headers: { 'if-none-match': etag } })).status).toBe(
      200,
    );

    // A fault has nothing to spoil in a 304.
    await ask(url('catalog', '/faults'), { method: 'PUT', body: { garbage: true } });
    const spoilt = await ask(product, { headers: { 'if-none-match': etag } });
    await ask(url('catalog', '/faults'), { method: 'DELETE' });
    expect(spoilt.status).toBe(200);
    expect(spoilt.bytes.length).toBeGreaterThan(0);
  });

  it('answers a batch in the order asked, each once, without those there are not', async () => {
    const batch = await askJson<Product[]>(url('catalog', '/products?skus=p-9,p-2,p-9,p-777&skus=p-5'));
    expect(batch.map(({ sku }) => sku)).toEqual(['p-9', 'p-2', 'p-5']);
    expect(await askJson(url('catalog', '/products/p-9'))).toEqual(batch[0]);
  });

  it('answers a batch whole, however long, and an empty one with nothing', async () => {
    const skus = Array.from({ length: 300 }, (_, index) => `p-${index + 1}`).join(',');
    expect(await askJson(url('catalog', `/products?skus=${skus}`))).toHaveLength(300);
    expect(await askJson(url('catalog', `/products?skus=${encodeURIComponent(skus)}`))).toHaveLength(300);
    expect(await askJson(url('catalog', '/products?skus='))).toEqual([]);
    expect(await status('catalog', '/products?skus=p-1,oops')).toBe(400);
  });

  it('filters by category', async () => {
    const audio = await askJson<Product[]>(url('catalog', '/products?category=audio'));
    expect(audio).toHaveLength(50);
    expect(await status('catalog', '/products?category=audoi')).toBe(400);
  });
});

describe('inventory', () => {
  it('answers one record and a batch', async () => {
    const record = await askJson<StockRecord>(url('inventory', '/inventory/p-7'));
    expect(Object.keys(record)).toEqual(['sku', 'available', 'warehouses', 'restockAt']);
    const batch = await askJson<StockRecord[]>(url('inventory', '/inventory?skus=p-7,p-8'));
    expect(batch[0]).toEqual(record);
    expect(batch).toHaveLength(2);
    expect(await status('inventory', '/inventory/p-501')).toBe(404);
  });
});

describe('reviews', () => {
  it('lists the reviews of a product, newest first, and sums them up', async () => {
    const reviews = await askJson<Review[]>(url('reviews', '/reviews?sku=p-7'));
    const times = reviews.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...times].sort().reverse());
    expect(await askJson(url('reviews', `/reviews/${reviews[0]?.id ?? ''}`))).toEqual(reviews[0]);
    const summary = await askJson<ReviewSummary>(url('reviews', '/reviews/summary?sku=p-7'));
    const average = reviews.reduce((sum, { rating }) => sum + rating, 0) / reviews.length;
    expect(summary).toMatchObject({ sku: 'p-7', count: reviews.length });
    expect(summary.average).toBeCloseTo(average, 2);
  });

  it('sums nothing up to nothing, and wants to know of which product', async () => {
    const nothing = await askJson(url('reviews', '/reviews/summary?sku=p-9999'));
    expect(nothing).toEqual({ sku: 'p-9999', count: 0, average: null });
    expect(await askJson(url('reviews', '/reviews?sku=p-9999'))).toEqual([]);
    expect(await status('reviews', '/reviews/summary')).toBe(400);
  });
});

describe('offers', () => {
  it('filters by tier and by product, also both', async () => {
    const gold = await askJson<Offer[]>(url('offers', '/offers?tier=gold'));
    const about = await askJson<Offer[]>(url('offers', '/offers?sku=p-7'));
    expect(gold.length).toBeGreaterThan(0);
    expect(gold.every(({ tiers }) => tiers.includes('gold'))).toBe(true);
    expect(about.length).toBeGreaterThan(0);
    expect(about.every(({ skus }) => skus.includes('p-7'))).toBe(true);
    const both = await askJson<Offer[]>(url('offers', '/offers?tier=gold&sku=p-7'));
    expect(both).toEqual(gold.filter(({ skus }) => skus.includes('p-7')));
  });

  it('answers one by id', async () => {
    expect(await askJson<Offer>(url('offers', '/offers/of-1'))).toMatchObject({ id: 'of-1' });
    expect(await status('offers', '/offers/of-41')).toBe(404);
  });
});
