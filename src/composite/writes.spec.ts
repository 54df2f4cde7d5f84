import { type ServerResponse } from 'node:http';
import { eventually } from '../aggregation/testing/eventually.js';
import { type Answer, type Ask, type TestGateway } from '../aggregation/testing/test-gateway.js';
import {
  clientGone,
  type RecordingServer,
  recordingServer,
  signal,
} from '../http/testing/recording-server.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { serveComposites } from './testing/serve-composites.js';

/** How the upstream answers a path; 200 and an empty object unless a test says otherwise. */
type Behaviour = (response: ServerResponse, nth: number) => void;

const json = (status: number, body: unknown = {}): Behaviour => {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
};
const hangUp: Behaviour = (response) => {
  response.destroy();
};

let shop: RecordingServer;
let gateway: TestGateway;
let behaviours: Map<string, Behaviour>;

const upstream = (more: object = {}) => ({
  url: shop.origin,
  retry: { maxAttempts: 2, backoffBaseMs: 1, backoffCapMs: 1 },
  deadlineHeader: null,
  ...more,
});

beforeEach(async () => {
  behaviours = new Map();
  const counts = new Map<string, number>();
  shop = await recordingServer((_request, response, { url }) => {
    const nth = (counts.get(url) ?? 0) + 1;
    counts.set(url, nth);
    (behaviours.get(url) ?? json(200))(response, nth);
  });
});

afterEach(async () => {
  await gateway.stop();
  await shop.close();
});

async function serve(parts: object, composite: object = {}, more: object = {}): Promise<void> {
  gateway = await serveComposites({
    upstreams: { shop: upstream(), ...more },
    composites: { checkout: { post: '/checkout', ...composite, parts } },
  });
}

const reserve = { upstream: 'shop', post: '/reserve', required: true };
const pay = { upstream: 'shop', post: '/pay', required: true };
const note = { upstream: 'shop', put: '/note' };

function checkout(options: Ask = {}): Promise<Answer> {
  return gateway.ask('/checkout', { method: 'POST', ...options });
}

const problemOf = ({ text }: Answer) => JSON.parse(text) as Record<string, unknown>;
const asked = () => shop.seen.map(({ method, url }) => `${method} ${url}`);

describe('a composite that writes', () => {
  it('writes one after another, in the order of the file', async () => {
    const held = signal<ServerResponse>();
    behaviours.set('/reserve', held.resolve);
    await serve({ reserve, pay, note });
    const answer = checkout();
    const response = await held.promise;
    expect(asked()).toEqual(['POST /reserve']);
    json(200)(response, 1);
    expect((await answer).status).toBe(200);
    expect(asked()).toEqual(['POST /reserve', 'POST /pay', 'PUT /note']);
  });

  it('writes nothing before the required parts above are there', async () => {
    behaviours.set('/stock', json(404));
    await serve({ stock: { upstream: 'shop', get: '/stock', required: true }, reserve });
    const answer = await checkout();
    expect(answer.status).toBe(404);
    expect(problemOf(answer)).toMatchObject({ part: 'stock', writes: { reserve: 'not-tried' } });
    expect(asked()).toEqual(['GET /stock']);
  });

  it('lets optional reads run beside a write', async () => {
    const both = signal<ServerResponse>();
    const held: ServerResponse[] = [];
    const hold: Behaviour = (response) => {
      held.push(response);
      if (held.length === 2) both.resolve(response);
    };
    behaviours.set('/reserve', hold).set('/offers', hold);
    await serve({ reserve, offers: { upstream: 'shop', get: '/offers' } });
    const answer = checkout();
    await both.promise;
    for (const response of held) json(200)(response, 1);
    expect((await answer).status).toBe(200);
  });

  it('puts those reads in order too where the client is strict, so that none can cut the write off', async () => {
    behaviours.set('/offers', json(500));
    await serve({ reserve, offers: { upstream: 'shop', get: '/offers' }, pay });
    const answer = await checkout({ headers: { prefer: 'handling=strict' } });
    expect(answer.status).toBe(502);
    expect(problemOf(answer)).toMatchObject({
      part: 'offers',
      writes: { reserve: 'done', pay: 'not-tried' },
    });
    expect(asked()).toEqual(['POST /reserve', 'GET /offers']);
  });

  it('answers with the status it declares', async () => {
    await serve({ reserve }, { status: 201 });
    expect((await checkout()).status).toBe(201);
  });

  it('writes whatever of its answer is asked for', async () => {
    behaviours.set('/stock', json(200, { left: 3 }));
    await serve(
      { pay, stock: { upstream: 'shop', get: '/stock' }, other: { upstream: 'shop', get: '/other' } },
      { sparse: true },
    );
    const answer = await gateway.ask('/checkout?fields=stock.left', { method: 'POST' });
    expect(JSON.parse(answer.text)).toEqual({ stock: { left: 3 } });
    expect(asked().sort()).toEqual(['GET /stock', 'POST /pay']);
  });

  it('does not count a POST that only reads', async () => {
    await serve({ found: { upstream: 'shop', post: '/search', reads: true, required: true }, reserve });
    behaviours.set('/search', json(500));
    expect(problemOf(await checkout())['writes']).toEqual({ reserve: 'not-tried' });
  });
});

describe('what a failed composite says of its writes', () => {
  it('is nothing where it has none', async () => {
    behaviours.set('/search', json(500));
    await serve({ found: { upstream: 'shop', post: '/search', reads: true, required: true } });
    expect(problemOf(await checkout())).not.toHaveProperty('writes');
  });

  it('is done where the upstream answered 2xx', async () => {
    behaviours.set('/pay', json(402));
    await serve({ reserve, pay, note });
    expect(problemOf(await checkout())['writes']).toEqual({
      reserve: 'done',
      pay: 'not-done',
      note: 'not-tried',
    });
  });

  it('is done where it answered 2xx with what its part cannot use', async () => {
    await serve({ reserve: { ...reserve, schema: { type: 'object', required: ['id'] } } });
    expect(problemOf(await checkout())).toMatchObject({ reason: 'invalid', writes: { reserve: 'done' } });
  });

  it.each<[string, string, number, string]>([
    ['text', 'text/plain', 201, 'created'],
    ['half a document', 'application/json', 200, '{"half":'],
  ])('is done where it answered 2xx with %s', async (_what, type, status, body) => {
    behaviours.set('/pay', (response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    await serve({ reserve, pay, note });
    expect(problemOf(await checkout())).toMatchObject({
      part: 'pay',
      reason: 'invalid',
      writes: { reserve: 'done', pay: 'done', note: 'not-tried' },
    });
    expect(asked()).toEqual(['POST /reserve', 'POST /pay']);
  });

  it.each<[string, string, Behaviour]>([
    ['not-done', 'refused it', json(409)],
    ['not-done', 'asked for patience', json(429)],
    ['unknown', 'answered 500', json(500)],
    ['unknown', 'answered 502, which may be the word of a proxy', json(502)],
    ['unknown', 'hung up', hangUp],
  ])('is %s where the upstream %s', async (outcome, _how, behaviour) => {
    behaviours.set('/pay', behaviour);
    await serve({ reserve, pay, note });
    const answer = await checkout();
    expect(problemOf(answer)).toMatchObject({ part: 'pay' });
    expect(problemOf(answer)['writes']).toEqual({ reserve: 'done', pay: outcome, note: 'not-tried' });
    expect(asked()).toEqual(['POST /reserve', 'POST /pay']);
  });

  it('is unknown where the deadline cut it off', async () => {
    behaviours.set('/pay', () => undefined);
    const shopOf = { shop: upstream({ attemptTimeoutMs: 2500 }) };
    await serve({ reserve, pay }, { deadline: 1500 }, shopOf);
    const answer = await checkout();
    expect(answer.status).toBe(504);
    expect(problemOf(answer)['writes']).toEqual({ reserve: 'done', pay: 'unknown' });
  });

  it('is not-done where nobody listens', async () => {
    const closed = await recordingServer(() => undefined);
    await closed.close();
    const more = { gone: upstream({ url: closed.origin }) };
    await serve({ reserve, pay: { upstream: 'gone', post: '/pay', required: true } }, {}, more);
    const answer = await checkout();
    expect(answer.status).toBe(502);
    expect(problemOf(answer)['writes']).toEqual({ reserve: 'done', pay: 'not-done' });
  });

  it('is not-done where the call could not be made', async () => {
    await serve({ reserve, pay: { ...pay, post: '/pay/{reserve.id}' } });
    const answer = await checkout();
    expect(problemOf(answer)).toMatchObject({
      part: 'pay',
      reason: 'invalid',
      writes: { reserve: 'done', pay: 'not-done' },
    });
    expect(asked()).toEqual(['POST /reserve']);
  });

  it('is not-done where the upstream is being given a pause', async () => {
    const circuitBreaker = { minimumNumberOfCalls: 1, failureRateThresholdPercent: 1 };
    const frail = { frail: upstream({ circuitBreaker }) };
    behaviours.set('/pay', json(503));
    await serve({ pay: { upstream: 'frail', post: '/pay', required: true } }, {}, frail);
    expect(problemOf(await checkout())).toMatchObject({ reason: 'status', writes: { pay: 'unknown' } });
    expect(problemOf(await checkout())).toMatchObject({ reason: 'open', writes: { pay: 'not-done' } });
    expect(asked()).toEqual(['POST /pay']);
  });
});

describe('a failed optional write', () => {
  it('ends nothing, and is told of where the report stands in the body', async () => {
    behaviours.set('/note', json(500));
    await serve({ reserve, note, pay }, { report: 'body' });
    const answer = await checkout();
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'composite-complete': '?0' });
    expect(problemOf(answer)['_composite']).toMatchObject({
      complete: false,
      writes: { reserve: 'done', note: 'unknown', pay: 'done' },
    });
  });
});

describe('a write whose upstream hangs up', () => {
  it('is not sent again', async () => {
    behaviours.set('/pay', hangUp);
    await serve({ pay });
    expect((await checkout()).status).toBe(502);
    expect(asked()).toEqual(['POST /pay']);
  });

  it('is sent again with the same key where it has one', async () => {
    behaviours.set('/pay', (response, nth) => {
      (nth === 1 ? hangUp : json(200))(response, nth);
    });
    await serve(
      { pay: { ...pay, idempotencyKey: 'params.key' } },
      { params: { key: { in: 'header', alias: 'idempotency-key' } } },
    );
    expect((await checkout({ headers: { 'idempotency-key': 'k-1' } })).status).toBe(200);
    expect(shop.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['k-1', 'k-1']);
  });

  it('is unknown where the second attempt was only refused', async () => {
    behaviours.set('/pay', (response, nth) => {
      (nth === 1 ? hangUp : json(409))(response, nth);
    });
    await serve({ pay: { ...pay, idempotencyKey: "'k-1'" } });
    expect(problemOf(await checkout())['writes']).toEqual({ pay: 'unknown' });
  });
});

describe('a client that leaves', () => {
  it('cuts off what is read, but no write that has begun; and nothing further starts', async () => {
    const paying = signal<ServerResponse>();
    const reading = signal<ServerResponse>();
    behaviours.set('/pay', paying.resolve).set('/offers', reading.resolve);
    await serve({ pay, note, offers: { upstream: 'shop', get: '/offers' } });
    const socket = await gateway.connect();
    socket.write('POST /checkout HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    const [payment, offers] = await Promise.all([paying.promise, reading.promise]);
    const { bulkhead: places } = gateway.app.get(UpstreamRegistry).get('shop');
    const abandoned = clientGone(offers);

    socket.destroy();
    await abandoned;
    // The read has given its place back, the write has not.
    expect(places.inUse).toBe(1);
    json(200)(payment, 1);
    await eventually(() => payment.writableFinished && places.inUse === 0);
    expect(asked()).toHaveLength(2);
  });

  it('takes a write with it that still waits for its turn', async () => {
    const holding = signal<ServerResponse>();
    behaviours.set('/pay', holding.resolve);
    const bulkhead = { maxConcurrentCalls: 1, maxQueue: 5, maxQueueWaitMs: 30_000 };
    const narrow = upstream({ bulkhead, deadlineMs: 90_000, attemptTimeoutMs: 80_000 });
    await serve({ pay: { upstream: 'narrow', post: '/pay' } }, { deadline: 90_000 }, { narrow });
    const first = checkout();
    const payment = await holding.promise;
    const socket = await gateway.connect();
    socket.write('POST /checkout HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    const { bulkhead: places } = gateway.app.get(UpstreamRegistry).get('narrow');
    await eventually(() => places.queued === 1);
    socket.destroy();
    await eventually(() => places.queued === 0);
    json(200)(payment, 1);
    expect((await first).status).toBe(200);
    expect(asked()).toEqual(['POST /pay']);
  });
});
