import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { attend } from './attend.js';

/** A receiver of OTLP over HTTP that counts the spans it is sent, and looks no further. */
const SPAN = Buffer.from('"spanId":');
let spans = 0;

function spansIn(body: Buffer): number {
  let count = 0;
  for (let at = body.indexOf(SPAN); at >= 0; at = body.indexOf(SPAN, at + SPAN.length)) count += 1;
  return count;
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    spans += spansIn(Buffer.concat(chunks));
    response.setHeader('content-type', 'application/json').end('{}');
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  attend([(server.address() as AddressInfo).port], { calls: () => spans });
});
