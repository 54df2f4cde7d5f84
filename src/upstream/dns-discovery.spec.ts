import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { lastValueFrom } from 'rxjs';
import { SELF_SIGNED } from '../http/testing/self-signed.js';
import { createUndiciHttpService } from '../http/undici-http.service.js';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { DnsDiscovery, systemResolve } from './dns-discovery.js';
import { Fixture, Opened, outcomeOf, until, valueOf, type WrittenUpstream } from './testing/spec-support.js';

const opened = new Opened();
afterEach(() => opened.close());

/** A resolver that answers when the test says so, and what came of it. */
class Scene {
  readonly clock = new VirtualClock();
  readonly asked: string[] = [];
  readonly told: unknown[] = [];
  readonly failures: string[] = [];
  answer: (hostname: string) => Promise<readonly string[]> = () => Promise.resolve([]);
  readonly discovery: DnsDiscovery;

  constructor(...urls: string[]) {
    this.discovery = new DnsDiscovery({
      urls,
      refreshMs: 5_000,
      resolve: (hostname) => {
        this.asked.push(hostname);
        return this.answer(hostname);
      },
      clock: this.clock,
      random: () => 0.5,
      onChange: (found) => this.told.push(found.map(({ baseUrl, host }) => [baseUrl, host])),
      onFailure: (hostname) => this.failures.push(hostname),
    });
  }

  /** A call comes by; the resolver answers with these. */
  async refresh(addresses?: readonly string[]): Promise<void> {
    if (addresses !== undefined) this.answer = () => Promise.resolve(addresses);
    this.discovery.refresh(this.clock.now());
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('addresses behind a host name', () => {
  it('take its place in the URL, in an order of their own, and the name goes along', async () => {
    const scene = new Scene('http://orders:8080/api');
    await scene.refresh(['10.0.0.2', 'fd00::1', '10.0.0.1', '10.0.0.2']);
    expect(scene.told).toEqual([
      [
        ['http://10.0.0.1:8080/api', 'orders:8080'],
        ['http://10.0.0.2:8080/api', 'orders:8080'],
        ['http://[fd00::1]:8080/api', 'orders:8080'],
      ],
    ]);
  });

  it('are asked for by calls, no more often than they may be old, and never without', async () => {
    const scene = new Scene('http://orders');
    await scene.refresh(['10.0.0.1']);
    scene.clock.advance(4_999);
    await scene.refresh();
    expect(scene.asked).toHaveLength(1);
    scene.clock.advance(1);
    await scene.refresh();
    expect(scene.asked).toHaveLength(2);
    scene.clock.advance(3_600_000);
    expect(scene.asked).toHaveLength(2);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it('are asked for once, however many calls come by meanwhile', async () => {
    const scene = new Scene('http://orders', 'http://orders/v2', 'http://other', 'http://10.0.0.9');
    scene.answer = () => new Promise(() => undefined);
    for (let call = 0; call < 100; call++) await scene.refresh();
    expect(scene.asked).toEqual(['orders', 'other']);
  });

  it('are told when they have changed, and only then', async () => {
    const scene = new Scene('http://orders');
    for (const addresses of [['10.0.0.1', '10.0.0.2'], ['10.0.0.2', '10.0.0.1'], ['10.0.0.2']]) {
      await scene.refresh(addresses);
      scene.clock.advance(10_000);
    }
    expect(scene.told).toHaveLength(2);
    expect(scene.told[1]).toEqual([['http://10.0.0.2', 'orders']]);
  });

  it.each<[string, () => Promise<readonly string[]>]>([
    ['cannot be resolved', () => Promise.reject(new Error('SERVFAIL'))],
    ['has none any more', () => Promise.resolve([])],
  ])('stay as they were where the name %s', async (_case, answer) => {
    const scene = new Scene('http://orders', 'http://10.0.0.9');
    scene.answer = answer;
    await scene.refresh();
    expect(scene.told).toEqual([
      [
        ['http://orders', undefined],
        ['http://10.0.0.9', undefined],
      ],
    ]);
    scene.clock.advance(10_000);
    await scene.refresh(['10.0.0.1']);
    scene.answer = answer;
    scene.clock.advance(10_000);
    await scene.refresh();
    expect(scene.told.slice(1)).toEqual([
      [
        ['http://10.0.0.1', 'orders'],
        ['http://10.0.0.9', undefined],
      ],
    ]);
    expect(scene.failures).toEqual(['orders', 'orders']);
  });

  it('are not looked for where the URLs hold addresses', () => {
    expect(new Scene('http://10.0.0.1', 'http://[::1]:8080').discovery.isNeeded).toBe(false);
    expect(new Scene('http://10.0.0.1', 'http://orders').discovery.isNeeded).toBe(true);
  });

  it('come from the system', async () => {
    expect(await systemResolve('localhost')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^(127\.|::1)/)]),
    );
    await expect(systemResolve('nowhere.invalid')).rejects.toThrow();
  });
});

/** Servers on one port of several loopback addresses; what each was asked as. */
async function replicas(...answers: readonly number[]) {
  const hosts: string[][] = [];
  const servers: Server[] = [];
  let port = 0;
  for (const [index, status] of answers.entries()) {
    const seen: string[] = [];
    hosts.push(seen);
    const server = createServer((request, response) => {
      seen.push(request.headers.host ?? '');
      response.writeHead(status).end();
    });
    server.listen(port, `127.0.0.${index + 1}`);
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
    servers.push(server);
    opened.add({
      close: async () => {
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
      },
    });
  }
  const taken = (): number[] => hosts.map((seen) => seen.splice(0).length);
  return { port, hosts, taken };
}

const GET = { method: 'GET', url: '/' };
const STRICT: WrittenUpstream = {
  discovery: { type: 'strict-dns' },
  retry: { maxAttempts: 1 },
  circuitBreaker: { mode: 'disabled' },
};

describe('an upstream with strict-dns', () => {
  /** Its first call goes to the name itself, and has it resolved. */
  async function behind(port: number, addresses: readonly string[], written = STRICT) {
    const dns = { addresses };
    const fixture = opened.add(
      new Fixture(
        { url: `http://localhost:${port}`, ...written },
        { random: () => 0, resolve: () => Promise.resolve(dns.addresses) },
      ),
    );
    await valueOf(fixture.orders.send(GET));
    await until(() => fixture.eventsOf('discovery').length === 1);
    const traffic = async (calls: number): Promise<void> => {
      for (let call = 0; call < calls; call++) await outcomeOf(fixture.orders.send(GET));
    };
    return { fixture, dns, traffic };
  }

  it('shares its calls among the addresses, each asked as the name', async () => {
    const { port, hosts, taken } = await replicas(200, 200, 200);
    const { traffic, fixture } = await behind(port, ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    taken();
    await traffic(9);
    expect(new Set(hosts.flat())).toEqual(new Set([`localhost:${port}`]));
    expect(taken()).toEqual([3, 3, 3]);
    expect(fixture.eventsOf('discovery')).toEqual([
      {
        type: 'discovery',
        upstream: 'orders',
        outcome: 'changed',
        origins: [1, 2, 3].map((last) => `http://127.0.0.${last}:${port}`),
      },
    ]);
  });

  it('ejects an address that fails', async () => {
    const { port, taken } = await replicas(200, 500);
    const { traffic, fixture } = await behind(port, ['127.0.0.1', '127.0.0.2']);
    await traffic(10);
    taken();
    await traffic(4);
    expect(taken()).toEqual([4, 0]);
    expect(fixture.eventsOf('ejection')).toMatchObject([
      { origin: `http://127.0.0.2:${port}`, change: 'ejected' },
    ]);
  });

  it('follows the name: what is gone gets no calls, and what is new gets its share', async () => {
    const { port, taken } = await replicas(200, 200, 200);
    const { traffic, fixture, dns } = await behind(port, ['127.0.0.1', '127.0.0.2']);
    dns.addresses = ['127.0.0.2', '127.0.0.3'];
    fixture.clock.advance(5_000);
    // The call that finds the addresses too old goes by them.
    await traffic(1);
    await until(() => fixture.eventsOf('discovery').length === 2);
    taken();
    await traffic(6);
    expect(taken()).toEqual([0, 3, 3]);
  });

  it('keeps what it knows of an address that stays', async () => {
    const { port, taken } = await replicas(200, 500, 200);
    const { traffic, fixture, dns } = await behind(port, ['127.0.0.1', '127.0.0.2']);
    await traffic(10);
    dns.addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
    fixture.clock.advance(5_000);
    await traffic(1);
    await until(() => fixture.eventsOf('discovery').length === 2);
    taken();
    await traffic(6);
    expect(taken()).toEqual([3, 0, 3]);
  });

  it('tells that a name cannot be resolved, and asks the name itself meanwhile', async () => {
    const { port, taken } = await replicas(200);
    const fixture = opened.add(
      new Fixture(
        { ...STRICT, url: `http://localhost:${port}` },
        { resolve: () => Promise.reject(Object.assign(new Error(), { code: 'EAI_AGAIN' })) },
      ),
    );
    await valueOf(fixture.orders.send(GET));
    await until(() => fixture.eventsOf('discovery').length > 0);
    await valueOf(fixture.orders.send(GET));
    expect(fixture.eventsOf('discovery')[0]).toEqual({
      type: 'discovery',
      upstream: 'orders',
      outcome: 'failed',
      hostname: 'localhost',
      code: 'EAI_AGAIN',
    });
    expect(taken()).toEqual([2]);
  });
});

describe('TLS to an address', () => {
  it('goes by the name the call is made to, not by the address', async () => {
    const names: unknown[] = [];
    const server = createTlsServer(SELF_SIGNED, (request, response) => {
      names.push((request.socket as { servername?: unknown }).servername);
      response.end();
    });
    server.listen(0, '127.0.0.2');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const http = createUndiciHttpService({ pool: { tls: { ca: SELF_SIGNED.cert } } });
    // The certificate is for localhost and 127.0.0.1.
    const asking = { headers: { host: `localhost:${port}` } };
    expect((await lastValueFrom(http.get(`https://127.0.0.2:${port}/`, asking))).status).toBe(200);
    await expect(lastValueFrom(http.get(`https://127.0.0.2:${port}/`))).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(names).toEqual(['localhost']);
    await http.close();
    server.close();
    server.closeAllConnections();
  });
});
