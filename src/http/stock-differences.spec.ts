import { Readable } from 'node:stream';
import { brotliCompressSync } from 'node:zlib';
import { type Outcome, play, type Scene, type ServiceName } from './testing/agreement.js';

/** Where ours is not like stock, on purpose. What is not in this table is in `stock-agreement.spec.ts`. */
interface Difference extends Scene {
  readonly why: string;
  /** Left out where stock has no answer within reason. */
  readonly stock?: object;
  readonly ours: object;
}

const STRICT = { responseType: 'json', transitional: { silentJSONParsing: false } } as const;
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

const DIFFERENCES: Difference[] = [
  {
    name: 'timeout ends a body that keeps dripping',
    why: 'stock times the wait for the headers and silence after them; a slow body would outlive any policy',
    serve: (_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 5);
      response.once('close', () => {
        clearInterval(drip);
      });
    },
    call: (http, { origin }) => http.get(origin, { timeout: 60 }),
    ours: { error: { code: 'ECONNABORTED', message: 'timeout of 60ms exceeded' } },
  },
  {
    name: 'a bad status with an unreadable body is a bad status',
    why: 'proxies answer 503 in HTML; strict parsing must not make an unreadable payload of it',
    serve: (_request, response) => {
      response.writeHead(503);
      response.end('<html>');
    },
    call: (http, { origin }) => http.get(origin, STRICT),
    stock: { error: { status: 503, message: expect.stringContaining('Unexpected token') as string } },
    ours: { error: { status: 503, message: 'Request failed with status code 503', data: '<html>' } },
  },
  {
    name: 'bad JSON is not quoted in the error',
    why: 'errors are logged, bodies are not',
    serve: (_request, response) => {
      response.end('secret');
    },
    call: (http, { origin }) => http.get(origin, STRICT),
    stock: { error: { message: expect.stringContaining('secret') as string } },
    ours: {
      error: {
        code: 'ERR_BAD_RESPONSE',
        message: 'the response body is not valid JSON',
        status: 200,
        data: 'secret',
      },
    },
  },
  {
    name: 'header values with line breaks are refused',
    why: 'stock strips them and sends what is left, which hides an attack',
    call: (http, { origin }) => http.get(origin, { headers: { 'x-a': 'a\r\nx-b: c' } }),
    stock: { status: 200 },
    ours: {
      error: { code: 'ERR_BAD_OPTION_VALUE', message: 'Invalid character in header content ["x-a"]' },
      seen: [],
    },
  },
  {
    name: 'headers that belong to the connection are not passed on',
    why: 'the pool owns framing; a gateway that forwards a client’s headers should not fail over them',
    call: (http, { origin }) =>
      http.get(origin, { headers: { 'keep-alive': 'timeout=5', expect: 'nothing' } }),
    ours: { status: 200 },
  },
  {
    name: 'a URL that cannot be parsed is an AxiosError',
    why: 'and does not carry the URL, with whatever credentials it has',
    call: (http) => http.get('http://ada:secret@/x'),
    stock: { error: { code: 'ERR_INVALID_URL', isAxiosError: false } },
    ours: { error: { code: 'ERR_INVALID_URL', message: 'Invalid URL', isAxiosError: true } },
  },
  {
    name: 'broken HTTP framing has one code',
    why: 'undici 7 drops the parser’s own',
    speak: (socket) => socket.end('hello\r\n\r\n'),
    call: (http, { origin }) => http.get(origin),
    stock: { error: { code: 'HPE_INVALID_CONSTANT' } },
    ours: { error: { code: 'ERR_BAD_RESPONSE', message: 'Parse Error: Expected HTTP/, RTSP/ or ICE/' } },
  },
  {
    name: 'a body longer than announced is read as announced',
    why: 'the message is whole; undici closes the connection over the rest',
    speak: (socket) => socket.end(`${HEAD}content-length: 2\r\n\r\n{}{"a":1}`),
    call: (http, { origin }) => http.get(origin),
    stock: { error: { code: 'HPE_INVALID_CONSTANT' } },
    ours: { status: 200, data: {} },
  },
  {
    name: 'a brotli body that stops early is an error',
    why: 'stock takes the part that was unpacked, possibly nothing, for the whole',
    serve: (_request, response) => {
      response.setHeader('content-encoding', 'br');
      response.end(brotliCompressSync('{"a":"a long enough text to be cut"}').subarray(0, 10));
    },
    call: (http, { origin }) => http.get(origin),
    stock: { status: 200 },
    ours: { error: { status: 200, isAxiosError: true } },
  },
  {
    name: 'a validateStatus that throws is an error',
    why: 'in stock it is an uncaught exception',
    call: (http, { origin }) =>
      http.get(origin, {
        validateStatus: () => {
          throw new RangeError('mine');
        },
      }),
    ours: { error: { message: 'mine', isAxiosError: false } },
  },
  {
    name: 'a streamed request body is not sent again after a redirect',
    why: 'stock keeps a copy of every streamed body in memory for this',
    serve: (request, response) => {
      response.writeHead(request.url === '/start' ? 307 : 200, { location: '/end' });
      response.end();
    },
    call: (http, { origin }) => http.post(`${origin}/start`, Readable.from(['a', 'b'])),
    stock: { status: 200 },
    ours: {
      error: {
        code: 'ERR_FR_REDIRECTION_FAILURE',
        message: 'Redirected request failed: a streamed request body cannot be sent again',
      },
    },
  },
  {
    name: 'a stream cut short fails with an AxiosError',
    why: 'so that one classifier reads all failures',
    speak: (socket) => socket.end(`${HEAD}content-length: 100\r\n\r\n{"a"`),
    call: (http, { origin }) => http.get(origin, { responseType: 'stream' }),
    stock: { error: { code: 'ECONNRESET', message: 'aborted', isAxiosError: false } },
    ours: { error: { code: 'ECONNRESET', message: 'aborted', isAxiosError: true } },
  },
  {
    name: 'it names itself, and accepts only what it can unpack',
    why: 'stock also offers "compress", which it cannot read',
    serve: (request, response) => {
      const { 'user-agent': agent, 'accept-encoding': encoding } = request.headers;
      response.end(JSON.stringify({ agent, encoding }));
    },
    call: (http, { origin }) => http.get(origin),
    stock: { data: { encoding: 'gzip, compress, deflate, br' } },
    ours: { data: { agent: 'tributary', encoding: 'gzip, deflate, br' } },
  },
  {
    name: 'a proxy in the environment is not used',
    why: 'upstreams are inside; pass `proxy`, or a dispatcher that is a ProxyAgent',
    call: (http, { origin }) => {
      process.env['http_proxy'] = 'http://127.0.0.1:1';
      return http.get(origin);
    },
    stock: { error: { code: 'ECONNREFUSED' } },
    ours: { status: 200 },
  },
];

const OURS: ServiceName[] = ['ours, without axios', 'ours, through axios'];

describe('ours differs from stock', () => {
  afterEach(() => {
    delete process.env['http_proxy'];
  });

  it.each(DIFFERENCES)('$name: $why', async ({ stock, ours, ...scene }) => {
    if (stock !== undefined) expect(await play(scene, 'stock')).toMatchObject(stock);
    for (const name of OURS) {
      const outcome: Outcome = await play(scene, name);
      expect(outcome).toMatchObject(ours);
    }
  });
});
