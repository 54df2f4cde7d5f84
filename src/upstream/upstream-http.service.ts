import { HttpService } from '@nestjs/axios';
import { AxiosError, AxiosHeaders, type AxiosRequestConfig, type AxiosResponse, isAxiosError } from 'axios';
import { catchError, Observable, throwError } from 'rxjs';
import { Upstream } from './upstream.js';
import { UpstreamError } from './upstream-error.js';

/**
 * The `HttpService` of @nestjs/axios, bound to one upstream: code that injects `HttpService` gets the upstream's pool
 * and policy without a changed line. URLs are relative to the upstream's endpoints.
 *
 * Answers and errors are axios' own. A call that a guard ended (timeout, deadline, breaker, bulkhead) emits an
 * AxiosError without a response, its `code` `ECONNABORTED` for the first two, `ERR_BREAKER_OPEN` or
 * `ERR_BULKHEAD_FULL`, and the {@link UpstreamError} as its cause.
 */
export class UpstreamHttpService extends HttpService {
  constructor(private readonly upstream: Upstream) {
    super(upstream.http.axiosRef);
  }

  override request<T = unknown>(config: AxiosRequestConfig): Observable<AxiosResponse<T>> {
    const { url = '/', method = 'GET', headers, ...rest } = config;
    if (!url.startsWith('/') || url.startsWith('//')) {
      const message = `the HttpService of upstream '${this.upstream.name}' takes a path that starts with '/'`;
      return throwError(() => new AxiosError(message, AxiosError.ERR_INVALID_URL));
    }
    const request = { ...rest, url, method: method.toUpperCase(), headers: plain(headers) };
    const answer = this.upstream.send(request) as Observable<AxiosResponse<T>>;
    return answer.pipe(catchError((error: unknown) => throwError(() => asAxiosError(error))));
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

const CODES: Readonly<Partial<Record<UpstreamError['reason'], string>>> = {
  timeout: AxiosError.ECONNABORTED,
  deadline: AxiosError.ECONNABORTED,
  open: 'ERR_BREAKER_OPEN',
  full: 'ERR_BULKHEAD_FULL',
  cancelled: AxiosError.ERR_CANCELED,
};

function asAxiosError(error: unknown): unknown {
  if (!(error instanceof UpstreamError)) return error;
  if (isAxiosError(error.cause)) return error.cause;
  const wrapped = new AxiosError(error.message, CODES[error.reason]);
  Object.defineProperty(wrapped, 'cause', { value: error, enumerable: false });
  return wrapped;
}
