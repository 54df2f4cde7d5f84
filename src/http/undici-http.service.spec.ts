import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { type Readable } from 'node:stream';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { HttpService } from '@nestjs/axios';
import axios, { type AxiosError, AxiosHeaders, type AxiosResponse } from 'axios';
import { firstValueFrom, forkJoin, lastValueFrom, type Observable, retry } from 'rxjs';
import { MockAgent } from 'undici';
import { PlainCall } from './plain-call.js';
import {
  clientGone,
  rawServer,
  recordingServer,
  type RecordingServer,
  type Serve,
  signal,
} from './testing/recording-server.js';
import { SELF_SIGNED } from './testing/self-signed.js';
import {
  createUndiciHttpService,
  type UndiciHttpOptions,
  type UndiciHttpService,
} from './undici-http.service.js';
import { InvalidBodyError, ResponseTooLargeError } from './wire-errors.js';
import { wireFailureOf } from './wire-failure.js';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  jest.restoreAllMocks();
  for (const close of closing.splice(0).reverse()) await close();
});

async function serving(serve: Serve): Promise<RecordingServer> {
  const server = await recordingServer(serve);
  closing.push(() => server.close());
  return server;
}

function service(options?: UndiciHttpOptions): UndiciHttpService {
  const http = createUndiciHttpService({ closeGraceMs: 0, ...options });
  closing.push(() => http.close());
  return http;
}

function throughAxios(options?: UndiciHttpOptions): UndiciHttpService {
  const http = service(options);
  http.axiosRef.interceptors.request.use((config) => config);
  return http;
}

async function errorOf(call: Observable<unknown>): Promise<AxiosError> {
  return lastValueFrom(call).then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as AxiosError,
  );
}

const hello: Serve = (_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end('{"hello":"world"}');
};

const PATHS = [
  ['without axios', service],
  ['through axios', throughAxios],
] as const;

describe('the way a request takes', () => {
  const plainCalls = (): jest.SpyInstance => jest.spyOn(PlainCall.prototype, 'received');

  const plain: [
    name: string,
    call: (http: UndiciHttpService, origin: string) => Observable<AxiosResponse>,
  ][] = [
    [
      'the hot path',
      (http, origin) =>
        http.request({
          url: origin,
          headers: { accept: 'application/json' },
          validateStatus: () => true,
          responseType: 'json',
          transitional: { silentJSONParsing: false },
        }),
    ],
    ['get()', (http, origin) => http.get(origin)],
    ['params', (http, origin) => http.get(origin, { params: { a: [1, 2] } })],
    ['post() of JSON', (http, origin) => http.post(origin, { a: 1 })],
    [
      'a stream',
      (http, origin) => http.get(origin, { responseType: 'arraybuffer', timeout: 1_000, maxRedirects: 0 }),
    ],
    ['AxiosHeaders', (http, origin) => http.get(origin, { headers: new AxiosHeaders({ a: '1' }) })],
    ['proxy: false', (http, origin) => http.get(origin, { proxy: false })],
    ['exchange()', (http, origin) => http.exchange({ url: origin })],
  ];

  it.each(plain)('is the short one for %s', async (_name, call) => {
    const { origin } = await serving(hello);
    const calls = plainCalls();
    await lastValueFrom(call(service(), origin));
    expect(calls).toHaveBeenCalledTimes(1);
  });

  const long: [name: string, call: (http: UndiciHttpService, origin: string) => Observable<AxiosResponse>][] =
    [
      [
        'a request interceptor',
        (http, origin) => {
          http.axiosRef.interceptors.request.use((config) => config);
          return http.get(origin);
        },
      ],
      [
        'a response interceptor',
        (http, origin) => {
          http.axiosRef.interceptors.response.use((response) => response);
          return http.get(origin);
        },
      ],
      ['a transform', (http, origin) => http.get(origin, { transformResponse: (data: unknown) => data })],
      [
        'a transform among the defaults',
        (http, origin) => {
          (http.axiosRef.defaults.transformRequest as unknown[]).push((data: unknown) => data);
          return http.get(origin);
        },
      ],
      ['another adapter', (http, origin) => http.get(origin, { adapter: 'http' })],
      [
        'another adapter among the defaults',
        (http, origin) => {
          http.axiosRef.defaults.adapter = 'http';
          return http.get(origin);
        },
      ],
      ['a signal', (http, origin) => http.get(origin, { signal: new AbortController().signal })],
      [
        'default params',
        (http, origin) => {
          http.axiosRef.defaults.params = { a: 1 };
          return http.get(origin);
        },
      ],
      ['an option nobody has heard of', (http, origin) => http.get(origin, { future: true } as object)],
      ['a form', (http, origin) => http.postForm(origin, { a: '1' })],
    ];

  it.each(long)('leads through axios for %s', async (_name, call) => {
    const { origin } = await serving(hello);
    const calls = plainCalls();
    const response = await lastValueFrom(call(service(), origin));
    expect(response.data).toEqual(expect.anything());
    expect(calls).not.toHaveBeenCalled();
  });

  it('is chosen anew for every request', async () => {
    const { origin } = await serving(hello);
    const http = service();
    const calls = plainCalls();

    await lastValueFrom(http.get(origin));
    const interceptor = http.axiosRef.interceptors.request.use((config) => config);
    await lastValueFrom(http.get(origin));
    http.axiosRef.interceptors.request.eject(interceptor);
    await lastValueFrom(http.get(origin));

    expect(calls).toHaveBeenCalledTimes(2);
  });

  it('knows of defaults that changed a moment ago', async () => {
    const server = await serving(hello);
    const http = service();
    await lastValueFrom(http.get(server.origin));

    http.axiosRef.defaults.headers.common['X-Token'] = 'new';
    http.axiosRef.defaults.baseURL = `${server.origin}/v2`;
    await lastValueFrom(http.get('/users'));

    expect(server.seen.at(-1)).toMatchObject({ url: '/v2/users', headers: { 'x-token': 'new' } });
  });

  it('leads through a method that somebody replaced', async () => {
    const http = service();
    const answer = { data: 'spied' } as AxiosResponse;
    jest.spyOn(http.axiosRef, 'get').mockResolvedValue(answer);
    jest.spyOn(http.axiosRef, 'request').mockResolvedValue(answer);

    expect(await lastValueFrom(http.get('http://nowhere.invalid'))).toBe(answer);
    expect(await lastValueFrom(http.request({ url: 'http://nowhere.invalid' }))).toBe(answer);
  });

  it('can end in a dispatcher of your own', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent
      .get('http://mocked')
      .intercept({ path: '/x' })
      .reply(200, { mocked: true }, { headers: { 'content-type': 'application/json' } })
      .times(2);
    const http = service({ dispatcher: agent });

    expect((await lastValueFrom(http.get('http://mocked/x'))).data).toEqual({ mocked: true });
    await http.close();
    expect((await lastValueFrom(http.get('http://mocked/x'))).data).toEqual({ mocked: true });
    await agent.close();
  });

  it('can leave the pool for an agent of Node’s own', async () => {
    const { origin } = await serving(hello);
    const http = service();
    const used = jest.fn();
    await lastValueFrom(
      http.get(origin, { beforeRedirect: used, httpAgent: new (await import('node:http')).Agent() }),
    );
    expect(wireFailureOf(await errorOf(http.get('http://127.0.0.1:1', { maxRate: 5_000 })))).toBe('connect');
  });
});

describe('the response', () => {
  it.each(PATHS)('says where it came from, %s', async (_name, make) => {
    const { origin } = await serving((request, response) => {
      response.writeHead(request.url === '/start' ? 302 : 200, { location: '/end' });
      response.end();
    });
    const response = await lastValueFrom(make().get(`${origin}/start`, { headers: { 'x-a': '1' } }));
    expect(response.request).toMatchObject({
      method: 'GET',
      path: '/end',
      host: '127.0.0.1',
      protocol: 'http:',
      res: { responseUrl: `${origin}/end` },
    });
    expect(response.config).toMatchObject({ method: 'get', url: `${origin}/start`, timeout: 0 });
    expect(response.config.headers.get('X-A')).toBe('1');
    expect(Number.isInteger(response.duration)).toBe(true);
  });
});

describe.each(PATHS)('a call, %s', (_name, make) => {
  it('is cold, and made again for each subscription', async () => {
    const server = await serving(hello);
    const call = make().get(server.origin);
    expect(server.seen).toHaveLength(0);
    await lastValueFrom(call);
    await lastValueFrom(call);
    expect(server.seen).toHaveLength(2);
  });

  it('can be retried', async () => {
    const server = await serving((_request, response) => {
      response.writeHead(server.seen.length < 3 ? 503 : 200);
      response.end('{"at":"last"}');
    });
    const response = await lastValueFrom(make().get(server.origin).pipe(retry(2)));
    expect(response.data).toEqual({ at: 'last' });
  });

  it('can be made again from its error', async () => {
    const server = await serving((_request, response, { body }) => {
      response.writeHead(server.seen.length < 2 ? 500 : 200);
      response.end(body);
    });
    const http = make();
    const error = await errorOf(
      http.post(`${server.origin}/x`, { a: 1 }, { headers: { authorization: 'Bearer t' }, params: { q: 1 } }),
    );
    const { data } = await lastValueFrom(http.request(error.config!));
    expect(data).toEqual({ a: 1 });
    const [first, second] = server.seen;
    expect(second).toEqual(first);
  });

  it('ends on the wire when it is unsubscribed before the headers', async () => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      arrived.resolve(response);
    });
    const heard = jest.fn();
    const subscription = make().get(origin).subscribe({ next: heard, error: heard, complete: heard });
    const gone = clientGone(await arrived.promise);
    subscription.unsubscribe();
    await gone;
    expect(heard).not.toHaveBeenCalled();
  });

  it('ends on the wire when it is unsubscribed in the middle of the body', async () => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      response.write('{"a":');
      arrived.resolve(response);
    });
    const subscription = make().get(origin).subscribe();
    const gone = clientGone(await arrived.promise);
    subscription.unsubscribe();
    await gone;
  });

  it('ends on the wire when its stream is unsubscribed before the headers', async () => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      arrived.resolve(response);
    });
    const subscription = make().get(origin, { responseType: 'stream' }).subscribe();
    const gone = clientGone(await arrived.promise);
    subscription.unsubscribe();
    await gone;
  });

  it.each(['plain', 'gzip'])('ends on the wire when its %s stream is destroyed', async (kind) => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      if (kind === 'gzip') {
        response.setHeader('content-encoding', 'gzip');
        response.write(gzipSync('x'.repeat(1_000)).subarray(0, 20));
      } else response.write('begun');
      arrived.resolve(response);
    });
    const { data } = await firstValueFrom(make().get<Readable>(origin, { responseType: 'stream' }));
    const gone = clientGone(await arrived.promise);
    data.destroy();
    await gone;
  });

  it('leaves a stream to its reader once it is handed out', async () => {
    const { origin } = await serving((_request, response) => {
      response.write('a');
      setImmediate(() => response.end('b'));
    });
    const chunks: Buffer[] = [];
    const { data } = await firstValueFrom(make().get<Readable>(origin, { responseType: 'stream' }));
    for await (const chunk of data) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('ab');
  });

  it('holds the upstream back while its stream is not read', async () => {
    let written = 0;
    const { origin } = await serving((_request, response) => {
      const more = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536))) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const http = make();
    const { data } = await firstValueFrom(http.get<Readable>(origin, { responseType: 'stream' }));
    await once(data, 'readable');
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
    expect(written).toBeLessThan(48 * 1024 * 1024);
    data.destroy();
  });

  it('does not take the process down with a stream that breaks unread', async () => {
    const { origin } = await serving((_request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('a', () => response.destroy());
    });
    const { data } = await firstValueFrom(make().get<Readable>(origin, { responseType: 'stream' }));
    await new Promise((resolve) => data.once('close', resolve));
  });

  it('aborts its sibling in a forkJoin that fails', async () => {
    const gone = signal();
    const { origin } = await serving((request, response) => {
      if (request.url === '/slow') {
        void clientGone(response).then(gone.resolve);
      } else {
        response.writeHead(500);
        response.end();
      }
    });
    const http = make();
    await errorOf(forkJoin([http.get(`${origin}/slow`), http.get(`${origin}/bad`)]));
    await gone.promise;
  });

  it('answers in the async context it was subscribed in, over a shared socket', async () => {
    const server = await serving(hello);
    const http = make({ pool: { connections: 1 } });
    const storage = new AsyncLocalStorage<number>();
    const heard = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        storage.run(
          i,
          () =>
            new Promise((resolve) => {
              http.get(`${server.origin}/${i}`).subscribe(() => {
                resolve(storage.getStore());
              });
            }),
        ),
      ),
    );
    expect(heard).toEqual([0, 1, 2, 3, 4]);
    expect(server.connections).toBe(1);
  });

  it('streams in the async context it was subscribed in', async () => {
    const listening = signal();
    const { origin } = await serving(async (request, response) => {
      response.flushHeaders();
      if (request.url === '/stream') await listening.promise;
      response.end('late');
    });
    const http = make({ pool: { connections: 1 } });
    const storage = new AsyncLocalStorage<string>();
    await storage.run('first', () => lastValueFrom(http.get(origin)));
    const heard = new Promise((resolve) => {
      storage.run('second', () => {
        http.get<Readable>(`${origin}/stream`, { responseType: 'stream' }).subscribe(({ data }) => {
          data.on('data', () => {
            resolve(storage.getStore());
          });
          data.once('resume', () => setImmediate(listening.resolve));
        });
      });
    });
    expect(await heard).toBe('second');
  });

  it('refuses a body at its announcement', async () => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      response.writeHead(200, { 'content-length': 2 ** 31 });
      response.write('x');
      arrived.resolve(response);
    });
    const failed = errorOf(make({ maxWireBytes: 1_000 }).get(origin));
    const gone = clientGone(await arrived.promise);
    const error = await failed;
    await gone;
    expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', message: 'maxWireBytes size of 1000 exceeded' });
    expect(error.cause).toBeInstanceOf(ResponseTooLargeError);
    expect(wireFailureOf(error)).toBe('too-large');
  });

  it('refuses a body that does not say how long it is as soon as it is too long', async () => {
    const gone = signal();
    let written = 0;
    const { origin } = await serving((_request, response) => {
      const pour = (): void => {
        written += 10_000;
        if (!response.destroyed) response.write(Buffer.alloc(10_000), () => setImmediate(pour));
      };
      void clientGone(response).then(gone.resolve);
      pour();
    });
    const error = await errorOf(make({ maxWireBytes: 50_000 }).get(origin));
    await gone.promise;
    expect(wireFailureOf(error)).toBe('too-large');
    expect(written).toBeLessThan(10_000_000);
  });

  it('refuses a small body that unpacks to a large one', async () => {
    const bomb = gzipSync(Buffer.alloc(30 * 1024 * 1024));
    const { origin } = await serving((_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(bomb);
    });
    const error = await errorOf(make().get(origin));
    expect(error.message).toBe(`maxContentLength size of ${20 * 1024 * 1024} exceeded`);
    expect(error.cause).toMatchObject({ limitName: 'maxContentLength', limitBytes: 20 * 1024 * 1024 });
    expect(wireFailureOf(error)).toBe('too-large');
  });

  it('streams what it would not buffer', async () => {
    const { origin } = await serving((_request, response) => {
      response.end(Buffer.alloc(100_000));
    });
    const { data } = await lastValueFrom(
      make({ maxWireBytes: 10 }).get<Readable>(origin, { responseType: 'stream' }),
    );
    let bytes = 0;
    for await (const chunk of data) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(100_000);
  });

  it('tells how it failed', async () => {
    const { origin } = await serving((request, response) => {
      if (request.url === '/status') response.writeHead(404).end();
      else if (request.url === '/invalid')
        response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip');
      else if (request.url === '/json') response.end('<html>');
      else if (request.url === '/reset') response.destroy();
      else if (request.url === '/moved') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    const http = make();
    const kindOf = async (path: string, config = {}): Promise<string> =>
      wireFailureOf(await errorOf(http.get(origin + path, config)));

    // First, on a socket of its own: on a used one, the server may have closed it before it saw the request.
    expect(await kindOf('/reset')).toBe('reset');
    expect(await kindOf('/status')).toBe('status');
    expect(await kindOf('/invalid')).toBe('invalid');
    expect(await kindOf('/json', { responseType: 'json', transitional: { silentJSONParsing: false } })).toBe(
      'invalid',
    );
    expect(await kindOf('/silent', { timeout: 20 })).toBe('timeout');
    expect(await kindOf('/silent', { signal: AbortSignal.timeout(20) })).toBe('canceled');
    expect(await kindOf('/moved')).toBe('reset');
    expect(await kindOf('/', { headers: { a: 'b\nc' } })).toBe('unknown');
    expect(wireFailureOf(await errorOf(http.get('http://127.0.0.1:1/')))).toBe('connect');
    expect(wireFailureOf(await errorOf(http.get('http://nowhere.invalid/')))).toBe('connect');
    const unreadable = await errorOf(http.get(`${origin}/invalid`));
    expect(unreadable.cause).toBeInstanceOf(InvalidBodyError);
  });

  it('gives up connecting in time', async () => {
    const silent = await rawServer(() => undefined);
    closing.push(() => silent.close());
    const url = silent.origin.replace('http:', 'https:');

    const error = await errorOf(make({ pool: { connectTimeoutMs: 30 } }).get(url));

    expect(error).toMatchObject({ code: 'ETIMEDOUT', cause: { name: 'ConnectTimeoutError' } });
    expect(wireFailureOf(error)).toBe('connect');
  });

  it('does not talk to a server with the wrong certificate', async () => {
    let asked = 0;
    const server = createTlsServer(SELF_SIGNED, (_request, response) => {
      asked += 1;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(
      () =>
        new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections();
        }),
    );
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;

    const error = await errorOf(make().get(url));
    expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(wireFailureOf(error)).toBe('certificate');
    expect(asked).toBe(0);

    await lastValueFrom(make({ pool: { tls: { ca: SELF_SIGNED.cert } } }).get(url));
    expect(asked).toBe(1);
  });

  it('that waits for a socket is never sent if it is unsubscribed', async () => {
    const first = signal<ServerResponse>();
    const server = await serving((request, response) => {
      if (request.url === '/first') first.resolve(response);
      else response.end();
    });
    const http = make({ pool: { connections: 1 } });
    const running = lastValueFrom(http.get(`${server.origin}/first`));
    const response = await first.promise;
    const waiting = http.get(`${server.origin}/second`).subscribe();
    const third = lastValueFrom(http.get(`${server.origin}/third`));
    await new Promise(setImmediate);
    waiting.unsubscribe();
    response.end();
    await running;
    await third;
    expect(server.seen.map(({ url }) => url)).toEqual(['/first', '/third']);
  });
});

describe('a cancel token of the caller', () => {
  it('cancels with its own words, and does not stop unsubscribing from doing so', async () => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      arrived.resolve(response);
    });
    const http = service();
    const source = axios.CancelToken.source();
    const failed = errorOf(http.get(origin, { cancelToken: source.token }));
    await arrived.promise;
    source.cancel('enough');
    expect(await failed).toMatchObject({ code: 'ERR_CANCELED', message: 'enough' });
    expect(await errorOf(http.get(origin, { cancelToken: source.token }))).toMatchObject({
      message: 'enough',
    });
  });

  it('does not keep an unsubscribed call alive', async () => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      arrived.resolve(response);
    });
    const subscription = service().get(origin, { cancelToken: axios.CancelToken.source().token }).subscribe();
    const gone = clientGone(await arrived.promise);
    subscription.unsubscribe();
    await gone;
  });
});

describe('closing', () => {
  it('lets running calls end, and refuses new ones', async () => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      arrived.resolve(response);
    });
    const http = service({ closeGraceMs: 60_000 });
    const running = lastValueFrom(http.get<string>(origin));
    const response = await arrived.promise;
    const closed = http.close();

    const refused = await errorOf(http.get(origin));
    expect(wireFailureOf(refused)).toBe('canceled');
    response.end('done');
    expect((await running).data).toBe('done');
    await closed;
    expect(http.close()).toBe(http.close());
  });

  it('cuts off what does not end within the grace', async () => {
    const arrived = signal<ServerResponse>();
    const { origin } = await serving((_request, response) => {
      arrived.resolve(response);
    });
    const http = service({ closeGraceMs: 20 });
    const running = errorOf(http.get(origin));
    const gone = clientGone(await arrived.promise);
    await http.close();
    await gone;
    expect(wireFailureOf(await running)).toBe('canceled');
  });
});

it('is an HttpService', () => {
  expect(service()).toBeInstanceOf(HttpService);
});
