import { type Readable } from 'node:stream';
import {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  type AxiosPromise,
  type AxiosResponse,
  CanceledError,
  getAdapter,
  type InternalAxiosRequestConfig,
} from 'axios';
import { fullUrl, targetOf, withParams } from './axios-url.js';
import { ACCEPT_ENCODING } from './decompression.js';
import {
  Exchange,
  type WireDispatcher,
  type WireHead,
  type WireResponse,
  type WireSink,
} from './exchange.js';
import { basic, type BodyLimits, USER_AGENT } from './plain-config.js';
import { axiosErrorOf, redacted, statusErrorOf } from './redaction.js';
import { encodeBody } from './request-body.js';
import { RequestHeaders } from './request-headers.js';
import { SentRequest } from './sent-request.js';
import { type FailedExchange, markFailure } from './wire-failure.js';
import { type WireRequest } from './wire-request.js';

// Options that only mean something to Node's own http client. A request that sets one is left to axios' own
// adapter, outside the pool.
const NODE_HTTP_ONLY = [
  'beforeRedirect',
  'family',
  'http2Options',
  'httpAgent',
  'httpsAgent',
  'insecureHTTPParser',
  'lookup',
  'maxRate',
  'onDownloadProgress',
  'onUploadProgress',
  'proxy',
  'socketPath',
  'transport',
] as const satisfies readonly (keyof InternalAxiosRequestConfig)[];

/**
 * An axios adapter over an undici dispatcher: what axios runs on when interceptors, custom transforms or
 * cancel tokens make a request its business. Errors are redacted as everywhere in this folder.
 */
export function undiciAdapter(dispatcher: WireDispatcher, limits: BodyLimits): AxiosAdapter {
  const nodeHttp = getAdapter('http');
  return (config) =>
    needsNodeHttp(config)
      ? nodeHttp(config).catch(rethrowRedacted)
      : send(dispatcher, limits, config).catch((error: unknown) => rethrow(error, config));
}

function needsNodeHttp(config: InternalAxiosRequestConfig): boolean {
  if (NODE_HTTP_ONLY.some((key) => Boolean(config[key])) || config.httpVersion === 2) return true;
  return /^data:/i.test(config.url ?? '');
}

function rethrowRedacted(error: unknown): never {
  throw redacted(error);
}

// Our own refusals, and those of axios' helpers, do not know the request they are about.
function rethrow(error: unknown, config: InternalAxiosRequestConfig): never {
  if (error instanceof AxiosError) error.config ??= config;
  throw redacted(error);
}

async function send(
  dispatcher: WireDispatcher,
  limits: BodyLimits,
  config: InternalAxiosRequestConfig,
): AxiosPromise {
  const request = await wireRequestOf(config, limits);
  return new Promise((resolve, reject) => {
    const call = new AdapterCall(dispatcher, request, config, resolve, reject);
    call.start();
  });
}

async function wireRequestOf(config: InternalAxiosRequestConfig, limits: BodyLimits): Promise<WireRequest> {
  const target = targetOf(fullUrl(config.baseURL, config.url, config.allowAbsoluteUrls));
  const headers = AxiosHeaders.from(config.headers).normalize(false);
  headers.set('User-Agent', USER_AGENT, false);
  const body = await encodeBody(config.data, headers, config.maxBodyLength ?? -1);
  const { auth } = config;
  const credentials =
    auth === undefined ? target.credentials : `${auth.username || ''}:${auth.password || ''}`;
  if (credentials !== undefined) {
    headers.delete('Authorization');
    headers.set('Authorization', basic(credentials));
  }
  headers.set('Accept-Encoding', ACCEPT_ENCODING, false);
  const { maxContentLength = -1 } = config;
  return {
    origin: target.origin,
    path: withParams(target.path, config.params, config.paramsSerializer),
    method: (config.method ?? 'get').toUpperCase(),
    headers: RequestHeaders.fromAxios(headers).flat,
    body,
    streamed: config.responseType === 'stream',
    decompress: config.decompress !== false,
    timeoutMs: timeoutOf(config),
    maxRedirects: config.maxRedirects,
    sensitiveHeaders: sensitiveHeadersOf(config),
    maxWireBytes: limits.maxWireBytes,
    maxBufferedBytes: maxContentLength > -1 ? maxContentLength : limits.maxInflatedBytes,
    maxStreamedBytes: maxContentLength,
  };
}

function timeoutOf({ timeout }: InternalAxiosRequestConfig): number {
  if (!timeout) return 0;
  const parsed = parseInt(String(timeout), 10);
  if (Number.isNaN(parsed)) throw badOption('error trying to parse `config.timeout` to int');
  return parsed;
}

function sensitiveHeadersOf({ sensitiveHeaders }: InternalAxiosRequestConfig): string[] {
  const names: unknown = sensitiveHeaders ?? [];
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw badOption('sensitiveHeaders must be an array of strings');
  }
  return names.map((name) => name.toLowerCase());
}

function badOption(message: string): AxiosError {
  return new AxiosError(message, AxiosError.ERR_BAD_OPTION_VALUE);
}

class AdapterCall implements WireSink {
  private readonly exchange: Exchange;
  private readonly cancel = (reason?: unknown): void => {
    this.exchange.cancel();
    this.settle();
    const error = reason instanceof CanceledError ? reason : new CanceledError(undefined, this.config);
    this.reject(markFailure(redacted(error), 'canceled'));
  };

  constructor(
    dispatcher: WireDispatcher,
    private readonly request: WireRequest,
    private readonly config: InternalAxiosRequestConfig,
    private readonly resolve: (response: AxiosResponse) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    this.exchange = new Exchange(dispatcher, request, this);
  }

  start(): void {
    const { cancelToken, signal } = this.config;
    if (signal?.aborted === true) {
      this.cancel();
      return;
    }
    this.exchange.start();
    signal?.addEventListener?.('abort', this.cancel);
    cancelToken?.subscribe(this.cancel);
  }

  received(answer: WireResponse): void {
    this.settle();
    try {
      const response = this.responseWith(answer, this.dataOf(answer));
      const { validateStatus } = this.config;
      if (typeof validateStatus !== 'function' || validateStatus(answer.status)) this.resolve(response);
      else this.reject(statusErrorOf(this.config, response.request, response));
    } catch (error) {
      this.reject(redacted(error));
    }
  }

  failed(failure: FailedExchange, head: WireHead | undefined): void {
    this.settle();
    const request = new SentRequest(head?.request ?? this.request);
    const response = head === undefined ? undefined : this.responseWith(head, undefined);
    this.reject(axiosErrorOf(failure, this.config, request, response));
  }

  errorOf(failure: FailedExchange): AxiosError {
    return axiosErrorOf(failure, this.config, new SentRequest(this.request));
  }

  private settle(): void {
    const { cancelToken, signal } = this.config;
    signal?.removeEventListener?.('abort', this.cancel);
    cancelToken?.unsubscribe(this.cancel);
  }

  private dataOf({ body }: WireResponse): Buffer | Readable | string {
    const { responseType, responseEncoding } = this.config;
    if (!Buffer.isBuffer(body) || responseType === 'arraybuffer') return body;
    const text = body.toString(responseEncoding as BufferEncoding | undefined);
    const mayHaveMark = responseEncoding === undefined || responseEncoding === 'utf8';
    return mayHaveMark && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  private responseWith(head: WireHead, data: unknown): AxiosResponse {
    return {
      data,
      status: head.status,
      statusText: head.statusText,
      headers: head.headers,
      config: this.config,
      request: new SentRequest(head.request),
    };
  }
}
