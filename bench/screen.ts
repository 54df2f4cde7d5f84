import { type ScreenClient } from './screen-client.js';

/** The customer overview, as a client shows it. */
export interface Screen {
  readonly customer: Customer;
  readonly orders: readonly Order[];
  readonly products: readonly unknown[];
  readonly offers: readonly unknown[];
}

interface Customer {
  readonly id: string;
  readonly tier: string;
}

interface Order {
  readonly id: string;
  readonly lines: readonly { readonly sku: string }[];
}

/** A way to fetch the screen. */
export interface Way {
  readonly name: string;
  readonly fetch: (client: ScreenClient) => Promise<Screen>;
}

const ID = 'c-42';

/** The three ways: the same four calls of the services stand behind each. */
export const WAYS: readonly Way[] = [
  { name: 'one after another', fetch: oneAfterAnother },
  { name: 'in parallel', fetch: inParallel },
  { name: 'through the gateway', fetch: throughTheGateway },
];

async function oneAfterAnother(client: ScreenClient): Promise<Screen> {
  const customer = await customerOf(client);
  const orders = await ordersOf(client);
  const products = await productsIn(client, orders);
  const offers = await offersFor(client, customer);
  return { customer, orders, products, offers };
}

/** As parallel as can be: two calls at once, and each of the other two as soon as what it needs is there. */
async function inParallel(client: ScreenClient): Promise<Screen> {
  const customerSoon = customerOf(client);
  const ordersSoon = ordersOf(client);
  const [customer, orders, products, offers] = await Promise.all([
    customerSoon,
    ordersSoon,
    ordersSoon.then((orders) => productsIn(client, orders)),
    customerSoon.then((customer) => offersFor(client, customer)),
  ]);
  return { customer, orders, products, offers };
}

async function throughTheGateway(client: ScreenClient): Promise<Screen> {
  return (await client.get('gateway', `/customers/${ID}/overview`)) as Screen;
}

async function customerOf(client: ScreenClient): Promise<Customer> {
  return (await client.get('customers', `/customers/${ID}`)) as Customer;
}

async function ordersOf(client: ScreenClient): Promise<readonly Order[]> {
  return (await client.get('orders', `/orders?customerId=${ID}&limit=20`)) as readonly Order[];
}

async function productsIn(client: ScreenClient, orders: readonly Order[]): Promise<readonly unknown[]> {
  const skus = new Set(orders.flatMap(({ lines }) => lines.map(({ sku }) => sku)));
  if (skus.size === 0) return [];
  return (await client.get('catalog', `/products?skus=${[...skus].join(',')}`)) as readonly unknown[];
}

async function offersFor(client: ScreenClient, { tier }: Customer): Promise<readonly unknown[]> {
  return (await client.get('offers', `/offers?tier=${tier}`)) as readonly unknown[];
}
