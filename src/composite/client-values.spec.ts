import { type Answer, type Ask, type TestGateway } from '../aggregation/testing/test-gateway.js';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { parseGateway } from './config/gateway.js';
import { serveComposites } from './testing/serve-composites.js';

let shop: RecordingServer;
let gateway: TestGateway | undefined;
/** What the upstream answers, by path; anything else is down. */
let answers: Record<string, unknown>;

beforeEach(async () => {
  answers = { '/it': { ok: true } };
  shop = await recordingServer((_request, response, { url }) => {
    const found = answers[url.split('?')[0] ?? ''];
    const status = found === undefined ? 503 : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? null));
  });
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await shop.close();
});

async function serve(composite: object): Promise<void> {
  await gateway?.stop();
  gateway = await serveComposites({
    upstreams: { shop: { url: shop.origin, retry: { maxAttempts: 1 } } },
    composites: { screen: composite },
  });
}

async function ask(path = '/screen', options: Ask = {}): Promise<Answer> {
  if (gateway === undefined) throw new Error('nothing is served');
  return gateway.ask(path, options);
}

function post(body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return ask('/screen', { method: 'POST', headers, body: JSON.stringify(body) });
}

function called(): string[] {
  return shop.seen.map(({ url }) => url);
}

function reportOf({ headers }: Answer): string {
  return (headers['composite-parts'] ?? '').replace(/;dur=\d+/g, '');
}

function problem({ status, headers, text }: Answer): object {
  expect(headers['content-type']).toContain('application/problem+json');
  const { errors } = JSON.parse(text) as { errors?: unknown };
  return { status, errors };
}

function get(url: string, more: object = {}): object {
  return { upstream: 'shop', get: url, ...more };
}

describe('a variable that refers to a part', () => {
  const parts = (url: string, values: object, customer: object = {}): object => ({
    get: '/screen',
    params: { limit: { type: 'integer' } },
    parts: { customer: get('/customer', customer), it: get(url, { values, when: 'params.limit' }) },
  });

  it.each([
    ['a value', '/it{?customerId}', { customerId: 'customer.id' }],
    ['an implied one', '/it{?customer.id}', {}],
    ['one among others', '/it{?limit,customerId}', { customerId: 'customer.id' }],
    ['a further one', '/it?all=no{&customerId}', { customerId: 'customer.id' }],
    ['one with a parameter in it', '/it{?of}', { of: 'params.limit && customer.id' }],
  ])('never goes missing where the part is down: %s', async (_, url, values) => {
    await serve(parts(url, values));
    const answer = await ask('/screen?limit=5');
    expect(answer.status).toBe(200);
    expect(reportOf(answer)).toMatch(/it;state=fallback;reason=invalid$/);
    expect(called()).toEqual(['/customer']);
  });

  it('fails the part for a null and an empty list in the answer, or in the fallback', async () => {
    await serve(parts('/it{?ids}', { ids: 'customer.ids' }));
    for (const ids of [null, [], undefined]) {
      answers['/customer'] = { ids };
      expect(reportOf(await ask('/screen?limit=5'))).toBe(
        'customer;state=ok, it;state=fallback;reason=invalid',
      );
    }
    await serve(parts('/it{?ids}', { ids: 'customer.ids' }, { fallback: { ids: null } }));
    delete answers['/customer'];
    await ask('/screen?limit=5');
    expect(called().filter((url) => url.startsWith('/it'))).toEqual([]);
  });

  it('is sent where the part has it, and the others are left out as ever', async () => {
    answers['/customer'] = { id: 'c-1' };
    await serve({
      get: '/screen',
      params: { limit: { type: 'integer' } },
      parts: {
        customer: get('/customer'),
        it: get('/it{?customerId,limit,page}', { values: { customerId: 'customer.id', page: null } }),
      },
    });
    expect(reportOf(await ask())).toBe('customer;state=ok, it;state=ok');
    expect(called()).toEqual(['/customer', '/it?customerId=c-1']);
  });
});

describe('what a client has sent for a path', () => {
  const withPath = (part: object = {}): object => ({
    get: '/screen/{id}',
    parts: { it: get('/raw/{id}', part) },
  });

  it.each(['o-3675%2F..%2Fo-1', '%2e%2e', '..%2f'])(
    'is a 400 that names the parameter where it would lead elsewhere: %s',
    async (written) => {
      for (const required of [true, false]) {
        await serve(withPath({ required }));
        expect(problem(await ask(`/screen/${written}`))).toEqual({
          status: 400,
          errors: [{ in: 'path', name: 'id', detail: "must not have a segment '.' or '..'" }],
        });
      }
      expect(called()).toEqual([]);
    },
  );

  it('is named alone among others, by what the request calls it', async () => {
    await serve({
      get: '/screen',
      params: { dir: { required: true }, name: { required: true, alias: 'file.name' } },
      parts: { it: get('/raw/{dir}/{name}') },
    });
    const errors = [{ in: 'query', name: 'file.name', detail: "must not have a segment '.' or '..'" }];
    expect(problem(await ask('/screen?dir=v1.2&file.name=..'))).toEqual({ status: 400, errors });
    const empty = [{ in: 'query', name: 'dir', detail: 'must not be empty' }];
    expect(problem(await ask('/screen?dir=&file.name=a'))).toEqual({ status: 400, errors: empty });
    expect((await ask('/screen?dir=v1.2&file.name=a..b')).text).toBe('{"it":null}');
  });

  it('tells nothing of the upstream', async () => {
    await serve(withPath());
    expect((await ask('/screen/%2e%2e')).text).not.toMatch(/raw|shop|localhost|127/);
  });

  it('is a 400 where it is missing when the part is called', async () => {
    await serve({
      get: '/screen',
      params: { sku: {} },
      parts: { it: get('/raw/{x}', { values: { x: 'params.sku || `null`' } }) },
    });
    const errors = [{ in: 'query', name: 'sku', detail: 'is missing' }];
    expect(problem(await ask())).toEqual({ status: 400, errors });
  });

  it('fails the part, as ever, where a part has a share in it', async () => {
    answers['/customer'] = { id: '..' };
    await serve({
      get: '/screen/{id}',
      parts: { customer: get('/customer'), it: get('/raw/{id}/{customer.id}') },
    });
    expect(reportOf(await ask('/screen/a'))).toBe('customer;state=ok, it;state=fallback;reason=invalid');
    answers['/customer'] = { id: 'c' };
    expect(problem(await ask('/screen/%2e%2e'))).toMatchObject({ status: 400, errors: [{ name: 'id' }] });
  });
});

describe('what a client has sent in its body', () => {
  const withBody = (url: string, more: object = {}): object => ({
    post: '/screen',
    bodySchema: true,
    parts: { it: get(url, { values: { v: 'body.a.v' }, ...more }) },
  });

  it.each([
    ['/raw/{v}', '', 'must not be empty'],
    ['/raw/{v}', null, 'is missing'],
    ['/raw/{v}', undefined, 'is missing'],
    ['/raw/{v}', '\ud800', 'has half a surrogate pair'],
    ['/raw{?v}', '\ud800', 'has half a surrogate pair'],
    ['/raw{?v}', [], 'must not be empty'],
    ['/raw{?v*}', {}, 'must not be empty'],
    ['/raw{?v}', [{ a: 1 }], 'must consist of text, numbers and booleans'],
    ['/raw{?v}', [null], 'must consist of text, numbers and booleans'],
    ['/raw{?v:3}', ['a'], 'must be one value'],
  ])('is a 400 that points at it where %s cannot hold it: %j', async (url, v, detail) => {
    await serve(withBody(url));
    expect(problem(await post({ a: { v } }))).toEqual({
      status: 400,
      errors: [{ in: 'body', name: '/a/v', detail }],
    });
    expect(called()).toEqual([]);
  });

  it('ends a join over it', async () => {
    await serve(withBody('/raw/{key}', { values: {}, forEach: 'body.skus[].id' }));
    expect(problem(await post({ skus: [{ id: 'a' }, { id: '..' }] }))).toEqual({
      status: 400,
      errors: [{ in: 'body', name: '/skus', detail: "must not have a segment '.' or '..'" }],
    });
  });

  it('is refused before anything is written', async () => {
    await serve({
      post: '/screen',
      bodySchema: true,
      parts: {
        order: { upstream: 'shop', post: '/it', body: 'body' },
        it: get('/raw/{v}', { values: { v: 'body.v' }, needs: ['order'] }),
      },
    });
    expect(problem(await post({ v: '..' }))).toMatchObject({ status: 400 });
    expect(called()).toEqual([]);
  });

  it('is an event of its own where something was sent already', async () => {
    await serve({
      post: '/screen',
      bodySchema: true,
      parts: {
        first: get('/it'),
        then: get('/raw/{v}', { values: { v: 'body.v' }, needs: ['first'] }),
      },
    });
    const headers = { 'content-type': 'application/json', accept: 'application/x-ndjson' };
    const { text } = await ask('/screen', { method: 'POST', headers, body: '{"v":".."}' });
    const [, last] = text.trim().split('\n');
    expect(JSON.parse(last ?? '')).toMatchObject({ event: 'problem', status: 400, errors: [{ name: '/v' }] });
  });
});

describe('a URL that a file may not have', () => {
  const flaws = (part: object, params: object = { p: {} }): string => {
    const composites = {
      screen: { post: '/screen/{id}', params, parts: { it: { upstream: 'shop', ...part } } },
    };
    try {
      parseGateway(JSON.stringify({ upstreams: { shop: { url: 'http://shop' } }, composites }), { env: {} });
      return '';
    } catch (error) {
      return error instanceof Error ? error.message.replace(/.*composites\.screen\./, '') : '';
    }
  };

  it('is one with what is not encoded', () => {
    const message =
      'parts.it.get: found {+p}; expected {p}: what {+} lets through of a value can add parameters; ' +
      'several segments of a path are {/p*}, with a list';
    expect(flaws({ get: '/a/{+p}' })).toContain(message);
    expect(flaws({ get: '/a?x={+p}' })).toContain(message);
    expect(flaws({ get: '/a{/p*}' }, { p: { type: 'array', required: true } })).toBe('');
  });

  it('is one with a parameter in its path that may be missing', () => {
    const message =
      'found {p}, which is the parameter p: a request may do without it; ' +
      'expected one that is always there in this place: make it required or give it a default';
    expect(flaws({ get: '/a/{p}' })).toContain(`parts.it.get: ${message}`);
    expect(flaws({ get: '/a?x={p}' })).toContain(message);
    expect(flaws({ get: '/a/{x}', values: { x: 'params.p' } })).toContain('{x}, which is the parameter p');
    expect(flaws({ get: '/a/{p}' }, { p: { default: null } })).toContain(message);
    expect(flaws({ get: '/a/{p}' }, { p: { required: true } })).toBe('');
    expect(flaws({ get: '/a/{p}' }, { p: { default: 'a' } })).toBe('');
    expect(flaws({ get: '/a{?p}' })).toBe('');
    expect(flaws({ get: '/a/{id}{?p}' })).toBe('');
    expect(flaws({ get: '/a/{p}', when: 'params.p' })).toBe('');
    expect(flaws({ get: '/a/{x}', values: { x: "params.p || 'all'" } })).toBe('');
  });
});

describe('a call without a body', () => {
  it.each(['post', 'put', 'patch', 'delete'])('has no content type: %s', async (verb) => {
    await serve({
      post: '/screen',
      forward: { body: true },
      parts: { it: { upstream: 'shop', [verb]: '/it' } },
    });
    expect((await ask('/screen', { method: 'POST' })).status).toBe(200);
    expect(shop.seen[0]?.headers).not.toHaveProperty('content-type');
    await post({ a: 1 });
    expect(shop.seen[1]?.headers).toMatchObject({ 'content-type': 'application/json' });
  });
});
