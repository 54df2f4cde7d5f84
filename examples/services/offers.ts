import { TIERS } from '../data/customers.js';
import { buildOffers } from '../data/offers.js';
import { found, ok, type ServiceDefinition } from '../kernel/route.js';
import { indexed } from './record-index.js';

/** What is cheaper today, and for whom. */
export const offers: ServiceDefinition = {
  name: 'offers',
  routes: () => {
    const all = buildOffers();
    const byId = indexed(all, ({ id }) => id);
    return [
      {
        method: 'GET',
        path: '/offers',
        query: ['tier', 'sku', 'limit', 'offset'],
        handle: ({ query }) => {
          const tier = query.oneOf('tier', TIERS);
          const sku = query.reference('sku', 'p');
          const wanted = all.filter(
            (offer) => (!tier || offer.tiers.includes(tier)) && (!sku || offer.skus.includes(sku)),
          );
          return ok(query.page(wanted));
        },
      },
      { method: 'GET', path: '/offers/{id}', handle: ({ id }) => found(byId.get(id), 'offer', id) },
    ];
  },
};
