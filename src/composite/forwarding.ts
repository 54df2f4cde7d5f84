import { unreservedOnly } from '../upstream/template-expression.js';
import { type ForwardConfig } from './config/composite-config.js';
import { type ClientRequest } from './composite-input.js';
import { cookiesOf } from './request-cookies.js';
import { decodedQuery } from './request-query.js';

/**
 * Headers of a client that are not passed on by name, each with the reason: they belong to the connection, to the body
 * as it was sent, or would have the upstream answer what cannot be put together.
 */
export const UNFORWARDABLE_HEADERS: ReadonlyMap<string, string> = new Map([
  ...[
    'connection',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
  ].map((name) => [name, 'it belongs to the connection'] as const),
  ['host', 'it names the gateway'],
  ['cookie', 'cookies are named one by one, under cookies'],
  ['content-length', 'the body is written anew'],
  ['content-type', 'the body is written anew, as JSON'],
  ['content-encoding', 'the body is written anew'],
  ['accept-encoding', 'the answer is read here'],
  ...['range', 'if-range', 'if-none-match', 'if-modified-since'].map(
    (name) => [name, 'the answer would be a part, or none'] as const,
  ),
]);

/** Verbs whose requests have a body that means something. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** What one part passes on of the client's request. Made once. */
export class Forwarding {
  private readonly query: ReadonlySet<string>;

  private constructor(
    private readonly config: ForwardConfig,
    /** Whether the client's body is passed on. */
    readonly body: boolean,
  ) {
    this.query = new Set(config.query);
  }

  /**
   * Undefined where nothing is passed on.
   *
   * @param method of the part, in upper case.
   */
  static of(config: ForwardConfig, method: string): Forwarding | undefined {
    const { headers, query, cookies } = config;
    const body = config.body && WITH_BODY.has(method);
    const isNothing = headers.length + query.length + cookies.length === 0 && !body;
    return isNothing ? undefined : new Forwarding(config, body);
  }

  /** Adds the headers and cookies that the client has sent. */
  addHeaders(headers: Record<string, string>, { headers: sent }: ClientRequest): void {
    for (const name of this.config.headers) {
      // What an object inherits was not sent.
      const value = Object.hasOwn(sent, name) ? sent[name] : undefined;
      if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
    }
    const cookie = this.cookieField(sent['cookie']);
    if (cookie !== undefined) headers['cookie'] = cookie;
  }

  /**
   * The query parameters that the client has sent, written anew: as text they are what they were.
   *
   * What could not be decoded was refused when the request was read.
   */
  queryOf({ query }: ClientRequest): string {
    if (this.query.size === 0) return '';
    return query
      .among(this.query)
      .map(([name, value]) => `${unreservedOnly(name)}=${unreservedOnly(decodedQuery(value) ?? '')}`)
      .join('&');
  }

  private cookieField(field: string | readonly string[] | undefined): string | undefined {
    const { cookies: names } = this.config;
    if (names.length === 0 || typeof field !== 'string') return undefined;
    const sent = cookiesOf(field);
    const pairs = names.filter((name) => sent.has(name)).map((name) => `${name}=${sent.get(name) ?? ''}`);
    return pairs.length === 0 ? undefined : pairs.join('; ');
  }
}
