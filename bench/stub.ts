import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo } from 'node:net';
import { attend } from './attend.js';
import { PART_SERVICES, PARTS, type PartService } from './overview.js';

/**
 * The upstreams, three servers in one process: what each answers was worked out before it was asked.
 * `node stub.js 4` waits 4 ms before every answer.
 */
const latencyMs = Number(process.argv[2] ?? 0);
let calls = 0;

function answering(service: PartService): RequestListener {
  const body = Buffer.from(JSON.stringify(PARTS[service]));
  const headers = ['content-type', 'application/json; charset=utf-8', 'content-length', String(body.length)];
  return (request, response) => {
    const answer = (): void => {
      response.writeHead(200, headers).end(body);
    };
    // A gateway's health probes are not part of a composite.
    if (request.url !== '/health') calls += 1;
    if (latencyMs > 0) setTimeout(answer, latencyMs);
    else answer();
  };
}

function listening(service: PartService): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer(answering(service));
    // Above everybody's keep-alive, so that it is never the upstream who hangs up.
    server.keepAliveTimeout = 60_000;
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

attend(await Promise.all(PART_SERVICES.map(listening)), { calls: () => calls });
