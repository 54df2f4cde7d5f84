import { CUSTOMER_COUNT } from './customers.js';
import { PRODUCT_COUNT, priceCentsOf } from './products.js';
import { oneTo, seeded, type Random } from './random.js';

/** In the order an order goes through them; the last two are the ways it can end badly. */
export const ORDER_STATUSES = ['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'returned'] as const;

/** Where an order stands. */
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** One product in an order. */
export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPriceCents: number;
}

/** An order as the orders service tells it. */
export interface Order {
  /** `o-1` to `o-5000`, the oldest first; orders placed later go on from there. */
  readonly id: string;
  readonly customerId: string;
  /** `2024-05-06T07:08:00.000Z` */
  readonly placedAt: string;
  readonly status: OrderStatus;
  readonly currency: 'EUR';
  readonly lines: readonly OrderLine[];
  /** The sum of quantity times unit price over the lines. */
  readonly totalCents: number;
}

/** How many orders there are at start. */
export const ORDER_COUNT = 5_000;

const MINUTE_MS = 60_000;
const FIRST_ORDER_AT = Date.UTC(2024, 0, 2);
const LAST_ORDER_AT = Date.UTC(2026, 5, 30);
const MINUTES_BETWEEN = Math.floor((LAST_ORDER_AT - FIRST_ORDER_AT) / ORDER_COUNT / MINUTE_MS);

/** What the lines come to. */
export function totalCentsOf(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0);
}

/** About one customer in ten has registered and never bought anything. */
function everBought(customer: number): boolean {
  return seeded(`ever-bought:${customer}`).chance(0.9);
}

/** Those who came first have bought the most. */
function buyer(random: Random): number {
  for (;;) {
    const customer = random.leaningLow(CUSTOMER_COUNT);
    if (everBought(customer)) return customer;
  }
}

function statusOf(number: number, random: Random): OrderStatus {
  if (random.chance(0.05)) return 'cancelled';
  const age = ORDER_COUNT - number;
  if (age < 40) return random.pick(['pending', 'paid']);
  if (age < 160) return 'shipped';
  return random.chance(0.04) ? 'returned' : 'delivered';
}

function order(number: number): Order {
  const random = seeded(`order:${number}`);
  const products = new Set(oneTo(random.integer(1, 4)).map(() => random.integer(1, PRODUCT_COUNT)));
  const lines = [...products].map((product) => ({
    sku: `p-${product}`,
    quantity: random.chance(0.7) ? 1 : random.integer(2, 5),
    unitPriceCents: priceCentsOf(product),
  }));
  const minute = (number - 1) * MINUTES_BETWEEN + random.integer(0, MINUTES_BETWEEN - 1);
  return {
    id: `o-${number}`,
    customerId: `c-${buyer(random)}`,
    placedAt: new Date(FIRST_ORDER_AT + minute * MINUTE_MS).toISOString(),
    status: statusOf(number, random),
    currency: 'EUR',
    lines,
    totalCents: totalCentsOf(lines),
  };
}

/** All orders, the oldest first. */
export function buildOrders(): Order[] {
  return oneTo(ORDER_COUNT).map(order);
}
