import { buildProducts, CATEGORIES } from '../data/products.js';
import { found, ok, type ServiceDefinition } from '../kernel/route.js';
import { validated } from '../kernel/validated.js';
import { indexed, lookUp } from './record-index.js';

/** What is sold. */
export const catalog: ServiceDefinition = {
  name: 'catalog',
  routes: () => {
    const all = buildProducts();
    const bySku = indexed(all, ({ sku }) => sku);
    return [
      {
        method: 'GET',
        path: '/products',
        query: ['skus', 'category', 'limit', 'offset'],
        handle: ({ query, headers }) => {
          const category = query.oneOf('category', CATEGORIES);
          const skus = query.batch('skus', 'p');
          const products = skus ? lookUp(bySku, skus) : all;
          const wanted = category ? products.filter((product) => product.category === category) : products;
          return validated(ok(query.page(wanted, skus?.length)), headers);
        },
      },
      {
        method: 'GET',
        path: '/products/{id}',
        handle: ({ id, headers }) => validated(found(bySku.get(id), 'product', id), headers),
      },
    ];
  },
};
