import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, type Socket } from 'node:net';
import { AxiosError, AxiosHeaders, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { rawServer, recordingServer, type Serve } from '../http/testing/recording-server.js';
import { SELF_SIGNED } from '../http/testing/self-signed.js';
import { UndiciHttpService } from '../http/undici-http.service.js';
import { markFailure } from '../http/wire-failure.js';
import { type Verdict, VERDICTS } from '../resilience/verdict.js';
import { classify, isWithoutEffect, statusError, verdictOfStatus } from './classify.js';
import { outcomeOf, refusingOrigin, statuses } from './testing/spec-support.js';
import { type FailureReason, type UpstreamError } from './upstream-error.js';

interface Service {
  readonly origin: string;
  close(): Promise<void>;
}

/** What comes of one request on the bare wire, as the upstream `orders` sees it. */
async function failureAt(service: Service, config: AxiosRequestConfig = {}): Promise<UpstreamError> {
  const http = new UndiciHttpService({ maxWireBytes: 1_000, maxInflatedBytes: 2_000 });
  try {
    const outcome = await outcomeOf(
      http.request({
        url: service.origin,
        responseType: 'json',
        transitional: { silentJSONParsing: false },
        ...config,
      }),
    );
    if (!('error' in outcome)) throw new Error('the request did not fail');
    return classify('orders', outcome.error, false);
  } finally {
    await http.close();
    await service.close();
  }
}

const says = (text: string): Promise<Service> => rawServer((socket) => socket.end(text));
const does = (act: (socket: Socket) => void): Promise<Service> => rawServer(act);
const answers = (serve: Serve): Promise<Service> => recordingServer(serve);
const nobody = async (): Promise<Service> => ({
  origin: await refusingOrigin(),
  close: () => Promise.resolve(),
});

const sends =
  (body: string, headers: Readonly<Record<string, string>> = {}): Serve =>
  (_request, response) => {
    response.writeHead(200, headers).end(body);
  };

/** A body that never ends. */
const begins =
  (body: string, headers: Readonly<Record<string, string>> = {}): Serve =>
  (_request, response) => {
    response.writeHead(200, headers).flushHeaders();
    if (body !== '') response.write(body);
  };

async function selfSigned(): Promise<Service> {
  const server = createTlsServer(SELF_SIGNED, (_request, response) => response.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://localhost:${port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

type Row = readonly [what: string, service: () => Promise<Service>, reason: FailureReason, verdict: Verdict];

describe('a failure on the wire', () => {
  const { unsent, broken, failed, neutral } = VERDICTS;

  it.each<Row>([
    ['a refused connection', nobody, 'connect', unsent],
    [
      'a name that no one has',
      async () => ({ ...(await nobody()), origin: 'http://no-such-host.invalid' }),
      'connect',
      unsent,
    ],
    ['a certificate that is not trusted', selfSigned, 'connect', broken],
    [
      'a TLS handshake with a server that speaks none',
      async () => inTls(await says('hello')),
      'connect',
      unsent,
    ],
    ['a reset before the answer', () => does((socket) => socket.resetAndDestroy()), 'reset', failed],
    ['an end before the answer', () => does((socket) => socket.end()), 'reset', failed],
    ['an end within the headers', () => says('HTTP/1.1 200 OK\r\ncontent-le'), 'reset', failed],
    ['an end within the body', () => says('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{'), 'reset', failed],
    [
      'an end within a chunk',
      () => says('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{'),
      'reset',
      failed,
    ],
    ['something that is not HTTP', () => says('SSH-2.0-OpenSSH\r\n\r\n'), 'invalid', neutral],
    ['a body that is not JSON', () => answers(sends('<html>')), 'invalid', neutral],
    [
      'a broken compression',
      () => answers(sends('no gzip', { 'content-encoding': 'gzip' })),
      'invalid',
      neutral,
    ],
    [
      'a body announced too large',
      () => answers(begins('', { 'content-length': '1001' })),
      'too-large',
      neutral,
    ],
    ['a body that grows too large', () => answers(begins('x'.repeat(1_001))), 'too-large', neutral],
  ])('%s', async (_what, service, reason, verdict) => {
    const failure = await failureAt(await service());
    expect(failure).toMatchObject({ upstream: 'orders', reason, status: undefined });
    expect(failure.verdict).toBe(verdict);
  });

  it('an answer that takes longer than its timeout', async () => {
    const failure = await failureAt(await answers(() => undefined), { timeout: 1 });
    expect(failure).toMatchObject({ reason: 'timeout', verdict: failed });
  });

  it('a request that its caller aborted', async () => {
    const failure = await failureAt(await answers(() => undefined), { signal: AbortSignal.abort() });
    expect(failure).toMatchObject({ reason: 'cancelled', verdict: neutral });
  });

  it('a request that cannot be made', async () => {
    const failure = await failureAt(await answers(() => undefined), { headers: { 'x-a': 'b\r\nx-evil: 1' } });
    expect(failure).toMatchObject({ reason: 'invalid', verdict: neutral });
  });

  it('a pool that has been closed', async () => {
    const http = new UndiciHttpService();
    await http.close();
    const outcome = await outcomeOf(http.request({ url: 'http://127.0.0.1:1' }));
    expect(classify('orders', 'error' in outcome ? outcome.error : undefined, false)).toMatchObject({
      reason: 'cancelled',
      verdict: neutral,
    });
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a text', 'oops'],
    ['a bug', new TypeError('oops')],
    ['an AxiosError without a code', new AxiosError('oops')],
  ])('an error nobody knows is neutral: %s', (_what, error) => {
    expect(classify('orders', error, true)).toMatchObject({ reason: 'invalid', verdict: neutral });
  });
});

function inTls(service: Service): Service {
  return { ...service, origin: service.origin.replace('http:', 'https:') };
}

describe('a status', () => {
  const { answered, failed, faulty, broken, throttled, tooEarly } = VERDICTS;

  it.each<[number, Verdict]>([
    [301, answered],
    [304, answered],
    [400, answered],
    [401, answered],
    [403, answered],
    [404, answered],
    [408, failed],
    [409, answered],
    [410, answered],
    [422, answered],
    [425, tooEarly],
    [429, throttled],
    [499, answered],
    [500, broken],
    [501, broken],
    [502, failed],
    [503, failed],
    [504, failed],
    [505, broken],
    [599, broken],
  ])('of %i', async (status, verdict) => {
    const failure = await failureAt(await answers(statuses(status)), { maxRedirects: 0 });
    expect(failure).toMatchObject({ reason: 'status', status, retryAfterMs: undefined });
    expect(failure.verdict).toBe(verdict);
    expect(failure.message).toBe(`upstream 'orders' answered ${status}`);
  });

  it('of 500 may be retried where the policy says so', () => {
    expect(verdictOfStatus(500, true)).toBe(faulty);
    expect(verdictOfStatus(501, true)).toBe(broken);
  });

  it.each<[Verdict['limit'], readonly number[]]>([
    ['sample', [301, 400, 404, 409, 425]],
    ['drop', [408, 429, 502, 503, 504]],
    ['ignore', [500, 501, 505, 599]],
  ])('is a %s to an adaptive limit: %p', (limit, statuses) => {
    for (const retryOn500 of [false, true])
      expect(statuses.map((status) => verdictOfStatus(status, retryOn500).limit)).toEqual(
        statuses.map(() => limit),
      );
  });

  it.each<[Readonly<Record<string, string>>, number | undefined]>([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '7', 'retry-after-ms': '6500' }, 6_500],
    [{ 'retry-after': '7', 'retry-after-ms': 'soon' }, 7_000],
    [{ 'retry-after-ms': '120' }, 120],
    [{}, undefined],
  ])('brings the wait its answer asks for: %j', async (headers, retryAfterMs) => {
    const failure = await failureAt(await answers(statuses([503, headers])));
    expect(failure.retryAfterMs).toBe(retryAfterMs);
  });

  it('brings none that cannot be read', async () => {
    const failure = await failureAt(await answers(statuses([503, { 'retry-after': 'soon' }])));
    expect(failure.retryAfterMs).toBeUndefined();
  });

  it('of an adapter that leaves the headers out is one as well', () => {
    const config = { headers: new AxiosHeaders() };
    const response = { status: 503, data: '', statusText: '', config } as unknown as AxiosResponse;
    const error = new AxiosError('503', AxiosError.ERR_BAD_RESPONSE, config, undefined, response);
    expect(classify('orders', markFailure(error, 'status'), false)).toMatchObject({
      reason: 'status',
      status: 503,
    });
  });

  it.each<[boolean, string, readonly number[]]>([
    [true, 'certainly', [400, 401, 404, 409, 422, 429]],
    [false, 'not certainly', [303, 408, 500, 501, 502, 503, 504]],
  ])('has changed nothing: %p for %s', (expected, _how, statuses) => {
    for (const status of statuses) {
      const error = statusError('orders', { status } as AxiosResponse, false, undefined);
      expect([status, isWithoutEffect(error)]).toEqual([status, expected]);
    }
  });

  it('has certainly changed nothing where it was never sent', async () => {
    expect(isWithoutEffect(await failureAt(await nobody()))).toBe(true);
  });
});
