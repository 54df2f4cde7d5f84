import { HttpService } from '@nestjs/axios';
import { type OnApplicationShutdown } from '@nestjs/common';
import axios, {
  type AxiosAdapter,
  AxiosError,
  type AxiosPromise,
  type AxiosRequestConfig,
  type AxiosResponse,
  type Cancel,
  type CancelToken,
  type CancelTokenSource,
  type CreateAxiosDefaults,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { Observable, type Subscriber, type TeardownLogic } from 'rxjs';
import { type Dispatcher } from 'undici';
import { preserveAsyncContext } from './async-context.js';
import { Exchange, type WireDispatcher } from './exchange.js';
import { PlainCall } from './plain-call.js';
import { type BodyLimits, PlainDefaults } from './plain-config.js';
import { badJsonErrorOf, redacted, statusErrorOf } from './redaction.js';
import { refuseHeaderSplitting } from './request-headers.js';
import { undiciAdapter } from './undici-axios.adapter.js';
import { UndiciPool, type UndiciPoolOptions } from './undici-pool.js';
import { type WireTrafficSnapshot } from './wire-traffic.js';

/** How an UndiciHttpService is made. Options of axios given here are the defaults of every request. */
export interface UndiciHttpOptions extends CreateAxiosDefaults {
  /** Sockets and their lives. */
  readonly pool?: UndiciPoolOptions;
  /**
   * An undici dispatcher in place of a pool of its own, such as a ProxyAgent or a MockAgent. It stays yours
   * to close.
   */
  readonly dispatcher?: Dispatcher;
  /**
   * Most bytes of a buffered response body as sent, before decompression. A response that announces or
   * sends more is cut off at once and fails, with ResponseTooLargeError as the cause. Streamed responses
   * are not buffered, and so not limited by it.
   * @default 5242880 (5 MiB)
   */
  readonly maxWireBytes?: number;
  /**
   * Most bytes of a buffered response body after decompression, where `maxContentLength` is not set.
   * @default 20971520 (20 MiB)
   */
  readonly maxInflatedBytes?: number;
  /**
   * Milliseconds that running calls get when the service is closed, before they are cut off.
   * @default 5000
   */
  readonly closeGraceMs?: number;
}

const MIB = 1024 * 1024;

/**
 * The HttpService of @nestjs/axios over a pool of undici sockets.
 *
 * It answers straight from the pool where axios would have nothing to add, and otherwise runs axios on the
 * same pool: when there are interceptors, custom transforms, another adapter, a params serializer, a cancel
 * token or signal. That is asked for every request, so interceptors and defaults may change at any time.
 * Either way a call is cold, can be subscribed to again, and ends on the wire when it is unsubscribed.
 *
 * Behaviour is that of stock; where it is not, on purpose, `stock-differences.spec.ts` says so.
 */
export class UndiciHttpService extends HttpService implements OnApplicationShutdown {
  private readonly dispatcher: WireDispatcher;
  private readonly ownPool?: UndiciPool;
  private readonly limits: Mutable<BodyLimits>;
  private readonly adapter: AxiosAdapter;
  private readonly closeGraceMs: number;
  /** axios' own methods as they were: one that somebody replaced since (a spy, say) is called, not bypassed. */
  private readonly stockMethods: ReadonlyMap<AxiosMethod, string>;
  private plainDefaults: PlainDefaults;
  private closed: Promise<void> | undefined;

  constructor(options: UndiciHttpOptions = {}) {
    const { pool, dispatcher, maxWireBytes, maxInflatedBytes, closeGraceMs, ...defaults } = options;
    super(axios.create(defaults));
    if (dispatcher === undefined) {
      this.ownPool = new UndiciPool(pool);
      this.dispatcher = this.ownPool;
    } else {
      this.dispatcher = dispatcher;
    }
    this.limits = limitsOf({ maxWireBytes, maxInflatedBytes });
    this.closeGraceMs = closeGraceMs ?? 5_000;
    this.adapter = undiciAdapter(this.dispatcher, this.limits);
    this.instance.defaults.adapter = this.adapter;
    this.plainDefaults = this.readDefaults();
    this.stockMethods = new Map(
      ['request', 'get', 'delete', 'head', 'post', 'put', 'patch', 'query'].map((name) => [
        this.methodOf(name),
        name,
      ]),
    );
  }

  override request<T = unknown>(config: AxiosRequestConfig): Observable<AxiosResponse<T>> {
    return preserveAsyncContext(this.exchange<T>(config));
  }

  /**
   * `request()` for callers that look after the async context themselves: what it emits arrives in the
   * context of a pooled socket. See `preserveAsyncContext`.
   */
  exchange<T = unknown>(config: AxiosRequestConfig): Observable<AxiosResponse<T>> {
    return new Observable((subscriber) => {
      const method = this.methodOf('request');
      return this.stockMethods.has(method)
        ? this.run(config, subscriber, method, [config])
        : this.runAxios(method, [config], subscriber);
    });
  }

  /**
   * Whether nothing of others stands between a request and the wire right now: no interceptor, and no transform,
   * adapter, params serializer or `request` but the stock ones. Then what is sent is the request with the defaults of
   * the axios instance, and what is answered is what came back.
   */
  isDirect(): boolean {
    return (
      !this.hasInterceptors() &&
      this.stockMethods.has(this.methodOf('request')) &&
      this.currentDefaults().isDirect()
    );
  }

  /** Sizes that responses may have from the next request on; see {@link UndiciHttpOptions}. */
  limitBodies(limits: LimitOptions): void {
    Object.assign(this.limits, limitsOf(limits));
  }

  /**
   * Has sockets opened as these options say from now on; those there are close when what they carry has ended. Axios'
   * instance, its interceptors and its defaults stay. A given dispatcher is left alone.
   */
  renewPool(options: UndiciPoolOptions): void {
    this.ownPool?.renew(options);
  }

  /**
   * Keeps no socket any more, for a service that is no longer used: what is under way ends as it would have, and a late
   * request gets a socket for itself. Ends when the sockets there were are closed.
   */
  async retire(): Promise<void> {
    await this.ownPool?.retire();
  }

  /** What its sockets have carried; undefined over a given dispatcher, whose sockets nobody shows. */
  traffic(): WireTrafficSnapshot | undefined {
    return this.ownPool?.traffic.snapshot();
  }

  /** Closes the pool: running calls get `closeGraceMs` to end, new ones fail. A given dispatcher is left alone. */
  close(): Promise<void> {
    this.closed ??= this.ownPool?.close(this.closeGraceMs) ?? Promise.resolve();
    return this.closed;
  }

  /** After the HTTP server has drained: until then its requests still need their upstreams. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  protected override makeObservable<T>(
    method: AxiosMethod,
    ...args: unknown[]
  ): Observable<AxiosResponse<T>> {
    return preserveAsyncContext(
      new Observable((subscriber) => {
        const verb = this.stockMethods.get(method);
        if (verb === undefined) return this.runAxios(method, args, subscriber);
        const config: AxiosRequestConfig = { ...configOf(args), method: verb, url: args[0] as string };
        if (args.length === 3) config.data = args[1];
        return this.run(config, subscriber, method, args);
      }),
    );
  }

  private run<T>(
    config: AxiosRequestConfig,
    subscriber: Subscriber<AxiosResponse<T>>,
    method: AxiosMethod,
    args: readonly unknown[],
  ): TeardownLogic {
    if (this.hasInterceptors()) return this.runAxios(method, args, subscriber);
    let plain;
    try {
      plain = this.currentDefaults().request(config);
    } catch (error) {
      subscriber.error(refusal(error, config));
      return undefined;
    }
    if (plain === undefined) return this.runAxios(method, args, subscriber);
    const exchange = new Exchange(
      this.dispatcher,
      plain.wire,
      new PlainCall(plain, subscriber as Subscriber<AxiosResponse<unknown>>),
    );
    exchange.start();
    return () => {
      exchange.cancel();
    };
  }

  private runAxios<T>(
    method: AxiosMethod,
    args: readonly unknown[],
    subscriber: Subscriber<AxiosResponse<T>>,
  ): TeardownLogic {
    const given = configOf(args);
    try {
      refuseHeaderSplitting(given.headers);
    } catch (error) {
      subscriber.error(refusal(error, given));
      return undefined;
    }
    const source = axios.CancelToken.source();
    const unlink = link(given.cancelToken, source);
    const config: AxiosRequestConfig = { ...given, cancelToken: source.token };
    let settled = false;
    (method as (...args: unknown[]) => AxiosPromise<T>)(...args.slice(0, -1), config).then(
      (response) => {
        settled = true;
        subscriber.next(response);
        subscriber.complete();
      },
      (error: unknown) => {
        settled = true;
        subscriber.error(failureOf(error));
      },
    );
    return () => {
      unlink();
      if (!settled) source.cancel();
    };
  }

  private methodOf(name: string): AxiosMethod {
    return Reflect.get(this.instance, name) as AxiosMethod;
  }

  private hasInterceptors(): boolean {
    const { request, response } = this.instance.interceptors;
    return (request.handlers?.length ?? 0) > 0 || (response.handlers?.length ?? 0) > 0;
  }

  private currentDefaults(): PlainDefaults {
    if (!this.plainDefaults.isCurrent()) this.plainDefaults = this.readDefaults();
    return this.plainDefaults;
  }

  private readDefaults(): PlainDefaults {
    return new PlainDefaults(this.instance.defaults as AxiosRequestConfig, this.adapter, this.limits);
  }
}

/** An HttpService over undici, without Nest. Close it when done. */
export function createUndiciHttpService(options: UndiciHttpOptions = {}): UndiciHttpService {
  return new UndiciHttpService(options);
}

function limitsOf({ maxWireBytes = 5 * MIB, maxInflatedBytes = 20 * MIB }: LimitOptions): BodyLimits {
  return { maxWireBytes, maxInflatedBytes };
}

interface LimitOptions {
  readonly maxWireBytes?: number | undefined;
  readonly maxInflatedBytes?: number | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

type AxiosMethod = (...args: never[]) => AxiosPromise<unknown>;

// The config is always the last argument, and may be missing.
function configOf(args: readonly unknown[]): AxiosRequestConfig {
  return (args.at(-1) as AxiosRequestConfig | undefined) ?? {};
}

/** Passes a caller's own cancellation on to ours. */
function link(token: CancelToken | undefined, source: CancelTokenSource): () => void {
  if (token === undefined) return () => undefined;
  const cancel = (reason: Cancel): void => {
    source.cancel(reason.message);
  };
  if (token.reason !== undefined) cancel(token.reason);
  else token.subscribe(cancel);
  return () => {
    token.unsubscribe(cancel);
  };
}

/** A request that was never made, with the config it was asked for with. */
function refusal(error: unknown, config: AxiosRequestConfig): unknown {
  if (isAxiosError(error)) error.config ??= { ...config } as InternalAxiosRequestConfig;
  return redacted(error);
}

// axios' own JSON error quotes the body, and hides a bad status that came with it.
function failureOf(error: unknown): unknown {
  if (!isAxiosError(error) || error.name !== 'SyntaxError') return redacted(error);
  const { config, response } = error;
  if (error.code !== AxiosError.ERR_BAD_RESPONSE || config === undefined || response === undefined) {
    return redacted(error);
  }
  const accepted = typeof config.validateStatus !== 'function' || config.validateStatus(response.status);
  return (accepted ? badJsonErrorOf : statusErrorOf)(config, response.request, response);
}
