import { type FastifyRequest } from 'fastify';
import { RequestProblem, type RequestFlaw } from '../aggregation/request-problem.js';
import { type AnswerNote } from '../upstream/answer-note.js';
import { isTooDeep, MAX_DEPTH } from '../upstream/json-depth.js';
import { Authentication } from './authentication.js';
import { CLIENT, type CompositeInput } from './composite-input.js';
import { type CompositeConfig, type ForwardConfig } from './config/composite-config.js';
import { JsonValidator } from './json-validator.js';
import { ParamReader } from './param-reader.js';
import { cookiesOf } from './request-cookies.js';
import { decodedQuery, RequestQuery } from './request-query.js';

/** A body of no more bytes is searched for everything that is wrong with it; of a longer one the first flaw is named. */
const MAX_THOROUGH_BYTES = 16 * 1024;

/** A body of no more bytes is not asked how deep it is nested: each level takes two. */
const MAX_UNSEEN_BYTES = 2 * MAX_DEPTH;

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i;

/** The header by which an answer says which bodies it takes, by the verb of the request (RFC 9110, LDP, RFC 5789). */
const ACCEPT_FIELDS: Readonly<Record<string, string>> = { POST: 'accept-post', PATCH: 'accept-patch' };

const NO_COOKIES: ReadonlyMap<string, string> = new Map();

/** Reads and checks the requests of one composite. Made once. */
export class RequestReader {
  private readonly method: string;
  private readonly authentication: Authentication | undefined;
  private readonly params: readonly (readonly [name: string, reader: ParamReader])[];
  private readonly bodyValidator: JsonValidator | undefined;
  private readonly forwardsBody: boolean;
  private readonly forwards: boolean;
  private readonly forwardedQuery: ReadonlySet<string>;
  /** The parameters of the query that are read, or passed on. */
  private readonly queryNames: ReadonlySet<string>;
  private readonly readsCookies: boolean;
  /** On which of the request's headers the response depends, whatever the upstreams say. */
  private readonly note: AnswerNote | undefined;

  /** @throws JsonSchemaError */
  constructor(config: CompositeConfig) {
    const forwards = config.parts.map(({ forward = config.forward }) => forward);
    const cookies = new Set(forwards.flatMap(({ cookies }) => cookies));
    this.method = config.method;
    this.authentication = config.auth === undefined ? undefined : new Authentication(config.auth, cookies);
    this.params = config.params.map((param) => [param.name, new ParamReader(param)]);
    this.bodyValidator =
      config.bodySchema === undefined ? undefined : new JsonValidator(config.bodySchema, true);
    this.forwardsBody = forwards.some(({ body }) => body);
    this.forwards = forwards.some(isSome);
    this.forwardedQuery = new Set(forwards.flatMap(({ query }) => query));
    const read = config.params.filter(({ in: place }) => place === 'query').map(({ alias }) => alias);
    this.queryNames = new Set([...read, ...this.forwardedQuery]);
    this.readsCookies = config.params.some(({ in: place }) => place === 'cookie');
    this.note = noteOf(variesBy(config, forwards));
  }

  /** The header fields that go with a 401 of an upstream that is passed on. */
  get challenge(): Readonly<Record<string, string>> {
    return this.authentication?.challenge ?? {};
  }

  /** @throws RequestProblem */
  read(request: FastifyRequest, path: Readonly<Record<string, string | undefined>>): CompositeInput {
    const { headers } = request;
    if (this.note !== undefined) request.exchange?.freshness.answered(this.note);
    this.authentication?.check(headers);
    const flaws: RequestFlaw[] = [];
    const query = new RequestQuery(request.url, this.queryNames);
    const cookies = this.readsCookies ? cookiesOf(headers.cookie) : NO_COOKIES;
    const source = { path, query, headers, cookies };
    const params: Record<string, unknown> = {};
    for (const [name, reader] of this.params) params[name] = reader.read(source, flaws);
    this.checkForwardedQuery(query, flaws);
    const body = this.bodyOf(request, flaws);
    if (flaws.length > 0) throw RequestProblem.of(flaws);
    return this.forwards
      ? { params, body: body ?? null, [CLIENT]: { headers, query, body } }
      : { params, body: body ?? null };
  }

  private checkForwardedQuery(query: RequestQuery, flaws: RequestFlaw[]): void {
    if (this.forwardedQuery.size === 0) return;
    const declared = new Set(flaws.map(({ name }) => name));
    for (const [name, value] of query.among(this.forwardedQuery)) {
      if (decodedQuery(value) !== undefined || declared.has(name)) continue;
      flaws.push({ in: 'query', name, detail: 'is not encoded as UTF-8 with percent signs' });
    }
  }

  /** The body; undefined for none. What is no JSON is ignored where nobody asks for a body. */
  private bodyOf({ body, headers }: FastifyRequest, flaws: RequestFlaw[]): unknown {
    const { bodyValidator } = this;
    const isTaken = bodyValidator !== undefined || this.forwardsBody;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    const isJson = JSON_TYPE.test(headers['content-type'] ?? '');
    if (!hasBody || this.method === 'GET') {
      if (bodyValidator !== undefined) flaws.push({ in: 'body', name: '', detail: 'is missing' });
      return undefined;
    }
    if (!isJson) {
      if (isTaken) throw unsupported(this.method);
      return undefined;
    }
    const bytes = Number(headers['content-length'] ?? Infinity);
    // What is short cannot be deep.
    if (bytes > MAX_UNSEEN_BYTES && isTooDeep(body)) {
      flaws.push({ in: 'body', name: '', detail: `is nested more than ${MAX_DEPTH} deep` });
      return undefined;
    }
    if (bodyValidator === undefined) return body;
    const isShort = bytes <= MAX_THOROUGH_BYTES;
    const first = isShort ? undefined : bodyValidator.flawOf(body);
    const found = isShort ? bodyValidator.flawsOf(body) : first === undefined ? [] : [first];
    for (const { pointer, detail } of found) flaws.push({ in: 'body', name: pointer, detail });
    return body;
  }
}

function isSome({ headers, query, cookies, body }: ForwardConfig): boolean {
  return headers.length + query.length + cookies.length > 0 || body;
}

/** Headers of the request that the composite reads or passes on. */
function variesBy(
  { params, auth }: CompositeConfig,
  forwards: readonly ForwardConfig[],
): ReadonlySet<string> {
  const names = new Set(forwards.flatMap(({ headers }) => headers));
  for (const { in: place, alias } of params) if (place === 'header') names.add(alias);
  const usesCookies =
    params.some(({ in: place }) => place === 'cookie') || forwards.some(({ cookies }) => cookies.length > 0);
  if (usesCookies || auth === 'cookie') names.add('cookie');
  if (auth === 'bearer' || auth === 'basic') names.add('authorization');
  return names;
}

/** What the composite itself means for the freshness of its answers, beside the answers of its upstreams. */
function noteOf(headers: ReadonlySet<string>): AnswerNote | undefined {
  if (headers.size === 0) return undefined;
  return {
    freshUntil: Infinity,
    isPrivate: false,
    noStore: false,
    mustRevalidate: false,
    variesBy: [...headers],
    stale: undefined,
  };
}

function unsupported(method: string): RequestProblem {
  const fields = { accept: 'application/json', [ACCEPT_FIELDS[method] ?? 'accept']: 'application/json' };
  return new RequestProblem(415, 'The body must be JSON, sent as application/json.', [], fields);
}
