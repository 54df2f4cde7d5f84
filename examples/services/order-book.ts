import { buildOrders, ORDER_COUNT, totalCentsOf, type Order } from '../data/orders.js';
import { Refusal } from '../kernel/refusal.js';
import { type OrderRequest } from './order-request.js';
import { grouped, indexed } from './record-index.js';

/** An order that was placed now, or found to have been placed before under the same key. */
export interface Placement {
  readonly order: Order;
  readonly replayed: boolean;
}

/** All orders, newest first: those of the data set, and those placed since the service started. */
export class OrderBook {
  private readonly orders = buildOrders().reverse();
  private readonly byId = indexed(this.orders, ({ id }) => id);
  private readonly byCustomer = grouped(this.orders, ({ customerId }) => customerId);
  private readonly byKey = new Map<string, { readonly asked: string; readonly order: Order }>();
  private last = ORDER_COUNT;

  /** The order with this id. */
  find(id: string): Order | undefined {
    return this.byId.get(id);
  }

  /** The orders of one customer, or of all, newest first. */
  placed(customerId: string | undefined): readonly Order[] {
    return customerId === undefined ? this.orders : (this.byCustomer.get(customerId) ?? []);
  }

  /**
   * Places an order, once for each idempotency key.
   * @throws {Refusal} 422 when the key was used for another order.
   */
  place(request: OrderRequest, key: string | undefined): Placement {
    const asked = JSON.stringify(request);
    const before = key === undefined ? undefined : this.byKey.get(key);
    if (before) {
      if (before.asked !== asked) throw new Refusal(422, 'This Idempotency-Key was used for another order.');
      return { order: before.order, replayed: true };
    }
    const order = this.add(request);
    if (key !== undefined) this.byKey.set(key, { asked, order });
    return { order, replayed: false };
  }

  private add({ customerId, lines }: OrderRequest): Order {
    this.last += 1;
    const order: Order = {
      id: `o-${this.last}`,
      customerId,
      placedAt: new Date().toISOString(),
      status: 'pending',
      currency: 'EUR',
      lines,
      totalCents: totalCentsOf(lines),
    };
    this.orders.unshift(order);
    this.byId.set(order.id, order);
    this.byCustomer.set(customerId, [order, ...this.placed(customerId)]);
    return order;
  }
}
