import { type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import { customers } from '../services/customers.js';
import { orders } from '../services/orders.js';
import { ask, askJson, eventually, open } from '../testing/ask.js';
import { startService, type RunningService } from './service.js';
import { type Stats } from './traffic.js';

let service: RunningService;

beforeEach(async () => {
  service = await startService(customers, { port: 0 });
});

afterEach(() => service.close());

const url = (path: string): string => service.url + path;
const customer = (): Promise<Awaited<ReturnType<typeof ask>>> => ask(url('/customers/c-1'));
const stats = (): Promise<Stats> => askJson<Stats>(url('/stats'));
const heal = (): ReturnType<typeof ask> => ask(url('/faults'), { method: 'DELETE' });

async function fault(faults: unknown): Promise<void> {
  const { status } = await ask(url('/faults'), { method: 'PUT', body: faults });
  expect(status).toBe(200);
}

function failure(response: IncomingMessage): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve) => response.once('error', resolve));
}

describe('a service', () => {
  it('says that it is well', async () => {
    expect(await askJson(url('/health'))).toEqual({ status: 'ok', service: 'customers' });
  });

  it('tells the length in bytes, not in letters', async () => {
    const { headers, bytes } = await ask(url('/customers?limit=1'));
    expect(bytes.toString().length).toBeLessThan(bytes.length);
    expect(Number(headers['content-length'])).toBe(bytes.length);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
  });

  it('answers HEAD with the headers of GET and no body', async () => {
    const [head, get] = await Promise.all([ask(url('/customers/c-1'), { method: 'HEAD' }), customer()]);
    expect(head.status).toBe(200);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
    expect(head.bytes.length).toBe(0);
  });

  it('keeps a connection open for 10 s and answers on it again', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const once = (): Promise<{ readonly from: number | undefined; readonly keepAlive: unknown }> =>
      new Promise((resolve, reject) => {
        request(url('/customers/c-1'), { agent }, (response) => {
          const { headers, socket } = response.resume();
          const from = socket.localPort;
          response.once('end', () => {
            resolve({ from, keepAlive: headers['keep-alive'] });
          });
        })
          .once('error', reject)
          .end();
      });
    const first = await once();
    expect(first.keepAlive).toBe('timeout=10');
    expect(await once()).toEqual(first);
    agent.destroy();
  });

  it.each([
    ['GET', '/nowhere', 404],
    ['GET', '/customers/c-9999', 404],
    ['GET', '/customers/', 404],
    ['GET', '/customers/%E0%A4', 400],
    ['GET', '/customers?limit=many', 400],
    ['GET', '/customers?limit=-1', 400],
    ['GET', '/customers?limit=1&limit=2', 400],
    ['GET', '/customers?tier=wood', 400],
    ['GET', '/customers?teir=gold', 400],
    ['DELETE', '/customers', 405],
    ['POST', '/health', 405],
    ['POST', '/stats', 405],
    ['POST', '/faults', 405],
  ])('answers %s %s with %d as JSON', async (method, path, status) => {
    const reply = await ask(url(path), { method });
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.bytes.toString())).toMatchObject({
      status,
      message: expect.any(String) as string,
    });
    if (status === 405) expect(reply.headers.allow).toContain('GET, HEAD');
  });

  it('counts business requests, and not probes, switches and statistics', async () => {
    await ask(url('/health'));
    await ask(url('/faults'));
    await stats();
    await customer();
    await ask(url('/customers/c-9999'));
    await eventually(async () => (await stats()).inFlight === 0);
    expect(await stats()).toEqual({ requests: 2, inFlight: 0, aborted: 0 });
  });

  it('refuses a body over 256 KiB and goes on', async () => {
    const reply = await ask(url('/faults'), { method: 'PUT', body: 'x'.repeat(300_000) });
    expect(reply.status).toBe(413);
    expect((await customer()).status).toBe(200);
  });
});

describe('the fault switches', () => {
  it('show what is on, take its place as a whole, and heal', async () => {
    await fault({ latencyMs: 1, status: 500 });
    expect(await askJson(url('/faults'))).toEqual({ latencyMs: 1, status: 500 });
    await fault({ status: 502 });
    expect(await askJson(url('/faults'))).toEqual({ status: 502 });
    expect((await heal()).status).toBe(204);
    expect(await askJson(url('/faults'))).toEqual({});
    expect((await customer()).status).toBe(200);
  });

  it('refuse what they do not know and leave everything as it was', async () => {
    await fault({ status: 502 });
    const reply = await ask(url('/faults'), { method: 'PUT', body: { hnag: true } });
    expect(reply.status).toBe(400);
    expect(reply.bytes.toString()).toContain('Did you mean \\"hang\\"?');
    expect((await ask(url('/faults'), { method: 'PUT', body: '{"hang":' })).status).toBe(400);
    expect((await customer()).status).toBe(502);
  });

  it('hit the probe as well, and never /faults and /stats', async () => {
    await fault({ status: 503 });
    expect((await ask(url('/health'))).status).toBe(503);
    expect((await ask(url('/faults'))).status).toBe(200);
    expect((await ask(url('/stats'))).status).toBe(200);
  });

  it('fail the same requests for the same seed', async () => {
    const statuses = async (): Promise<number[]> => {
      await fault({ errorRate: 0.6, seed: 42 });
      const seen: number[] = [];
      for (let count = 0; count < 40; count++) seen.push((await customer()).status);
      return seen;
    };
    const once = await statuses();
    expect(new Set(once)).toEqual(new Set([200, 503]));
    expect(await statuses()).toEqual(once);
  });

  it('delay every answer, the good ones too', async () => {
    await fault({ latencyMs: 120, jitterMs: 20 });
    const before = performance.now();
    expect((await customer()).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(98);
  });

  it.each([204, 304])('answer %d without a body', async (status) => {
    await fault({ status });
    const reply = await customer();
    expect([reply.status, reply.bytes.length]).toEqual([status, 0]);
  });

  it('hang: never answer, until healed', async () => {
    await fault({ hang: true });
    let answered = false;
    const hanging = customer().then((reply) => {
      answered = true;
      return reply.status;
    });
    await eventually(async () => (await stats()).inFlight === 1);
    expect(answered).toBe(false);
    await heal();
    expect(await hanging).toBe(200);
  });

  it('hang: count a caller who gives up, and forget about it', async () => {
    await fault({ hang: true });
    const outgoing = request(url('/customers/c-1'), { agent: false }).on('error', () => {});
    outgoing.end();
    await eventually(async () => (await stats()).inFlight === 1);
    outgoing.destroy();
    await eventually(async () => (await stats()).aborted === 1);
    expect(await stats()).toEqual({ requests: 1, inFlight: 0, aborted: 1 });
  });

  it('drip: the true headers, then a byte a second, and the rest when healed', async () => {
    const whole = await customer();
    await fault({ drip: true });
    const response = await open(url('/customers/c-1'));
    expect(response.headers['content-length']).toBe(String(whole.bytes.length));
    const chunks: Buffer[] = [];
    const times: number[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      times.push(performance.now());
      if (chunks.length === 2) await heal();
    }
    expect(chunks.slice(0, 2).map(({ length }) => length)).toEqual([1, 1]);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(800);
    expect(Buffer.concat(chunks).equals(whole.bytes)).toBe(true);
  });

  it('drip: answer HEAD, which has nothing to drip', async () => {
    await fault({ drip: true });
    expect((await ask(url('/customers/c-1'), { method: 'HEAD' })).status).toBe(200);
  });

  it('garbage: claim JSON and send half a text, a web page and noise in turn', async () => {
    await fault({ garbage: true });
    const replies = [await customer(), await customer(), await customer(), await customer()];
    for (const { status, headers, bytes } of replies) {
      expect([status, headers['content-type']]).toEqual([200, 'application/json']);
      expect(() => JSON.parse(bytes.toString()) as unknown).toThrow(SyntaxError);
    }
    const starts = replies.map(({ bytes }) => bytes[0]);
    expect(starts).toEqual(['{'.charCodeAt(0), '<'.charCodeAt(0), 0xff, '{'.charCodeAt(0)]);
  });

  it('reset: before the headers and in the middle of the body in turn', async () => {
    await fault({ reset: true });
    await expect(customer()).rejects.toMatchObject({ code: 'ECONNRESET' });
    const response = await open(url('/customers/c-1'));
    response.resume();
    expect(response.statusCode).toBe(200);
    expect(await failure(response)).toMatchObject({ code: 'ECONNRESET' });
    await expect(customer()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await eventually(async () => (await stats()).inFlight === 0);
    expect((await stats()).aborted).toBe(0);
  });

  it('huge: announce 2 GiB and stop when the caller leaves', async () => {
    await fault({ huge: true });
    for (const length of [undefined, String(2 ** 31)]) {
      const response = await open(url('/customers/c-1'));
      expect(response.headers['content-length']).toBe(length);
      let size = 0;
      for await (const piece of response as AsyncIterable<Buffer>) {
        size += piece.length;
        if (size > 8 * 2 ** 20) break;
      }
    }
    await eventually(async () => (await stats()).aborted === 2);
    expect((await stats()).inFlight).toBe(0);
  });

  it('huge: cut the connection when healed', async () => {
    await fault({ huge: true });
    const response = await open(url('/customers/c-1'));
    await heal();
    response.resume();
    expect(await failure(response)).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a fault on a request that changes something', () => {
  it('leaves an order unplaced behind an error status, and places it behind a lost answer', async () => {
    await service.close();
    service = await startService(orders, { port: 0 });
    const place = (): ReturnType<typeof ask> =>
      ask(url('/orders'), {
        method: 'POST',
        headers: { 'idempotency-key': 'once' },
        body: { customerId: 'c-1', lines: [{ sku: 'p-1', quantity: 1 }] },
      });
    const newest = async (): Promise<string | undefined> =>
      (await askJson<{ id: string }[]>(url('/orders?limit=1')))[0]?.id;

    await fault({ status: 503 });
    await place();
    await heal();
    expect(await newest()).toBe('o-5000');

    await fault({ reset: true });
    await expect(place()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await heal();
    expect(await newest()).toBe('o-5001');
    expect((await place()).headers.location).toBe('/orders/o-5001');
  });
});
