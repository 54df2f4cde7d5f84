import { Axios, AxiosError, type AxiosRequestConfig, isAxiosError } from 'axios';

/** Where a request goes: an origin an undici pool is kept for, and the path with its query. */
export interface Target {
  readonly origin: string;
  readonly path: string;
  /** `user:password` of a URL that carries credentials, decoded. */
  readonly credentials?: string;
}

// Axios without defaults: the reference for every rule that is not worth repeating here.
const reference = new Axios({});

const SIMPLE_BASE = /^https?:\/\//;
// Absolute by its scheme, or certainly relative: rooted, or a first segment without a colon.
const SIMPLE_ABSOLUTE = /^https?:\/\//;
const SIMPLE_RELATIVE = /^(?:\/(?!\/)|[\w-]+(?:[/?]|$))/;

/**
 * Joins `url` to `baseURL` by axios' rules.
 * @throws AxiosError ERR_INVALID_URL if either looks like `http:/host`
 */
export function fullUrl(
  baseURL: string | undefined,
  url: string | undefined,
  allowAbsoluteUrls: boolean | undefined,
): string {
  if (url !== undefined) {
    if (SIMPLE_ABSOLUTE.test(url)) {
      if (allowAbsoluteUrls !== false || baseURL === undefined) return url;
    } else if (baseURL !== undefined && SIMPLE_RELATIVE.test(url) && SIMPLE_BASE.test(baseURL)) {
      return joined(baseURL, url);
    }
  }
  const config: AxiosRequestConfig = {};
  if (baseURL !== undefined) config.baseURL = baseURL;
  if (url !== undefined) config.url = url;
  if (allowAbsoluteUrls !== undefined) config.allowAbsoluteUrls = allowAbsoluteUrls;
  return joinedByAxios(config) ?? '';
}

// Undefined where there is neither a URL nor a base, whatever the type says.
function joinedByAxios(config: AxiosRequestConfig): string | undefined {
  return reference.getUri(config);
}

function joined(baseURL: string, url: string): string {
  const baseSlash = baseURL.endsWith('/');
  const urlSlash = url.startsWith('/');
  if (!baseSlash) {
    if (!urlSlash) return `${baseURL}/${url}`;
    if (url.charCodeAt(1) !== 47) return baseURL + url;
  }
  return `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
}

// What the URL parser would leave untouched. Anything else goes through it, dot segments and an empty query
// among it.
const NORMAL_PREFIX = /^https?:\/\/[a-zA-Z0-9.\-[\]:]+$/;
const NORMAL_PATH = /^[\w\-.~!$&()*+,;=:@%|/?[\]]*$/;
const NOT_QUITE_NORMAL = /\/\.|%2e|\?$/i;

const MAX_ORIGINS = 512;
const origins = new Map<string, string>();

/**
 * Splits an absolute URL as `new URL()` would, at a tenth of its price for URLs that are already normal.
 * @throws AxiosError ERR_INVALID_URL, or ERR_BAD_REQUEST for a protocol other than http and https
 */
export function targetOf(url: string): Target {
  const slash = url.indexOf('/', 8);
  const prefix = slash === -1 ? url : url.slice(0, slash);
  const origin = origins.get(prefix) ?? learnOrigin(prefix);
  if (origin !== undefined) {
    if (slash === -1) return { origin, path: '/' };
    const path = url.slice(slash);
    if (NORMAL_PATH.test(path) && !NOT_QUITE_NORMAL.test(path)) return { origin, path };
  }
  return parsedTarget(url);
}

function learnOrigin(prefix: string): string | undefined {
  if (!NORMAL_PREFIX.test(prefix) || !URL.canParse(prefix)) return undefined;
  const { origin } = new URL(prefix);
  // A client may choose the host of an absolute URL; it must not choose our memory.
  if (origins.size >= MAX_ORIGINS) origins.clear();
  origins.set(prefix, origin);
  return origin;
}

function parsedTarget(url: string): Target {
  if (!URL.canParse(url)) throw new AxiosError('Invalid URL', AxiosError.ERR_INVALID_URL);
  const { protocol, origin, pathname, search, username, password } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new AxiosError(`Unsupported protocol ${protocol}`, AxiosError.ERR_BAD_REQUEST);
  }
  const path = pathname + search;
  if (username === '' && password === '') return { origin, path };
  return { origin, path, credentials: `${decoded(username)}:${decoded(password)}` };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/**
 * Appends `params` to a path by axios' rules: arrays as `a[]=`, dates in ISO form, nested objects as
 * `a[b]=`, null and undefined left out.
 * @throws AxiosError if the parameters cannot be written down
 */
export function withParams(
  path: string,
  params: unknown,
  paramsSerializer?: AxiosRequestConfig['paramsSerializer'],
): string {
  if (params === undefined || params === null) return path;
  try {
    if (paramsSerializer === undefined && typeof params === 'object') {
      const query = simpleQuery(params);
      if (query === '') return path;
      if (query !== undefined) return `${path}${path.includes('?') ? '&' : '?'}${query}`;
    }
    const config: AxiosRequestConfig = { url: path, params };
    if (paramsSerializer !== undefined) config.paramsSerializer = paramsSerializer;
    return reference.getUri(config);
  } catch (error) {
    throw isAxiosError(error) ? error : AxiosError.from(error, AxiosError.ERR_BAD_REQUEST);
  }
}

/** A flat record of plain values and arrays of them, or undefined: then axios serializes it. */
function simpleQuery(params: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(params);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  let query = '';
  for (const [key, value] of Object.entries(params) as [string, unknown][]) {
    if (value === undefined || value === null) continue;
    if (NAMED_SPECIALLY.test(key)) return undefined;
    if (isPlainValue(value)) {
      query += `&${encoded(key.trim())}=${encoded(String(value))}`;
    } else if (Array.isArray(value) && value.every(isPlainValue)) {
      const name = encoded(`${key.trim()}[]`);
      for (const each of value) query += `&${name}=${encoded(String(each))}`;
    } else {
      return undefined;
    }
  }
  return query.slice(1);
}

const NAMED_SPECIALLY = /^(?:__proto__|constructor|prototype)$|\[\]\s*$|\{\}\s*$/;

function isPlainValue(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

const UNRESERVED = /^[\w.!~*'()-]*$/;

function encoded(value: string): string {
  if (UNRESERVED.test(value)) return value;
  return encodeURIComponent(value)
    .replace(/%3A/gi, ':')
    .replace(/%24/g, '$')
    .replace(/%2C/gi, ',')
    .replace(/%20/g, '+');
}
