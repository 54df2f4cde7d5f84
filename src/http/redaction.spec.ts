import { inspect } from 'node:util';
import { type AxiosError } from 'axios';
import { lastValueFrom, type Observable } from 'rxjs';
import { rawServer, recordingServer, type RecordingServer } from './testing/recording-server.js';
import { createUndiciHttpService, type UndiciHttpService } from './undici-http.service.js';

const HEAD = 'HTTP/1.1 200 OK\r\nset-cookie: sid=SECRET\r\n';

describe('an error shows no secret', () => {
  let server: RecordingServer;
  let broken: RecordingServer;
  let http: UndiciHttpService;

  beforeAll(async () => {
    server = await recordingServer((request, response) => {
      response.setHeader('set-cookie', 'sid=SECRET');
      response.setHeader('x-note', 'SECRET');
      if (request.url?.startsWith('/status') === true) response.writeHead(401).end('{"token":"SECRET"}');
      else if (request.url?.startsWith('/json') === true) response.end('SECRET is not JSON');
      else if (request.url?.startsWith('/gzip') === true) {
        response.setHeader('content-encoding', 'gzip');
        response.end('SECRET');
      } else if (request.url?.startsWith('/large') === true) response.end('SECRET'.repeat(1_000));
      else if (request.url?.startsWith('/loop') === true)
        response.writeHead(302, { location: '/loop?t=SECRET' }).end();
      else if (request.url?.startsWith('/lost') === true)
        response.writeHead(302, { location: 'ftp://u:SECRET@x' }).end();
      else if (request.url?.startsWith('/reset') === true) response.destroy();
    });
    broken = await rawServer((socket) => socket.end(`${HEAD}transfer-encoding: chunked\r\n\r\nSECRET\r\n`));
  });

  afterAll(async () => {
    await server.close();
    await broken.close();
  });

  beforeEach(() => {
    http = createUndiciHttpService({ closeGraceMs: 0 });
  });

  afterEach(() => http.close());

  const REQUEST = {
    headers: {
      authorization: 'Bearer SECRET',
      cookie: 'sid=SECRET',
      'proxy-authorization': 'SECRET',
      'x-key': 'SECRET',
    },
    auth: { username: 'ada', password: 'SECRET' },
    params: { token: 'SECRET' },
    data: { password: 'SECRET' },
    method: 'post',
    maxContentLength: 1_000,
    transitional: { silentJSONParsing: false },
    responseType: 'json',
  } as const;

  const failures: { name: string; url: () => string; more?: object }[] = [
    { name: 'a bad status', url: () => `${server.origin}/status` },
    { name: 'bad JSON', url: () => `${server.origin}/json` },
    { name: 'corrupt gzip', url: () => `${server.origin}/gzip` },
    { name: 'a body too large', url: () => `${server.origin}/large` },
    { name: 'a redirect loop', url: () => `${server.origin}/loop` },
    { name: 'a redirect to nowhere', url: () => `${server.origin}/lost` },
    { name: 'a reset', url: () => `${server.origin}/reset` },
    { name: 'a timeout', url: () => `${server.origin}/silent`, more: { timeout: 20 } },
    { name: 'a cancellation', url: () => `${server.origin}/silent`, more: { signal: AbortSignal.abort() } },
    { name: 'broken framing', url: () => broken.origin },
    { name: 'a refused connection', url: () => 'http://127.0.0.1:1/' },
    {
      name: 'a refused connection, through Node’s http',
      url: () => 'http://127.0.0.1:1/',
      more: { maxRate: 1_000 },
    },
    {
      name: 'a bad status, through Node’s http',
      url: () => `${server.origin}/status`,
      more: { maxRate: 1_000_000 },
    },
    { name: 'an unknown host', url: () => 'http://nowhere.invalid/' },
    { name: 'credentials in the URL', url: () => 'http://ada:SECRET@127.0.0.1:1/?t=SECRET' },
    { name: 'a URL that cannot be parsed', url: () => 'http://ada:SECRET@/?t=SECRET' },
    {
      name: 'a URL that cannot be parsed, through Node’s http',
      url: () => 'http://ada:SECRET@/?t=SECRET',
      more: { maxRate: 1_000 },
    },
    { name: 'a URL without its slashes', url: () => 'http:/ada:SECRET@x/?t=SECRET' },
    { name: 'another protocol', url: () => 'ftp://ada:SECRET@x/?t=SECRET' },
    {
      name: 'a header with a line break',
      url: () => `${server.origin}/`,
      more: { headers: { authorization: 'SECRET\r\nx: y' } },
    },
    {
      name: 'a header name that is none',
      url: () => `${server.origin}/`,
      more: { headers: { 'a b': 'SECRET' } },
    },
    { name: 'a request too large', url: () => `${server.origin}/`, more: { maxBodyLength: 5 } },
  ];

  describe.each(['without axios', 'through axios'])('%s', (path) => {
    it.each(failures)('of $name', async ({ url, more }) => {
      if (path === 'through axios') http.axiosRef.interceptors.request.use((config) => config);
      const error = await failureOf(http.request({ ...REQUEST, url: url(), ...more }));

      const shown = [
        error.message,
        error.stack,
        String(error),
        JSON.stringify(error),
        JSON.stringify({ error: Object.fromEntries(Object.entries(error)) }),
        inspect(error, { depth: 10 }),
        inspect({ error }, { depth: 10 }),
        inspect(error.cause, { depth: 10 }),
      ].join('\n');
      expect(shown).not.toContain('SECRET');
      expect(shown).not.toContain(Buffer.from('ada:SECRET').toString('base64'));
      expect(shown).toContain(error.message);
    });
  });

  it('and still tells programs everything', async () => {
    const error = await failureOf(http.request({ ...REQUEST, url: `${server.origin}/status` }));
    expect(error.config?.params).toEqual({ token: 'SECRET' });
    expect(error.response?.data).toEqual({ token: 'SECRET' });
    expect(error.response?.headers['set-cookie']).toEqual(['sid=SECRET']);
    expect(error.request).toMatchObject({ method: 'POST' });
    expect(error.status).toBe(401);
  });

  it('and says what happened when it is written as JSON', async () => {
    const error = await failureOf(http.request({ ...REQUEST, url: `${server.origin}/status` }));
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'AxiosError',
      message: 'Request failed with status code 401',
      code: 'ERR_BAD_REQUEST',
      status: 401,
      stack: error.stack,
    });
  });
});

async function failureOf(call: Observable<unknown>): Promise<AxiosError> {
  return lastValueFrom(call).then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as AxiosError,
  );
}
