import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, type LookupFunction, type Socket } from 'node:net';
import { lastValueFrom } from 'rxjs';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { ConnectionAge } from './connection-age.js';
import { createUndiciHttpService, type UndiciHttpService } from './undici-http.service.js';
import { type UndiciPoolOptions } from './undici-pool.js';

/** A server that knows its sockets apart: it answers with the number of the one it was asked on. */
class NumberingServer {
  private readonly server: Server;
  private readonly numbers = new Map<Socket, number>();
  readonly seen: { readonly socket: number; readonly connection: string | undefined }[] = [];
  closed = 0;

  constructor() {
    this.server = createServer((request, response) => {
      const socket = this.numbers.get(request.socket) ?? 0;
      this.seen.push({ socket, connection: request.headers.connection });
      request.resume();
      response.end(String(socket));
    });
    // Only the client closes.
    this.server.keepAliveTimeout = 60_000;
    this.server.on('connection', (socket: Socket) => {
      this.numbers.set(socket, this.numbers.size + 1);
      socket.once('close', () => this.closed++);
    });
  }

  async listen(port = 0, address = '127.0.0.1'): Promise<this> {
    this.server.listen(port, address);
    await once(this.server, 'listening');
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get sockets(): number {
    return this.numbers.size;
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

const servers: NumberingServer[] = [];
const services: UndiciHttpService[] = [];
const clock = new VirtualClock();

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serving(port?: number, address?: string): Promise<NumberingServer> {
  const server = await new NumberingServer().listen(port, address);
  servers.push(server);
  return server;
}

/** A service with one socket at a time, whose age is exactly `maxAgeMs`, unless told otherwise. */
function service(pool: UndiciPoolOptions): UndiciHttpService {
  const made = createUndiciHttpService({ pool: { clock, random: () => 0.5, connections: 1, ...pool } });
  services.push(made);
  return made;
}

const ask = async (http: UndiciHttpService, url: string): Promise<number> =>
  Number((await lastValueFrom(http.get<string>(url))).data);

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a socket', () => {
  it('gets one more request when its age is reached, says so, and is closed', async () => {
    const server = await serving();
    const http = service({ maxAgeMs: 60_000 });
    const url = `http://127.0.0.1:${server.port}/`;
    await ask(http, url);
    clock.advance(59_999);
    await ask(http, url);
    expect(server.closed).toBe(0);
    clock.advance(1);
    await ask(http, url);
    await until(() => server.closed === 1);
    await ask(http, url);
    expect(server.seen).toEqual([
      { socket: 1, connection: 'keep-alive' },
      { socket: 1, connection: 'keep-alive' },
      { socket: 1, connection: 'close' },
      { socket: 2, connection: 'keep-alive' },
    ]);
  });

  it('begins its own age, not that of the one before it', async () => {
    const server = await serving();
    const http = service({ maxAgeMs: 60_000 });
    const url = `http://127.0.0.1:${server.port}/`;
    for (let request = 0; request < 5; request++) {
      await ask(http, url);
      clock.advance(40_000);
    }
    expect(server.seen.map(({ connection }) => connection)).toEqual([
      'keep-alive',
      'keep-alive',
      'close',
      'keep-alive',
      'keep-alive',
    ]);
  });

  it('is never given up where there is no age', async () => {
    const server = await serving();
    const http = service({ maxAgeMs: null });
    const url = `http://127.0.0.1:${server.port}/`;
    await ask(http, url);
    clock.advance(86_400_000);
    await ask(http, url);
    expect(server.seen).toEqual([
      { socket: 1, connection: 'keep-alive' },
      { socket: 1, connection: 'keep-alive' },
    ]);
  });

  it('gets an age within 20 % of the one asked for', () => {
    const ends = [0, 0.5, 0.999].map((random) =>
      new ConnectionAge(60_000, new VirtualClock(), () => random).endOfNewOne(),
    );
    expect(ends).toEqual([48_000, 60_000, expect.closeTo(71_976, 6)]);
  });

  it('takes no request with it, over thousands of requests and hundreds of rotations', async () => {
    const server = await serving();
    const http = service({ maxAgeMs: 100, connections: 8, random: Math.random });
    const url = `http://127.0.0.1:${server.port}/`;
    const verbs = ['GET', 'POST', 'DELETE', 'PUT'];
    let asked = 0;
    const worker = async (): Promise<void> => {
      while (asked < 4_000) {
        const method = verbs[asked++ % verbs.length] ?? 'GET';
        const data = method === 'POST' || method === 'PUT' ? 'body' : undefined;
        clock.advance(1);
        const { status } = await lastValueFrom(
          http.request({ method, url, ...(data === undefined ? {} : { data }) }),
        );
        if (status !== 200) throw new Error(`status ${status}`);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    expect(server.seen).toHaveLength(asked);
    const last = server.seen.filter(({ connection }) => connection === 'close');
    expect(last.length).toBeGreaterThan(100);
    expect(server.sockets).toBeGreaterThan(last.length);
    expect(last.length).toBeLessThan(asked / 2);
    // No more than the pool may hold are left: rotation leaks none.
    await until(() => server.sockets - server.closed <= 8);
  });
});

describe('a host name', () => {
  const resolving =
    (address: () => string): LookupFunction =>
    (_host, options, done) => {
      const found = address();
      if (options.all === true) done(null, [{ address: found, family: 4 }]);
      else done(null, found, 4);
    };

  it('is resolved anew for each socket, so that traffic follows it to another address', async () => {
    const before = await serving();
    const after = await serving(before.port, '127.0.0.2');
    let address = '127.0.0.1';
    const asked: string[] = [];
    const http = service({
      maxAgeMs: 60_000,
      lookup: resolving(() => {
        asked.push(address);
        return address;
      }),
    });
    const url = `http://orders.test:${before.port}/`;
    await ask(http, url);
    address = '127.0.0.2';
    await ask(http, url);
    expect([before.seen.length, after.seen.length]).toEqual([2, 0]);
    clock.advance(60_000);
    await ask(http, url);
    await until(() => before.closed === 1);
    await ask(http, url);
    await ask(http, url);
    expect([before.seen.length, after.seen.length]).toEqual([3, 2]);
    expect([...new Set(asked)]).toEqual(['127.0.0.1', '127.0.0.2']);
    expect(asked).toHaveLength(before.sockets + after.sockets);
  });
});
