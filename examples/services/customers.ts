import { buildCustomers, TIERS } from '../data/customers.js';
import { found, ok, type ServiceDefinition } from '../kernel/route.js';
import { indexed } from './record-index.js';

/** Who buys. */
export const customers: ServiceDefinition = {
  name: 'customers',
  routes: () => {
    const all = buildCustomers();
    const byId = indexed(all, ({ id }) => id);
    return [
      {
        method: 'GET',
        path: '/customers',
        query: ['tier', 'limit', 'offset'],
        handle: ({ query }) => {
          const tier = query.oneOf('tier', TIERS);
          return ok(query.page(tier ? all.filter((customer) => customer.tier === tier) : all));
        },
      },
      { method: 'GET', path: '/customers/{id}', handle: ({ id }) => found(byId.get(id), 'customer', id) },
    ];
  },
};
