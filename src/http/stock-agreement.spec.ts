import { createGzip, brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { type AxiosRequestConfig } from 'axios';
import { echo, type Outcome, play, type Scene, type ServiceName } from './testing/agreement.js';
import { type Serve } from './testing/recording-server.js';

/** What a scene must come to with every service, so that they cannot agree on nonsense. */
type Known = Partial<Pick<Outcome, 'status' | 'data'>> & {
  readonly error?: Partial<NonNullable<Outcome['error']>>;
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly contentType?: string;
};

type Case = Omit<Scene, 'call'> & { readonly call?: Scene['call']; readonly known: Known };

const STRICT: AxiosRequestConfig = { responseType: 'json', transitional: { silentJSONParsing: false } };
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

/** GET with this config, at a path of the first server. */
const get =
  (config: AxiosRequestConfig = {}, path = '/'): Scene['call'] =>
  (http, { origin }) =>
    http.request({ url: origin + path, ...config });

const post =
  (data: unknown, config: AxiosRequestConfig = {}): Scene['call'] =>
  (http, { origin }) =>
    http.post(`${origin}/`, data, config);

const answer =
  (status: number, headers: Record<string, string | string[] | number>, body: string | Buffer = ''): Serve =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

const json = (body: string): Serve => answer(200, { 'content-type': 'application/json' }, body);
const packed = (encoding: string, body: Buffer): Serve => answer(200, { 'content-encoding': encoding }, body);
const redirect =
  (status: number, location: string): Serve =>
  (request, response, seen) => {
    if (request.url === '/start') {
      response.writeHead(status, { location });
      response.end();
    } else {
      void echo(request, response, seen);
    }
  };

const CIRCULAR: Record<string, unknown> = {};
CIRCULAR['self'] = CIRCULAR;

const LONG = JSON.stringify({ text: 'tributary '.repeat(2_000) });

const VERBS: Case[] = [
  ...(['get', 'delete', 'head', 'post', 'put', 'patch', 'options', 'query'] as const).map((method): Case => ({
    name: `request() with method ${method}`,
    call: get({ method }),
    known: { status: 200, method: method.toUpperCase() },
  })),
  {
    name: 'get()',
    call: (http, { origin }) => http.get(`${origin}/a`),
    known: { method: 'GET', path: '/a' },
  },
  { name: 'delete()', call: (http, { origin }) => http.delete(`${origin}/a`), known: { method: 'DELETE' } },
  {
    name: 'delete() with data',
    call: (http, { origin }) => http.delete(origin, { data: { a: 1 } }),
    known: { method: 'DELETE', body: '{"a":1}' },
  },
  {
    name: 'head()',
    call: (http, { origin }) => http.head(`${origin}/a`),
    known: { method: 'HEAD', data: '' },
  },
  { name: 'post()', call: (http, { origin }) => http.post(origin, { a: 1 }), known: { body: '{"a":1}' } },
  { name: 'put()', call: (http, { origin }) => http.put(origin, { a: 1 }), known: { method: 'PUT' } },
  { name: 'patch()', call: (http, { origin }) => http.patch(origin, { a: 1 }), known: { method: 'PATCH' } },
  { name: 'query()', call: (http, { origin }) => http.query(origin, { a: 1 }), known: { method: 'QUERY' } },
  {
    name: 'a verb without a config object',
    call: (http, { origin }) => http.post(origin),
    known: { status: 200, method: 'POST', body: '', contentType: 'application/x-www-form-urlencoded' },
  },
  {
    name: 'a verb whose config says otherwise',
    call: (http, { origin }) => http.get(`${origin}/a`, { url: '/b', method: 'post' }),
    known: { method: 'GET', path: '/a' },
  },
];

const PARAMS: [name: string, params: unknown, path: string][] = [
  ['plain values', { a: 1, b: 'x', c: true, d: -1.5 }, '/?a=1&b=x&c=true&d=-1.5'],
  ['null and undefined', { a: null, b: undefined, c: 0, d: '' }, '/?c=0&d='],
  ['nothing left', { a: null }, '/'],
  [
    'reserved characters',
    { q: 'a b&c=d:e$f,g+h/i?j#k[l]%' },
    '/?q=a+b%26c%3Dd:e$f,g%2Bh%2Fi%3Fj%23k%5Bl%5D%25',
  ],
  [
    'text beyond ASCII',
    { 'naïve ключ': 'Ünïcødé 🌊' },
    '/?na%C3%AFve+%D0%BA%D0%BB%D1%8E%D1%87=%C3%9Cn%C3%AFc%C3%B8d%C3%A9+%F0%9F%8C%8A',
  ],
  ['an array', { id: [1, 2, null, 'x y'] }, '/?id%5B%5D=1&id%5B%5D=2&id%5B%5D=x+y'],
  ['an empty array', { id: [], a: 1 }, '/?a=1'],
  ['an array under a bracketed name', { 'id[]': [1, 2] }, '/?id%5B%5D=1&id%5B%5D=2'],
  ['a date', { since: new Date(0) }, '/?since=1970-01-01T00:00:00.000Z'],
  [
    'a nested object',
    { page: { size: 10, sort: { by: 'name' } } },
    '/?page%5Bsize%5D=10&page%5Bsort%5D%5Bby%5D=name',
  ],
  ['an array of objects', { f: [{ a: 1 }, { b: 2 }] }, '/?f%5B0%5D%5Ba%5D=1&f%5B1%5D%5Bb%5D=2'],
  ['an object under a {} name', { 'f{}': { a: 1 } }, '/?f%7B%7D=%7B%22a%22:1%7D'],
  [
    'URLSearchParams',
    new URLSearchParams([
      ['a', '1'],
      ['a', 'b c'],
    ]),
    '/?a=1&a=b+c',
  ],
  ['names with blanks around', { ' a ': 1 }, '/?a=1'],
  ['a bigint', { n: 12345678901234567890n }, '/?n=12345678901234567890'],
];

const URLS: [name: string, config: AxiosRequestConfig, path: string][] = [
  ['a query of its own and params', { url: '/a?x=1', params: { y: 2 } }, '/a?x=1&y=2'],
  ['a fragment', { url: '/a?x=1#frag' }, '/a?x=1'],
  ['a fragment and params', { url: '/a#frag', params: { y: 2 } }, '/a?y=2'],
  ['dot segments', { url: '/a/./b/../c/%2e%2e/d' }, '/a/d'],
  ['blanks and quotes', { url: '/a b?c=\'d\' "e"<f>' }, '/a%20b?c=%27d%27%20%22e%22%3Cf%3E'],
  ['characters beyond ASCII', { url: '/ключ?é=ü' }, '/%D0%BA%D0%BB%D1%8E%D1%87?%C3%A9=%C3%BC'],
  ['a backslash', { url: '/a\\b' }, '/a/b'],
  ['percent signs', { url: '/a%2Fb%zz' }, '/a%2Fb%zz'],
  ['double slashes', { url: '/a//b//' }, '/a//b//'],
  ['brackets and pipes', { url: '/a[0]|b?c[]=1|2' }, '/a[0]|b?c[]=1|2'],
  ['tabs and newlines', { url: '/a\t\nb' }, '/ab'],
  ['no path', { url: '' }, '/'],
  ['only a query', { url: '?a=1' }, '/?a=1'],
];

const BASES: [name: string, base: string, url: string | undefined, path: string][] = [
  ['both with a slash', '/v1/', '/a', '/v1/a'],
  ['neither with a slash', '/v1', 'a', '/v1/a'],
  ['many slashes', '/v1///', '/a', '/v1/a'],
  ['no URL', '/v1', undefined, '/v1'],
  ['an empty URL', '/v1/', '', '/v1/'],
  ['a relative URL with a colon in its query', '/v1', 'a?t=10:30', '/v1/a?t=10:30'],
  ['a relative URL with a colon in its first segment', '/v1', 'a:b', '/v1/a:b'],
  ['a query as the URL', '/v1', '?a=1', '/v1/?a=1'],
  ['dots in the URL', '/v1/x', '../a', '/v1/a'],
];

const REQUESTS: Case[] = [
  ...PARAMS.map(([name, params, path]): Case => ({
    name: `params: ${name}`,
    call: get({ params }),
    known: { path },
  })),
  ...URLS.map(([name, config, path]): Case => ({
    name: `URL: ${name}`,
    call: (http, { origin }) => http.request({ ...config, url: origin + (config.url ?? '') }),
    known: { path },
  })),
  ...BASES.map(([name, base, url, path]): Case => ({
    name: `baseURL: ${name}`,
    call: (http, { origin }) =>
      http.request({ baseURL: origin + base, ...(url === undefined ? {} : { url }) }),
    known: { path },
  })),
  {
    name: 'baseURL: an absolute URL wins',
    call: (http, { origin, elsewhere }) => http.get(`${origin}/a`, { baseURL: elsewhere }),
    known: { path: '/a' },
  },
  {
    name: 'baseURL: an absolute URL does not win if not allowed to',
    call: (http, { origin }) => http.get('http://x/a', { baseURL: `${origin}/v1`, allowAbsoluteUrls: false }),
    known: { path: '/v1/http://x/a' },
  },
  {
    name: 'baseURL and params among the defaults',
    call: (http, { origin }) => {
      http.axiosRef.defaults.baseURL = `${origin}/v1`;
      http.axiosRef.defaults.params = { a: 1, b: 1 };
      return http.get('/x', { params: { b: 2 } });
    },
    known: { path: '/v1/x?a=1&b=2' },
  },
  {
    name: 'paramsSerializer',
    call: get({ params: { id: [1, 2] }, paramsSerializer: { indexes: null } }),
    known: { path: '/?id=1&id=2' },
  },
  {
    name: 'headers',
    call: get({ headers: { 'X-A': 'a', 'x-n': 5, Accept: 'text/csv' } }),
    known: { status: 200 },
  },
  {
    name: 'headers: none, null and false',
    call: get({ headers: { Accept: null, 'x-a': null, 'x-b': '' } }),
    known: { status: 200 },
  },
  {
    name: 'headers: repeated values',
    call: get({ headers: { 'x-a': ['1', '2'] } as never }),
    known: { status: 200 },
  },
  {
    name: 'headers: bytes beyond ASCII',
    call: get({ headers: { 'x-a': 'café', 'x-b': 'ключ-1' } }),
    known: { status: 200 },
  },
  {
    name: 'headers: a name like a method of AxiosHeaders',
    call: get({ headers: { has: '1', 'Get-Accept': '2' } }),
    known: { status: 200 },
  },
  {
    name: 'headers: common, for the method and plain ones among the defaults',
    call: (http, { origin }) => {
      const { headers } = http.axiosRef.defaults;
      headers.common['X-Common'] = 'common';
      headers.get['X-Method'] = 'get';
      headers.post['X-Method'] = 'post';
      headers['X-Plain'] = 'plain';
      headers['X-Override'] = 'default';
      return http.get(origin, { headers: { 'x-override': 'mine' } });
    },
    known: { status: 200 },
  },
  {
    name: 'auth',
    call: get({ auth: { username: 'ada', password: 'pä:ss' }, headers: { authorization: 'Bearer x' } }),
    known: { status: 200 },
  },
  {
    name: 'auth in the URL',
    call: (http, { origin }) => http.get(origin.replace('//', '//ada:p%40ss@')),
    known: { status: 200 },
  },
  {
    name: 'body: an object',
    call: post({ a: [1, { b: null }] }),
    known: { body: '{"a":[1,{"b":null}]}', contentType: 'application/json' },
  },
  { name: 'body: an array', call: post([1, 2]), known: { body: '[1,2]' } },
  {
    name: 'body: a string',
    call: post('a=1'),
    known: { body: 'a=1', contentType: 'application/x-www-form-urlencoded' },
  },
  { name: 'body: text beyond ASCII', call: post({ a: 'ключ 🌊' }), known: { body: '{"a":"ключ 🌊"}' } },
  { name: 'body: a Buffer', call: post(Buffer.from('bytes')), known: { body: 'bytes' } },
  { name: 'body: a Uint8Array', call: post(new Uint8Array([65, 66])), known: { body: 'AB' } },
  { name: 'body: an ArrayBuffer', call: post(new Uint8Array([65, 66]).buffer), known: { body: 'AB' } },
  { name: 'body: null', call: post(null), known: { body: '' } },
  { name: 'body: a number', call: post(5), known: { error: { code: 'ERR_BAD_REQUEST' } } },
  {
    name: 'body: a string under a JSON content type',
    call: post('text', { headers: { 'content-type': 'application/json' } }),
    known: { body: '"text"' },
  },
  {
    name: 'body: null under a JSON content type',
    call: post(null, { headers: { 'content-type': 'application/json' } }),
    known: { body: 'null' },
  },
  {
    name: 'body: an object under a form content type',
    call: post({ a: 1, b: [2] }, { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    known: { body: 'a=1&b%5B%5D=2' },
  },
  {
    name: 'body: an object under a content type of its own',
    call: post({ a: 1 }, { headers: { 'content-type': 'application/vnd.api+json' } }),
    known: { body: '{"a":1}', contentType: 'application/vnd.api+json' },
  },
  { name: 'body: URLSearchParams', call: post(new URLSearchParams({ a: 'b c' })), known: { body: 'a=b+c' } },
  {
    name: 'body: a stream',
    call: (http, { origin }) => http.post(origin, Readable.from(['a', 'b'])),
    known: { body: 'ab' },
  },
  {
    name: 'body: a Blob',
    call: post(new Blob(['blob'], { type: 'text/x-blob' })),
    known: { body: 'blob', contentType: 'text/x-blob' },
  },
  {
    name: 'body: FormData',
    serve: json('{}'),
    call: post(formData()),
    known: { status: 200 },
  },
  {
    name: 'body: postForm()',
    serve: json('{}'),
    call: (http, { origin }) => http.postForm(origin, { a: 'one', b: [1, 2] }),
    known: { status: 200 },
  },
  {
    name: 'body: putForm()',
    serve: json('{}'),
    call: (http, { origin }) => http.putForm(origin, { a: 'one' }),
    known: { method: 'PUT' },
  },
  { name: 'body: an object with toJSON', call: post(new Date(0)), known: { status: 200 } },
  {
    name: 'maxBodyLength',
    call: post('x'.repeat(11), { maxBodyLength: 10 }),
    known: { error: { code: 'ERR_BAD_REQUEST' } },
  },
  {
    name: 'maxBodyLength of a stream',
    call: (http, { origin }) =>
      http.post(origin, Readable.from([Buffer.alloc(8), Buffer.alloc(8)]), { maxBodyLength: 10 }),
    known: { error: { code: 'ERR_BAD_REQUEST' } },
  },
  {
    name: 'custom transformRequest',
    call: post('a', { transformRequest: [(data) => `${String(data)}!`] }),
    known: { body: 'a!' },
  },
  {
    name: 'custom transformResponse',
    call: get({ transformResponse: [(data) => String(data).length] }),
    known: { status: 200 },
  },
  {
    name: 'a transform pushed onto the defaults',
    call: (http, { origin }) => {
      (http.axiosRef.defaults.transformResponse as unknown[]).push(() => 'transformed');
      return http.get(origin);
    },
    known: { data: 'transformed' },
  },
];

const RESPONSES: Case[] = [
  { name: 'JSON', serve: json('{"a":[1,"ключ"]}'), known: { status: 200, data: { a: [1, 'ключ'] } } },
  { name: 'JSON with a byte order mark', serve: json('\uFEFF{"a":1}'), known: { data: { a: 1 } } },
  {
    name: 'JSON over many chunks',
    serve: (_request, response) => {
      void sendSlowly(response, LONG);
    },
    known: { data: JSON.parse(LONG) as unknown },
  },
  {
    name: 'JSON asked for as text',
    serve: json('{"a":1}'),
    call: get({ responseType: 'text' }),
    known: { data: '{"a":1}' },
  },
  {
    name: 'JSON without forced parsing',
    serve: json('{"a":1}'),
    call: get({ transitional: { forcedJSONParsing: false } }),
    known: { data: '{"a":1}' },
  },
  {
    name: 'text that happens to be JSON',
    serve: answer(200, { 'content-type': 'text/plain' }, '5'),
    known: { data: 5 },
  },
  { name: 'bad JSON, leniently', serve: json('{"a":'), known: { status: 200, data: '{"a":' } },
  {
    name: 'bad JSON asked for, leniently',
    serve: json('<html>'),
    call: get({ responseType: 'json' }),
    known: { data: '<html>' },
  },
  {
    name: 'arraybuffer',
    serve: json('{"a":1}'),
    call: get({ responseType: 'arraybuffer' }),
    known: { data: 'Buffer eyJhIjoxfQ==' },
  },
  {
    name: 'stream',
    serve: json('{"a":1}'),
    call: get({ responseType: 'stream' }),
    known: { data: 'stream eyJhIjoxfQ==' },
  },
  {
    name: 'a long stream',
    serve: (_request, response) => {
      void sendSlowly(response, LONG);
    },
    call: get({ responseType: 'stream' }),
    known: { data: `stream ${Buffer.from(LONG).toString('base64')}` },
  },
  {
    name: 'an empty stream',
    serve: answer(204, {}),
    call: get({ responseType: 'stream' }),
    known: { data: 'stream ' },
  },
  {
    name: 'latin1 text',
    serve: answer(200, {}, Buffer.from('caf\xe9', 'latin1')),
    call: get({ responseEncoding: 'latin1' }),
    known: { data: 'café' },
  },
  {
    name: 'a reviver',
    serve: json('{"a":1}'),
    call: get({ parseReviver: (_key, value: unknown) => (value === 1 ? 'one' : value) }),
    known: { data: { a: 'one' } },
  },
  { name: 'an empty body', serve: json(''), known: { status: 200, data: '' } },
  { name: 'an empty body under strict parsing', serve: json(''), call: get(STRICT), known: { data: '' } },
  { name: '201 with a Location', serve: answer(201, { location: '/new' }, '{}'), known: { status: 201 } },
  { name: '204', serve: answer(204, {}), known: { status: 204, data: '' } },
  {
    name: '304',
    serve: answer(304, { etag: '"a"' }),
    known: { error: { status: 304, code: 'ERR_BAD_RESPONSE' } },
  },
  {
    name: '304 that is welcome',
    serve: answer(304, { etag: '"a"' }),
    call: get({ validateStatus: () => true }),
    known: { status: 304 },
  },
  {
    name: '400 with JSON',
    serve: answer(400, {}, '{"why":"no"}'),
    known: { error: { status: 400, code: 'ERR_BAD_REQUEST', data: { why: 'no' } } },
  },
  {
    name: '404',
    serve: answer(404, {}, 'nope'),
    known: { error: { status: 404, message: 'Request failed with status code 404' } },
  },
  {
    name: '500',
    serve: answer(500, {}, 'oops'),
    known: { error: { status: 500, code: 'ERR_BAD_RESPONSE' } },
  },
  {
    name: '503 as a stream',
    serve: answer(503, {}, 'oops'),
    call: get({ responseType: 'stream' }),
    known: { error: { status: 503, data: 'stream b29wcw==' } },
  },
  {
    name: 'validateStatus accepts',
    serve: answer(418, {}, 'short'),
    call: get({ validateStatus: (status) => status < 500 }),
    known: { status: 418, data: 'short' },
  },
  {
    name: 'validateStatus refuses',
    serve: json('{}'),
    call: get({ validateStatus: () => false }),
    known: { error: { status: 200, code: 'ERR_BAD_RESPONSE' } },
  },
  {
    name: 'validateStatus: null',
    serve: answer(500, {}),
    call: get({ validateStatus: null }),
    known: { status: 500 },
  },
  {
    name: 'validateStatus: undefined',
    serve: answer(500, {}),
    call: get({ validateStatus: undefined as never }),
    known: { status: 500 },
  },
  {
    name: 'validateStatus: undefined, kept',
    serve: answer(500, {}),
    call: get({
      validateStatus: undefined as never,
      transitional: { validateStatusUndefinedResolves: false },
    }),
    known: { error: { status: 500 } },
  },
  {
    name: 'repeated headers',
    serve: answer(200, { 'set-cookie': ['a=1', 'b=2'], 'x-a': ['1', '2'], vary: ['a', 'b'] }),
    known: { status: 200 },
  },
  { name: 'one cookie', serve: answer(200, { 'set-cookie': ['a=1'] }), known: { status: 200 } },
  {
    name: 'headers named like methods',
    serve: answer(200, { get: '1', set: '2', constructor: '3', 'content-language': 'de' }),
    known: { status: 200 },
  },
  {
    name: 'repeated single headers',
    speak: (socket) =>
      socket.end(`${HEAD}content-type: text/plain\r\netag: a\r\netag: b\r\ncontent-length: 2\r\n\r\n{}`),
    known: { data: {} },
  },
  {
    name: 'a status text of its own',
    speak: (socket) => socket.end('HTTP/1.1 299 Quite Fine\r\ncontent-length: 0\r\n\r\n'),
    known: { status: 299 },
  },
  {
    name: 'an informational answer before it',
    speak: (socket) =>
      socket.end(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${HEAD}content-length: 2\r\n\r\n{}`),
    known: { status: 200, data: {} },
  },
  {
    name: 'a body ended by the connection',
    speak: (socket) => socket.end(`${HEAD}\r\n{"a":1}`),
    known: { data: { a: 1 } },
  },
  { name: 'gzip', serve: packed('gzip', gzipSync(LONG)), known: { data: JSON.parse(LONG) as unknown } },
  {
    name: 'gzip under its old name',
    serve: packed('x-gzip', gzipSync('{"a":1}')),
    known: { data: { a: 1 } },
  },
  { name: 'GZIP in capitals', serve: packed('GZIP', gzipSync('{"a":1}')), known: { data: { a: 1 } } },
  {
    name: 'gzip without its trailer',
    serve: packed('gzip', gzipSync('{"a":1}').subarray(0, -8)),
    known: { data: { a: 1 } },
  },
  { name: 'deflate', serve: packed('deflate', deflateSync('{"a":1}')), known: { data: { a: 1 } } },
  { name: 'raw deflate', serve: packed('deflate', deflateRawSync('{"a":1}')), known: { data: { a: 1 } } },
  { name: 'br', serve: packed('br', brotliCompressSync('{"a":1}')), known: { data: { a: 1 } } },
  {
    name: 'an encoding nobody knows',
    serve: packed('x-own', Buffer.from('{"a":1}')),
    known: { data: { a: 1 } },
  },
  { name: 'gzip of nothing', serve: packed('gzip', Buffer.alloc(0)), known: { data: '' } },
  {
    name: 'gzip announced on 204',
    serve: answer(204, { 'content-encoding': 'gzip' }),
    known: { status: 204 },
  },
  {
    name: 'gzip announced for HEAD',
    serve: answer(200, { 'content-encoding': 'gzip', 'content-length': 100 }),
    call: get({ method: 'head' }),
    known: { data: '' },
  },
  {
    name: 'gzip streamed',
    serve: packed('gzip', gzipSync(LONG)),
    call: get({ responseType: 'stream' }),
    known: { data: `stream ${Buffer.from(LONG).toString('base64')}` },
  },
  {
    name: 'raw deflate streamed',
    serve: packed('deflate', deflateRawSync('{"a":1}')),
    call: get({ responseType: 'stream' }),
    known: { data: 'stream eyJhIjoxfQ==' },
  },
  {
    name: 'br streamed',
    serve: packed('br', brotliCompressSync('{"a":1}')),
    call: get({ responseType: 'stream' }),
    known: { data: 'stream eyJhIjoxfQ==' },
  },
  {
    name: 'gzip in pieces',
    serve: (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write('{"a":');
      gzip.flush(() => gzip.end('1}'));
    },
    known: { data: { a: 1 } },
  },
  {
    name: 'gzip left packed',
    serve: packed('gzip', gzipSync('x')),
    call: get({ decompress: false, responseType: 'arraybuffer' }),
    known: { status: 200 },
  },
  {
    name: 'corrupt gzip',
    serve: packed('gzip', Buffer.from('not gzip at all')),
    known: { error: { code: 'Z_DATA_ERROR', message: 'incorrect header check', status: 200 } },
  },
  {
    name: 'corrupt deflate',
    serve: packed('deflate', Buffer.from([0x78, 0x9c, 0xff, 0xff, 0xff])),
    known: { error: { code: 'Z_DATA_ERROR' } },
  },
  {
    name: 'maxContentLength',
    serve: json(LONG),
    call: get({ maxContentLength: 100 }),
    known: { error: { code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of 100 exceeded' } },
  },
  {
    name: 'maxContentLength, just reached',
    serve: json('{"a":1}'),
    call: get({ maxContentLength: 7 }),
    known: { data: { a: 1 } },
  },
  {
    name: 'maxContentLength once unpacked',
    serve: packed('gzip', gzipSync(LONG)),
    call: get({ maxContentLength: 1_000 }),
    known: { error: { message: 'maxContentLength size of 1000 exceeded' } },
  },
  {
    name: 'maxContentLength without end',
    serve: packed('gzip', gzipSync('{"a":1}')),
    call: get({ maxContentLength: Infinity }),
    known: { data: { a: 1 } },
  },
  {
    name: 'maxContentLength of nothing',
    serve: packed('gzip', gzipSync('{"a":1}')),
    call: get({ maxContentLength: 0 }),
    known: { error: { code: 'ERR_BAD_RESPONSE' } },
  },
  {
    name: 'maxContentLength for HEAD',
    serve: answer(200, { 'content-length': 1_000 }),
    call: get({ method: 'head', maxContentLength: 10 }),
    known: { status: 200 },
  },
  {
    name: 'maxContentLength of a stream',
    serve: json(LONG),
    call: get({ responseType: 'stream', maxContentLength: 100 }),
    known: { error: { message: 'maxContentLength size of 100 exceeded' } },
  },
];

const REDIRECTS: Case[] = [
  ...[301, 302, 303, 307, 308].flatMap((status) =>
    (['get', 'head', 'post', 'put', 'delete'] as const).map((method): Case => ({
      name: `${status} after ${method}`,
      serve: redirect(status, '/end?x=1'),
      call: get({ method, ...(method === 'post' || method === 'put' ? { data: { a: 1 } } : {}) }, '/start'),
      known: { status: 200 },
    })),
  ),
  {
    name: '300 with a Location',
    serve: redirect(300, '/end'),
    call: get({}, '/start'),
    known: { status: 200 },
  },
  { name: '302 without a Location', serve: answer(302, {}), known: { error: { status: 302 } } },
  {
    name: 'a relative Location',
    serve: redirect(302, 'end'),
    call: get({}, '/start'),
    known: { status: 200 },
  },
  {
    name: 'maxRedirects: 0',
    serve: redirect(302, '/end'),
    call: get({ maxRedirects: 0 }, '/start'),
    known: { error: { status: 302 } },
  },
  {
    name: 'maxRedirects: 0, welcome',
    serve: redirect(302, '/end'),
    call: get({ maxRedirects: 0, validateStatus: () => true }, '/start'),
    known: { status: 302 },
  },
  {
    name: 'a loop',
    serve: redirect(302, '/start'),
    call: get({}, '/start'),
    known: { error: { code: 'ERR_FR_TOO_MANY_REDIRECTS', message: 'Maximum number of redirects exceeded' } },
  },
  {
    name: 'a loop under maxRedirects: 2',
    serve: redirect(302, '/start'),
    call: get({ maxRedirects: 2 }, '/start'),
    known: { error: { code: 'ERR_FR_TOO_MANY_REDIRECTS' } },
  },
  {
    name: 'an impossible Location',
    serve: redirect(302, 'http://'),
    call: get({}, '/start'),
    known: { error: { code: 'ERR_FR_REDIRECTION_FAILURE' } },
  },
  {
    name: 'a Location that is not HTTP',
    serve: redirect(302, 'ftp://x/'),
    call: get({}, '/start'),
    known: { error: { code: 'ERR_FR_REDIRECTION_FAILURE' } },
  },
  {
    name: 'credentials stay at home',
    serveFrom: (stage) => (_request, response) => {
      response.writeHead(302, { location: `${stage().elsewhere}/end` });
      response.end();
    },
    call: get({ headers: { authorization: 'Bearer secret', cookie: 'sid=secret', 'x-kept': '1' } }, '/start'),
    known: { status: 200 },
  },
  {
    name: 'auth and sensitiveHeaders stay at home',
    serveFrom: (stage) => (_request, response) => {
      response.writeHead(307, { location: `${stage().elsewhere}/end` });
      response.end();
    },
    call: get(
      {
        auth: { username: 'ada', password: 'secret' },
        sensitiveHeaders: ['X-Key'],
        headers: { 'x-key': 'secret', 'x-kept': '1' },
      },
      '/start',
    ),
    known: { status: 200 },
  },
  {
    name: 'credentials within the origin',
    serve: redirect(302, '/end'),
    call: get({ auth: { username: 'ada', password: 'x' } }, '/start'),
    known: { status: 200 },
  },
  {
    name: 'a header within the origin',
    serve: redirect(302, '/end'),
    call: get({ headers: { authorization: 'Bearer x' } }, '/start'),
    known: { status: 200 },
  },
  {
    name: 'a redirect as a stream',
    serve: redirect(302, '/end'),
    call: get({ responseType: 'stream' }, '/start'),
    known: { status: 200 },
  },
];

const FAILURES: Case[] = [
  {
    name: 'connection refused',
    call: (http) => http.get('http://127.0.0.1:1/'),
    known: { error: { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:1' } },
  },
  {
    name: 'a host that does not exist',
    call: (http) => http.get('http://no-such-host.invalid/'),
    known: { error: { code: 'ENOTFOUND' } },
  },
  {
    name: 'closed before the headers',
    speak: (socket) => socket.end(),
    known: { error: { code: 'ECONNRESET', message: 'socket hang up' } },
  },
  {
    name: 'reset before the headers',
    speak: (socket) => socket.resetAndDestroy(),
    known: { error: { code: 'ECONNRESET', message: 'read ECONNRESET' } },
  },
  {
    name: 'closed in the middle of the headers',
    speak: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-'),
    known: { error: { code: 'ECONNRESET' } },
  },
  {
    name: 'closed in the middle of the body',
    speak: (socket) => socket.end(`${HEAD}content-length: 100\r\n\r\n{"a"`),
    known: { error: { code: 'ERR_BAD_RESPONSE', message: 'stream has been aborted', status: 200 } },
  },
  {
    name: 'closed in the middle of a body, as announced',
    speak: (socket) => socket.end(`${HEAD}connection: close\r\ncontent-length: 100\r\n\r\n{"a"`),
    known: { error: { message: 'stream has been aborted' } },
  },
  {
    name: 'closed in the middle of a chunk',
    speak: (socket) => socket.end(`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"a"`),
    known: { error: { message: 'stream has been aborted' } },
  },
  {
    name: 'closed in the middle of a chunk, as announced',
    speak: (socket) => socket.end(`${HEAD}connection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a"`),
    known: { error: { message: 'stream has been aborted' } },
  },
  {
    name: 'closed in the middle of gzip',
    speak: (socket) => {
      socket.write(`${HEAD}content-encoding: gzip\r\ncontent-length: 100\r\n\r\n`);
      socket.end(gzipSync(LONG).subarray(0, 50));
    },
    known: { error: { code: 'ECONNRESET', message: 'aborted', status: 200 } },
  },
  {
    name: 'headers without end',
    speak: (socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`),
    known: { error: { code: 'HPE_HEADER_OVERFLOW' } },
  },
  {
    name: 'timeout before the headers',
    serve: () => undefined,
    call: get({ timeout: 30 }),
    known: { error: { code: 'ECONNABORTED', message: 'timeout of 30ms exceeded' } },
  },
  {
    name: 'timeout, clearly',
    serve: () => undefined,
    call: get({ timeout: 30, transitional: { clarifyTimeoutError: true } }),
    known: { error: { code: 'ETIMEDOUT' } },
  },
  {
    name: 'timeout in words of your own',
    serve: () => undefined,
    call: get({ timeout: 30, timeoutErrorMessage: 'too slow' }),
    known: { error: { message: 'too slow' } },
  },
  {
    name: 'timeout as a string',
    serve: () => undefined,
    call: get({ timeout: '30' as never }),
    known: { error: { code: 'ECONNABORTED' } },
  },
  {
    name: 'timeout that is no number',
    call: get({ timeout: 'soon' as never }),
    known: { error: { code: 'ERR_BAD_OPTION_VALUE' } },
  },
  { name: 'timeout that is long enough', call: get({ timeout: 10_000 }), known: { status: 200 } },
  {
    name: 'an aborted signal',
    call: get({ signal: AbortSignal.abort() }),
    known: { error: { code: 'ERR_CANCELED', message: 'canceled' } },
  },
  {
    name: 'a signal that aborts',
    serve: () => undefined,
    call: get({ signal: AbortSignal.timeout(30) }),
    known: { error: { code: 'ERR_CANCELED' } },
  },
  {
    name: 'a protocol that is not HTTP',
    call: (http) => http.get('ftp://host/'),
    known: { error: { code: 'ERR_BAD_REQUEST', message: 'Unsupported protocol ftp:' } },
  },
  {
    name: 'a URL that lacks its slashes',
    call: (http) => http.get('http:/host?token=secret'),
    known: { error: { code: 'ERR_INVALID_URL' } },
  },
  {
    name: 'params in a circle',
    call: get({ params: CIRCULAR }),
    known: { error: { code: 'ERR_BAD_OPTION_VALUE' } },
  },
  {
    name: 'a data: URL',
    call: (http) => http.get('data:application/json,%7B%22a%22%3A1%7D'),
    known: { status: 200 },
  },
  {
    name: 'a transitional option that is not boolean',
    call: get({ transitional: { silentJSONParsing: 'yes' as never } }),
    known: { error: { code: 'ERR_BAD_OPTION_VALUE' } },
  },
];

function formData(): FormData {
  const form = new FormData();
  form.append('a', 'one\ntwo');
  form.append('naïve "name"', 'ключ');
  form.append('file', new Blob(['{}'], { type: 'application/json' }), 'data.json');
  return form;
}

async function sendSlowly(response: Parameters<Serve>[1], text: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  for (let at = 0; at < text.length; at += 4_000) {
    await new Promise((resolve) => {
      response.write(text.slice(at, at + 4_000), resolve);
    });
  }
  response.end();
}

const OURS: ServiceName[] = ['ours, without axios', 'ours, through axios'];

describe.each([
  ['verbs', VERBS],
  ['requests', REQUESTS],
  ['responses', RESPONSES],
  ['redirects', REDIRECTS],
  ['failures', FAILURES],
])('stock and ours agree on %s', (_group, cases) => {
  it.each(cases)('$name', async ({ known, ...scene }) => {
    const full: Scene = { call: get(), ...scene };
    const [stock, ...ours] = await Promise.all(
      (['stock', ...OURS] as ServiceName[]).map((name) => play(full, name)),
    );

    for (const outcome of ours) expect(outcome).toEqual(stock);
    expectKnown(stock!, known);
  });
});

function expectKnown(outcome: Outcome, { error, path, method, body, contentType, ...response }: Known): void {
  expect(outcome).toMatchObject({ ...response, ...(error === undefined ? {} : { error }) });
  const last = outcome.seen.at(-1);
  if (path !== undefined) expect(last?.url).toBe(path);
  if (method !== undefined) expect(last?.method).toBe(method);
  if (body !== undefined) expect(last?.body).toBe(body);
  if (contentType !== undefined) expect(last?.headers['content-type']).toBe(contentType);
}
