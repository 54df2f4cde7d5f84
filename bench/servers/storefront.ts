import 'reflect-metadata';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { startGateway } from '../../src/gateway.js';
import { loadGateway } from '../../src/index.js';
import { StorefrontModule } from '../../src/storefront/storefront.module.js';
import { attend } from '../attend.js';

/** The reference gateway as `npm start` has it, on ports of its own: the API's, that of the management side, and one of Node's own. */
const gateway = await startGateway(loadGateway(), {
  features: [StorefrontModule],
  logger: false,
  ports: { port: 0, managementPort: 0 },
});
const portOf = async (side: 'api' | 'management'): Promise<number> =>
  Number(new URL(await gateway[side].getUrl()).port);
// In the same process, so that it has the same memory and the same neighbours: what any answer costs here.
const bare = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 }).end('{}');
});
await new Promise<void>((resolve) => {
  bare.listen(0, '127.0.0.1', resolve);
});
attend([await portOf('api'), await portOf('management'), (bare.address() as AddressInfo).port]);
