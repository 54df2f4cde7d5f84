import { HttpService } from '@nestjs/axios';
import {
  AxiosError,
  AxiosHeaders,
  type AxiosRequestConfig,
  type AxiosResponse,
  CanceledError,
  type InternalAxiosRequestConfig,
} from 'axios';
import { catchError, type Observable, of, throwError } from 'rxjs';
import { redacted } from '../http/redaction.js';
import { Rejection } from '../resilience/rejections.js';
import { AcceptedFailure } from './accepted-failure.js';
import { type Upstream } from './upstream.js';
import { type UpstreamError } from './upstream-error.js';

/**
 * The `HttpService` of @nestjs/axios, bound to one upstream: code that injects `HttpService` gets the upstream's pool
 * and policy without a changed line. URLs are relative to the upstream's endpoints.
 *
 * Answers and errors are axios' own, and so is what interceptors throw. A call that a guard ended (timeout, deadline,
 * breaker, bulkhead) emits an AxiosError without a response, its `code` `ECONNABORTED` for the first two,
 * `ERR_BREAKER_OPEN` or `ERR_BULKHEAD_FULL`; a call whose client left emits a CanceledError. Either has the
 * {@link UpstreamError} as its cause.
 *
 * - Interceptors of `axiosRef` run for each attempt, and for the other clients of the same upstream. The policy judges
 *   what they make of an answer: one that throws an error of its own hides from it what the upstream did.
 * - `timeout` bounds the whole call, retries and all: it is the caller's patience, not the upstream's failure.
 * - `validateStatus` decides what the caller sees, not what the policy counts and retries.
 * - Redirects are not followed unless `maxRedirects` says so: they may lead away from the upstream.
 * - A streamed answer is handed out at its headers; there the policy ends.
 * - `axiosRef` itself is the bare wire: what is called on it directly has no endpoint and no policy.
 */
export class UpstreamHttpService extends HttpService {
  constructor(private readonly upstream: Upstream) {
    super(upstream.http.axiosRef);
  }

  override request<T = unknown>(config: AxiosRequestConfig): Observable<AxiosResponse<T>> {
    const {
      url = '',
      method = 'GET',
      headers,
      baseURL,
      timeout = this.instance.defaults.timeout,
      ...rest
    } = config;
    if (ABSOLUTE_URL.test(url) || baseURL !== undefined) {
      const { name } = this.upstream;
      const message = `the HttpService of upstream '${name}' takes paths; the base URL stands in the configuration`;
      return throwError(() => new AxiosError(message, AxiosError.ERR_INVALID_URL));
    }
    const answer = this.upstream.send({
      ...rest,
      url: url.startsWith('/') ? url : `/${url}`,
      method: method.toUpperCase(),
      headers: plain(headers),
      timeout: 0,
      deadlineMs: timeout !== undefined && timeout > 0 ? timeout : undefined,
    }) as Observable<AxiosResponse<T>>;
    return answer.pipe(
      catchError((error: UpstreamError) => {
        const { cause } = error;
        if (cause instanceof AcceptedFailure) return of(cause.response as AxiosResponse<T>);
        return throwError(() => asAxiosError(error, config));
      }),
    );
  }

  override get<T = unknown>(url: string, config?: AxiosRequestConfig): Observable<AxiosResponse<T>> {
    return this.request({ ...config, method: 'GET', url });
  }

  override delete<T = unknown>(url: string, config?: AxiosRequestConfig): Observable<AxiosResponse<T>> {
    return this.request({ ...config, method: 'DELETE', url });
  }

  override head<T = unknown>(url: string, config?: AxiosRequestConfig): Observable<AxiosResponse<T>> {
    return this.request({ ...config, method: 'HEAD', url });
  }

  override post<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Observable<AxiosResponse<T>> {
    return this.request({ ...config, method: 'POST', url, data });
  }

  override put<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Observable<AxiosResponse<T>> {
    return this.request({ ...config, method: 'PUT', url, data });
  }

  override patch<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Observable<AxiosResponse<T>> {
    return this.request({ ...config, method: 'PATCH', url, data });
  }

  override query<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Observable<AxiosResponse<T>> {
    return this.request({ ...config, method: 'QUERY', url, data });
  }

  override postForm<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Observable<AxiosResponse<T>> {
    return this.post(url, data, asForm(config));
  }

  override putForm<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Observable<AxiosResponse<T>> {
    return this.put(url, data, asForm(config));
  }

  override patchForm<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Observable<AxiosResponse<T>> {
    return this.patch(url, data, asForm(config));
  }
}

function asForm(config: AxiosRequestConfig = {}): AxiosRequestConfig {
  return { ...config, headers: { 'content-type': 'multipart/form-data', ...plain(config.headers) } };
}

function plain(headers: AxiosRequestConfig['headers']): Record<string, string> | undefined {
  if (headers === undefined) return undefined;
  const fields = AxiosHeaders.from(headers as Record<string, string>).toJSON(true);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
}

/** As axios tells them. */
const ABSOLUTE_URL = /^([a-z][a-z\d+\-.]*:)?\/\//i;

const CODES: Readonly<Partial<Record<UpstreamError['reason'], string>>> = {
  timeout: AxiosError.ECONNABORTED,
  deadline: AxiosError.ECONNABORTED,
  open: 'ERR_BREAKER_OPEN',
  full: 'ERR_BULKHEAD_FULL',
};

/** What the wire or an interceptor threw, as it was; for what a guard of ours ended, an error of axios' kind. */
function asAxiosError(error: UpstreamError, config: AxiosRequestConfig): unknown {
  const { cause, message, reason } = error;
  if (cause !== undefined && !(cause instanceof Rejection)) return cause;
  const request = {
    ...config,
    headers: AxiosHeaders.from(plain(config.headers)),
  } as InternalAxiosRequestConfig;
  const wrapped =
    cause === undefined
      ? new CanceledError(message, request)
      : new AxiosError(message, CODES[reason], request);
  Object.defineProperty(wrapped, 'cause', { value: error, enumerable: false });
  return redacted(wrapped);
}
