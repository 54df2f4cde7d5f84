import { type ServerResponse } from 'node:http';
import { seeded } from '../data/random.js';
import { cutConnection } from './connection-cut.js';
import { send, type Payload } from './delivery.js';
import { type FaultPlan } from './fault-plan.js';

const DRIP_INTERVAL_MS = 1_000;
const HUGE_BYTES = 2 ** 31;
/** All that a huge body ever holds in memory: the same 64 KiB over and over. */
const HUGE_CHUNK = Buffer.alloc(64 * 1024, '{"sku":"p-1","name":"Oak kettle","available":1},');
const HTML =
  '<!doctype html><html><head><title>502</title></head><body><h1>502 Bad Gateway</h1></body></html>';

/** Sends the true headers, then a byte a second. When the plan ends, the rest follows at once. */
export function drip(response: ServerResponse, payload: Payload, plan: FaultPlan): void {
  const { status, headers, bytes } = payload;
  if (bytes.length === 0 || response.req.method === 'HEAD') {
    send(response, payload);
    return;
  }
  response.writeHead(status, headers);
  let sent = 0;
  const stop = (): void => {
    clearInterval(timer);
    forget();
  };
  const finish = (): void => {
    stop();
    response.end(bytes.subarray(sent));
  };
  const next = (): void => {
    if (sent === bytes.length - 1) finish();
    else response.write(bytes.subarray(sent, ++sent));
  };
  const timer = setInterval(next, DRIP_INTERVAL_MS);
  const forget = plan.whenOver(finish);
  response.once('close', stop);
  next();
}

/** 200 and JSON by its headers; by its bytes, in turn half a JSON text, a web page and noise. */
export function sendGarbage(response: ServerResponse, payload: Payload, turn: number): void {
  const bytes = garbage(payload, turn);
  const headers = { 'content-type': 'application/json', 'content-length': String(bytes.length) };
  send(response, { status: 200, headers, bytes });
}

/** Resets the connection: in turn before the headers and after half of the body. */
export function reset(response: ServerResponse, { status, headers, bytes }: Payload, turn: number): void {
  const cut = (): void => {
    cutConnection(response, 'reset');
  };
  const half = bytes.subarray(0, bytes.length / 2);
  if (turn % 2 === 0 || half.length === 0 || response.req.method === 'HEAD') cut();
  else response.writeHead(status, headers).write(half, cut);
}

/**
 * Pours 2 GiB at the pace of the reader, in turn chunked and with a content-length, until it is done or the caller
 * goes away. When the plan ends the connection is cut, since finishing would still take all of the 2 GiB.
 */
export function pour(response: ServerResponse, turn: number, plan: FaultPlan): void {
  const length: Record<string, string> = turn % 2 === 0 ? {} : { 'content-length': String(HUGE_BYTES) };
  response.writeHead(200, { 'content-type': 'application/json', ...length });
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  const forget = plan.whenOver(() => {
    cutConnection(response, 'close');
  });
  response.once('close', forget);
  let left = HUGE_BYTES - 1;
  const more = (): void => {
    while (left > 0 && !response.closed) {
      const piece = HUGE_CHUNK.subarray(0, left);
      left -= piece.length;
      if (!response.write(piece)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  response.write('[');
  more();
}

function garbage({ bytes }: Payload, turn: number): Buffer {
  switch (turn % 3) {
    case 0:
      // Half of a JSON object or array is never JSON.
      return bytes.subarray(0, Math.max(1, Math.floor(bytes.length / 2)));
    case 1:
      return Buffer.from(HTML);
    default:
      return noise(turn);
  }
}

/** Begins with a byte that no UTF-8 text contains. */
function noise(turn: number): Buffer {
  const random = seeded(`noise:${turn}`);
  return Buffer.from([0xff, ...Array.from({ length: 255 }, () => random.integer(0, 255))]);
}
