import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { attend } from '../attend.js';
import { type PartService, partUrls } from '../overview.js';

/**
 * (b): what a good engineer writes by hand for speed, for this one composite: node:http, an undici pool an upstream,
 * timeouts by undici, fallbacks by try and catch. No retry, breaker, bulkhead, deadline, schema or report.
 */
const urls = partUrls();
const pools = { customers: poolOf('customers'), orders: poolOf('orders'), offers: poolOf('offers') };
const ROUTE = /^\/customers\/(c-\d{1,9})\/overview$/;
const NOT_FOUND = { error: 'not found' };
const BAD_GATEWAY = { error: 'bad gateway' };

function poolOf(service: PartService): Pool {
  return new Pool(urls[service], {
    connections: 64,
    connectTimeout: 500,
    headersTimeout: 1_000,
    bodyTimeout: 1_000,
    keepAliveTimeout: 4_000,
  });
}

async function getJson(pool: Pool, path: string): Promise<unknown> {
  const { statusCode, body } = await pool.request({ method: 'GET', path });
  if (statusCode === 200) return body.json();
  await body.dump();
  throw new Error(`${path} answered ${statusCode}`);
}

async function getOr(fallback: unknown, pool: Pool, path: string): Promise<unknown> {
  try {
    return await getJson(pool, path);
  } catch {
    return fallback;
  }
}

async function overview(id: string): Promise<object> {
  const [customer, orders, offers] = await Promise.all([
    getJson(pools.customers, `/customers/${id}`),
    getOr([], pools.orders, `/orders?customerId=${id}`),
    getOr([], pools.offers, `/offers?customerId=${id}`),
  ]);
  return { customer, orders, offers };
}

function answer(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

const server = createServer((request, response) => {
  const id = ROUTE.exec(request.url ?? '')?.[1];
  if (id === undefined) {
    answer(response, 404, NOT_FOUND);
    return;
  }
  overview(id).then(
    (value) => {
      answer(response, 200, value);
    },
    () => {
      answer(response, 502, BAD_GATEWAY);
    },
  );
});
server.keepAliveTimeout = 72_000;
server.listen(0, '127.0.0.1', () => {
  attend([(server.address() as AddressInfo).port]);
});
