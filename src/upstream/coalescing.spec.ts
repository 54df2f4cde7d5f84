import { type ServerResponse } from 'node:http';
import fc from 'fast-check';
import { clientGone, type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { RequestContext } from './request-context.js';
import { Fixture, Opened, outcomeOf, until, valueOf, type WrittenUpstream } from './testing/spec-support.js';
import { type UpstreamRequest, type UpstreamResponse } from './upstream-call.js';
import { type UpstreamError } from './upstream-error.js';

const opened = new Opened();
afterEach(() => opened.close());

/** An upstream that coalesces, and a server that answers when the test says so. */
class World {
  readonly held: ServerResponse[] = [];

  private constructor(readonly fixture: Fixture) {}

  static async of(written: WrittenUpstream = {}): Promise<World & { readonly server: RecordingServer }> {
    const held: ServerResponse[] = [];
    const server = opened.add(
      await recordingServer((_request, response) => {
        held.push(response);
      }),
    );
    const fixture = opened.add(
      new Fixture({ url: server.origin, retry: { maxAttempts: 1 }, coalesce: { enabled: true }, ...written }),
    );
    return Object.assign(new World(fixture), { held, server });
  }

  ask(request: Partial<UpstreamRequest> = {}, context = RequestContext.none): Promise<UpstreamResponse> {
    const asked = { method: 'GET', url: '/', responseType: 'json', ...request } as const;
    return context.run(() => valueOf(this.fixture.orders.send(asked)), undefined);
  }

  async answer(
    index: number,
    body: unknown,
    headers: Record<string, string> = {},
    status = 200,
  ): Promise<void> {
    await until(() => this.held.length > index);
    this.held[index]?.writeHead(status, { 'content-type': 'application/json', ...headers });
    this.held[index]?.end(JSON.stringify(body));
  }
}

const client = (id: string, headers: Record<string, string> = {}, deadlineAt = Infinity): RequestContext =>
  new RequestContext(id, deadlineAt, headers);

describe('a thousand equal calls', () => {
  it('are one to the upstream: one sample, one permit, and a thousand answers', async () => {
    const world = await World.of({ bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 } });
    const calls = Array.from({ length: 1_000 }, (_, n) => world.ask({}, client(`r-${n}`)));
    await world.answer(0, { dish: 'soup' });
    const answers = await Promise.all(calls);

    expect(world.server.seen).toHaveLength(1);
    expect(answers.filter(({ data }) => (data as { dish: string }).dish === 'soup')).toHaveLength(1_000);
    expect(new Set(answers.map(({ data }) => data)).size).toBe(1_000);
    expect(new Set(answers.map(({ headers }) => headers)).size).toBe(1_000);
    expect(world.fixture.eventsOf('attempt')).toHaveLength(1);
    expect(world.fixture.eventsOf('coalesced')).toHaveLength(999);
    expect(world.fixture.eventsOf('call').map(({ attempts }) => attempts)).toEqual([
      1,
      ...Array.from({ length: 999 }, () => 0),
    ]);
  });

  it('are still one when the first client leaves, and 999 answers', async () => {
    const world = await World.of();
    const first = client('first');
    const left = first.run(
      () => outcomeOf(world.fixture.orders.send({ method: 'GET', url: '/', responseType: 'json' })),
      undefined,
    );
    const others = Array.from({ length: 999 }, (_, n) => world.ask({}, client(`r-${n}`)));
    await until(() => world.held.length === 1);

    first.clientLeft();
    expect(await left).toMatchObject({ error: { reason: 'cancelled' } });
    await world.answer(0, { dish: 'soup' });

    expect((await Promise.all(others)).filter(({ status }) => status === 200)).toHaveLength(999);
    expect(world.server.seen).toHaveLength(1);
  });

  it('end on the wire when the last client leaves', async () => {
    const world = await World.of();
    const clients = [client('a'), client('b')];
    const outcomes = clients.map((one) =>
      one.run(() => outcomeOf(world.fixture.orders.send({ method: 'GET', url: '/' })), undefined),
    );
    await until(() => world.held.length === 1);
    const gone = clientGone(world.held[0]!);

    for (const one of clients) one.clientLeft();
    await gone;
    expect(await Promise.all(outcomes)).toMatchObject([
      { error: { reason: 'cancelled' } },
      { error: { reason: 'cancelled' } },
    ]);
    expect(world.fixture.eventsOf('attempt')).toMatchObject([{ outcome: 'cancelled' }]);
  });
});

describe('a shared call', () => {
  it('outlives the deadline of the first caller, which only ends that one', async () => {
    const world = await World.of();
    const hasty = client('hasty', {}, 50).run(
      () => outcomeOf(world.fixture.orders.send({ method: 'GET', url: '/', responseType: 'json' })),
      undefined,
    );
    const patient = world.ask({}, client('patient'));
    await until(() => world.held.length === 1);
    world.fixture.clock.advance(50);

    expect(await hasty).toMatchObject({ error: { reason: 'deadline' } });
    await world.answer(0, 'soup');
    expect((await patient).data).toBe('soup');
  });

  it.each([
    ["the gateway's own deadline", {}, 1],
    ["its client's deadline", { deadlineFromClient: true }, 0],
  ])(
    'that hangs counts against the upstream where %s ends the last that waits: %j is %i failures',
    async (_what, origin, failures) => {
      const world = await World.of({ attemptTimeoutMs: 1_000 });
      const contexts = [
        new RequestContext('first', 850, {}, undefined, { deadlineFromClient: true }),
        new RequestContext('last', 900, {}, undefined, origin),
      ];
      const outcomes = contexts.map((context) =>
        context.run(() => outcomeOf(world.fixture.orders.send({ method: 'GET', url: '/' })), undefined),
      );
      await until(() => world.held.length === 1);
      world.fixture.clock.advance(900);

      const deadline = { error: { reason: 'deadline' } };
      expect(await Promise.all(outcomes)).toMatchObject([deadline, deadline]);
      expect(world.fixture.orders.breaker.snapshot()).toMatchObject({ calls: failures, failures });
    },
  );

  it('answers each in its own context', async () => {
    const world = await World.of();
    const heard: string[] = [];
    for (const id of ['a', 'b', 'c']) {
      client(id).run(() => {
        world.fixture.orders.send({ method: 'GET', url: '/' }).subscribe(() => {
          heard.push(`${id} in ${RequestContext.current().id}`);
        });
      }, undefined);
    }
    await world.answer(0, 'soup');
    await until(() => heard.length === 3);
    expect(heard).toEqual(['a in a', 'b in b', 'c in c']);
  });

  it('gives nobody a body that another one has changed, and the cookie to the first one only', async () => {
    const world = await World.of();
    const spoil = (response: UpstreamResponse): unknown => {
      const { list } = response.data as { list: number[] };
      list.push(99);
      return response;
    };
    const request = { method: 'GET', url: '/', responseType: 'json' } as const;
    const calls = [1, 2, 3].map(() => valueOf(world.fixture.orders.send(request, spoil)));
    await world.answer(0, { list: [1] }, { 'set-cookie': 'session=1' });
    const answers = (await Promise.all(calls)) as UpstreamResponse[];

    expect(answers.map(({ data }) => data)).toEqual([
      { list: [1, 99] },
      { list: [1, 99] },
      { list: [1, 99] },
    ]);
    expect(answers.map(({ headers }) => headers['set-cookie'])).toEqual([
      ['session=1'],
      undefined,
      undefined,
    ]);
  });

  it('is made for GET and HEAD alone, and not for a stream or an interceptor’s', async () => {
    const world = await World.of();
    for (const request of [
      { method: 'POST' },
      { method: 'DELETE' },
      { method: 'OPTIONS' },
      { responseType: 'stream' as const },
      { auth: { username: 'a', password: 'b' } },
      { validateStatus: () => true },
    ]) {
      const before = world.held.length;
      const calls = [world.ask(request), world.ask(request)];
      await world.answer(before, 'one');
      await world.answer(before + 1, 'two');
      const [{ data }] = (await Promise.all(calls)) as [UpstreamResponse];
      (data as { resume?(): void }).resume?.();
    }
    world.fixture.orders.http.axiosRef.interceptors.request.use((config) => config);
    const before = world.held.length;
    const calls = [world.ask(), world.ask()];
    await world.answer(before, 'one');
    await world.answer(before + 1, 'two');
    await Promise.all(calls);
  });

  it('is equal whatever names the request, and different by anything else', async () => {
    const world = await World.of({ forwardHeaders: ['authorization', 'traceparent'] });
    const same = [
      world.ask({}, client('a', { authorization: '1', traceparent: '00-a' })),
      world.ask({}, client('b', { authorization: '1', traceparent: '00-b' })),
    ];
    const other = [
      world.ask({}, client('a', { authorization: '2' })),
      world.ask({}, client('a')),
      world.ask({ headers: { accept: 'text/plain' } }, client('a', { authorization: '1' })),
      world.ask({ url: '/?a' }, client('a', { authorization: '1' })),
      world.ask({ method: 'HEAD' }, client('a', { authorization: '1' })),
    ];
    for (let index = 0; index < 6; index++) await world.answer(index, index);
    await Promise.all([...same, ...other]);
    expect(world.server.seen).toHaveLength(6);
  });

  it('fails for all of them, once', async () => {
    const world = await World.of();
    const request = { method: 'GET', url: '/', responseType: 'json' } as const;
    const calls = [1, 2, 3].map(() => outcomeOf(world.fixture.orders.send(request)));
    await world.answer(0, {}, {}, 503);
    const outcomes = (await Promise.all(calls)) as { error: UpstreamError }[];

    expect(outcomes.map(({ error }) => error.status)).toEqual([503, 503, 503]);
    expect(world.fixture.eventsOf('attempt')).toHaveLength(1);
  });

  it('asks once whether what is kept is still right', async () => {
    const world = await World.of({ cache: { enabled: true } });
    const first = world.ask();
    await world.answer(0, { dish: 'soup' }, { etag: '"a"', 'cache-control': 'max-age=10' });
    await first;
    world.fixture.clock.advance(11_000);
    const calls = Array.from({ length: 100 }, () => world.ask());
    await until(() => world.held.length === 2);
    world.held[1]?.writeHead(304, { etag: '"a"' }).end();

    expect(new Set((await Promise.all(calls)).map(({ data }) => JSON.stringify(data)))).toEqual(
      new Set(['{"dish":"soup"}']),
    );
    expect(world.server.seen.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"a"']);
  });
});

describe('under any interleaving of callers, credentials, time and answers', () => {
  const step = fc.record({
    user: fc.constantFrom('anna', 'ben', ''),
    url: fc.constantFrom('/a', '/b'),
    header: fc.constantFrom('authorization', 'cookie'),
    write: fc.boolean(),
    advanceMs: fc.nat(900),
    settle: fc.boolean(),
  });

  it('nobody is given what was made for another', async () => {
    const fields = [
      'public, max-age=1',
      'max-age=1, stale-while-revalidate=1',
      'private, max-age=5',
      'public',
    ];
    let requests = 0;
    const server = opened.add(
      await recordingServer((_request, response, { headers, url, method }) => {
        const user = headers['authorization'] ?? headers['cookie'] ?? '';
        const cacheControl = fields[requests++ % fields.length];
        const status = requests % 7 === 0 ? 503 : 200;
        setImmediate(() => {
          response.writeHead(status, {
            'content-type': 'application/json',
            'cache-control': cacheControl,
            etag: '"1"',
          });
          response.end(JSON.stringify({ user, url, method }));
        });
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const patient = { deadlineMs: 60_000, attemptTimeoutMs: 60_000, connectTimeoutMs: 60_000 };
        const fixture = new Fixture({
          url: server.origin,
          ...patient,
          forwardHeaders: ['authorization', 'cookie'],
          retry: { maxAttempts: 1 },
          circuitBreaker: { mode: 'disabled' },
          coalesce: { enabled: true },
          cache: { enabled: true },
        });
        const wrong: unknown[] = [];
        let running: Promise<void>[] = [];
        for (const { user, url, header, write, advanceMs, settle } of steps) {
          const method = write && advanceMs % 5 === 0 ? 'POST' : 'GET';
          const context = client('r', user === '' ? {} : { [header]: user });
          const outcome = context.run(
            () => outcomeOf(fixture.orders.send({ method, url, responseType: 'json' })),
            undefined,
          );
          running.push(
            outcome.then((came) => {
              if ('error' in came) return;
              const body = came.value.data as { user: string; url: string; method: string };
              if (body.user !== user || body.url !== url || body.method !== method)
                wrong.push({ user, url, body });
            }),
          );
          if (settle) {
            await Promise.all(running);
            running = [];
            fixture.clock.advance(advanceMs);
          }
        }
        await Promise.all(running);
        await fixture.close();
        expect(wrong).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
