import { hash } from 'node:crypto';
import { withParams } from '../http/axios-url.js';
import { type UndiciHttpService } from '../http/undici-http.service.js';
import { type UpstreamConfig } from './config/gateway-config.js';
import { hasCredentials, isCredential } from './credentials.js';
import { DefaultHeaders } from './default-headers.js';
import { type IncomingHeaders } from './request-context.js';
import { type UpstreamCall, type UpstreamRequest } from './upstream-call.js';

/** A request whose answer others may be given as well, and what it shares with theirs. */
export interface SharedRequest {
  /**
   * The upstream, where it is, and the path with its query: the same for whoever asks, and for whoever changes what is
   * there.
   */
  readonly uri: string;
  /** Stands for everything an answer can depend on. Two requests of one key are sent the same, but for their names. */
  readonly key: string;
  /** What is sent, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Headers that name a request, and say nothing of what it asks for. */
export const NAMING_HEADERS: ReadonlySet<string> = new Set([
  'x-request-id',
  'x-correlation-id',
  'traceparent',
  'tracestate',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
]);

/** Verbs that ask and change nothing (RFC 9110, 9.2.1), and whose answers can be told apart by their URL. */
const SHAREABLE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
/** Verbs that change nothing (RFC 9110, 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);

const SHAREABLE_TYPES: ReadonlySet<unknown> = new Set([undefined, 'json', 'text']);

/** What a request may consist of to be shared; any other option, today's or tomorrow's, keeps it apart. */
const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  'url',
  'method',
  'headers',
  'params',
  'deadlineMs',
  'urlTemplate',
  'timeout',
  'responseType',
  'transitional',
  'validateStatus',
]);

/** Any 2xx. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Any 2xx, and the word that what we have is still right. */
export function isSuccessOrNotModified(status: number): boolean {
  return isSuccess(status) || status === 304;
}

/**
 * Says which requests of one upstream may share an answer. Nothing is shared that could differ: the key holds the verb,
 * where the upstream is, the whole path and every header that is sent, credentials above all. It is a hash, so that it
 * is short, and no credential can be read from it.
 */
export class SharedRequests {
  private readonly naming: ReadonlySet<string>;
  /** The upstream by its name and where it is: gateways that share a Redis may mean different ones by one name. */
  private readonly scope: string;
  private readonly defaultHeaders: DefaultHeaders;

  constructor(
    private readonly config: UpstreamConfig,
    private readonly http: UndiciHttpService,
  ) {
    const { name, endpoints, deadlineHeader, attemptCountHeader } = config;
    // A URL may hold a password.
    this.scope = hash('sha256', JSON.stringify([name, ...[...endpoints].sort()]), 'base64url');
    this.defaultHeaders = new DefaultHeaders(http.axiosRef);
    const names = [...NAMING_HEADERS];
    if (deadlineHeader !== null) names.push(deadlineHeader);
    if (attemptCountHeader !== null) names.push(attemptCountHeader);
    this.naming = new Set(names);
  }

  /** Whether a header only names the request: then answers do not depend on it. */
  names(header: string): boolean {
    return this.naming.has(header);
  }

  /** What the call shares with equal ones; undefined if it is to have an answer of its own. */
  of(call: UpstreamCall): SharedRequest | undefined {
    if (call.shared === undefined) call.shared = this.read(call) ?? null;
    return call.shared ?? undefined;
  }

  /** Whether the call may change what others ask for. */
  changes({ request }: UpstreamCall): boolean {
    return !SAFE_METHODS.has(request.method);
  }

  /** Stands for the call's URL, whatever its verb. */
  uriOf({ request }: UpstreamCall): string {
    return this.uri(withParams(request.url, request.params, request.paramsSerializer));
  }

  private uri(path: string): string {
    return `${this.scope} ${path}`;
  }

  private read(call: UpstreamCall): SharedRequest | undefined {
    const { request } = call;
    if (!SHAREABLE_METHODS.has(request.method) || !isPlain(request) || !this.isTransparent())
      return undefined;
    const { digest } = this.defaultHeaders;
    if (digest === undefined) return undefined;
    const headers = this.headersOf(call);
    if (headers === undefined) return undefined;
    const { method, responseType, transitional, validateStatus } = request;
    const path = withParams(request.url, request.params);
    const parts: unknown[] = [method, path, digest, responseType ?? null, transitional ?? null];
    parts.push(validateStatus === isSuccessOrNotModified);
    for (const name of Object.keys(headers).sort())
      if (!this.naming.has(name)) parts.push(name, headers[name]);
    const uri = this.uri(path);
    return { uri, key: hash('sha256', uri + JSON.stringify(parts), 'base64url'), headers };
  }

  /** As `Upstream` sends them, later ones winning; undefined where a value is none that could be compared. */
  private headersOf({ request, context }: UpstreamCall): Record<string, string> | undefined {
    const { headers: fixed, forwardHeaders } = this.config;
    const headers: Record<string, string> = { ...fixed };
    if (context.id !== '') headers['x-request-id'] = context.id;
    for (const name of forwardHeaders) {
      const value = context.headers[name];
      if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
    }
    for (const [name, value] of Object.entries<unknown>(request.headers ?? {})) {
      if (value === undefined) continue;
      if (typeof value !== 'string' && typeof value !== 'number') return undefined;
      headers[name.toLowerCase()] = String(value);
    }
    return headers;
  }

  /**
   * Whether what we know of a request is what is sent, and an answer is what came back. Code of others, and some
   * defaults of the axios instance, can add credentials that stand in no key, lead elsewhere, and make anything of a
   * body.
   */
  private isTransparent(): boolean {
    const { auth, allowAbsoluteUrls, responseType } = this.http.axiosRef.defaults;
    if (auth !== undefined || allowAbsoluteUrls === false || !SHAREABLE_TYPES.has(responseType)) return false;
    return this.http.isDirect();
  }
}

/** Whether a call carries what stands for one user: forwarded from the client, or given with the request. */
export function sendsCredentials(
  forwardHeaders: readonly string[],
  incoming: IncomingHeaders,
  given: UpstreamRequest['headers'],
): boolean {
  const forwards = (header: string): boolean => isCredential(header) && incoming[header] !== undefined;
  return forwardHeaders.some(forwards) || (given !== undefined && hasCredentials(given));
}

function isPlain(request: UpstreamRequest): boolean {
  const { validateStatus, responseType, timeout = 0 } = request;
  if (!SHAREABLE_TYPES.has(responseType) || timeout > 0) return false;
  if (
    validateStatus !== undefined &&
    validateStatus !== isSuccess &&
    validateStatus !== isSuccessOrNotModified
  )
    return false;
  for (const [option, value] of Object.entries(request)) {
    if (value !== undefined && !KNOWN_OPTIONS.has(option)) return false;
  }
  return true;
}
