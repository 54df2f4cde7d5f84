import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { attend } from './attend.js';

/**
 * The way between a far client and its servers: `node delay-line.js 10 4101 4102` listens on one port for each server
 * and hands every chunk on 10 ms later, in either direction. Timers add up to a millisecond each way.
 */
const delayMs = Number(process.argv[2]);
const targets = process.argv.slice(3).map(Number);
let toServer = 0;
let toClient = 0;

/** Hands on what `from` says, later, in the order it was said: timers alone do not promise one. */
function handOn(from: Socket, to: Socket, count: (bytes: number) => void): void {
  const underWay: (() => void)[] = [];
  const later = (step: () => void): void => {
    if (delayMs === 0) {
      step();
      return;
    }
    underWay.push(step);
    setTimeout(() => underWay.shift()?.(), delayMs);
  };
  from.setNoDelay(true);
  from.on('data', (chunk) => {
    count(chunk.length);
    later(() => to.write(chunk));
  });
  from.on('end', () => {
    later(() => to.end());
  });
  // What a cut connection had on the way is lost with it.
  from.on('error', () => to.destroy());
}

function listening(target: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer((client) => {
      const upstream = connect(target, '127.0.0.1');
      handOn(client, upstream, (bytes) => (toServer += bytes));
      handOn(upstream, client, (bytes) => (toClient += bytes));
    });
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

attend(await Promise.all(targets.map(listening)), { traffic: () => ({ toServer, toClient }) });
