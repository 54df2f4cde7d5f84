import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { failureOf, Fixture, Opened, valueOf, type WrittenUpstream } from './testing/spec-support.js';
import { type UpstreamRequest } from './upstream-call.js';

const opened = new Opened();
afterEach(() => opened.close());

const GET: UpstreamRequest = { method: 'GET', url: '/orders/7' };
const POST: UpstreamRequest = { method: 'POST', url: '/orders', data: { sku: 'a' } };

/** No retries but the free one. */
const ONE_ATTEMPT: WrittenUpstream = {
  retry: { maxAttempts: 1 },
  retryBudget: { percent: 0, minRetriesPerSecond: 0 },
};

type Kills = (onSocket: number, socket: number) => boolean;

interface World {
  readonly server: RecordingServer;
  readonly fixture: Fixture;
  /** `<socket>.<request on that socket>`, both from 1. */
  readonly arrived: readonly string[];
}

/** An upstream whose server hangs up, instead of answering, on the requests that `kills` names. */
async function world(kills: Kills, written: WrittenUpstream = ONE_ATTEMPT): Promise<World> {
  const sockets: Socket[] = [];
  const counts: number[] = [];
  const arrived: string[] = [];
  const serve = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    if (!sockets.includes(socket)) sockets.push(socket);
    const number = sockets.indexOf(socket) + 1;
    const count = (counts[number] ?? 0) + 1;
    counts[number] = count;
    arrived.push(`${number}.${count}`);
    if (kills(count, number)) socket.destroy();
    else response.end();
  };
  const server = opened.add(await recordingServer(serve));
  return { server, fixture: opened.add(new Fixture({ url: server.origin, ...written })), arrived };
}

/** The same after a first call, so that there is a connection to use again. */
async function warmed(kills: Kills, written?: WrittenUpstream): Promise<World> {
  const made = await world(kills, written);
  await warm(made.fixture);
  return made;
}

async function warm({ orders }: Fixture): Promise<void> {
  await valueOf(orders.send(GET));
  // The pool takes a socket back one turn after its answer.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

const onTheSecond: Kills = (onSocket) => onSocket === 2;

describe('a connection that the server closes as the next request arrives', () => {
  it('costs a call nothing: the request arrives once more, on a fresh one', async () => {
    const { fixture, server, arrived } = await warmed(onTheSecond);
    expect((await valueOf(fixture.orders.send(GET))).status).toBe(200);
    expect(arrived).toEqual(['1.1', '1.2', '2.1']);
    expect(server.connections).toBe(2);
    expect(fixture.eventsOf('retry')).toEqual([
      { type: 'retry', upstream: 'orders', number: 1, delayMs: 0, free: true },
    ]);
    expect(fixture.eventsOf('call').at(-1)).toMatchObject({ outcome: 'ok', attempts: 2 });
  });

  it('is told to the upstream as the same attempt', async () => {
    const { fixture, server } = await warmed(onTheSecond);
    await valueOf(fixture.orders.send(GET));
    expect(server.seen.map(({ headers }) => headers['x-envoy-attempt-count'])).toEqual(['1', '1', '1']);
  });

  it('says nothing about the upstream to its breaker', async () => {
    const { fixture } = await warmed(onTheSecond);
    await valueOf(fixture.orders.send(GET));
    expect(fixture.orders.breaker.snapshot()).toMatchObject({ calls: 2, failures: 0 });
  });

  it('ends a call that must not be repeated', async () => {
    const { fixture, arrived } = await warmed(onTheSecond, { retry: { maxAttempts: 3 } });
    expect(await failureOf(fixture.orders.send(POST))).toMatchObject({ reason: 'reset' });
    expect(arrived).toEqual(['1.1', '1.2']);
    expect(fixture.orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
  });

  it('does not end one that has an idempotency key', async () => {
    const { fixture, arrived } = await warmed(onTheSecond);
    await valueOf(fixture.orders.send({ ...POST, headers: { 'Idempotency-Key': 'k-1' } }));
    expect(arrived).toEqual(['1.1', '1.2', '2.1']);
  });

  it('costs one free repetition where the server hangs up on every connection', async () => {
    const everyOneAfterTheFirst: Kills = (onSocket, socket) => socket > 1 || onSocket > 1;
    const { fixture, arrived } = await warmed(everyOneAfterTheFirst);
    expect(await failureOf(fixture.orders.send(GET))).toMatchObject({ reason: 'reset' });
    expect(arrived).toEqual(['1.1', '1.2', '2.1']);
    expect(fixture.orders.breaker.snapshot()).toMatchObject({ calls: 2, failures: 1 });
  });

  it('leaves a call all the attempts of its policy', async () => {
    const everyOneAfterTheFirst: Kills = (onSocket, socket) => socket > 1 || onSocket > 1;
    const { fixture, arrived } = await warmed(everyOneAfterTheFirst, { retry: { maxAttempts: 2 } });
    await failureOf(fixture.orders.send(GET));
    expect(arrived).toEqual(['1.1', '1.2', '2.1', '3.1']);
    expect(fixture.eventsOf('retry').map(({ number, free }) => [number, free])).toEqual([
      [1, true],
      [2, false],
    ]);
  });
});

it('does not repeat for free what a fresh connection did not bring', async () => {
  const { fixture, arrived } = await world(() => true);
  expect(await failureOf(fixture.orders.send(GET))).toMatchObject({ reason: 'reset' });
  expect(arrived).toEqual(['1.1']);
  expect(fixture.orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 1 });
});

it('does not repeat for free what was being answered', async () => {
  const requests: Socket[] = [];
  const server = await rawServerFor((socket) => {
    requests.push(socket);
    if (requests.length === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    else socket.end('HTTP/1.');
  });
  const fixture = opened.add(new Fixture({ url: server, ...ONE_ATTEMPT }));
  const { orders } = fixture;
  await warm(fixture);
  expect(await failureOf(orders.send(GET))).toMatchObject({ reason: 'reset' });
  expect(requests).toHaveLength(2);
  expect(requests[1]).toBe(requests[0]);
  expect(orders.breaker.snapshot()).toMatchObject({ calls: 2, failures: 1 });
});

// undici looks at an idle socket once more before it writes on it, and what it has not written it keeps for the next
// one, whatever the verb. What it has written it never writes again: all other repetitions are ours.
it.each([GET, POST])(
  'a connection closed before $method is written costs undici itself a new one',
  async (request) => {
    const sockets: Socket[] = [];
    const server = opened.add(
      await recordingServer(({ socket }, response) => {
        sockets.push(socket);
        response.end();
      }),
    );
    const fixture = opened.add(new Fixture({ url: server.origin, ...ONE_ATTEMPT }));
    await warm(fixture);
    sockets[0]?.destroy();
    // In the same turn: nobody on this side has heard of it.
    await valueOf(fixture.orders.send(request));
    expect(server.seen).toHaveLength(2);
    expect(server.connections).toBe(2);
    expect(fixture.eventsOf('retry')).toEqual([]);
  },
);

/** Hears every request of a socket, not only the first. */
async function rawServerFor(speak: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => {
      speak(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.add({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return `http://127.0.0.1:${address.port}`;
}

it('does not repeat for free what an upstream died of while it worked', async () => {
  let requests = 0;
  const server = opened.add(
    await recordingServer(({ socket }, response) => {
      requests++;
      if (requests === 1) response.end();
      // Longer than any reset takes that crosses a request on its way.
      else setTimeout(() => socket.destroy(), 300);
    }),
  );
  const fixture = opened.add(new Fixture({ url: server.origin, ...ONE_ATTEMPT }));
  await warm(fixture);
  expect(await failureOf(fixture.orders.send(GET))).toMatchObject({ reason: 'reset' });
  expect(requests).toBe(2);
  expect(fixture.orders.breaker.snapshot()).toMatchObject({ calls: 2, failures: 1 });
});
