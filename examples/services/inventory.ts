import { buildInventory } from '../data/inventory.js';
import { found, ok, type ServiceDefinition } from '../kernel/route.js';
import { indexed, lookUp } from './record-index.js';

/** How much of it there is. */
export const inventory: ServiceDefinition = {
  name: 'inventory',
  routes: () => {
    const all = buildInventory();
    const bySku = indexed(all, ({ sku }) => sku);
    return [
      {
        method: 'GET',
        path: '/inventory',
        query: ['skus', 'limit', 'offset'],
        handle: ({ query }) => {
          const skus = query.batch('skus', 'p');
          return ok(query.page(skus ? lookUp(bySku, skus) : all, skus?.length));
        },
      },
      {
        method: 'GET',
        path: '/inventory/{id}',
        handle: ({ id }) => found(bySku.get(id), 'stock record', id),
      },
    ];
  },
};
