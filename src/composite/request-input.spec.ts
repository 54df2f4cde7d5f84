import { gzipSync } from 'node:zlib';
import { Controller, Post } from '@nestjs/common';
import { type Answer, type Ask, TestGateway } from '../aggregation/testing/test-gateway.js';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { CompositeModule } from './composite.module.js';
import { parseGateway } from './config/gateway.js';
import { serveComposites } from './testing/serve-composites.js';

let shop: RecordingServer;
let gateway: TestGateway | undefined;

beforeEach(async () => {
  shop = await recordingServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
  });
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await shop.close();
});

async function serve(composite: object): Promise<void> {
  gateway = await serveComposites({
    upstreams: { shop: { url: shop.origin, deadlineHeader: null } },
    composites: { screen: composite },
  });
}

/** A composite whose one part sends the parameter `p` as JSON, so that its type shows. */
async function serveParam(param: object): Promise<void> {
  await serve({
    get: '/screen',
    params: { p: param },
    parts: { it: { upstream: 'shop', post: '/it', reads: true, body: { p: 'params.p' } } },
  });
}

async function ask(path: string, options?: Ask): Promise<Answer> {
  if (gateway === undefined) throw new Error('nothing is served');
  return gateway.ask(path, options);
}

/** What the upstream got for `p`; undefined if it was not asked. */
async function sentFor(query: string, headers: Record<string, string> = {}): Promise<unknown> {
  const before = shop.seen.length;
  const { status } = await ask(`/screen${query}`, { headers });
  const [seen] = shop.seen.slice(before);
  if (seen === undefined) {
    expect(status).toBe(400);
    return undefined;
  }
  expect(status).toBe(200);
  return (JSON.parse(seen.body) as { p: unknown }).p;
}

describe('a parameter', () => {
  it.each([
    ['?p=5', 5],
    ['?p=-5', -5],
    ['?p=0', 0],
    ['?p=-0', 0],
    ['?p=9007199254740991', 9007199254740991],
    ['?%70=5', 5],
    ['', null],
  ])('of type integer reads %s', async (query, expected) => {
    await serveParam({ type: 'integer' });
    expect(await sentFor(query)).toBe(expected);
  });

  it.each([
    ['?p='],
    ['?p'],
    ['?p=1e3'],
    ['?p=0x10'],
    ['?p=%205'],
    ['?p=5%20'],
    ['?p=+5'],
    ['?p=%2B5'],
    ['?p=05'],
    ['?p=5.0'],
    ['?p=NaN'],
    ['?p=Infinity'],
    ['?p=9007199254740992'],
    [`?p=${'9'.repeat(400)}`],
    ['?p=5,6'],
    ['?p=5&p=5'],
    ['?p=%00'],
    ['?p=%ff'],
    ['?p=%zz'],
    ['?p=%'],
  ])('of type integer refuses %s', async (query) => {
    await serveParam({ type: 'integer' });
    expect(await sentFor(query)).toBeUndefined();
  });

  it('of type number takes what JSON calls one', async () => {
    await serveParam({ type: 'number', maximum: 1e6 });
    expect(await sentFor('?p=1.5')).toBe(1.5);
    expect(await sentFor('?p=1e3')).toBe(1000);
    expect(await sentFor('?p=1e7')).toBeUndefined();
    expect(await sentFor('?p=1e999')).toBeUndefined();
    expect(await sentFor('?p=.5')).toBeUndefined();
    expect(await sentFor('?p=NaN')).toBeUndefined();
  });

  it('of type boolean is true or false, and nothing like it', async () => {
    await serveParam({ type: 'boolean' });
    expect(await sentFor('?p=true')).toBe(true);
    expect(await sentFor('?p=false')).toBe(false);
    for (const query of ['?p=', '?p=1', '?p=True', '?p=yes']) expect(await sentFor(query)).toBeUndefined();
  });

  it('of type string may be empty, and is decoded once', async () => {
    await serveParam({});
    expect(await sentFor('?p=')).toBe('');
    expect(await sentFor('?p=a%2520b+c')).toBe('a%20b c');
    expect(await sentFor('?p=%C3%A9%F0%9F%98%80')).toBe('é😀');
    expect(await sentFor('?p=%ed%a0%80')).toBeUndefined();
  });

  it('of type array is repeated, or has commas; an encoded comma separates nothing', async () => {
    await serveParam({ type: 'array', items: { type: 'string' } });
    expect(await sentFor('?p=a&p=b')).toEqual(['a', 'b']);
    expect(await sentFor('?p=a,b')).toEqual(['a', 'b']);
    expect(await sentFor('?p=a,b&p=c')).toEqual(['a', 'b', 'c']);
    expect(await sentFor('?p=a%2Cb,c')).toEqual(['a,b', 'c']);
    expect(await sentFor('')).toBeNull();
  });

  it('of type array that is empty is not there', async () => {
    await serveParam({ type: 'array' });
    expect(await sentFor('?p=')).toBeNull();
    expect(await sentFor('?p&p=')).toBeNull();
    await gateway?.stop();
    await serveParam({ type: 'array', default: ['a'] });
    expect(await sentFor('?p=')).toEqual(['a']);
    await gateway?.stop();
    await serveParam({ type: 'array', required: true });
    expect(await sentFor('?p=')).toBeUndefined();
    expect(await sentFor('?p=b')).toEqual(['b']);
  });

  it('of type array has its items read and checked', async () => {
    await serveParam({ type: 'array', items: { type: 'integer', minimum: 1 }, maxItems: 3 });
    expect(await sentFor('?p=1,2')).toEqual([1, 2]);
    expect(await sentFor('?p=1,x')).toBeUndefined();
    expect(await sentFor('?p=1,0')).toBeUndefined();
    expect(await sentFor('?p=1,2,3,4')).toBeUndefined();
  });

  it('has its default where the request has nothing', async () => {
    await serveParam({ type: 'integer', default: 20 });
    expect(await sentFor('')).toBe(20);
    expect(await sentFor('?p=1')).toBe(1);
    expect(await sentFor('?p=')).toBeUndefined();
  });

  it('comes from a header, of which there is one', async () => {
    await serveParam({ in: 'header', alias: 'X-P', type: 'integer', default: 1 });
    expect(await sentFor('', { 'x-p': '7' })).toBe(7);
    expect(await sentFor('', { 'x-p': '7, 8' })).toBeUndefined();
    expect(await sentFor('?p=9')).toBe(1);
  });

  it('of type array comes from a header as HTTP writes lists', async () => {
    await serveParam({ in: 'header', alias: 'x-p', type: 'array', items: { type: 'integer' } });
    expect(await sentFor('', { 'x-p': '7, 8' })).toEqual([7, 8]);
  });

  it('comes from a cookie, as it stands there', async () => {
    await serveParam({ in: 'cookie', alias: 'sid' });
    expect(await sentFor('', { cookie: 'a=1; sid=x%20=y; b=2' })).toBe('x%20=y');
    expect(await sentFor('', { cookie: 'a=1' })).toBeNull();
  });

  it('of the path is decoded once', async () => {
    await serve({
      get: '/screen/{p}',
      params: { p: { maxLength: 10 } },
      parts: { it: { upstream: 'shop', post: '/it', reads: true, body: { p: 'params.p' } } },
    });
    expect(await sentFor('/a%2Fb%2520')).toBe('a/b%20');
    expect(await sentFor('/%F0%9F%98%80')).toBe('😀');
    expect(await sentFor('/01234567890')).toBeUndefined();
  });

  it('that is not declared is ignored', async () => {
    await serveParam({});
    expect(await sentFor('?q=1&utm=%ff&p=2')).toBe('2');
  });
});

describe('a request that is not valid', () => {
  it('gets one 400 that says everything that is wrong, and repeats nothing', async () => {
    await serve({
      post: '/orders/{id}',
      params: {
        id: { pattern: '^o-\\d+$' },
        limit: { type: 'integer', maximum: 50 },
        sort: { enum: ['up', 'down'] },
        tenant: { in: 'header', alias: 'X-Tenant', required: true },
        sid: { in: 'cookie', required: true },
      },
      bodySchema: {
        type: 'object',
        required: ['lines'],
        additionalProperties: false,
        properties: { lines: { type: 'array', items: { type: 'object', required: ['sku'] } } },
      },
      parts: {
        it: {
          upstream: 'shop',
          post: '/it',
          body: {
            all: ['params.id', 'params.limit', 'params.sort', 'params.tenant', 'params.sid', 'body.lines'],
          },
        },
      },
    });
    const { status, headers, text } = await ask('/orders/secret1?limit=51&sort=secret2', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"lines":[{"sku":1},{}],"a/b":"secret3"}',
    });
    expect(status).toBe(400);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(text).not.toContain('secret');
    expect(JSON.parse(text)).toMatchObject({
      title: 'Bad Request',
      detail: 'The request is not valid in 7 places.',
      errors: [
        { in: 'path', name: 'id', detail: 'must match pattern "^o-\\d+$"' },
        { in: 'query', name: 'limit', detail: 'must be <= 50' },
        { in: 'query', name: 'sort', detail: 'must be one of up, down' },
        { in: 'header', name: 'x-tenant', detail: 'is missing' },
        { in: 'cookie', name: 'sid', detail: 'is missing' },
        { in: 'body', name: '/a~1b', detail: 'is not allowed' },
        { in: 'body', name: '/lines/1/sku', detail: 'is missing' },
      ],
    });
    expect(shop.seen).toEqual([]);
  });

  it('has its one flaw in the sentence as well', async () => {
    await serveParam({ type: 'integer' });
    const { text } = await ask('/screen?p=x');
    expect(JSON.parse(text)).toMatchObject({
      detail: "The query parameter 'p' must be a whole number (of no more than 53 bits).",
    });
  });
});

describe('the body of a request', () => {
  const post = { upstream: 'shop', post: '/it' };
  const json = { 'content-type': 'application/json' };

  async function send(options: Ask): Promise<Answer> {
    return ask('/screen', { method: 'POST', ...options });
  }

  it('is checked by its schema and can be sent on', async () => {
    const bodySchema = { type: 'object', required: ['a'] };
    await serve({ post: '/screen', bodySchema, parts: { it: { ...post, body: 'body.a' } } });
    expect((await send({ headers: json, body: '{"a":[1]}' })).status).toBe(200);
    expect(shop.seen[0]?.body).toBe('[1]');
    const flawed = await send({ headers: json, body: '{"b":1}' });
    expect(flawed.status).toBe(400);
    expect(JSON.parse(flawed.text)).toMatchObject({ detail: 'The body at /a is missing.' });
  });

  it('is required by a schema', async () => {
    await serve({ post: '/screen', bodySchema: true, parts: { it: { ...post, body: 'body' } } });
    const { status, text } = await send({});
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ in: 'body', name: '', detail: 'is missing' }] });
  });

  it('may be null, false or 0, and arrives as that', async () => {
    await serve({ post: '/screen', bodySchema: true, parts: { it: { ...post, body: 'body' } } });
    for (const body of ['null', 'false', '0', '"text"', '"\\ud800"']) {
      expect((await send({ headers: json, body })).status).toBe(200);
      expect(shop.seen.at(-1)?.body).toBe(body);
      expect(shop.seen.at(-1)?.headers['content-type']).toBe('application/json');
    }
  });

  it.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'application/jsonp'])(
    'is refused as %s',
    async (type) => {
      await serve({ post: '/screen', bodySchema: true, parts: { it: { ...post, body: 'body' } } });
      const { status, headers } = await send({ headers: { 'content-type': type }, body: 'a' });
      expect(status).toBe(415);
      expect(headers['accept-post']).toBe('application/json');
      expect(headers['accept']).toBe('application/json');
      expect(headers['content-type']).toContain('application/problem+json');
    },
  );

  it('is taken with a charset and in any case', async () => {
    await serve({ post: '/screen', bodySchema: true, parts: { it: { ...post, body: 'body' } } });
    const type = 'Application/JSON; charset=utf-8';
    expect((await send({ headers: { 'content-type': type }, body: '1' })).status).toBe(200);
  });

  it('is ignored where nobody asks for it', async () => {
    await serve({ post: '/screen', parts: { it: post } });
    for (const type of ['text/plain', 'application/xml']) {
      expect((await send({ headers: { 'content-type': type }, body: '<a/>' })).status).toBe(200);
    }
    expect((await send({ headers: json, body: '{"a":1}' })).status).toBe(200);
    expect(shop.seen.map(({ body }) => body)).toEqual(['', '', '']);
  });

  it.each(['{"__proto__":{"a":1}}', '{"a":{"constructor":{"prototype":{"b":1}}}}'])(
    'is refused where it would change a prototype: %s',
    async (body) => {
      await serve({ post: '/screen', bodySchema: true, parts: { it: { ...post, body: 'body' } } });
      expect((await send({ headers: json, body })).status).toBe(400);
      expect(shop.seen).toEqual([]);
    },
  );

  it('is refused where it is no JSON, or empty', async () => {
    await serve({ post: '/screen', bodySchema: true, parts: { it: { ...post, body: 'body' } } });
    expect((await send({ headers: json, body: '{' })).status).toBe(400);
    expect((await send({ headers: json, body: '' })).status).toBe(400);
  });

  it('of more than 16 KiB has its first flaw named only', async () => {
    const bodySchema = { type: 'array', items: { type: 'string' } };
    await serve({ post: '/screen', bodySchema, parts: { it: { ...post, body: 'body' } } });
    const errorsOf = async (length: number): Promise<unknown[]> => {
      const { text } = await send({ headers: json, body: JSON.stringify(Array(length).fill(1)) });
      return (JSON.parse(text) as { errors: unknown[] }).errors;
    };
    expect(await errorsOf(3)).toHaveLength(3);
    expect(await errorsOf(30)).toHaveLength(20);
    expect(await errorsOf(20_000)).toHaveLength(1);
  });

  it('does not pass for one that has what its prototype has', async () => {
    const bodySchema = { type: 'object', required: ['constructor', 'toString'] };
    await serve({ post: '/screen', bodySchema, parts: { it: { ...post, body: 'body' } } });
    expect((await send({ headers: json, body: '{}' })).status).toBe(400);
  });
});

describe('a body without a parser', () => {
  it('is still refused by a controller, and no reason to say anything but 404', async () => {
    @Controller()
    class Orders {
      @Post('orders')
      place(): string {
        return 'placed';
      }
    }
    const { config, composites } = parseGateway('{"upstreams":{"shop":{"url":"http://localhost:1"}}}', {
      env: {},
    });
    gateway = await TestGateway.start({
      controllers: [Orders],
      imports: [UpstreamModule.forRoot({ config }), CompositeModule.forRoot(composites)],
    });
    const options = { method: 'POST', headers: { 'content-type': 'application/xml' }, body: '<a/>' };
    expect((await ask('/orders', options)).status).toBe(415);
    expect((await ask('/nothing', options)).status).toBe(404);
  });
});

describe('a name that every object has', () => {
  it.each(['header', 'cookie', 'query'])(
    'is that of a parameter like any other, in the %s',
    async (place) => {
      await serveParam({ in: place, alias: 'constructor' });
      expect(await sentFor('')).toBeNull();
      const sent = { header: { constructor: 'x' }, cookie: { cookie: 'constructor=x' }, query: {} };
      const query = place === 'query' ? '?constructor=x' : '';
      expect(await sentFor(query, sent[place as keyof typeof sent])).toBe('x');
    },
  );

  it('is no header to pass on where none was sent', async () => {
    await serve({
      get: '/screen',
      forward: { headers: ['constructor', 'valueof'] },
      parts: { it: { upstream: 'shop', get: '/it', required: true } },
    });
    expect((await ask('/screen')).status).toBe(200);
    expect(Object.keys(shop.seen[0]?.headers ?? {})).not.toContain('constructor');
  });
});

describe('the defaults of a body', () => {
  const bodySchema = {
    type: 'object',
    properties: {
      quantity: { type: 'integer', default: 1 },
      gift: { type: 'object', properties: { wrap: { default: { paper: 'plain' } } } },
      lines: { type: 'array', items: { type: 'object', required: ['n'], properties: { n: { default: 7 } } } },
    },
  };

  async function sentAs(body: object, filler = ''): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    await ask('/screen', { method: 'POST', headers, body: JSON.stringify({ ...body, filler }) });
    return JSON.parse(shop.seen.at(-1)?.body ?? 'null');
  }

  it.each([
    ['a short', ''],
    ['a long', 'x'.repeat(20_000)],
  ])('stand where the client has sent nothing, at any depth, in %s body', async (_, filler) => {
    await serve({
      post: '/screen',
      bodySchema,
      parts: { it: { upstream: 'shop', post: '/it', body: 'body' } },
    });
    expect(await sentAs({}, filler)).toEqual({ quantity: 1, filler });
    expect(await sentAs({ quantity: 3, gift: {}, lines: [{}, { n: 1 }] }, filler)).toEqual({
      quantity: 3,
      gift: { wrap: { paper: 'plain' } },
      lines: [{ n: 7 }, { n: 1 }],
      filler,
    });
  });

  it('are those of the body alone: an answer stays as it is', async () => {
    const schema = { type: 'object', properties: { added: { default: 1 } } };
    await serve({ get: '/screen', parts: { it: { upstream: 'shop', get: '/it', schema } } });
    expect((await ask('/screen')).text).toBe('{"it":{"ok":true}}');
  });

  it('are refused when the file is read where they would never stand', () => {
    const composite = {
      post: '/screen',
      bodySchema: { anyOf: [{ properties: { a: { default: 1 } } }] },
      parts: { it: { upstream: 'shop', post: '/it', body: 'body' } },
    };
    const file = { upstreams: { shop: { url: 'http://shop' } }, composites: { screen: composite } };
    expect(() => parseGateway(JSON.stringify(file), { env: {} })).toThrow(
      /screen\.bodySchema: found a default that is never applied; expected defaults that are/,
    );
  });
});

describe('a body that is encoded', () => {
  it('is a 415 that says how it can be sent', async () => {
    await serve({
      post: '/screen',
      bodySchema: true,
      parts: { it: { upstream: 'shop', post: '/it', body: 'body' } },
    });
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const body = gzipSync('{"a":1}').toString('latin1');
    const answer = await ask('/screen', { method: 'POST', headers, body });
    expect([answer.status, answer.headers['accept-encoding']]).toEqual([415, 'identity']);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    const broken = { 'content-type': 'application/json', 'content-encoding': 'identity' };
    expect((await ask('/screen', { method: 'POST', headers: broken, body: '{' })).status).toBe(400);
    expect(shop.seen).toEqual([]);
  });
});

describe('a 401 that an upstream has given', () => {
  it.each([
    ['bearer', 'Bearer t', 'Bearer'],
    ['basic', 'Basic dTpw', 'Basic realm="api", charset="UTF-8"'],
    ['cookie', undefined, undefined],
    [undefined, 'Bearer t', undefined],
  ])('asks for what the composite asks for: %s', async (auth, authorization, challenge) => {
    const refusing = await recordingServer((_request, response) => {
      response
        .writeHead(401, { 'www-authenticate': 'Negotiate', 'content-type': 'application/json' })
        .end('{}');
    });
    gateway = await serveComposites({
      upstreams: { shop: { url: refusing.origin } },
      composites: {
        screen: {
          get: '/screen',
          auth,
          forward: { headers: ['authorization'], cookies: ['sid'] },
          parts: { it: { upstream: 'shop', get: '/it', required: true } },
        },
      },
    });
    const headers = { cookie: 'sid=1', ...(authorization === undefined ? {} : { authorization }) };
    for (const accept of ['application/json', 'application/x-ndjson']) {
      const answer = await ask('/screen', { headers: { ...headers, accept } });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, challenge]);
    }
    expect(refusing.seen).toHaveLength(2);
    await refusing.close();
  });
});
