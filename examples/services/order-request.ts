import { CUSTOMER_COUNT } from '../data/customers.js';
import { type OrderLine } from '../data/orders.js';
import { PRODUCT_COUNT, priceCentsOf } from '../data/products.js';
import { isReference } from '../kernel/query.js';
import { Refusal } from '../kernel/refusal.js';
import { isObject } from '../kernel/request-body.js';

/** What `POST /orders` asks for; prices are the catalog's, whatever the caller thinks. */
export interface OrderRequest {
  readonly customerId: string;
  readonly lines: readonly OrderLine[];
}

const MOST_LINES = 100;
const MOST_OF_ONE = 1_000;

/** @throws {Refusal} 400 that names what is wrong with the order. */
export function parseOrderRequest(body: unknown): OrderRequest {
  if (!isObject(body))
    throw new Refusal(400, 'An order is a JSON object: {"customerId":"c-42","lines":[...]}.');
  const { customerId, lines } = body;
  if (!isReference(customerId, 'c') || numberOf(customerId) > CUSTOMER_COUNT) {
    throw new Refusal(400, '"customerId" must name a customer, such as "c-42".');
  }
  if (!Array.isArray(lines) || lines.length === 0 || lines.length > MOST_LINES) {
    throw new Refusal(400, `"lines" must be a list of 1 to ${MOST_LINES} order lines.`);
  }
  return { customerId, lines: lines.map(parseLine) };
}

function parseLine(line: unknown, index: number): OrderLine {
  const { sku, quantity } = isObject(line) ? line : {};
  if (!isReference(sku, 'p') || numberOf(sku) > PRODUCT_COUNT) {
    throw new Refusal(400, `"lines[${index}].sku" must name a product, such as "p-7".`);
  }
  if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1 || quantity > MOST_OF_ONE) {
    throw new Refusal(400, `"lines[${index}].quantity" must be a whole number from 1 to ${MOST_OF_ONE}.`);
  }
  return { sku, quantity, unitPriceCents: priceCentsOf(numberOf(sku)) };
}

function numberOf(reference: string): number {
  return Number(reference.slice(reference.indexOf('-') + 1));
}
