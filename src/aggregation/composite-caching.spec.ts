import { Controller, Get, Header, Inject, Param, Post } from '@nestjs/common';
import { catchError, concatMap, defer, firstValueFrom, forkJoin, map, type Observable, of } from 'rxjs';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { type UpstreamResponse } from '../upstream/upstream-call.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { aggregate, withReport } from './aggregate.js';
import { etagOf, isNamedIn } from './composite-caching.js';
import { optional, type Part, required, skipped } from './part.js';
import { compositePartsField, reportBody } from './part-report.js';
import { parseList } from './testing/structured-field.js';
import { type Answer, TestGateway } from './testing/test-gateway.js';

let server: RecordingServer;
let gateway: TestGateway;
let registry: UpstreamRegistry;
let handler: (ask: typeof part, argument: string) => unknown;
/** What the upstream answers to a path: its headers, or a status. */
let answers: Record<string, Record<string, string> | number>;

/** A part that asks one of the upstreams for a path. */
function part(url: string, upstream = 'plain'): Observable<unknown> {
  const read = ({ data }: UpstreamResponse): unknown => data;
  return registry.get(upstream).send({ method: 'GET', url, responseType: 'json' }, read);
}

@Controller()
class TestController {
  constructor(@Inject(UpstreamRegistry) upstreams: UpstreamRegistry) {
    registry = upstreams;
  }

  @Get('of/:argument')
  of(@Param('argument') argument: string): unknown {
    return handler(part, argument);
  }

  @Get('own')
  @Header('cache-control', 'max-age=7')
  @Header('vary', 'Origin, Accept-Language')
  own(): unknown {
    return handler(part, '');
  }

  @Get('tagged')
  @Header('etag', '"mine"')
  tagged(): unknown {
    return handler(part, '');
  }

  @Post('of/:argument')
  posted(@Param('argument') argument: string): unknown {
    return handler(part, argument);
  }
}

beforeAll(async () => {
  server = await recordingServer((_request, response, { url }) => {
    const said = answers[url] ?? {};
    const status = typeof said === 'number' ? said : 200;
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(typeof said === 'number' ? {} : said),
    });
    response.end(JSON.stringify({ url }));
  });
  const url = server.origin;
  const retry = { maxAttempts: 1 };
  const config = parseGatewayConfig(
    JSON.stringify({
      upstreams: {
        plain: { url, retry },
        personal: { url, retry, forwardHeaders: ['authorization', 'accept-language', 'traceparent'] },
        cached: { url, retry, cache: { enabled: true }, circuitBreaker: { mode: 'enabled' } },
      },
    }),
    { env: {} },
  );
  gateway = await TestGateway.start({
    imports: [UpstreamModule.forRoot({ config })],
    controllers: [TestController],
  });
});

afterAll(async () => {
  await gateway.stop();
  await server.close();
});

beforeEach(() => {
  answers = {};
});

function ask(
  handles: typeof handler,
  headers: Record<string, string> = {},
  path = '/of/it',
): Promise<Answer> {
  handler = handles;
  return gateway.ask(path, { headers });
}

const partsOf = ({ headers }: Answer): Record<string, unknown> =>
  Object.fromEntries(
    parseList(headers['composite-parts'] ?? '').map(({ value, parameters }) => {
      const { dur: _, ...rest } = parameters;
      return [String(value), rest];
    }),
  );

describe('Cache-Control of a composite', () => {
  const composite = (): unknown => aggregate({ a: required(part('/a')), b: optional(part('/b')) });

  it.each<[string, Record<string, string>, Record<string, string>, string | RegExp]>([
    [
      'is the least max-age',
      { 'cache-control': 'max-age=60' },
      { 'cache-control': 'max-age=30' },
      /^max-age=(?:29|30)$/,
    ],
    [
      'counts what has passed already',
      { 'cache-control': 'max-age=60', age: '50' },
      { 'cache-control': 'max-age=60' },
      /^max-age=(?:9|10)$/,
    ],
    ['knows Expires', expiringIn(60), { 'cache-control': 'max-age=90' }, /^max-age=(?:59|60)$/],
    [
      'prefers max-age to Expires',
      { ...expiringIn(60), 'cache-control': 'max-age=5' },
      { 'cache-control': 'max-age=90' },
      /^max-age=[45]$/,
    ],
    ['is no-cache where a part says nothing', { 'cache-control': 'max-age=60' }, {}, 'no-cache'],
    [
      'is no-cache where a part is old already',
      { 'cache-control': 'max-age=60' },
      { 'cache-control': 'max-age=0' },
      'no-cache',
    ],
    [
      'is no-cache where a part is',
      { 'cache-control': 'max-age=60' },
      { 'cache-control': 'no-cache, max-age=60' },
      'no-cache',
    ],
    [
      'is no longer than a shared cache may keep it, and then to be asked about',
      { 'cache-control': 'max-age=600, s-maxage=60' },
      { 'cache-control': 'max-age=600' },
      /^max-age=(?:59|60), must-revalidate$/,
    ],
    [
      'is no-cache for what only a shared cache may keep',
      { 'cache-control': 's-maxage=60' },
      { 'cache-control': 'max-age=60' },
      'no-cache',
    ],
    [
      'is private where a part is',
      { 'cache-control': 'max-age=60' },
      { 'cache-control': 'Private, max-age=60' },
      /^private, max-age=(?:59|60)$/,
    ],
    [
      'is no-store where a part is',
      { 'cache-control': 'max-age=60' },
      { 'cache-control': 'No-Store, max-age=60' },
      'no-store',
    ],
    [
      'is strict where a part is',
      { 'cache-control': 'max-age=60' },
      { 'cache-control': 'max-age=60, must-revalidate' },
      /^max-age=(?:59|60), must-revalidate$/,
    ],
  ])('%s', async (_what, a, b, expected) => {
    answers = { '/a': a, '/b': b };
    const { headers } = await ask(composite);
    if (typeof expected === 'string') expect(headers['cache-control']).toBe(expected);
    else expect(headers['cache-control']).toMatch(expected);
  });

  it('is no-store where anything is missing, whatever the handler says', async () => {
    answers = { '/a': { 'cache-control': 'max-age=60' }, '/b': 503 };
    for (const path of ['/of/it', '/own']) {
      const { headers } = await ask(composite, {}, path);
      expect(headers).toMatchObject({ 'composite-complete': '?0', 'cache-control': 'no-store' });
      expect(headers).not.toHaveProperty('etag');
    }
  });

  it('is the handler’s own where it sets one', async () => {
    answers = { '/a': { 'cache-control': 'max-age=60' } };
    const { headers } = await ask(() => aggregate({ a: required(part('/a')) }), {}, '/own');
    expect(headers['cache-control']).toBe('max-age=7');
  });

  it('does not count a part that was skipped, and knows nothing of one without a call', async () => {
    answers = { '/a': { 'cache-control': 'max-age=60' } };
    const skipping = await ask(() => aggregate({ a: required(part('/a')), s: skipped() }));
    const local = await ask(() => aggregate({ a: required(part('/a')), l: optional(of(1)) }));
    expect(skipping.headers['cache-control']).toMatch(/^max-age=/);
    expect(local.headers['cache-control']).toBe('no-cache');
  });

  it('counts every call of a part, also behind promises, and one whose failure its code swallowed', async () => {
    answers = { '/a': { 'cache-control': 'max-age=60' }, '/b': { 'cache-control': 'max-age=5' }, '/c': 404 };
    const sequence = (): unknown =>
      aggregate({
        a: required(
          defer(async () => {
            await firstValueFrom(part('/a'));
            await new Promise((resolve) => setImmediate(resolve));
            return firstValueFrom(part('/b'));
          }),
        ),
      });
    expect((await ask(sequence)).headers['cache-control']).toMatch(/^max-age=[45]$/);
    const swallowing = (): unknown =>
      aggregate({ a: required(forkJoin([part('/a'), part('/c').pipe(catchError(() => of(null)))])) });
    expect((await ask(swallowing)).headers['cache-control']).toBe('no-cache');
  });

  it('counts what the handler asks for beside the composite, and composites within parts', async () => {
    answers = { '/a': { 'cache-control': 'max-age=60' }, '/b': { 'cache-control': 'max-age=5' } };
    const before = (): unknown => part('/b').pipe(concatMap(() => aggregate({ a: required(part('/a')) })));
    const within = (): unknown => aggregate({ a: required(aggregate({ b: required(part('/b')) })) });
    expect((await ask(before)).headers['cache-control']).toMatch(/^max-age=[45]$/);
    expect((await ask(within)).headers['cache-control']).toMatch(/^max-age=[45]$/);
  });

  it('is nobody’s business for another verb, or without a composite', async () => {
    answers = { '/a': { 'cache-control': 'max-age=60' } };
    handler = () => aggregate({ a: required(part('/a')) });
    const posted = await gateway.ask('/of/it', { method: 'POST' });
    const bare = await ask(() => part('/a'));
    for (const { headers } of [posted, bare]) {
      for (const name of ['cache-control', 'etag', 'vary']) expect(headers).not.toHaveProperty(name);
    }
  });
});

describe('a composite made with credentials', () => {
  const composite = (): unknown => aggregate({ a: required(part('/a', 'personal')) });

  beforeEach(() => {
    answers = { '/a': { 'cache-control': 'public, max-age=60' } };
  });

  it('is private, whether they went out or only came in', async () => {
    expect((await ask(composite, { authorization: 'Bearer x' })).headers['cache-control']).toMatch(
      /^private, max-age=/,
    );
    expect((await ask(composite)).headers['cache-control']).toMatch(/^max-age=/);
    expect(
      (await ask(() => aggregate({ a: required(part('/a')) }), { authorization: 'x' })).headers[
        'cache-control'
      ],
    ).toMatch(/^private, max-age=/);
    expect(
      (await ask(() => aggregate({ a: required(part('/a')) }), { cookie: 'sid=1' })).headers['cache-control'],
    ).toMatch(/^private, max-age=/);
  });

  it('varies by what is forwarded, sent or not, but not by what names a request', async () => {
    expect((await ask(composite)).headers['vary']).toBe('prefer, authorization, accept-language');
    expect((await ask(composite, {}, '/own')).headers['vary']).toBe(
      'Origin, Accept-Language, prefer, authorization',
    );
    expect((await ask(() => aggregate({ a: required(part('/a')) }))).headers['vary']).toBe('prefer');
  });
});

describe('the ETag of a composite', () => {
  const composite = (): unknown => aggregate({ a: required(part('/a')) });

  it('answers a client that has the body already with a 304', async () => {
    answers = { '/a': { 'cache-control': 'max-age=60' } };
    const whole = await ask(composite);
    const { etag = '' } = whole.headers;
    expect(etag).toBe(etagOf(whole.text));

    for (const field of [etag, `"x", ${etag}`, '*', etag.replace('W/', '')]) {
      const again = await ask(composite, { 'if-none-match': field });
      expect(again).toMatchObject({ status: 304, text: '' });
      expect(again.headers).toMatchObject({
        etag,
        vary: 'prefer',
        'cache-control': expect.stringMatching(/^max-age=/) as string,
        'composite-complete': '?1',
        'composite-parts': expect.stringMatching(/^a;state=ok/) as string,
        'x-request-id': expect.any(String) as string,
      });
      expect(again.headers).not.toHaveProperty('content-type');
      expect(again.headers).not.toHaveProperty('content-length');
    }
  });

  it('is another one for another body', async () => {
    const [one, other] = [
      await ask((ask, of) => aggregate({ of: required(ask('/a').pipe(map(() => of))) })),
      await ask(composite),
    ];
    expect(one.headers['etag']).not.toBe(other.headers['etag']);
    expect((await ask(composite, { 'if-none-match': one.headers['etag'] ?? '' })).status).toBe(200);
  });

  it('is the same for HEAD, which answers 304 as well', async () => {
    const { etag = '' } = (await ask(composite)).headers;
    expect(await gateway.ask('/of/it', { method: 'HEAD' })).toMatchObject({
      status: 200,
      headers: { etag },
      text: '',
    });
    const again = await gateway.ask('/of/it', { method: 'HEAD', headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });

  it('is the handler’s own where it sets one', async () => {
    expect((await ask(composite, {}, '/tagged')).headers['etag']).toBe('"mine"');
    expect((await ask(composite, { 'if-none-match': 'W/"mine"' }, '/tagged')).status).toBe(304);
  });

  it('is not there for a body that holds durations, or that nobody may keep', async () => {
    const reporting = await ask(composite, { prefer: 'report=body' });
    expect(reporting.headers).not.toHaveProperty('etag');
    answers = { '/a': { 'cache-control': 'no-store' } };
    expect((await ask(composite, { 'if-none-match': '*' })).status).toBe(200);
  });

  it('is not there for an error', async () => {
    answers = { '/a': 404 };
    const missing = await ask(composite, { 'if-none-match': '*' });
    expect(missing).toMatchObject({ status: 404, headers: { 'cache-control': 'no-store', vary: 'prefer' } });
    expect(missing.headers).not.toHaveProperty('etag');
  });

  it.each([
    [undefined, false],
    ['', false],
    ['"a"', true],
    ['W/"a"', true],
    ['"b", W/"a"', true],
    ['"b","a"', true],
    ['a', false],
    ['"ba"', false],
    ['*', true],
    ['"*"', false],
  ])('is named in %j: %s', (field, isNamed) => {
    expect(isNamedIn(field, 'W/"a"')).toBe(isNamed);
  });
});

describe('a part with a stale answer', () => {
  let at = 0;
  /** A path of its own, which is kept once and fails from then on. */
  async function stale(fields: Record<string, string> = {}): Promise<string> {
    const path = `/stale-${at++}`;
    answers[path] = fields;
    await ask(() => aggregate({ a: required(part(path, 'cached')) }));
    answers[path] = 503;
    return path;
  }

  it('is not missing: it says so, and why, and how old it is', async () => {
    const path = await stale({ age: '37' });
    const answer = await ask(() => aggregate({ a: optional(part(path, 'cached'), { fallback: 'none' }) }));

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({ a: { url: path } });
    expect(answer.headers['composite-parts']).toMatch(/^a;state=stale;reason=status;age=37;dur=\d+$/);
    expect(answer.headers['server-timing']).toMatch(/^a;dur=\d+;desc="stale"$/);
    expect(answer.headers).toMatchObject({ 'composite-complete': '?1', 'cache-control': 'no-cache' });
    expect(answer.headers['etag']).toBeDefined();
  });

  it('saves a composite whose required part would fail, with strict handling too', async () => {
    const path = await stale();
    const answer = await ask(() => aggregate({ a: required(part(path, 'cached')) }), {
      prefer: 'handling=strict',
    });
    expect(answer.status).toBe(200);
    expect(partsOf(answer)).toMatchObject({ a: { state: 'stale', reason: 'status', age: 0 } });
  });

  it('knows which part it is, whatever runs beside it', async () => {
    const path = await stale();
    const composite = (): unknown =>
      aggregate({
        fresh: required(part('/fresh', 'cached')),
        both: optional(forkJoin([part(path, 'cached'), part('/fresh-2', 'cached')])),
        later: optional(
          defer(async () => {
            await firstValueFrom(part('/fresh-3', 'cached'));
            return firstValueFrom(part(path, 'cached'));
          }),
          { within: 2_000 } as never,
        ),
      });
    const parts = partsOf(await ask(composite));
    expect(parts).toMatchObject({
      fresh: { state: 'ok' },
      both: { state: 'stale' },
      later: { state: 'stale' },
    });
  });

  it('comes in time where the part has less time than the call', async () => {
    const path = await stale();
    const hanging = registry.get('cached').bulkhead;
    const taken: boolean[] = [];
    while (hanging.tryAcquire()) taken.push(true);
    const answer = await ask(() => aggregate({ a: optional(part(path, 'cached'), { within: 60 } as never) }));
    for (const _ of taken) hanging.release();

    expect(partsOf(answer)).toMatchObject({ a: { state: 'stale', reason: 'timeout' } });
  });

  it('falls back where even the stale answer is of no use', async () => {
    const path = await stale();
    const refused = (): Part<unknown> =>
      optional(
        part(path, 'cached').pipe(
          map(() => {
            throw new TypeError('not what was expected');
          }),
        ),
      );
    const answer = await ask(() => aggregate({ a: refused() }));
    expect(partsOf(answer)).toMatchObject({ a: { state: 'fallback', reason: 'invalid' } });
    expect(answer.headers['composite-parts']).not.toContain('age=');
    expect(gateway.log.errors.splice(0)).toHaveLength(1);
  });

  it('says so outside of any HTTP exchange as well', async () => {
    const path = await stale();
    const reported = aggregate({ a: optional(part(path, 'cached')) }).pipe(withReport());
    const { report } = await firstValueFrom(reported);
    expect(report).toMatchObject({
      complete: true,
      parts: [{ state: 'stale', reason: 'status', ageSeconds: 0 }],
    });
  });
});

describe('the report of a stale part', () => {
  const parts = [{ part: 'a', state: 'stale', reason: 'open', durationMs: 2, ageSeconds: 37 }] as const;

  it('stands in the header and in the body', () => {
    expect(compositePartsField(parts)).toBe('a;state=stale;reason=open;age=37;dur=2');
    expect(reportBody({ complete: true, parts })).toEqual({
      complete: true,
      parts: { a: { state: 'stale', reason: 'open', ageSeconds: 37, durationMs: 2 } },
    });
  });
});

function expiringIn(seconds: number): Record<string, string> {
  const now = Date.now();
  return { date: new Date(now).toUTCString(), expires: new Date(now + seconds * 1000).toUTCString() };
}
