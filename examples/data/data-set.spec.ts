import { createHash } from 'node:crypto';
import { buildCustomers, TIERS } from './customers.js';
import { buildInventory } from './inventory.js';
import { buildOffers } from './offers.js';
import { buildOrders, totalCentsOf } from './orders.js';
import { buildProducts, CATEGORIES } from './products.js';
import { buildReviews, summarise } from './reviews.js';

const customers = buildCustomers();
const orders = buildOrders();
const products = buildProducts();
const inventory = buildInventory();
const reviews = buildReviews();
const offers = buildOffers();

const customerIds = new Set(customers.map(({ id }) => id));
const prices = new Map(products.map(({ sku, priceCents }) => [sku, priceCents]));

function distinct(values: readonly unknown[]): number {
  return new Set(values).size;
}

function digest(records: unknown): string {
  return createHash('sha256').update(JSON.stringify(records)).digest('hex').slice(0, 16);
}

describe('the data set', () => {
  it('has 1,000 customers, 5,000 orders, 500 products and stock records, 3,000 reviews and 40 offers', () => {
    const counts = [customers, orders, products, inventory, reviews, offers].map(({ length }) => length);
    expect(counts).toEqual([1_000, 5_000, 500, 500, 3_000, 40]);
  });

  it('is the same, to the byte, on every run and every machine', () => {
    expect([customers, orders, products, inventory, reviews, offers].map(digest)).toEqual([
      '00f7ff5bbeac953b',
      'd9b08b434acffb3d',
      'aee2c036c1e91939',
      '0de346d792b2415e',
      'a703c2943f107782',
      '049fa08dda6c126b',
    ]);
  });

  it('gives every record a name of its own', () => {
    expect(distinct(customers.map(({ id }) => id))).toBe(1_000);
    expect(distinct(customers.map(({ email }) => email))).toBe(1_000);
    expect(distinct(orders.map(({ id }) => id))).toBe(5_000);
    expect(distinct(products.map(({ name }) => name))).toBe(500);
    expect(distinct(reviews.map(({ id }) => id))).toBe(3_000);
  });

  it('has orders only by customers there are, and customers without orders', () => {
    const buyers = new Set(orders.map(({ customerId }) => customerId));
    expect([...buyers].filter((id) => !customerIds.has(id))).toEqual([]);
    expect(buyers.size).toBeGreaterThan(800);
    expect(buyers.size).toBeLessThan(1_000);
  });

  it('sells only products there are, each once an order, at the price of the catalog', () => {
    const lines = orders.flatMap((order) => order.lines);
    expect(lines.filter(({ sku, unitPriceCents }) => prices.get(sku) !== unitPriceCents)).toEqual([]);
    expect(
      orders.filter((order) => distinct(order.lines.map(({ sku }) => sku)) !== order.lines.length),
    ).toEqual([]);
  });

  it('totals every order to the sum of its lines', () => {
    expect(orders.filter((order) => order.totalCents !== totalCentsOf(order.lines))).toEqual([]);
    expect(orders.filter((order) => order.totalCents <= 0)).toEqual([]);
  });

  it('numbers orders and reviews in the order of their time', () => {
    const times = [orders.map(({ placedAt }) => placedAt), reviews.map(({ createdAt }) => createdAt)];
    for (const series of times) expect(series).toEqual([...series].sort());
  });

  it('has a stock record for every product, whose warehouses add up', () => {
    expect(inventory.map(({ sku }) => sku)).toEqual(products.map(({ sku }) => sku));
    for (const { available, warehouses } of inventory) {
      expect(warehouses.length).toBeGreaterThan(0);
      expect(warehouses.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(available);
    }
    expect(inventory.some(({ available, restockAt }) => available === 0 && restockAt !== null)).toBe(true);
  });

  it('reviews only products there are, with 1 to 5 stars, all of them used', () => {
    expect(reviews.filter(({ sku }) => !prices.has(sku))).toEqual([]);
    expect([...new Set(reviews.map(({ rating }) => rating))].sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('makes every tier an offer, and offers only products there are', () => {
    for (const tier of TIERS) expect(offers.some((offer) => offer.tiers.includes(tier))).toBe(true);
    expect(offers.flatMap(({ skus }) => skus).filter((sku) => !prices.has(sku))).toEqual([]);
  });

  it('uses every tier and every category', () => {
    expect(distinct(customers.map(({ tier }) => tier))).toBe(TIERS.length);
    expect(distinct(products.map(({ category }) => category))).toBe(CATEGORIES.length);
  });

  it('has letters beyond ASCII, so that lengths in bytes and in letters differ', () => {
    expect(customers.some(({ name }) => Buffer.byteLength(name) > name.length)).toBe(true);
    expect(customers.every(({ email }) => /^[a-z.]+\.\d+@example\.com$/.test(email))).toBe(true);
  });

  it('has something to show on the two pages the demo asks for first', () => {
    expect(orders.filter(({ customerId }) => customerId === 'c-42').length).toBeGreaterThanOrEqual(3);
    expect(reviews.filter(({ sku }) => sku === 'p-7').length).toBeGreaterThanOrEqual(3);
    expect(offers.some(({ skus }) => skus.includes('p-7'))).toBe(true);
    expect(inventory[6]?.available).toBeGreaterThan(0);
  });
});

describe('summarise', () => {
  it('averages to two decimals', () => {
    const three = reviews.slice(0, 3).map((review, index) => ({ ...review, rating: [5, 4, 4][index] ?? 0 }));
    expect(summarise('p-1', three)).toEqual({ sku: 'p-1', count: 3, average: 4.33 });
  });

  it('has no average without reviews', () => {
    expect(summarise('p-1', [])).toEqual({ sku: 'p-1', count: 0, average: null });
  });
});
