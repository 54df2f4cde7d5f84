import { found, ok, type ServiceDefinition } from '../kernel/route.js';
import { OrderBook } from './order-book.js';
import { parseOrderRequest } from './order-request.js';

/** Who bought what. */
export const orders: ServiceDefinition = {
  name: 'orders',
  routes: () => {
    const book = new OrderBook();
    return [
      {
        method: 'GET',
        path: '/orders',
        query: ['customerId', 'limit', 'offset'],
        handle: ({ query }) => ok(query.page(book.placed(query.reference('customerId', 'c')))),
      },
      {
        method: 'POST',
        path: '/orders',
        handle: ({ body, headers }) => {
          const key = headers['idempotency-key'];
          const { order, replayed } = book.place(parseOrderRequest(body), key?.toString());
          const replay: Record<string, string> = replayed ? { 'idempotent-replayed': 'true' } : {};
          return { status: 201, body: order, headers: { location: `/orders/${order.id}`, ...replay } };
        },
      },
      { method: 'GET', path: '/orders/{id}', handle: ({ id }) => found(book.find(id), 'order', id) },
    ];
  },
};
