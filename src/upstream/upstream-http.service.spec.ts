import { type Readable } from 'node:stream';
import { inspect } from 'node:util';
import { HttpService } from '@nestjs/axios';
import axios, { type AxiosError, type AxiosRequestConfig, isAxiosError } from 'axios';
import { type Observable } from 'rxjs';
import {
  clientGone,
  type RecordingServer,
  recordingServer,
  type Serve,
  signal,
} from '../http/testing/recording-server.js';
import { RequestContext } from './request-context.js';
import {
  Fixture,
  Opened,
  outcomeOf,
  refusingOrigin,
  statuses,
  until,
  valueOf,
  type WrittenUpstream,
} from './testing/spec-support.js';
import { UpstreamClient } from './upstream-client.js';
import { UpstreamError } from './upstream-error.js';
import { UpstreamHttpService } from './upstream-http.service.js';

const opened = new Opened();
afterEach(() => opened.close());

class OrdersClient extends UpstreamClient {
  all(): Observable<unknown> {
    return this.get('/orders');
  }
}

function serviceOf(written: WrittenUpstream) {
  const fixture = opened.add(new Fixture(written));
  const { orders, clock } = fixture;
  // As code that knows nothing of upstreams sees it.
  const http: HttpService = new UpstreamHttpService(orders);
  return { http, orders, clock, fixture };
}

async function upstream(serve: Serve, written: WrittenUpstream = {}) {
  const server = opened.add(await recordingServer(serve));
  return { server, ...serviceOf({ url: server.origin, ...written }) };
}

async function errorOf(source: Observable<unknown>): Promise<AxiosError> {
  const outcome = await outcomeOf(source);
  if ('error' in outcome && isAxiosError(outcome.error)) return outcome.error;
  throw new Error(`expected an AxiosError, and got ${inspect(outcome)}`);
}

const lines = (server: RecordingServer): string[] => server.seen.map(({ method, url }) => `${method} ${url}`);

/** Nothing is answered. */
const silence: Serve = () => undefined;

describe('the HttpService of an upstream', () => {
  it('has a method of its own for each that HttpService has, so that none goes past the policy', () => {
    const stock = Object.getOwnPropertyNames(HttpService.prototype);
    const inherited = stock.filter((name) => !Object.hasOwn(UpstreamHttpService.prototype, name));
    expect(inherited.sort()).toEqual(['axiosRef', 'makeObservable']);
  });

  it.each<[string, (http: HttpService) => Observable<unknown>, string]>([
    ['GET /x?a=1', (http) => http.get('/x', { params: { a: 1 } }), ''],
    ['GET /', (http) => http.request({}), ''],
    ['DELETE /x', (http) => http.delete('/x'), ''],
    ['HEAD /x', (http) => http.head('/x'), ''],
    ['POST /x', (http) => http.post('/x', { a: 1 }), '{"a":1}'],
    ['PUT /x', (http) => http.put('/x', 'text'), 'text'],
    ['PATCH /x', (http) => http.patch('/x', [1]), '[1]'],
    ['QUERY /x', (http) => http.query('/x', { a: 1 }), '{"a":1}'],
    ['OPTIONS /x', (http) => http.request({ method: 'options', url: '/x' }), ''],
    ['POST /x', (http) => http.request({ method: 'post', url: '/x', data: { a: 1 } }), '{"a":1}'],
  ])('sends %s', async (line, send, body) => {
    const { server, http } = await upstream(statuses(200));
    await valueOf(send(http));
    expect(lines(server)).toEqual([line]);
    expect(server.seen[0]?.body).toBe(body);
  });

  it.each<[string, (http: HttpService) => Observable<unknown>]>([
    ['POST', (http) => http.postForm('/x', { field: 'value' }, { headers: { 'Idempotency-Key': 'k' } })],
    ['PUT', (http) => http.putForm('/x', { field: 'value' })],
    ['PATCH', (http) => http.patchForm('/x', { field: 'value' }, { headers: { 'Idempotency-Key': 'k' } })],
  ])('sends a form by %s, and all of it again when it is retried', async (verb, send) => {
    const { server, http } = await upstream(statuses(503, 200));
    await valueOf(send(http));
    expect(lines(server)).toEqual([`${verb} /x`, `${verb} /x`]);
    for (const { headers, body } of server.seen) {
      expect(headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
      expect(body).toMatch(/name="field"\r\n\r\nvalue\r\n/);
    }
  });

  it.each([
    ['/orders/7', '/v1/orders/7'],
    ['orders/7', '/v1/orders/7'],
    ['?page=1', '/v1/?page=1'],
    ['', '/v1/'],
    [undefined, '/v1/'],
  ])('takes the URL %j for %s', async (url, path) => {
    const server = opened.add(await recordingServer(statuses(200)));
    const { http } = serviceOf({ url: `${server.origin}/v1` });
    await valueOf(http.request(url === undefined ? {} : { url }));
    expect(lines(server)).toEqual([`GET ${path}`]);
  });

  it.each<[AxiosRequestConfig]>([
    [{ url: 'http://elsewhere/orders' }],
    [{ url: 'HTTPS://elsewhere/orders' }],
    [{ url: '//elsewhere/orders' }],
    [{ url: '/orders', baseURL: 'http://elsewhere' }],
  ])('refuses to be sent elsewhere: %j', async (config) => {
    const { server, http } = await upstream(statuses(200));
    const { code, message } = await errorOf(http.request(config));
    expect(code).toBe('ERR_INVALID_URL');
    expect(message).toContain("the HttpService of upstream 'orders' takes paths");
    expect(server.seen).toEqual([]);
  });

  it('does not follow redirects unless told to', async () => {
    const { server, http } = await upstream((_request, response, { url }) => {
      if (url === '/old') response.writeHead(302, { location: '/new' });
      response.end();
    });
    expect((await errorOf(http.get('/old'))).response?.status).toBe(302);
    await valueOf(http.get('/old', { maxRedirects: 1 }));
    expect(lines(server)).toEqual(['GET /old', 'GET /old', 'GET /new']);
  });

  it('hands a stream on', async () => {
    const { http } = await upstream((_request, response) => {
      response.end('streamed');
    });
    const { data } = await valueOf(http.get<Readable>('/x', { responseType: 'stream' }));
    expect(Buffer.concat((await data.toArray()) as Buffer[]).toString()).toBe('streamed');
  });
});

describe('the policy', () => {
  it('retries, and answers what came last', async () => {
    const { server, http } = await upstream(statuses(503, 200));
    expect(await valueOf(http.get('/x'))).toMatchObject({ status: 200, data: { status: 200 } });
    expect(lines(server)).toEqual(['GET /x', 'GET /x']);
  });

  it('does not retry POST', async () => {
    const { server, http } = await upstream(statuses(503, 200));
    expect((await errorOf(http.post('/x', {}))).response?.status).toBe(503);
    expect(server.seen).toHaveLength(1);
  });

  it('sees failures that the caller accepts, and hands them on as answers', async () => {
    const { server, http, orders } = await upstream(statuses(503));
    expect(await valueOf(http.get('/x', { validateStatus: () => true }))).toMatchObject({
      status: 503,
      data: { status: 503 },
    });
    expect(await valueOf(http.get('/x', { validateStatus: null }))).toMatchObject({ status: 503 });
    expect(server.seen).toHaveLength(4);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 4, failures: 4 });
  });

  it('leaves a 404 that the caller accepts alone', async () => {
    const { server, http, orders } = await upstream(statuses(404));
    expect(await valueOf(http.get('/x', { validateStatus: () => true }))).toMatchObject({ status: 404 });
    expect(server.seen).toHaveLength(1);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
  });

  it('counts what the caller refuses as what it is', async () => {
    const { http, orders } = await upstream(statuses(200));
    const { response } = await errorOf(http.get('/x', { validateStatus: (status) => status === 201 }));
    expect(response?.status).toBe(200);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
  });

  it('sends the headers of the upstream, and those of the call', async () => {
    const { server, http } = await upstream(statuses(200), { headers: { 'x-api-key': 'k-1' } });
    await valueOf(http.get('/x', { headers: { 'X-Own': 'yes', 'X-List': ['a', 'b'] } }));
    expect(server.seen[0]?.headers).toMatchObject({ 'x-api-key': 'k-1', 'x-own': 'yes', 'x-list': 'a, b' });
  });

  it('ends a call on the wire when it is unsubscribed', async () => {
    const gone = signal();
    const { server, http } = await upstream((_request, response) => {
      void clientGone(response).then(gone.resolve);
    });
    const call = http.get('/x').subscribe();
    await until(() => server.seen.length === 1);
    call.unsubscribe();
    await gone.promise;
  });
});

describe('the timeout of a call', () => {
  it.each<[string, (http: HttpService) => Observable<unknown>]>([
    ['its own', (http) => http.get('/x', { timeout: 300 })],
    [
      'the default of axios',
      (http) => {
        http.axiosRef.defaults.timeout = 300;
        return http.get('/x');
      },
    ],
  ])('bounds all of it, retries and all, and nobody is blamed: %s', async (_which, send) => {
    const { server, http, orders, clock } = await upstream(silence);
    const error = errorOf(send(http));
    await until(() => server.seen.length === 1);
    expect(server.seen[0]?.headers['x-envoy-expected-rq-timeout-ms']).toBe('300');
    clock.advance(300);
    expect(await error).toMatchObject({ code: 'ECONNABORTED', cause: { reason: 'deadline' } });
    expect(server.seen).toHaveLength(1);
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 0 });
  });

  it('is none of the wire', async () => {
    const { http } = await upstream(statuses(200));
    http.axiosRef.defaults.timeout = 300;
    expect((await valueOf(http.get('/x', { timeout: 200 }))).config.timeout).toBe(0);
    expect((await valueOf(http.get('/x'))).config.timeout).toBe(0);
  });

  it("of none leaves the upstream's", async () => {
    const { server, http } = await upstream(statuses(200));
    await valueOf(http.get('/x', { timeout: 0 }));
    expect(server.seen[0]?.headers['x-envoy-expected-rq-timeout-ms']).toBe('1000');
  });
});

describe('an error', () => {
  it.each<[number, string]>([
    [404, 'ERR_BAD_REQUEST'],
    [503, 'ERR_BAD_RESPONSE'],
  ])("of a %i is axios' own", async (status, code) => {
    const { http } = await upstream(statuses(status));
    const error = await errorOf(http.get('/x'));
    expect(error).toMatchObject({ code, message: `Request failed with status code ${status}` });
    expect(error.response).toMatchObject({ status, data: { status } });
    expect(error.config).toMatchObject({
      method: 'get',
      url: expect.stringMatching(/^http:.*\/x$/) as string,
    });
  });

  it("of a refused connection is axios' own", async () => {
    const { http } = serviceOf({ url: await refusingOrigin() });
    expect((await errorOf(http.get('/x'))).code).toBe('ECONNREFUSED');
  });

  it('of an attempt that took too long has the code ECONNABORTED', async () => {
    const { server, http, clock } = await upstream(silence, { retry: { maxAttempts: 1 } });
    const error = errorOf(http.get('/x'));
    await until(() => server.seen.length === 1);
    clock.advance(1_000);
    expect(await error).toMatchObject({ code: 'ECONNABORTED', cause: { reason: 'timeout' } });
    expect((await error).response).toBeUndefined();
  });

  it('of an open breaker has the code ERR_BREAKER_OPEN, and says when to come back', async () => {
    const { http, orders } = await upstream(statuses(200));
    orders.breaker.setMode('force-open');
    const error = await errorOf(http.get('/x'));
    expect(error.code).toBe('ERR_BREAKER_OPEN');
    expect(error.cause).toBeInstanceOf(UpstreamError);
    expect(error.cause).toMatchObject({ reason: 'open', retryAfterMs: 60_000 });
  });

  it('of a full bulkhead has the code ERR_BULKHEAD_FULL', async () => {
    const { http } = await upstream(silence, { bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 } });
    const first = http.get('/x').subscribe();
    expect((await errorOf(http.get('/x'))).code).toBe('ERR_BULKHEAD_FULL');
    first.unsubscribe();
  });

  it('of a client that left is a cancellation', async () => {
    const { http } = await upstream(silence);
    const context = new RequestContext('r-1', Infinity, {});
    const error = context.run(() => errorOf(http.get('/x')), undefined);
    context.clientLeft();
    expect((await error).code).toBe('ERR_CANCELED');
    expect(axios.isCancel(await error)).toBe(true);
  });

  it('of a call that its caller aborted is a cancellation, and is not retried', async () => {
    const { server, http, fixture } = await upstream(silence);
    const abort = new AbortController();
    const error = errorOf(http.get('/x', { signal: abort.signal }));
    await until(() => server.seen.length === 1);
    abort.abort();
    expect(axios.isCancel(await error)).toBe(true);
    expect(fixture.eventsOf('call')).toMatchObject([{ outcome: 'cancelled', attempts: 1 }]);
  });

  it('of a guard shows the config to programs, and to nobody who prints it', async () => {
    const { http, orders } = await upstream(statuses(200));
    orders.breaker.setMode('force-open');
    const error = await errorOf(http.get('/x?key=hunter2', { headers: { authorization: 'Bearer hunter2' } }));
    expect(error.config).toMatchObject({
      url: '/x?key=hunter2',
      headers: { authorization: 'Bearer hunter2' },
    });
    expect(inspect(error, { depth: Infinity }) + JSON.stringify(error)).not.toContain('hunter2');
  });
});

describe('interceptors', () => {
  it('run for each attempt', async () => {
    const { server, http } = await upstream(statuses(503, 200));
    let attempt = 0;
    http.axiosRef.interceptors.request.use((config) => {
      config.headers.set('x-attempt', String(++attempt));
      return config;
    });
    await valueOf(http.get('/x'));
    expect(server.seen.map(({ headers }) => headers['x-attempt'])).toEqual(['1', '2']);
  });

  it('run for the client of the same upstream', async () => {
    const { server, http, orders } = await upstream(statuses(200));
    http.axiosRef.interceptors.request.use((config) => {
      config.headers.set('x-token', 't-1');
      return config;
    });
    expect(await valueOf(new OrdersClient(orders).all())).toEqual({ status: 200 });
    expect(server.seen).toMatchObject([{ url: '/orders', headers: { 'x-token': 't-1' } }]);
  });

  it('see the answers that the caller accepts, and may change them', async () => {
    const { http } = await upstream(statuses(404));
    http.axiosRef.interceptors.response.use((response) => ({ ...response, data: 'changed' }));
    expect(await valueOf(http.get('/x', { validateStatus: () => true }))).toMatchObject({
      status: 404,
      data: 'changed',
    });
  });

  it('throw what they will, and the caller gets it', async () => {
    const { http, orders } = await upstream(statuses(404));
    const own = new RangeError('not for you');
    http.axiosRef.interceptors.response.use(undefined, () => {
      throw own;
    });
    expect(await outcomeOf(http.get('/x'))).toEqual({ error: own });
    expect(orders.breaker.snapshot()).toMatchObject({ calls: 0 });
  });

  it('keep the deadline and the endpoint of the call', async () => {
    const { server, http } = await upstream(statuses(200));
    http.axiosRef.interceptors.request.use((config) => config);
    await valueOf(http.get('/x', { timeout: 400 }));
    expect(server.seen[0]?.headers['x-envoy-expected-rq-timeout-ms']).toBe('400');
  });
});
