import { type ServerResponse } from 'node:http';
import { type Readable } from 'node:stream';
import { type FastifyReply } from 'fastify';
import { eventually } from '../aggregation/testing/eventually.js';
import { type TestGateway } from '../aggregation/testing/test-gateway.js';
import { clientGone, type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { CompositeRunner } from './composite-runner.js';
import { parseGateway } from './config/gateway.js';
import { type GrowingResponse } from './growing-response.js';
import { deliverProgressively, type ProgressiveRequest } from './progressive-delivery.js';
import { EVENT_STREAM, JSON_LINES, type ProgressiveFormat } from './progressive-format.js';
import { type Asked, EventReader, serverSentEvents } from './testing/event-reader.js';
import { serveComposites } from './testing/serve-composites.js';

let shop: RecordingServer;
let gateway: TestGateway;
/** Requests that wait for their answer, by path. */
let held: Map<string, ServerResponse>;
/** Answers that are ready, by path; what is not in here is held. */
let ready: Map<string, unknown>;
let replies: FastifyReply[];

beforeEach(async () => {
  held = new Map();
  ready = new Map();
  replies = [];
  shop = await recordingServer((_request, response, { url }) => {
    held.set(url, response);
    if (ready.has(url)) answer(url, ready.get(url));
  });
});

afterEach(async () => {
  await gateway.stop();
  await shop.close();
});

async function serve(parts: object, composite: object = {}): Promise<void> {
  gateway = await serveComposites(
    {
      upstreams: { shop: { url: shop.origin, attemptTimeoutMs: 2500, retry: { maxAttempts: 1 } } },
      composites: { page: { get: '/page', ...composite, parts } },
    },
    (fastify) => {
      fastify.addHook('onRequest', (_request, reply, done) => {
        replies.push(reply);
        done();
      });
    },
  );
}

function answer(path: string, body: unknown, status = 200): void {
  const response = held.get(path);
  held.delete(path);
  response?.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Resolves with the answer that a path waits for. */
async function asked(path: string): Promise<ServerResponse> {
  await eventually(() => held.has(path));
  const response = held.get(path);
  if (response === undefined) throw new Error(`${path} is not held`);
  return response;
}

function open(format: 'text/event-stream' | 'application/x-ndjson', { headers, ...more }: Asked = {}) {
  return EventReader.open(gateway.port, '/page', { ...more, headers: { ...headers, accept: format } });
}

const part = (path: string, more: object = {}) => ({ upstream: 'shop', get: path, ...more });
const first = part('/first', { required: true });
const second = part('/second');
const guard = part('/guard', { required: true, hidden: true });

describe.each(['text/event-stream', 'application/x-ndjson'] as const)('%s', (format) => {
  it('brings each part as it lands, whatever their order in the file', async () => {
    await serve({ first, second });
    const reading = open(format);
    await asked('/first');
    await asked('/second');
    answer('/second', { n: 2 });
    const reader = await reading;
    await reader.upTo(1);
    expect(reader.parts).toEqual(['second']);
    answer('/first', { n: 1 });
    expect(await reader.toTheEnd()).toEqual([
      {
        event: 'part',
        data: {
          part: 'second',
          state: 'ok',
          durationMs: expect.any(Number) as number,
          data: { second: { n: 2 } },
        },
      },
      {
        event: 'part',
        data: {
          part: 'first',
          state: 'ok',
          durationMs: expect.any(Number) as number,
          data: { first: { n: 1 } },
        },
      },
      {
        event: 'report',
        data: {
          status: 200,
          complete: true,
          parts: {
            first: { state: 'ok', durationMs: expect.any(Number) as number },
            second: { state: 'ok', durationMs: expect.any(Number) as number },
          },
        },
      },
    ]);
  });

  it('brings a part before the next one is even asked', async () => {
    await serve({ first, second: part('/second/{first.n}') });
    const reading = open(format);
    await asked('/first');
    answer('/first', { n: 1 });
    await asked('/second/1');
    const reader = await reading;
    expect(await reader.upTo(1)).toHaveLength(1);
    expect(reader.parts).toEqual(['first']);
    answer('/second/1', {});
    await reader.toTheEnd();
    expect(reader.parts).toEqual(['first', 'second']);
  });

  it('brings each event in a chunk of its own', async () => {
    await serve({ first, second });
    const reading = open(format);
    await asked('/first');
    answer('/first', {});
    const reader = await reading;
    await reader.upTo(1);
    expect(reader.chunks).toHaveLength(1);
    expect(reader.text.endsWith('\n')).toBe(true);
    await asked('/second');
    answer('/second', {});
    await reader.toTheEnd();
  });

  it('tells of parts that were skipped and parts that fell back, each once', async () => {
    ready.set('/first', { n: 1 });
    await serve({
      first,
      skipped: part('/skipped', { when: 'first.none', fallback: [] }),
      second: part('/second', { fallback: 'none' }),
    });
    const reading = open(format);
    await asked('/second');
    answer('/second', {}, 500);
    const events = await (await reading).toTheEnd();
    expect(events.map(({ data }) => [data['part'], data['state'], data['reason'], data['data']])).toEqual([
      ['first', 'ok', undefined, { first: { n: 1 } }],
      ['skipped', 'skipped', undefined, { skipped: [] }],
      ['second', 'fallback', 'status', { second: 'none' }],
      [undefined, undefined, undefined, undefined],
    ]);
    expect(events.at(-1)?.data).toMatchObject({ complete: false });
  });

  it('has no data of what the response does not show', async () => {
    ready.set('/first', { n: 1 });
    await serve({ first: { ...first, hidden: true }, second: part('/first', { when: 'first.n' }) });
    const [hidden, shown] = await (await open(format)).toTheEnd();
    expect(hidden?.data).not.toHaveProperty('data');
    expect(shown?.data).toMatchObject({ part: 'second', data: { second: { n: 1 } } });
  });

  it('says no more of the whole than is known at its beginning', async () => {
    ready.set('/first', {});
    await serve({ first }, { status: 203, partialStatus: 206 });
    const headers = { prefer: 'handling=lenient, wait=3, report=body', 'x-request-id': 'r-1' };
    const { response } = await open(format, { headers });
    expect(response.statusCode).toBe(203);
    expect(response.headers).toMatchObject({
      'content-type': format,
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': 'r-1',
      'preference-applied': 'handling=lenient, wait=3',
      vary: 'accept',
    });
    for (const unknown of [
      'composite-complete',
      'composite-parts',
      'server-timing',
      'etag',
      'content-length',
    ]) {
      expect(response.headers).not.toHaveProperty(unknown);
    }
  });

  it('says in the report what status a document would have had', async () => {
    ready.set('/first', {});
    await serve({ first, second: part('/second', { within: 20 }) }, { partialStatus: 206 });
    const reader = await open(format);
    expect((await reader.toTheEnd()).at(-1)).toMatchObject({
      event: 'report',
      data: { status: 206, complete: false, parts: { second: { state: 'fallback', reason: 'timeout' } } },
    });
  });

  it('is an ordinary problem where nothing was sent yet', async () => {
    await serve({ first, second });
    const reading = open(format);
    await asked('/first');
    answer('/first', {}, 404);
    const { response } = await reading;
    expect(response.statusCode).toBe(404);
    expect(response.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      vary: 'accept, prefer',
      'composite-complete': '?0',
    });
  });

  it('closes with a problem where a required part fails later', async () => {
    ready.set('/second', { n: 2 });
    await serve({ first, second });
    const reading = open(format, { headers: { 'x-request-id': 'r-2' } });
    const reader = await reading;
    await reader.upTo(1);
    answer('/first', {}, 404);
    const events = await reader.toTheEnd();
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({
      event: 'problem',
      data: { status: 404, title: 'Not Found', part: 'first', reason: 'status', requestId: 'r-2' },
    });
  });

  it('leaves the query of its client out of the log', async () => {
    ready.set('/second', {});
    await serve({ first, second });
    const reader = await EventReader.open(gateway.port, '/page?token=s3cret', {
      headers: { accept: format },
    });
    await reader.upTo(1);
    answer('/first', {}, 500);
    expect((await reader.toTheEnd()).at(-1)).toMatchObject({ event: 'problem', data: { status: 502 } });
    const logged = JSON.stringify([gateway.log.errors, gateway.log.warnings]);
    expect(logged).toContain('GET /page (');
    expect(logged).not.toContain('s3cret');
  });

  it('closes with a problem where the client is strict and any part fails', async () => {
    ready.set('/first', {});
    await serve({ first, second });
    const reader = await open(format, { headers: { prefer: 'handling=strict' } });
    await reader.upTo(1);
    answer('/second', {}, 500);
    expect((await reader.toTheEnd()).at(-1)).toMatchObject({
      event: 'problem',
      data: { status: 502, part: 'second' },
    });
  });

  it('ends at the deadline', async () => {
    ready.set('/first', {});
    await serve({ first, second }, { deadline: 1500 });
    expect(await (await open(format)).toTheEnd()).toMatchObject([
      { data: { part: 'first' } },
      { data: { part: 'second', state: 'fallback', reason: 'deadline' } },
      { event: 'report' },
    ]);
  });

  it('brings only the parts that the fields asked for need', async () => {
    ready.set('/first', { n: 1, m: 2 });
    await serve({ first, second });
    const reader = await EventReader.open(gateway.port, '/page?fields=first.m', {
      headers: { accept: format },
    });
    await reader.toTheEnd();
    expect(reader.parts).toEqual(['first']);
    expect(reader.document).toEqual({ first: { m: 2 } });
    expect(shop.seen.map(({ url }) => url)).toEqual(['/first']);
  });

  it('has a head without a body for HEAD, and asks for no more than that takes', async () => {
    await serve({ first, second });
    const reading = open(format, { method: 'HEAD' });
    await asked('/first');
    const abandoned = clientGone(await asked('/second'));
    answer('/first', {});
    const reader = await reading;
    await reader.toTheEnd();
    await abandoned;
    expect(reader.response.statusCode).toBe(200);
    expect(reader.response.headers['content-type']).toBe(format);
    expect(reader.text).toBe('');
  });

  it('tells of writes', async () => {
    ready.set('/first', {});
    const write = { upstream: 'shop', post: '/write', required: true };
    await serve(
      { first, write, note: { ...write, put: '/note', post: undefined } },
      { get: undefined, post: '/page', status: 201 },
    );
    const opened = open(format, { method: 'POST' });
    await asked('/write');
    answer('/write', {});
    await asked('/note');
    answer('/note', {});
    const reader = await opened;
    expect(await reader.toTheEnd()).toMatchObject([
      { data: { part: 'first' } },
      { data: { part: 'write' } },
      { data: { part: 'note' } },
      { event: 'report', data: { status: 201, writes: { write: 'done', note: 'done' } } },
    ]);
  });

  it('is an ordinary problem where a required write fails, whatever has landed before', async () => {
    ready.set('/first', {});
    const write = { upstream: 'shop', post: '/write', required: true };
    await serve(
      { first, write, note: { ...write, put: '/note', post: undefined } },
      { get: undefined, post: '/page', status: 201 },
    );
    const opened = open(format, { method: 'POST' });
    await asked('/write');
    answer('/write', {});
    await asked('/note');
    answer('/note', {}, 404);
    const { response } = await opened;
    expect(response.statusCode).toBe(404);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  it('waits for an optional write only where the client is strict', async () => {
    ready.set('/first', {});
    const write = { upstream: 'shop', post: '/write' };
    await serve({ first, write }, { get: undefined, post: '/page' });
    const reader = await open(format, { method: 'POST' });
    await reader.upTo(1);
    expect(reader.parts).toEqual(['first']);
    await asked('/write');
    answer('/write', {}, 404);
    await reader.toTheEnd();

    const opened = open(format, { method: 'POST', headers: { prefer: 'handling=strict' } });
    await asked('/write');
    answer('/write', {}, 404);
    expect((await opened).response.statusCode).toBe(404);
  });

  it('closes with a problem that tells of the writes where a required read below them fails', async () => {
    const write = { upstream: 'shop', post: '/write', required: true };
    await serve({ write, first }, { get: undefined, post: '/page' });
    const opened = open(format, { method: 'POST' });
    await asked('/write');
    answer('/write', {});
    const reader = await opened;
    await asked('/first');
    answer('/first', {}, 404);
    expect(await reader.toTheEnd()).toMatchObject([
      { data: { part: 'write' } },
      { event: 'problem', data: { status: 404, part: 'first', writes: { write: 'done' } } },
    ]);
  });

  it.each(['GET', 'HEAD'])(
    'sends nothing before a guard has ended, but asks for it all: %s',
    async (method) => {
      ready.set('/first', { n: 1 });
      await serve({ guard, first, second: part('/second/{first.n}') });
      const opened = open(format, { method });
      await asked('/second/1');
      answer('/second/1', {});
      await asked('/guard');
      answer('/guard', {}, 403);
      const { response } = await opened;
      expect(response.statusCode).toBe(403);
      expect(response.headers).toMatchObject({
        'content-type': 'application/problem+json; charset=utf-8',
        'composite-complete': '?0',
      });
    },
  );

  it('brings what has waited for a guard behind it, in the order in which it landed', async () => {
    ready.set('/first', { n: 1 });
    await serve({ guard, first, second });
    const opened = open(format);
    await asked('/guard');
    await asked('/second');
    answer('/second', { n: 2 });
    await eventually(() => held.size === 1);
    answer('/guard', {});
    const reader = await opened;
    expect((await reader.toTheEnd()).map(({ event }) => event)).toEqual(['part', 'part', 'part', 'report']);
    expect([...reader.parts].sort()).toEqual(['first', 'guard', 'second']);
    expect(reader.document).toEqual({ first: { n: 1 }, second: { n: 2 } });
  });

  it('lets no ?fields= past a guard', async () => {
    ready.set('/first', {}).set('/guard', {});
    await serve({ guard, first, second });
    const opened = EventReader.open(gateway.port, '/page?fields=first', { headers: { accept: format } });
    await (await opened).toTheEnd();
    expect(shop.seen.map(({ url }) => url).sort()).toEqual(['/first', '/guard']);
  });

  it('cancels at once what is asked for a client that leaves, and asks nothing more', async () => {
    ready.set('/first', {});
    await serve({ first, second, third: part('/third/{second.n}') });
    const reader = await open(format);
    const abandoned = clientGone(await asked('/second'));
    reader.leave();
    await abandoned;
    expect(shop.seen.map(({ url }) => url)).toEqual(['/first', '/second']);
    await eventually(() => replies[0]?.raw.destroyed === true);
    expect(gateway.log.errors).toEqual([]);
  });

  it('waits for a client that reads slowly, and loses nothing', async () => {
    const big = 'x'.repeat(1 << 20);
    const parts = Object.fromEntries(
      Array.from({ length: 12 }, (_, n) => {
        ready.set(`/big/${n}`, big);
        return [`part${n}`, part(`/big/${n}`)] as const;
      }),
    );
    await serve(parts);
    const reader = await open(format);
    reader.response.pause();
    const [reply] = replies;
    await eventually(() => reply?.request.exchange?.composites.length === 1);
    // All of it is there; what the socket does not take waits behind it, not in it.
    expect(reply?.raw.writableNeedDrain).toBe(true);
    expect(reply?.raw.writableLength).toBeLessThan(2 * big.length);
    reader.response.resume();
    const events = await reader.toTheEnd();
    expect(events).toHaveLength(13);
    expect(new Set(reader.parts).size).toBe(12);
    expect(reader.document['part7']).toBe(big);
  });

  it('is finished by a server that closes, and its connection with it', async () => {
    ready.set('/first', {});
    await serve({ first, second });
    const socket = await gateway.connect();
    socket.write(`GET /page HTTP/1.1\r\nHost: x\r\nAccept: ${format}\r\n\r\n`);
    let received = '';
    let isClosed = false;
    socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
    socket.once('end', () => (isClosed = true));
    await asked('/second');
    await eventually(() => received.includes('first'));
    const stopped = gateway.app.close();
    await eventually(() => !gateway.app.getHttpServer().listening);
    answer('/second', {});
    await stopped;
    await eventually(() => isClosed);
    expect(received).toContain('report');
  });
});

describe('a document', () => {
  it('says that it depends on what is accepted', async () => {
    ready.set('/first', {});
    await serve({ first });
    expect((await gateway.ask('/page')).headers['vary']).toMatch(/^accept, prefer/);
  });
});

/** Runs a composite as it is written, so that what cannot be shown is an error of ours. */
class FaultyRunner extends CompositeRunner {
  override growingResponse(): GrowingResponse {
    return {
      land: (part: string) => {
        if (part === 'second') throw new TypeError('bug');
        return {};
      },
    } as unknown as GrowingResponse;
  }
}

describe('a delivery', () => {
  const clock = new VirtualClock();
  let registry: UpstreamRegistry;
  let begun: Readable | undefined;
  let ended: boolean;
  let failure: unknown;

  async function deliver(
    format: ProgressiveFormat,
    Runner = CompositeRunner,
    parts: Readonly<Record<string, { readonly get: string }>> = { first, second },
  ): Promise<void> {
    await serve({ first });
    const { config, composites } = parseGateway(
      JSON.stringify({
        upstreams: { shop: { url: shop.origin } },
        composites: { page: { get: '/page', parts } },
      }),
      { env: {} },
    );
    registry = new UpstreamRegistry(config);
    const [plan] = composites;
    if (plan === undefined) throw new Error('there is no composite');
    const runner = new Runner(plan, registry);
    begun = undefined;
    ended = false;
    failure = undefined;
    const reply = {
      header: () => reply,
      headers: () => reply,
      status: () => reply,
      send: (stream: Readable) => (begun = stream.setEncoding('utf8')),
    };
    const request = { id: 'r', method: 'GET', url: '/page', exchange: undefined };
    const input = { params: {}, body: null };
    const failures = { failed: () => undefined };
    const wanted = { runner, input, format, request, reply, failures } as unknown as ProgressiveRequest;
    deliverProgressively(wanted, clock).subscribe({
      complete: () => (ended = true),
      error: (error: unknown) => (failure = error),
    });
    await Promise.all(Object.values(parts).map(({ get }) => asked(get)));
  }

  afterEach(() => registry.onApplicationShutdown());

  const taken = (): string | null => (begun?.read() ?? null) as string | null;

  /** All that is left, taken bit by bit. */
  const rest = (): string => {
    let text = '';
    for (let more = taken(); more !== null; more = taken()) text += more;
    return text;
  };

  it('breaks a silence of 15 s, and begins the stream if nothing else has', async () => {
    await deliver(EVENT_STREAM);
    clock.advance(14_999);
    expect(begun).toBeUndefined();
    clock.advance(1);
    expect(taken()).toBe(': keep-alive\n\n');
    clock.advance(15_000);
    expect(taken()).toBe(': keep-alive\n\n');
    answer('/second', {});
    await eventually(() => (begun?.readableLength ?? 0) > 0);
    expect(taken()).toContain('"second"');
    clock.advance(14_999);
    expect(taken()).toBe(null);
    answer('/first', {});
    await eventually(() => ended);
    expect(clock.pendingTimers).toBe(0);
    expect(serverSentEvents(String(taken())).map(({ event }) => event)).toEqual(['part', 'report']);
  });

  it('says nothing more to a client that has not taken what there is', async () => {
    await deliver(EVENT_STREAM);
    clock.advance(60_000);
    expect(taken()).toBe(': keep-alive\n\n');
    answer('/first', {});
    answer('/second', {});
    await eventually(() => ended);
  });

  it('says nothing before a guard has ended, however long that takes', async () => {
    await deliver(EVENT_STREAM, CompositeRunner, { first, guard });
    answer('/first', {});
    clock.advance(60_000);
    expect(begun).toBeUndefined();
    answer('/guard', {});
    await eventually(() => ended);
    clock.advance(60_000);
    expect(clock.pendingTimers).toBe(0);
    expect(serverSentEvents(rest()).map(({ event }) => event)).toEqual(['part', 'part', 'report']);
  });

  it('keeps what many parts share once for a client that has not taken it', async () => {
    const text = 'x'.repeat(10_000);
    const names = Array.from({ length: 30 }, (_, n) => `p${n}`);
    const parts = Object.fromEntries(names.map((name) => [name, part(`/${name}`, { as: `page.${name}` })]));
    await deliver(EVENT_STREAM, CompositeRunner, { ...parts, other: part('/other') });
    answer('/other', { n: 1 });
    await eventually(() => begun !== undefined);
    for (const name of names) answer(`/${name}`, text);
    await eventually(() => ended);
    const all = rest();
    const events = serverSentEvents(all).map(({ data }) => data);
    expect(events).toHaveLength(32);
    expect(events.filter((event) => 'data' in event).map(({ data }) => Object.keys(data as object))).toEqual([
      ['other'],
      ['page'],
    ]);
    const document = { page: Object.fromEntries(names.map((name) => [name, text])), other: { n: 1 } };
    expect(Object.assign({}, ...events.map(({ data }) => data))).toEqual(document);
    // Events without it are some 100 characters each, more where durations are long.
    expect(all.length).toBeLessThan(JSON.stringify(document).length + 32 * 200);
  });

  it('is silent where the format has no word for that', async () => {
    await deliver(JSON_LINES);
    expect(clock.pendingTimers).toBe(0);
    answer('/first', {});
    answer('/second', {});
    await eventually(() => ended);
  });

  it('ends with its composite where a part cannot be shown, before it has begun and after', async () => {
    await deliver(JSON_LINES, FaultyRunner);
    const abandoned = clientGone(await asked('/first'));
    answer('/second', {});
    await abandoned;
    expect(failure).toBeInstanceOf(TypeError);
    expect(begun).toBeUndefined();
    await registry.onApplicationShutdown();
    await gateway.stop();

    await deliver(JSON_LINES, FaultyRunner);
    answer('/first', {});
    await eventually(() => begun !== undefined);
    answer('/second', {});
    await eventually(() => ended);
    expect(String(taken())).toMatch(/"part":"first".*\n\{"event":"problem",.*"status":500.*\}\n$/);
  });
});
