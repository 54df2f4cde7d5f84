import axios, {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  type AxiosRequestConfig,
  type InternalAxiosRequestConfig,
  type TransitionalOptions,
} from 'axios';
import { fullUrl, targetOf, withParams } from './axios-url.js';
import { ACCEPT_ENCODING } from './decompression.js';
import { RequestHeaders } from './request-headers.js';
import { type WireRequest } from './wire-request.js';

/** Sent unless the caller names itself. */
export const USER_AGENT = 'tributary';

/** Limits of the service that axios has no word for. */
export interface BodyLimits {
  readonly maxWireBytes: number;
  readonly maxInflatedBytes: number;
}

/** A request that axios would pass on unchanged, ready for the wire. */
export interface PlainRequest {
  readonly wire: WireRequest;
  readonly config: MergedConfig;
  readonly responseType: AxiosRequestConfig['responseType'];
  /** Parse the body as JSON; `strict` makes a failure to do so an error. */
  readonly json: false | 'lenient' | 'strict';
  readonly validateStatus: ((status: number) => boolean) | null | undefined;
}

// How the options of a request may look for axios to have nothing to add. An option that is not listed,
// today's or tomorrow's, sends the request through axios.
type Check = (value: never) => boolean;
const anything = (): boolean => true;
const isString = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isFunctionOrNull = (value: unknown): boolean => value === null || typeof value === 'function';

const PLAIN_OPTIONS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['allowAbsoluteUrls', isBoolean],
  ['auth', isCredentials],
  ['baseURL', isString],
  ['data', anything],
  ['decompress', isBoolean],
  ['env', anything],
  ['formSerializer', anything],
  ['headers', isPlainHeaders],
  ['maxBodyLength', isNumber],
  ['maxContentLength', isNumber],
  ['maxRedirects', isNumber],
  ['method', isString],
  ['params', anything],
  ['proxy', (value: unknown) => value === false],
  ['redact', anything],
  ['responseEncoding', (value: unknown) => value === 'utf8' || value === 'utf-8'],
  ['responseType', (value: string) => RESPONSE_TYPES.has(value)],
  ['timeout', isNumber],
  ['timeoutErrorMessage', isString],
  ['transitional', isTransitional],
  ['url', (value: unknown) => typeof value === 'string' && !DATA_URL.test(value)],
  ['validateStatus', isFunctionOrNull],
  ['withCredentials', anything],
  ['withXSRFToken', anything],
  ['xsrfCookieName', anything],
  ['xsrfHeaderName', anything],
]);

const DATA_URL = /^data:/i;
const RESPONSE_TYPES: ReadonlySet<string> = new Set(['json', 'text', 'arraybuffer', 'stream']);

const TRANSITIONAL: ReadonlySet<string> = new Set<keyof TransitionalOptions>([
  'advertiseZstdAcceptEncoding',
  'clarifyTimeoutError',
  'encodeBasicAuthUsername',
  'forcedJSONParsing',
  'legacyInterceptorReqResOrdering',
  'silentJSONParsing',
  'validateStatusUndefinedResolves',
]);

function isPlainHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || prototype === AxiosHeaders.prototype;
}

function isCredentials(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { username, password } = value as { username?: unknown; password?: unknown };
  return typeof username === 'string' && typeof password === 'string';
}

function isTransitional(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  for (const [key, flag] of Object.entries(value)) {
    if (!TRANSITIONAL.has(key) || typeof flag !== 'boolean') return false;
  }
  return true;
}

// Axios' own transforms, which the plain path knows by heart. Their names tell them from ones that someone
// put into the global defaults before this module was loaded.
const stockRequestTransform = stockTransform(axios.defaults.transformRequest, 'transformRequest');
const stockResponseTransform = stockTransform(axios.defaults.transformResponse, 'transformResponse');

function stockTransform(transforms: unknown, name: string): unknown {
  const [only] = Array.isArray(transforms) ? (transforms as unknown[]) : [];
  return typeof only === 'function' && only.name === name ? only : Symbol('not the stock transform');
}

function isOnly(transforms: unknown, stock: unknown): boolean {
  return Array.isArray(transforms) && transforms.length === 1 && transforms[0] === stock;
}

/**
 * What an axios instance's defaults amount to. People change `axiosRef.defaults` while the service runs, so
 * every request asks `isCurrent()`, which compares by identity (0.4 us); reading them anew costs 6 us and
 * happens after a change only.
 */
export class PlainDefaults {
  private readonly keys: readonly string[];
  private readonly values: readonly unknown[];
  private readonly plain: boolean;
  /**
   * The defaults with room for what requests usually set. V8 copies such an object in 0.2 us; growing the
   * copy by a few properties, or spreading the dictionary that axios keeps, costs 3 to 10 us.
   */
  private readonly template: Readonly<Record<string, unknown>>;

  constructor(
    private readonly defaults: AxiosRequestConfig,
    adapter: AxiosAdapter,
    private readonly limits: BodyLimits,
  ) {
    this.keys = Object.keys(defaults);
    this.values = this.keys.map((key) => valueAt(defaults, key));
    this.template = { ...COMMON_OPTIONS, ...defaults };
    this.plain = defaults.adapter === adapter && this.keys.every((key) => this.isPlainDefault(key));
  }

  isCurrent(): boolean {
    const { defaults, keys, values } = this;
    let i = 0;
    for (const key in defaults) {
      if (keys[i] !== key || values[i] !== valueAt(defaults, key)) return false;
      i += 1;
    }
    return i === keys.length;
  }

  /** Whether only options that axios knows stand in the defaults, with its own transforms and this service's adapter. */
  isDirect(): boolean {
    const { transformRequest, transformResponse } = this.defaults;
    return (
      this.plain &&
      isOnly(transformRequest, stockRequestTransform) &&
      isOnly(transformResponse, stockResponseTransform)
    );
  }

  private isPlainDefault(key: string): boolean {
    const value = valueAt(this.defaults, key);
    switch (key) {
      case 'adapter':
      case 'transformRequest':
      case 'transformResponse':
        return true;
      case 'params':
        return value === undefined;
      default:
        return value === undefined || isPlainOption(key, value);
    }
  }

  /**
   * The request that `config` describes, or undefined if axios has to make it.
   * @throws AxiosError for a request that cannot be made at all
   */
  request(config: AxiosRequestConfig): PlainRequest | undefined {
    const merged = this.merged(config);
    if (merged === undefined) return undefined;
    const headers = new RequestHeaders();
    if (!takeOverDefaults(headers, this.defaults.headers, merged.method)) return undefined;
    if (config.headers !== undefined && !headers.takeOver(config.headers)) return undefined;
    const body = config.data === undefined ? null : plainBody(config.data, headers);
    if (body === undefined) return undefined;
    if (body !== null) {
      refuseLargeBody(body, merged.maxBodyLength);
      merged.data = body;
    }
    if (merged.method === 'post' || merged.method === 'put' || merged.method === 'patch') {
      headers.setDefault('Content-Type', 'application/x-www-form-urlencoded');
    }
    headers.setDefault('User-Agent', USER_AGENT);
    headers.setDefault('Accept-Encoding', ACCEPT_ENCODING);
    merged.headers = headers.toAxiosHeaders();
    const { responseType, transitional, validateStatus } = merged;
    return {
      config: merged,
      responseType,
      validateStatus,
      json: jsonMode(responseType, transitional),
      wire: this.wire(merged, headers, body),
    };
  }

  private merged(config: AxiosRequestConfig): MergedConfig | undefined {
    const { defaults } = this;
    const stock = defaults.transitional;
    if (stock === undefined || !this.isDirect()) return undefined;
    const merged: Record<string, unknown> = { ...this.template };
    for (const key of Object.keys(config)) {
      const value = valueAt(config, key);
      // The config of an earlier response brings the defaults with it.
      if (value === undefined || value === this.template[key]) continue;
      if (!isPlainOption(key, value)) return undefined;
      merged[key] = value;
    }
    const { method = defaults.method ?? 'get', transitional } = config;
    const flags = transitional === undefined ? stock : { ...stock, ...transitional };
    merged['method'] = method.toLowerCase();
    merged['transitional'] = flags;
    merged['allowAbsoluteUrls'] ??= true;
    // axios' mergeConfig: an own `validateStatus: undefined` accepts everything, unless told otherwise.
    if (Object.hasOwn(config, 'validateStatus')) {
      const keepsDefault =
        config.validateStatus === undefined && flags.validateStatusUndefinedResolves === false;
      if (!keepsDefault) merged['validateStatus'] = config.validateStatus;
    }
    return merged as unknown as MergedConfig;
  }

  private wire(config: MergedConfig, headers: RequestHeaders, body: Buffer | string | null): WireRequest {
    const { auth, maxContentLength = -1, responseType } = config;
    const target = targetOf(fullUrl(config.baseURL, config.url, config.allowAbsoluteUrls));
    const credentials = auth === undefined ? target.credentials : `${auth.username}:${auth.password}`;
    if (credentials !== undefined) headers.set('Authorization', basic(credentials));
    return {
      origin: target.origin,
      path: withParams(target.path, config.params),
      method: config.method.toUpperCase(),
      headers: headers.flat,
      body,
      streamed: responseType === 'stream',
      decompress: config.decompress !== false,
      timeoutMs: config.timeout ?? 0,
      maxRedirects: config.maxRedirects,
      sensitiveHeaders: NONE,
      maxWireBytes: this.limits.maxWireBytes,
      maxBufferedBytes: maxContentLength > -1 ? maxContentLength : this.limits.maxInflatedBytes,
      maxStreamedBytes: maxContentLength,
    };
  }
}

/** A config with the defaults merged in, as axios hands one to its adapter. */
type MergedConfig = Omit<
  InternalAxiosRequestConfig<unknown, unknown>,
  'method' | 'transitional' | 'headers'
> & {
  headers: AxiosHeaders;
  readonly method: string;
  readonly transitional: TransitionalOptions;
};

const COMMON_OPTIONS: AxiosRequestConfig = Object.fromEntries(
  ['url', 'method', 'baseURL', 'allowAbsoluteUrls', 'params', 'data', 'responseType', 'maxRedirects'].map(
    (key) => [key, undefined],
  ),
);

const NONE: readonly string[] = [];

/** The value of an Authorization header for basic authentication (RFC 7617, UTF-8). */
export function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

function isPlainOption(key: string, value: unknown): boolean {
  const check = PLAIN_OPTIONS.get(key);
  return check?.(value as never) === true;
}

function valueAt(config: AxiosRequestConfig, key: string): unknown {
  return (config as Record<string, unknown>)[key];
}

function refuseLargeBody(body: Buffer | string, maxBodyLength = -1): void {
  if (maxBodyLength > -1 && Buffer.byteLength(body) > maxBodyLength) {
    throw new AxiosError('Request body larger than maxBodyLength limit', AxiosError.ERR_BAD_REQUEST);
  }
}

// axios.defaults.headers: `common`, then the method's, then what stands beside them.
function takeOverDefaults(into: RequestHeaders, defaults: unknown, method: string): boolean {
  if (typeof defaults !== 'object' || defaults === null) return false;
  const buckets = defaults as Record<string, unknown>;
  const common = buckets['common'];
  const forMethod = buckets[method];
  if (!isPlainHeaders(common) || !into.takeOver(common as object)) return false;
  if (forMethod !== undefined && !(isPlainHeaders(forMethod) && into.takeOver(forMethod as object)))
    return false;
  for (const name in buckets) {
    const value = buckets[name];
    if (typeof value === 'object' && value !== null && METHODS.has(name)) continue;
    if (!into.takeOver({ [name]: value })) return false;
  }
  return true;
}

const METHODS: ReadonlySet<string> = new Set([
  'common',
  'delete',
  'get',
  'head',
  'link',
  'options',
  'patch',
  'post',
  'purge',
  'put',
  'query',
  'unlink',
]);

/** What axios' request transform makes of the common kinds of data, or undefined for the rest. */
function plainBody(data: unknown, headers: RequestHeaders): Buffer | string | null | undefined {
  const contentType = headers.get('content-type');
  if (Buffer.isBuffer(data)) return data;
  if (data === null) return contentType === undefined ? null : undefined;
  if (typeof data === 'string') return contentType?.includes('application/json') === true ? undefined : data;
  if (typeof data !== 'object' || !isPlainData(data)) return undefined;
  if (contentType === undefined) headers.set('Content-Type', 'application/json');
  else if (!contentType.includes('application/json')) return undefined;
  return JSON.stringify(data);
}

function isPlainData(data: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(data);
  return prototype === Object.prototype || prototype === null || Array.isArray(data);
}

function jsonMode(
  responseType: AxiosRequestConfig['responseType'],
  { forcedJSONParsing, silentJSONParsing }: TransitionalOptions,
): PlainRequest['json'] {
  if (responseType === 'json') return silentJSONParsing === true ? 'lenient' : 'strict';
  return responseType === undefined && forcedJSONParsing === true ? 'lenient' : false;
}
