import { type Answer, type Ask, type TestGateway } from '../aggregation/testing/test-gateway.js';
import { type RecordingServer, recordingServer, type SeenRequest } from '../http/testing/recording-server.js';
import { serveComposites } from './testing/serve-composites.js';

let shop: RecordingServer;
let gateway: TestGateway;
let answer: { headers: Record<string, string>; body: string };

beforeEach(async () => {
  answer = { headers: {}, body: '{"ok":true}' };
  shop = await recordingServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
  });
});

afterEach(async () => {
  await gateway.stop();
  await shop.close();
});

async function serve(composite: object, upstream: object = {}): Promise<void> {
  gateway = await serveComposites({
    upstreams: { shop: { url: shop.origin, deadlineHeader: null, ...upstream } },
    composites: { screen: { get: '/screen', ...composite } },
  });
}

const json = { 'content-type': 'application/json' };

async function ask(path = '/screen', options: Ask = {}): Promise<Answer> {
  return gateway.ask(path, options);
}

function sent(): SeenRequest {
  const seen = shop.seen.at(-1);
  if (seen === undefined) throw new Error('the upstream was not asked');
  return seen;
}

/** What the answer says of its one part. */
async function reportOf(path?: string, options?: Ask): Promise<string | undefined> {
  const { headers } = await ask(path, options);
  return headers['composite-parts']?.replace(/;dur=\d+/, '');
}

describe('a header of a part', () => {
  const withHeader = (value: unknown): object => ({
    params: { p: {}, q: {} },
    parts: { it: { upstream: 'shop', get: '/it{?q}', headers: { 'x-it': value } } },
  });

  it.each([
    ['gold', 'gold'],
    ['a%09b', 'a\tb'],
    ['caf%C3%A9', 'café'],
    ['', ''],
  ])('is sent as the expression gives it: %s', async (written, expected) => {
    await serve(withHeader('params.p'));
    expect(await reportOf(`/screen?p=${written}`)).toBe('it;state=ok');
    expect(sent().headers['x-it']).toBe(expected);
  });

  it.each(['a%0d%0ax-evil:1', 'a%0ab', 'a%00b', 'a%7f', '%e2%82%ac', '%20a', 'a%20', '%0d'])(
    'that cannot be one is not sent, and a 400 to the client whose it is: %s',
    async (written) => {
      await serve(withHeader('params.p'));
      const { status, text } = await ask(`/screen?p=${written}`);
      expect([status, JSON.parse(text)]).toMatchObject([
        400,
        {
          errors: [
            { in: 'query', name: 'p', detail: 'must be text, a number or a boolean that a header can hold' },
          ],
        },
      ]);
      expect(shop.seen).toEqual([]);
    },
  );

  it('that a part gives and that cannot be one fails the part that sends it', async () => {
    answer.body = '{"id":"a\\nb"}';
    await serve({
      parts: {
        one: { upstream: 'shop', get: '/one' },
        it: { upstream: 'shop', get: '/it', headers: { 'x-it': 'one.id' } },
      },
    });
    expect((await ask()).headers['composite-parts']).toMatch(/it;state=fallback;reason=invalid/);
    expect(shop.seen.map(({ url }) => url)).toEqual(['/one']);
  });

  it('is left out for null, and is the text of a number or a boolean', async () => {
    await serve(withHeader('params.p'));
    await ask();
    expect(sent().headers).not.toHaveProperty('x-it');
    await gateway.stop();
    await serve(withHeader('to_number(params.p)'));
    await ask('/screen?p=1.50');
    expect(sent().headers['x-it']).toBe('1.5');
    await gateway.stop();
    await serve(withHeader('params.p == params.q'));
    await ask();
    expect(sent().headers['x-it']).toBe('true');
  });

  it('is no list and no object', async () => {
    await serve(withHeader('[params.p]'));
    expect((await ask('/screen?p=a')).status).toBe(400);
    expect(shop.seen).toEqual([]);
  });
});

describe('a part whose expression cannot be evaluated', () => {
  it.each([
    ['values', { get: '/it{?p}', values: { p: 'sum(params.p)' } }],
    ['headers', { get: '/it', headers: { 'x-p': 'params.p + `1`' } }],
    ['body', { post: '/it', reads: true, body: { a: ['to_number(params.p) / `0`'] } }],
    ['when', { get: '/it', when: 'length(to_number(params.p)) > `0`' }],
    ['select', { get: '/it', select: 'sum(ok)', values: {} }],
  ])('in %s is invalid, and the composite goes on', async (_key, part) => {
    await serve({
      params: { p: {} },
      parts: { it: { upstream: 'shop', headers: { 'x-q': 'params.p' }, ...part } },
    });
    expect(await reportOf('/screen?p=1')).toBe('it;state=fallback;reason=invalid');
    expect(gateway.log.errors).toEqual([]);
  });

  it('is a 502 where the part is required', async () => {
    await serve({
      params: { p: {} },
      parts: {
        it: { upstream: 'shop', get: '/it', required: true, when: 'length(to_number(params.p)) > `0`' },
      },
    });
    const { status, text } = await ask('/screen?p=1');
    expect(status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({ part: 'it', reason: 'invalid' });
  });
});

describe('the schema of a part', () => {
  it('makes an answer that does not fit invalid', async () => {
    const schema = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } };
    await serve({ parts: { it: { upstream: 'shop', get: '/it', schema, select: 'id' } } });
    answer.body = '{"id":"a"}';
    expect((await ask()).text).toBe('{"it":"a"}');
    answer.body = '{"id":1}';
    expect(await reportOf()).toBe('it;state=fallback;reason=invalid');
  });
});

describe('a part that is flattened', () => {
  it.each(['[1]', '"text"', '5', 'true'])('is invalid where its answer has no keys: %s', async (body) => {
    await serve({ parts: { it: { upstream: 'shop', get: '/it', flatten: true, fallback: { a: 1 } } } });
    answer.body = body;
    expect(await reportOf()).toBe('it;state=fallback;reason=invalid');
    expect((await ask()).text).toBe('{"a":1}');
  });

  it('may be null, and is what is selected', async () => {
    const part = { upstream: 'shop', get: '/it', flatten: true, select: 'a' };
    await serve({ parts: { it: part } });
    for (const [body, report] of [
      ['{"a":{"b":1}}', 'it;state=ok'],
      ['{}', 'it;state=ok'],
      ['{"a":[]}', 'it;state=fallback;reason=invalid'],
    ] as const) {
      answer.body = body;
      expect(await reportOf()).toBe(report);
    }
  });

  it('may be a map of whatever a join has found', async () => {
    const part = { upstream: 'shop', get: '/it/{key}', flatten: true, select: 'n', forEach: '[`"a"`]' };
    answer.body = '{"n":1}';
    await serve({ parts: { it: part } });
    expect((await ask()).text).toBe('{"a":1}');
  });
});

describe('an idempotency key', () => {
  it('that cannot be one is a 400 to the client whose it is', async () => {
    await serve({
      post: '/screen',
      get: undefined,
      params: { key: {} },
      parts: { it: { upstream: 'shop', post: '/it', idempotencyKey: 'params.key' } },
    });
    const { status, text } = await ask('/screen?key=a%0ab', { method: 'POST' });
    expect([status, JSON.parse(text)]).toMatchObject([400, { errors: [{ in: 'query', name: 'key' }] }]);
    expect(shop.seen).toEqual([]);
  });

  it('is sent, and left out for null', async () => {
    await serve({
      post: '/screen',
      get: undefined,
      params: { key: { in: 'header', alias: 'x-key' } },
      parts: { it: { upstream: 'shop', post: '/it', idempotencyKey: 'params.key' } },
    });
    await ask('/screen', { method: 'POST', headers: { 'x-key': 'k-1' } });
    expect(sent().headers['idempotency-key']).toBe('k-1');
    await ask('/screen', { method: 'POST' });
    expect(sent().headers).not.toHaveProperty('idempotency-key');
  });
});

describe('forwarding', () => {
  it('passes on nothing that is not named', async () => {
    await serve({ parts: { it: { upstream: 'shop', get: '/it' } } });
    await ask('/screen?q=1', {
      headers: { authorization: 'Bearer t', cookie: 'sid=1', 'x-a': '1', 'user-agent': 'me' },
    });
    expect(sent().url).toBe('/it');
    expect(sent().headers).toMatchObject({ 'user-agent': 'tributary' });
    for (const name of ['authorization', 'cookie', 'x-a']) expect(sent().headers).not.toHaveProperty(name);
  });

  it('passes on the named headers, of several values one', async () => {
    await serve({
      forward: { headers: ['x-a', 'x-b', 'authorization'] },
      parts: { it: { upstream: 'shop', get: '/it' } },
    });
    await ask('/screen', { headers: { 'x-a': ['1', '2'], 'X-C': '3', authorization: 'Bearer t' } });
    expect(sent().headers).toMatchObject({ 'x-a': '1, 2', authorization: 'Bearer t' });
    expect(sent().headers).not.toHaveProperty('x-b');
    expect(sent().headers).not.toHaveProperty('x-c');
  });

  it('appends the named query parameters as they came, written anew', async () => {
    await serve({
      forward: { query: ['q', 'page[size]'] },
      params: { id: {} },
      parts: { it: { upstream: 'shop', get: '/it{?id}' } },
    });
    await ask('/screen?q=a%26b%3D1&x=1&page%5Bsize%5D=2&q=%2Fc+d&q&id=7');
    expect(sent().url).toBe('/it?id=7&q=a%26b%3D1&page%5Bsize%5D=2&q=%2Fc%20d&q=');
    await ask('/screen?q=a');
    expect(sent().url).toBe('/it?q=a');
    expect((await ask('/screen?q=%ff')).status).toBe(400);
    expect((await ask('/screen?x=%ff')).status).toBe(200);
  });

  it('passes on the named cookies in one field', async () => {
    await serve({
      forward: { cookies: ['sid', 'theme'] },
      parts: { it: { upstream: 'shop', get: '/it' } },
    });
    await ask('/screen', { headers: { cookie: 'track=1; theme="dark"; sid=a=b' } });
    expect(sent().headers['cookie']).toBe('sid=a=b; theme="dark"');
    await ask('/screen', { headers: { cookie: 'track=1' } });
    expect(sent().headers).not.toHaveProperty('cookie');
  });

  it('passes on the body where the call can have one', async () => {
    await serve({
      get: undefined,
      post: '/screen',
      forward: { body: true },
      parts: { it: { upstream: 'shop', put: '/it' }, other: { upstream: 'shop', get: '/other' } },
    });
    await ask('/screen', { method: 'POST', headers: json, body: '{ "a": 1 }' });
    const bodies = Object.fromEntries(shop.seen.map(({ url, body }) => [url, body]));
    expect(bodies).toEqual({ '/it': '{"a":1}', '/other': '' });
    await ask('/screen', { method: 'POST' });
    expect(shop.seen.slice(2).map(({ body }) => body)).toEqual(['', '']);
    const { status } = await ask('/screen', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'a',
    });
    expect(status).toBe(415);
  });

  it('of a part replaces that of the composite', async () => {
    await serve({
      forward: { headers: ['x-a'] },
      parts: {
        it: { upstream: 'shop', get: '/it' },
        other: { upstream: 'shop', get: '/other', forward: { headers: ['x-b'] } },
      },
    });
    await ask('/screen', { headers: { 'x-a': '1', 'x-b': '2' } });
    const headers = Object.fromEntries(shop.seen.map(({ url, headers }) => [url, headers]));
    expect(headers['/it']).toMatchObject({ 'x-a': '1' });
    expect(headers['/it']).not.toHaveProperty('x-b');
    expect(headers['/other']).toMatchObject({ 'x-b': '2' });
    expect(headers['/other']).not.toHaveProperty('x-a');
  });
});

describe('an answer for whom credentials were passed on', () => {
  const shared = { cache: { enabled: true }, coalesce: { enabled: true } };

  it('is private, and says on what it depends', async () => {
    await serve({
      forward: { headers: ['authorization', 'x-tenant'], cookies: ['sid'] },
      parts: { it: { upstream: 'shop', get: '/it' } },
    });
    answer.headers = { 'cache-control': 'max-age=60' };
    const { headers } = await ask('/screen', { headers: { authorization: 'Bearer t' } });
    expect(headers['cache-control']).toMatch(/^private, max-age=\d+$/);
    const { headers: without } = await ask();
    expect(without['cache-control']).toMatch(/^max-age=\d+$/);
    for (const { vary = '' } of [headers, without]) {
      expect(vary.split(', ')).toEqual(expect.arrayContaining(['authorization', 'x-tenant', 'cookie']));
    }
    expect((await ask('/screen', { headers: { cookie: 'sid=1' } })).headers['cache-control']).toMatch(
      /^private/,
    );
  });

  it('says that it depends on a header that is a parameter', async () => {
    await serve({
      params: { lang: { in: 'header', alias: 'Accept-Language' } },
      parts: { it: { upstream: 'shop', get: '/it{?lang}' } },
    });
    expect((await ask()).headers['vary']).toContain('accept-language');
  });

  it('is shared with nobody else', async () => {
    await serve(
      {
        forward: { headers: ['authorization', 'x-tenant'], cookies: ['sid'] },
        parts: { it: { upstream: 'shop', get: '/it' } },
      },
      shared,
    );
    answer.headers = { 'cache-control': 'max-age=60' };
    const requests: Record<string, string>[] = [
      {},
      { authorization: 'Bearer a' },
      { authorization: 'Bearer b' },
      { cookie: 'sid=a' },
      { cookie: 'sid=b' },
      { 'x-tenant': 'a' },
      { 'x-tenant': 'b' },
    ];
    for (const headers of requests) await ask('/screen', { headers });
    await Promise.all(requests.map((headers) => ask('/screen', { headers })));
    const asked = new Set(
      shop.seen.map(({ headers: { authorization = '', cookie = '', 'x-tenant': tenant = '' } }) =>
        [authorization, cookie, tenant].join('|'),
      ),
    );
    expect(asked.size).toBe(requests.length);
    // What stands for nobody in particular is kept.
    const before = shop.seen.length;
    await ask();
    await ask('/screen', { headers: { 'x-tenant': 'a' } });
    expect(shop.seen).toHaveLength(before);
  });
});

describe('authentication', () => {
  const needing = (auth: string): object => ({
    auth,
    forward: auth === 'cookie' ? { cookies: ['sid'] } : { headers: ['authorization'] },
    params: { n: { type: 'integer' } },
    parts: { it: { upstream: 'shop', get: '/it{?n}' } },
  });

  it.each([
    ['bearer', 'Bearer abc.d-e_f~g+h/i==', 'Bearer'],
    ['basic', 'basic dTpw', 'Basic realm="api", charset="UTF-8"'],
  ])('%s asks for such credentials before anything else', async (auth, good, challenge) => {
    await serve(needing(auth));
    for (const authorization of [undefined, '', 'Digest a', good.split(' ')[0], `${good} x`, `x${good}`]) {
      const { status, headers, text } = await ask('/screen?n=x', {
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(status).toBe(401);
      expect(headers['www-authenticate']).toBe(challenge);
      expect(headers['cache-control']).toBe('no-store');
      expect(JSON.parse(text)).toMatchObject({ title: 'Unauthorized' });
    }
    expect(shop.seen).toEqual([]);
    expect((await ask('/screen?n=1', { headers: { authorization: good } })).status).toBe(200);
    expect(sent().headers['authorization']).toBe(good);
  });

  it('by a cookie asks for one that is passed on', async () => {
    await serve(needing('cookie'));
    for (const cookie of ['', 'other=1', 'sid=', 'sid']) {
      expect((await ask('/screen', { headers: { cookie } })).status).toBe(401);
    }
    expect(shop.seen).toEqual([]);
    expect((await ask('/screen', { headers: { cookie: 'sid=1' } })).status).toBe(200);
  });
});
