import { buildReviews, summarise } from '../data/reviews.js';
import { Refusal } from '../kernel/refusal.js';
import { found, ok, type ServiceDefinition } from '../kernel/route.js';
import { grouped, indexed } from './record-index.js';

/** What buyers say of it. */
export const reviews: ServiceDefinition = {
  name: 'reviews',
  routes: () => {
    const newestFirst = buildReviews().reverse();
    const byId = indexed(newestFirst, ({ id }) => id);
    const bySku = grouped(newestFirst, ({ sku }) => sku);
    return [
      {
        method: 'GET',
        path: '/reviews',
        query: ['sku', 'limit', 'offset'],
        handle: ({ query }) => {
          const sku = query.reference('sku', 'p');
          return ok(query.page(sku === undefined ? newestFirst : (bySku.get(sku) ?? [])));
        },
      },
      {
        method: 'GET',
        path: '/reviews/summary',
        query: ['sku'],
        handle: ({ query }) => {
          const sku = query.reference('sku', 'p');
          if (sku === undefined) throw new Refusal(400, '"sku" is missing: which product?');
          return ok(summarise(sku, bySku.get(sku) ?? []));
        },
      },
      { method: 'GET', path: '/reviews/{id}', handle: ({ id }) => found(byId.get(id), 'review', id) },
    ];
  },
};
