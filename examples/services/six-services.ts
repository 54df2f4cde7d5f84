import { type ServiceDefinition } from '../kernel/route.js';
import { catalog } from './catalog.js';
import { customers } from './customers.js';
import { inventory } from './inventory.js';
import { offers } from './offers.js';
import { orders } from './orders.js';
import { reviews } from './reviews.js';

/** The port of the first service; the others follow in the order below. */
export const BASE_PORT = 4101;

/** The services behind the reference gateway, in the order of their ports. */
export const SIX_SERVICES: readonly ServiceDefinition[] = [
  customers,
  orders,
  catalog,
  inventory,
  reviews,
  offers,
];
