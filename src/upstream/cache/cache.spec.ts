import { AsyncLocalStorage } from 'node:async_hooks';
import { type ServerResponse } from 'node:http';
import { type AxiosAdapter, type AxiosRequestHeaders, type AxiosRequestTransformer } from 'axios';
import {
  clientGone,
  type RecordingServer,
  recordingServer,
  type Serve,
} from '../../http/testing/recording-server.js';
import { type UndiciHttpService } from '../../http/undici-http.service.js';
import { RequestContext } from '../request-context.js';
import {
  failureOf,
  Fixture,
  Opened,
  outcomeOf,
  statuses,
  until,
  valueOf,
  type WrittenUpstream,
} from '../testing/spec-support.js';
import { type UpstreamRequest, type UpstreamResponse } from '../upstream-call.js';

const opened = new Opened();
afterEach(() => opened.close());

type Fields = Readonly<Record<string, string>>;

/** Answers each request with how many there have been, and these fields; one function may say what comes. */
function counting(fields: Fields | ((asked: Fields, count: number) => Fields | number)): Serve {
  let count = 0;
  return (_request, response, { headers }) => {
    count++;
    const said = typeof fields === 'function' ? fields(headers as Fields, count) : fields;
    send(response, said, { count });
  };
}

function send(response: ServerResponse, said: Fields | number, body: unknown): void {
  const status = typeof said === 'number' ? said : 200;
  const headers = typeof said === 'number' ? {} : said;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(status === 304 || status === 204 ? undefined : JSON.stringify(body));
}

class World {
  private constructor(
    readonly server: RecordingServer,
    readonly fixture: Fixture,
  ) {}

  static async of(serve: Serve, written: WrittenUpstream = {}): Promise<World> {
    const server = opened.add(await recordingServer(serve));
    const { cache, retry, ...others } = written;
    const fixture = opened.add(
      new Fixture({
        url: server.origin,
        retry: { maxAttempts: 1, ...retry },
        cache: { enabled: true, ...cache },
        ...others,
      }),
    );
    return new World(server, fixture);
  }

  response(request: Partial<UpstreamRequest> = {}, context = RequestContext.none): Promise<UpstreamResponse> {
    const asked = { method: 'GET', url: '/', responseType: 'json', ...request } as const;
    return context.run(() => valueOf(this.fixture.orders.send(asked)), undefined);
  }

  async body(request: Partial<UpstreamRequest> = {}, context = RequestContext.none): Promise<unknown> {
    return (await this.response(request, context)).data;
  }

  advance(seconds: number): void {
    this.fixture.clock.advance(seconds * 1000);
  }

  get asked(): number {
    return this.server.seen.length;
  }

  /** What the cache said of each call. */
  get results(): readonly string[] {
    return this.fixture
      .eventsOf('cache')
      .map(({ result, reason }) => (reason ? `${result}: ${reason}` : result));
  }
}

const withHeaders = (headers: Record<string, string>): RequestContext =>
  new RequestContext('r-1', Infinity, headers);

describe('RFC 9111, for an answer that is asked for twice', () => {
  const AUTHORIZED = { authorization: 'Bearer a' };

  it.each<[string, Fields, number, 'again' | 'not again' | 'validated', Fields?]>([
    ['fresh by max-age', { 'cache-control': 'max-age=60' }, 59, 'not again'],
    ['stale by max-age', { 'cache-control': 'max-age=60' }, 60, 'again'],
    ['in capitals', { 'cache-control': 'Max-Age=60' }, 59, 'not again'],
    ['in quotes', { 'cache-control': 'max-age="60"' }, 59, 'not again'],
    ['with a number that is none', { 'cache-control': 'max-age=soon' }, 1, 'again'],
    ['with a negative number', { 'cache-control': 'max-age=-1' }, 1, 'again'],
    ['with two numbers, by the smaller', { 'cache-control': 'max-age=60, max-age=5' }, 6, 'again'],
    ['with an Age that counts', { 'cache-control': 'max-age=60', age: '50' }, 10, 'again'],
    ['with an Age that leaves time', { 'cache-control': 'max-age=60', age: '50' }, 9, 'not again'],
    ['by s-maxage before max-age', { 'cache-control': 'max-age=5, s-maxage=60' }, 30, 'not again'],
    ['by Expires', { date: gmt(0), expires: gmt(60) }, 59, 'not again'],
    ['past its Expires', { date: gmt(0), expires: gmt(60) }, 60, 'again'],
    ['with Expires: 0', { date: gmt(0), expires: '0' }, 1, 'again'],
    [
      'by max-age before Expires',
      { 'cache-control': 'max-age=60', date: gmt(0), expires: gmt(0) },
      59,
      'not again',
    ],
    ['without any word of freshness', {}, 1, 'again'],
    ['with Last-Modified alone: nothing is guessed', { 'last-modified': gmt(-86_400) }, 1, 'validated'],
    ['immutable alone: nothing is guessed', { 'cache-control': 'immutable' }, 1, 'again'],
    ['public alone', { 'cache-control': 'public' }, 1, 'again'],
    ['no-store', { 'cache-control': 'no-store, max-age=60' }, 1, 'again'],
    ['No-Store in capitals', { 'cache-control': 'No-Store, max-age=60' }, 1, 'again'],
    ['private', { 'cache-control': 'private, max-age=60' }, 1, 'again'],
    ['private for a field', { 'cache-control': 'private="x-a, x-b", max-age=60' }, 1, 'again'],
    ['no-cache', { 'cache-control': 'no-cache, max-age=60', etag: '"a"' }, 1, 'validated'],
    ['fresh with an etag', { 'cache-control': 'max-age=60', etag: '"a"' }, 59, 'not again'],
    ['stale with an etag', { 'cache-control': 'max-age=60', etag: '"a"' }, 61, 'validated'],
    ['stale with a weak etag', { 'cache-control': 'max-age=60', etag: 'W/"a"' }, 61, 'validated'],
    [
      'stale with Last-Modified',
      { 'cache-control': 'max-age=60', 'last-modified': gmt(-60) },
      61,
      'validated',
    ],
    ['fresh and must-revalidate', { 'cache-control': 'max-age=60, must-revalidate' }, 59, 'not again'],
    [
      'stale and must-revalidate',
      { 'cache-control': 'max-age=60, must-revalidate', etag: '"a"' },
      61,
      'validated',
    ],
    ['fresh and proxy-revalidate', { 'cache-control': 'max-age=60, proxy-revalidate' }, 59, 'not again'],
    ['with a cookie', { 'cache-control': 'max-age=60', 'set-cookie': 'session=1' }, 1, 'again'],
    [
      'public with a cookie',
      { 'cache-control': 'public, max-age=60', 'set-cookie': 'session=1' },
      1,
      'again',
    ],
    ['that varies by everything', { 'cache-control': 'max-age=60', vary: '*' }, 1, 'again'],
    ['that varies by everything and more', { 'cache-control': 'max-age=60', vary: 'accept, *' }, 1, 'again'],
    [
      'that varies by what names the request',
      { 'cache-control': 'max-age=60', vary: 'X-Request-Id' },
      1,
      'again',
    ],
    [
      'that varies by what is the same',
      { 'cache-control': 'max-age=60', vary: 'Accept-Language' },
      1,
      'not again',
    ],
    ['for Authorization', { 'cache-control': 'max-age=60' }, 1, 'again', AUTHORIZED],
    ['for Authorization, public', { 'cache-control': 'public, max-age=60' }, 1, 'not again', AUTHORIZED],
    ['for Authorization, s-maxage', { 'cache-control': 's-maxage=60' }, 1, 'not again', AUTHORIZED],
    [
      'for Authorization, must-revalidate',
      { 'cache-control': 'max-age=60, must-revalidate' },
      1,
      'not again',
      AUTHORIZED,
    ],
    ['for Authorization, private', { 'cache-control': 'private, max-age=60' }, 1, 'again', AUTHORIZED],
    [
      'for a request with no-store',
      { 'cache-control': 'max-age=60' },
      1,
      'again',
      { 'cache-control': 'no-store' },
    ],
    [
      'for a request with no-cache',
      { 'cache-control': 'max-age=60' },
      1,
      'again',
      { 'cache-control': 'no-cache' },
    ],
    ['for a request with pragma', { 'cache-control': 'max-age=60' }, 1, 'again', { pragma: 'no-cache' }],
    [
      'for a request of max-age 5',
      { 'cache-control': 'max-age=60' },
      6,
      'again',
      { 'cache-control': 'max-age=5' },
    ],
    [
      'for a request that would take it stale',
      { 'cache-control': 'max-age=60' },
      61,
      'again',
      { 'cache-control': 'max-stale' },
    ],
    [
      'for a request with a condition',
      { 'cache-control': 'max-age=60' },
      1,
      'again',
      { 'if-none-match': '"b"' },
    ],
    ['for a part of it', { 'cache-control': 'max-age=60' }, 1, 'again', { range: 'bytes=0-1' }],
  ])('%s', async (_what, fields, seconds, expected, asking = {}) => {
    const conditional = (asked: Fields): boolean =>
      'if-modified-since' in asked || ('if-none-match' in asked && asked['if-none-match'] === fields['etag']);
    const world = await World.of(counting((asked) => (conditional(asked) ? 304 : fields)));

    const first = await world.body({ headers: asking });
    world.advance(seconds);
    const second = await world.body({ headers: asking });

    expect(first).toEqual({ count: 1 });
    expect(second).toEqual({ count: expected === 'again' ? 2 : 1 });
    expect(world.asked).toBe(expected === 'not again' ? 1 : 2);
  });

  it.each([
    [201, false],
    [203, true],
    [204, true],
    [206, false],
  ])('with status %d is kept: %s', async (status, isKept) => {
    const world = await World.of((_request, response) => {
      response.writeHead(status, { 'cache-control': 'max-age=60' }).end(status === 204 ? undefined : '{}');
    });
    const first = await world.response();
    const second = await world.response();

    expect(world.asked).toBe(isKept ? 1 : 2);
    expect([second.status, second.data]).toEqual([first.status, first.data]);
  });

  it('is not kept where it was an error', async () => {
    const world = await World.of(statuses([404, { 'cache-control': 'max-age=60' }]));
    await failureOf(world.fixture.orders.send({ method: 'GET', url: '/' }));
    await failureOf(world.fixture.orders.send({ method: 'GET', url: '/' }));
    expect(world.asked).toBe(2);
  });

  it('HEAD is kept apart from GET, and other verbs not at all', async () => {
    const world = await World.of(counting({ 'cache-control': 'max-age=60' }));
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'GET', 'HEAD', 'OPTIONS'])
      await world.response({ method });
    expect(world.server.seen.map(({ method }) => method)).toEqual(['GET', 'HEAD', 'OPTIONS', 'OPTIONS']);
  });
});

describe('a fresh answer', () => {
  it('makes no call, needs no permit, and touches no breaker', async () => {
    const world = await World.of(counting({ 'cache-control': 'max-age=60' }), {
      bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 },
    });
    await world.body();
    world.fixture.orders.breaker.setMode('force-open');
    const held = world.fixture.orders.bulkhead.tryAcquire();
    const events = world.fixture.eventsOf('attempt').length;

    expect(held).toBe(true);
    expect(await world.body()).toEqual({ count: 1 });
    expect(world.fixture.eventsOf('attempt')).toHaveLength(events);
    expect(world.fixture.eventsOf('call').map(({ outcome, attempts }) => [outcome, attempts])).toEqual([
      ['ok', 1],
      ['ok', 0],
    ]);
    expect(world.results).toEqual(['miss', 'hit']);
    world.fixture.orders.bulkhead.release();
  });

  it('says its age, and for the rest what the upstream said', async () => {
    const fields = { 'cache-control': 'max-age=60, must-revalidate', vary: 'accept', etag: '"a"', age: '10' };
    const world = await World.of(counting(fields));
    await world.body();
    world.advance(7);
    const { headers } = await world.response();
    expect(headers).toMatchObject({ ...fields, age: '17' });
  });

  it('is a copy of its own each time', async () => {
    const world = await World.of(counting({ 'cache-control': 'max-age=60' }));
    for (let n = 0; n < 3; n++) {
      const { data, headers } = await world.response();
      expect(data).toEqual({ count: 1 });
      (data as { count: number }).count = 99;
      headers['cache-control'] = 'changed';
    }
    expect(world.asked).toBe(1);
  });

  it('is text for whoever wants text', async () => {
    const world = await World.of(counting({ 'cache-control': 'max-age=60' }));
    for (let n = 0; n < 2; n++) {
      expect(await world.body({ responseType: 'text' })).toBe('{"count":1}');
      expect(await world.body()).toEqual({ count: 2 });
    }
    expect(world.asked).toBe(2);
  });

  it('is a different one for another URL', async () => {
    const world = await World.of(counting({ 'cache-control': 'max-age=60' }));
    const urls = ['/a', '/a?b=1', '/a?b=2', '/a/'];
    for (const url of [...urls, ...urls]) await world.body({ url });
    await world.body({ url: '/a', params: { b: 1 } });
    expect(world.server.seen.map(({ url }) => url)).toEqual(urls);
  });

  it('is not used in place of one that is streamed, or that interceptors have a hand in', async () => {
    const world = await World.of(counting({ 'cache-control': 'max-age=60' }));
    await world.body();
    const { data } = await world.response({ responseType: 'stream' });
    (data as { resume(): void }).resume();
    expect(world.asked).toBe(2);

    world.fixture.orders.http.axiosRef.interceptors.request.use((config) => config);
    await world.body();
    expect(world.asked).toBe(3);
  });
});

describe('an answer that is asked about', () => {
  const CONDITIONAL: Serve = counting((asked, count) =>
    asked['if-none-match'] === '"a"'
      ? 304
      : { etag: '"a"', 'cache-control': 'max-age=60', 'x-count': String(count) },
  );

  it('is fresh again after a 304, with the body that is kept', async () => {
    const world = await World.of(CONDITIONAL);
    await world.body();
    world.advance(61);
    expect(await world.body()).toEqual({ count: 1 });
    world.advance(59);
    expect(await world.body()).toEqual({ count: 1 });

    expect(world.server.seen.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"a"']);
    expect(world.results).toEqual(['miss', 'revalidated', 'hit']);
    expect(world.fixture.eventsOf('attempt').map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  });

  it('takes over what the 304 says', async () => {
    const world = await World.of((_request, response, { headers }) => {
      if (headers['if-none-match'] === undefined) send(response, { etag: '"a"', 'x-old': '1' }, { body: 1 });
      else response.writeHead(304, { etag: '"a"', 'cache-control': 'max-age=60', 'x-new': '2' }).end();
    });
    await world.body();
    await world.body();
    const { headers, status } = await world.response();
    expect(world.asked).toBe(2);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'x-old': '1', 'x-new': '2', 'cache-control': 'max-age=60' });
  });

  it('is replaced by a new one', async () => {
    const world = await World.of(counting({ etag: '"other"', 'cache-control': 'max-age=60' }));
    await world.body();
    world.advance(61);
    expect(await world.body()).toEqual({ count: 2 });
    expect(await world.body()).toEqual({ count: 2 });
  });

  it('is asked for again where the 304 speaks of another one', async () => {
    const world = await World.of((_request, response, { headers }) => {
      if (headers['if-none-match'] !== undefined) response.writeHead(304, { etag: '"b"' }).end();
      else send(response, { etag: '"a"' }, { asked: world.asked });
    });
    await world.body();
    expect(await world.body()).toEqual({ asked: 3 });
    expect(world.asked).toBe(3);
  });

  it('is gone when the 304 says that it must not be kept', async () => {
    const world = await World.of((_request, response, { headers }) => {
      if (headers['if-none-match'] === undefined) send(response, { etag: '"a"' }, { asked: world.asked });
      else response.writeHead(304, { 'cache-control': 'no-store' }).end();
    });
    expect([await world.body(), await world.body(), await world.body()]).toEqual([
      { asked: 1 },
      { asked: 1 },
      { asked: 3 },
    ]);
  });

  it('is a failure where a 304 comes that nobody asked for', async () => {
    const world = await World.of(statuses(304));
    expect(await failureOf(world.fixture.orders.send({ method: 'GET', url: '/' }))).toMatchObject({
      status: 304,
    });
  });
});

describe('an answer that the upstream has withdrawn', () => {
  it.each([403, 404, 410])(
    'with a %i does not come back when the upstream fails after that',
    async (status) => {
      const world = await World.of(
        counting((_asked, count) => {
          if (count === 1) return { 'cache-control': 'max-age=1', etag: '"1"' };
          return count === 2 ? status : 500;
        }),
      );
      await world.body();
      world.advance(2);
      expect(await failureOf(world.fixture.orders.send({ method: 'GET', url: '/' }))).toMatchObject({
        status,
      });
      expect(await failureOf(world.fixture.orders.send({ method: 'GET', url: '/' }))).toMatchObject({
        status: 500,
      });
    },
  );
});

describe('stale-if-error', () => {
  /** Whole once, and then as the test says. */
  async function failing(
    fields: Fields,
    then: number | 'hang' | 'reset',
    written: WrittenUpstream = {},
  ): Promise<World> {
    const world = await World.of((_request, response) => {
      if (world.asked === 1) send(response, fields, { count: 1 });
      else if (then === 'reset') response.destroy();
      else if (then !== 'hang') send(response, then, {});
    }, written);
    await world.body();
    return world;
  }

  it.each([500, 501, 502, 503, 504])('answers a %d with what is kept', async (status) => {
    const world = await failing({ 'cache-control': 'max-age=10' }, status);
    world.advance(30);
    expect(await world.body()).toEqual({ count: 1 });
    expect(world.results).toEqual(['miss', 'stale: status']);
    expect(world.fixture.eventsOf('cache').at(-1)?.ageMs).toBe(30_000);
  });

  it.each([400, 401, 404, 410, 429, 505])('hands a %d on', async (status) => {
    const world = await failing({ 'cache-control': 'max-age=10' }, status);
    world.advance(30);
    expect(
      await failureOf(world.fixture.orders.send({ method: 'GET', url: '/', responseType: 'json' })),
    ).toMatchObject({
      status,
    });
  });

  it('answers a reset', async () => {
    const world = await failing({}, 'reset');
    expect(await world.body()).toEqual({ count: 1 });
    expect(world.results.at(-1)).toBe('stale: reset');
  });

  it('answers a timeout, and a deadline in time for whoever has it', async () => {
    const world = await failing({}, 'hang', { attemptTimeoutMs: 500, connectTimeoutMs: 500 });
    const timedOut = world.body();
    await until(() => world.asked === 2);
    world.fixture.clock.advance(500);
    expect(await timedOut).toEqual({ count: 1 });
    expect(world.results.at(-1)).toBe('stale: timeout');

    const impatient = world.body({ deadlineMs: 100 });
    await until(() => world.asked === 3);
    world.fixture.clock.advance(90);
    expect(await impatient).toEqual({ count: 1 });
    expect(world.results.at(-1)).toBe('stale: deadline');
  });

  it('answers for an upstream that nobody can reach', async () => {
    const world = await World.of(counting({}));
    await world.body();
    await world.server.close();
    expect(await world.body()).toEqual({ count: 1 });
    expect(world.results.at(-1)).toMatch(/^stale: (?:connect|reset)$/);
  });

  it('answers for a breaker that is open and a bulkhead that is full', async () => {
    const world = await World.of(counting({}), { bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 } });
    await world.body();
    expect(world.fixture.orders.bulkhead.tryAcquire()).toBe(true);
    expect(await world.body()).toEqual({ count: 1 });
    expect(world.results.at(-1)).toBe('stale: full');
    world.fixture.orders.bulkhead.release();

    world.fixture.orders.breaker.setMode('force-open');
    expect(await world.body()).toEqual({ count: 1 });
    expect(world.results.at(-1)).toBe('stale: open');
    expect(world.asked).toBe(1);
  });

  it.each<[string, Fields, WrittenUpstream['cache'], number]>([
    ['for 60 s', { 'cache-control': 'max-age=10' }, {}, 70],
    ['for 60 s where nothing was said of freshness', {}, {}, 60],
    ['for as long as the policy says', { 'cache-control': 'max-age=10' }, { staleIfErrorMs: '5s' }, 15],
    ['for as long as the upstream says', { 'cache-control': 'max-age=10, stale-if-error=20' }, {}, 30],
    ['but no longer than the policy', { 'cache-control': 'max-age=10, stale-if-error=3600' }, {}, 70],
    ['where s-maxage comes with a window', { 'cache-control': 's-maxage=10, stale-if-error=20' }, {}, 30],
  ])('does so %s', async (_how, fields, cache = {}, seconds) => {
    const world = await failing(fields, 503, { cache });
    world.advance(seconds - 1);
    expect(await world.body()).toEqual({ count: 1 });
    world.advance(1);
    expect(
      await outcomeOf(world.fixture.orders.send({ method: 'GET', url: '/', responseType: 'json' })),
    ).toHaveProperty('error');
  });

  it.each<[string, Fields, WrittenUpstream['cache']?, Fields?]>([
    ['must-revalidate', { 'cache-control': 'max-age=10, must-revalidate' }],
    [
      'must-revalidate beside a window',
      { 'cache-control': 'max-age=10, must-revalidate, stale-if-error=60' },
    ],
    ['proxy-revalidate', { 'cache-control': 'max-age=10, proxy-revalidate' }],
    ['no-cache', { 'cache-control': 'no-cache', etag: '"a"' }],
    ['s-maxage', { 'cache-control': 's-maxage=10' }],
    ['a window of 0', { 'cache-control': 'max-age=10, stale-if-error=0' }],
    ['the policy', { 'cache-control': 'max-age=10' }, { staleIfErrorMs: 0 }],
    ['no-store', { 'cache-control': 'no-store' }],
    ['private', { 'cache-control': 'private' }],
  ])('does not where %s forbids it', async (_what, fields, cache = {}) => {
    const world = await failing(fields, 503, { cache });
    world.advance(11);
    expect(
      await failureOf(world.fixture.orders.send({ method: 'GET', url: '/', responseType: 'json' })),
    ).toMatchObject({
      status: 503,
    });
  });

  it('does not for a client that asks for a fresh answer', async () => {
    const world = await World.of(counting((_asked, count) => (count <= 2 ? {} : 503)));
    const headers = { 'cache-control': 'no-cache' };
    await world.body();
    await world.body({ headers });
    await failureOf(world.fixture.orders.send({ method: 'GET', url: '/', responseType: 'json', headers }));
  });

  it('does not for a client that has left', async () => {
    const world = await failing({}, 'hang');
    const client = new RequestContext('r-2', Infinity, {});
    const outcome = client.run(
      () => failureOf(world.fixture.orders.send({ method: 'GET', url: '/', responseType: 'json' })),
      undefined,
    );
    await until(() => world.asked === 2);
    client.clientLeft();
    expect(await outcome).toMatchObject({ reason: 'cancelled' });
  });

  it('is retried first, within the budget', async () => {
    const world = await failing({}, 503, { retry: { maxAttempts: 2 } });
    expect(await world.body()).toEqual({ count: 1 });
    expect(world.asked).toBe(3);
  });
});

describe('stale-while-revalidate', () => {
  const FIELDS = { 'cache-control': 'max-age=10, stale-while-revalidate=20' };

  it('answers at once, and fetches a fresh one in the background', async () => {
    const world = await World.of(counting(FIELDS));
    await world.body();
    world.advance(15);
    expect(await world.body()).toEqual({ count: 1 });
    await until(() => world.fixture.eventsOf('attempt').length === 2);
    expect(await world.body()).toEqual({ count: 2 });
    expect(world.results).toEqual(['miss', 'stale', 'hit']);
  });

  it('fetches one for all who ask meanwhile', async () => {
    const world = await World.of(counting(FIELDS));
    await world.body();
    world.advance(15);
    const answers = await Promise.all(Array.from({ length: 100 }, () => world.body()));
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(new Set(['{"count":1}']));
    await until(() => world.fixture.eventsOf('attempt').length === 2);
    expect(world.asked).toBe(2);
  });

  it('goes on when the client has left', async () => {
    const gone: Promise<void>[] = [];
    const held: ServerResponse[] = [];
    const world = await World.of((_request, response) => {
      if (world.asked === 1) {
        send(response, FIELDS, { count: 1 });
        return;
      }
      gone.push(clientGone(response));
      held.push(response);
    });
    await world.body();
    world.advance(15);
    const client = new RequestContext('r-2', Infinity, {});
    await world.body({}, client);
    await until(() => held.length === 1);
    client.clientLeft();
    send(held[0]!, FIELDS, { count: 2 });
    await until(() => world.fixture.eventsOf('attempt').length === 2);
    expect(await world.body()).toEqual({ count: 2 });
  });

  it('passes the breaker like any other call, and may fail in silence', async () => {
    const world = await World.of(counting(FIELDS));
    await world.body();
    world.advance(15);
    world.fixture.orders.breaker.setMode('force-open');
    expect(await world.body()).toEqual({ count: 1 });
    expect(await world.body()).toEqual({ count: 1 });
    expect(world.asked).toBe(1);
    expect(world.fixture.eventsOf('attempt').filter(({ outcome }) => outcome === 'open')).toHaveLength(2);
  });

  it('ends with its window', async () => {
    const world = await World.of(counting(FIELDS));
    await world.body();
    world.advance(30);
    expect(await world.body()).toEqual({ count: 2 });
  });

  it('may be granted by the policy', async () => {
    const world = await World.of(counting({ 'cache-control': 'max-age=10' }), {
      cache: { staleWhileRevalidateMs: '5s' },
    });
    await world.body();
    world.advance(14);
    expect(await world.body()).toEqual({ count: 1 });
    await until(() => world.fixture.eventsOf('attempt').length === 2);
    world.advance(15);
    expect(await world.body()).toEqual({ count: 3 });
  });

  it('is never granted against must-revalidate or s-maxage', async () => {
    for (const directive of ['must-revalidate', 's-maxage=10']) {
      const world = await World.of(counting({ 'cache-control': `max-age=10, ${directive}` }), {
        cache: { staleWhileRevalidateMs: '5s' },
      });
      await world.body();
      world.advance(12);
      expect(await world.body()).toEqual({ count: 2 });
    }
  });
});

describe('a change', () => {
  const FRESH = counting({ 'cache-control': 'max-age=60' });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('by %s is seen by who asks after it', async (method) => {
    const world = await World.of(counting({ 'cache-control': 'max-age=60' }));
    await world.body({ url: '/a' });
    await world.body({ url: '/a', headers: { accept: 'text/plain' } });
    await world.body({ url: '/b' });
    world.advance(1);
    await world.response({ method, url: '/a' });
    world.advance(1);
    const asked = world.asked;

    await world.body({ url: '/a' });
    await world.body({ url: '/a', headers: { accept: 'text/plain' } });
    await world.body({ url: '/b' });
    expect(world.asked - asked).toBe(2);
  });

  it.each<[string, number | 'reset', boolean]>([
    ['was refused', 409, false],
    ['failed behind a proxy, perhaps', 503, true],
    ['broke off', 'reset', true],
  ])('that %s may have happened, or not: invalidated %#', async (_what, end, isInvalidated) => {
    const world = await World.of((request, response) => {
      if (request.method === 'GET') send(response, { 'cache-control': 'max-age=60' }, {});
      else if (end === 'reset') response.destroy();
      else send(response, end, {});
    });
    await world.body();
    world.advance(1);
    await failureOf(world.fixture.orders.send({ method: 'POST', url: '/' }));
    world.advance(1);
    await world.body();
    expect(world.server.seen.filter(({ method }) => method === 'GET')).toHaveLength(isInvalidated ? 2 : 1);
  });

  it('may have been made by an attempt before the one that was refused', async () => {
    const world = await World.of(
      (request, response, { body: _body }) => {
        if (request.method === 'GET') send(response, { 'cache-control': 'max-age=60' }, {});
        else if (request.headers['x-envoy-attempt-count'] === '1') response.destroy();
        else send(response, 412, {});
      },
      { retry: { maxAttempts: 2, backoffBaseMs: 0, backoffCapMs: 0 } },
    );
    await world.body();
    world.advance(1);
    const failure = failureOf(world.fixture.orders.send({ method: 'PUT', url: '/' }));
    await until(() => world.fixture.eventsOf('retry').some(({ free }) => !free));
    world.advance(0);
    expect(await failure).toMatchObject({ status: 412 });
    world.advance(1);
    await world.body();
    expect(world.server.seen.filter(({ method }) => method === 'GET')).toHaveLength(2);
  });

  it('outdates an answer that was still on its way', async () => {
    const held: ServerResponse[] = [];
    const world = await World.of((request, response) => {
      if (request.method === 'POST' || held.length === 1)
        send(response, { 'cache-control': 'max-age=60' }, 'new');
      else held.push(response);
    });
    const old = world.body();
    await until(() => held.length === 1);
    world.advance(0.1);
    await world.response({ method: 'POST' });
    send(held[0]!, { 'cache-control': 'max-age=60' }, 'old');

    expect(await old).toBe('old');
    world.advance(1);
    expect(await world.body()).toBe('new');
  });

  it('is none where the verb is safe', async () => {
    const world = await World.of(FRESH);
    await world.body();
    for (const method of ['HEAD', 'OPTIONS']) await world.response({ method });
    const asked = world.asked;
    await world.body();
    expect(world.asked).toBe(asked);
  });
});

describe('what is kept', () => {
  it('is bounded for each answer', async () => {
    const world = await World.of(
      (_request, response, { url }) => {
        send(response, { 'cache-control': 'max-age=60' }, 'x'.repeat(Number(url.slice(1))));
      },
      { cache: { maxEntryBytes: '2KiB' } },
    );
    for (const url of ['/1000', '/1000', '/3000', '/3000']) await world.body({ url });
    expect(world.server.seen.map(({ url }) => url)).toEqual(['/1000', '/3000', '/3000']);
  });
});

describe('credentials', () => {
  it.each(['authorization', 'cookie', 'x-tenant', 'accept-language'])(
    'in a forwarded %s have answers of their own, whatever the upstream says',
    async (header) => {
      const world = await World.of(
        (_request, response, { headers }) => {
          send(response, { 'cache-control': 'public, max-age=60' }, { for: headers[header] ?? 'nobody' });
        },
        { forwardHeaders: [header] },
      );
      for (let n = 0; n < 2; n++) {
        for (const who of ['a', 'b'])
          expect(await world.body({}, withHeaders({ [header]: who }))).toEqual({ for: who });
        expect(await world.body({}, withHeaders({}))).toEqual({ for: 'nobody' });
      }
      expect(world.asked).toBe(3);
    },
  );

  it('given with a request count in any case of their name', async () => {
    const world = await World.of((_request, response, { headers }) => {
      send(response, { 'cache-control': 'public, max-age=60' }, { for: headers['authorization'] });
    });
    for (let n = 0; n < 2; n++) {
      expect(await world.body({ headers: { Authorization: 'a' } })).toEqual({ for: 'a' });
      expect(await world.body({ headers: { AUTHORIZATION: 'b' } })).toEqual({ for: 'b' });
    }
    expect(await world.body({ headers: { authorization: 'a' } })).toEqual({ for: 'a' });
    expect(world.asked).toBe(2);
  });

  it('of the axios instance, or of axios’ own option, keep answers out', async () => {
    const world = await World.of(counting({ 'cache-control': 'public, max-age=60' }));
    const auth = { username: 'a', password: 'b' };
    await world.body({ auth });
    await world.body({ auth });
    world.fixture.orders.http.axiosRef.defaults.headers.common.Authorization = 'Bearer c';
    await world.body();
    await world.body();
    expect(world.asked).toBe(4);
  });

  describe('that code of others adds to a request', () => {
    const user = new AsyncLocalStorage<string>();
    const mine: Serve = (_request, response, { headers }) => {
      send(response, { 'cache-control': 'public, max-age=60' }, { for: headers['authorization'] });
    };
    const authorize = (headers: AxiosRequestHeaders): void => {
      headers.set('authorization', user.getStore() ?? 'nobody');
    };

    it.each<[string, (http: UndiciHttpService) => void]>([
      [
        'a request transform',
        ({ axiosRef: { defaults } }) => {
          const authorizing = (data: unknown, headers: AxiosRequestHeaders): unknown => {
            authorize(headers);
            return data;
          };
          defaults.transformRequest = [authorizing, ...[defaults.transformRequest ?? []].flat()];
        },
      ],
      [
        'a request transform put among the stock ones',
        ({ axiosRef: { defaults } }) => {
          (defaults.transformRequest as AxiosRequestTransformer[]).push((data: unknown, headers) => {
            authorize(headers);
            return data;
          });
        },
      ],
      [
        'an adapter',
        ({ axiosRef: { defaults } }) => {
          const stock = defaults.adapter as AxiosAdapter;
          defaults.adapter = (config) => {
            authorize(config.headers);
            return stock(config);
          };
        },
      ],
      [
        'a method in place of `request`',
        ({ axiosRef }) => {
          const stock = axiosRef.request.bind(axiosRef);
          axiosRef.request = (config) =>
            stock({ ...config, headers: { authorization: user.getStore() ?? 'nobody' } });
        },
      ],
      [
        'an interceptor',
        ({ axiosRef }) => {
          axiosRef.interceptors.request.use((config) => {
            authorize(config.headers);
            return config;
          });
        },
      ],
    ])('keep answers apart: %s', async (_what, add) => {
      const world = await World.of(mine, { coalesce: { enabled: true } });
      await world.body();
      add(world.fixture.orders.http);
      const asks = ['alice', 'bob', 'alice'].map((who) => user.run(who, () => world.body()));
      expect(await Promise.all(asks)).toEqual([{ for: 'alice' }, { for: 'bob' }, { for: 'alice' }]);
    });

    it('keep answers apart: a serializer of params', async () => {
      const world = await World.of((_request, response, { url }) => {
        send(response, { 'cache-control': 'public, max-age=60' }, { url });
      });
      world.fixture.orders.http.axiosRef.defaults.paramsSerializer = () =>
        `for=${user.getStore() ?? 'nobody'}`;
      for (const who of ['alice', 'bob'])
        expect(await user.run(who, () => world.body({ params: { a: 1 } }))).toEqual({ url: `/?for=${who}` });
    });
  });

  it('cannot be made to look like others by clever values', async () => {
    const world = await World.of(
      (_request, response, { headers }) => {
        send(response, { 'cache-control': 'public, max-age=60' }, [
          headers['x-a'] ?? null,
          headers['x-b'] ?? null,
        ]);
      },
      { forwardHeaders: ['x-a', 'x-b'] },
    );
    const cases = [
      { 'x-a': 'x-b' },
      { 'x-a': '","x-b","1' },
      { 'x-a': '1', 'x-b': '2' },
      { 'x-a': '1,x-b,2' },
      { 'x-b': '1' },
    ];
    for (const headers of [...cases, ...cases]) {
      const { 'x-a': a = null, 'x-b': b = null } = headers as Fields;
      expect(await world.body({}, withHeaders(headers as Record<string, string>))).toEqual([a, b]);
    }
    expect(world.asked).toBe(cases.length);
  });
});

function gmt(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toUTCString();
}
