import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { attend } from './attend.js';

/** Stands for all services behind a gateway, and counts whatever it is asked, health probes included. */
let requests = 0;

const server = createServer((_request, response) => {
  requests += 1;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 }).end('{}');
});
// Above everybody's keep-alive, so that it is never the upstream who hangs up.
server.keepAliveTimeout = 60_000;
await new Promise<void>((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
attend([(server.address() as AddressInfo).port], { calls: () => requests });
