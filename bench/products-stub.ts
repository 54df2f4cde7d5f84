import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { attend } from './attend.js';

/** A catalog that answers for one product, or for several, after so many ms: `node products-stub.js 20`. */
const latencyMs = Number(process.argv[2] ?? 0);
let calls = 0;

function product(sku: string): object {
  return { sku, name: `Product ${sku}`, priceCents: 1299, stock: 7 };
}

const server = createServer((request, response) => {
  calls += 1;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stub');
  const skus = searchParams.get('skus')?.split(',');
  const body = Buffer.from(
    JSON.stringify(skus?.map(product) ?? product(pathname.slice('/products/'.length))),
  );
  setTimeout(() => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  }, latencyMs);
});
// Above everybody's keep-alive, so that it is never the upstream who hangs up.
server.keepAliveTimeout = 60_000;
await new Promise<void>((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
attend([(server.address() as AddressInfo).port], { calls: () => calls });
