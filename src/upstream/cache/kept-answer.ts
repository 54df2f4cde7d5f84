import CachePolicy from 'http-cache-semantics';
import { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { type SharedRequest } from '../shared-request.js';
import { type UpstreamCall, type UpstreamResponse } from '../upstream-call.js';
import { type CacheDirectives, directivesOf, fieldOf, secondsOf } from './cache-control.js';

/** How long answers that have gone stale may still be used, in ms. */
export interface StaleWindows {
  readonly staleIfErrorMs: number;
  readonly staleWhileRevalidateMs: number;
}

/** An answer as it is written down, in memory or elsewhere. */
export interface KeptRecord {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body: as text, or as JSON. */
  readonly body: string;
  readonly isJson: boolean;
  /** When it was asked for, in ms since 1970: what was asked before a change must not outlive it. */
  readonly askedAt: number;
  readonly policy: CachePolicy.CachePolicyObject;
}

/** What may be done with a kept answer. */
export type Use = 'fresh' | 'stale-while-revalidate' | 'validate';

/** The moment, in ms since 1970. */
export type WallClock = () => number;

/** Statuses whose answers are kept: whole, and good. Errors are errors here, and are not kept. */
const KEPT_STATUSES: ReadonlySet<number> = new Set([200, 203, 204]);

/** What belongs to the connection an answer came by (RFC 9110, 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What a 304 says of its own message, not of the answer that is kept (RFC 9111, 3.2). */
const NOT_UPDATED: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'set-cookie',
]);

/** A shared cache that trusts nothing but what it was told: no freshness is made up where none was given. */
const POLICY_OPTIONS = { shared: true, cacheHeuristic: 0, immutableMinTimeToLive: 0 };

/**
 * One answer and what RFC 9111 allows to be done with it. http-cache-semantics does the arithmetic; what it reads
 * differently from the RFC is put right here: names of directives in any case, and `must-revalidate`, which forbids the
 * use of stale answers and not that of fresh ones.
 */
export class KeptAnswer {
  private readonly directives: CacheDirectives;
  /** When the upstream made it, in ms since 1970. */
  private readonly bornAt: number;
  /** How long it is fresh, in ms from then. */
  private readonly freshForMs: number;

  private constructor(
    readonly record: KeptRecord,
    private readonly policy: CachePolicy,
    private readonly wall: WallClock,
  ) {
    this.directives = directivesOf(record.headers['cache-control'] ?? '');
    // Asked once: the library reads them anew from its headers each time, at 1 us a question.
    this.bornAt = wall() - policy.age() * 1000;
    this.freshForMs = policy.maxAge() * 1000;
  }

  /** The answer, if it may be kept; undefined if not. */
  static of(
    request: SharedRequest,
    call: UpstreamCall,
    response: UpstreamResponse,
    askedAt: number,
    wall: WallClock,
    isNamed: (header: string) => boolean,
  ): KeptAnswer | undefined {
    const { status, statusText, data } = response;
    if (!KEPT_STATUSES.has(status)) return undefined;
    const headers = plainHeaders(response.headers);
    if (headers === undefined || 'set-cookie' in headers || variesByName(headers['vary'], isNamed))
      return undefined;
    const policy = policyFor(request, call.request.method, status, headers, wall);
    if (policy === undefined) return undefined;
    const isJson = typeof data !== 'string' && data !== undefined;
    const body = isJson ? written(data) : (data ?? '');
    if (body === undefined) return undefined;
    const record = { status, statusText, headers, body, isJson, askedAt, policy: policy.toObject() };
    return new KeptAnswer(record, policy, wall);
  }

  static from(record: KeptRecord, wall: WallClock): KeptAnswer {
    return new KeptAnswer(record, restored(record.policy, wall), wall);
  }

  /** The answer with what a 304 says of it; undefined if it may not be kept any longer. */
  revalidated(
    request: SharedRequest,
    call: UpstreamCall,
    response: UpstreamResponse,
    askedAt: number,
    wall: WallClock,
  ): KeptAnswer | undefined {
    const { record } = this;
    const headers: Record<string, string> = { ...record.headers };
    // Its age starts anew, whatever age it had.
    delete headers['age'];
    for (const [name, value] of entriesOf(response.headers)) {
      if (typeof value === 'string' && !NOT_UPDATED.has(name) && !HOP_BY_HOP.has(name)) headers[name] = value;
    }
    const policy = policyFor(request, call.request.method, record.status, headers, wall);
    if (policy === undefined) return undefined;
    return new KeptAnswer({ ...record, headers, askedAt, policy: policy.toObject() }, policy, wall);
  }

  /** Whether a 304 speaks of this answer. */
  isConfirmedBy({ headers }: UpstreamResponse): boolean {
    const { etag } = headers as Readonly<Record<string, unknown>>;
    return typeof etag !== 'string' || weak(etag) === weak(this.record.headers['etag'] ?? '');
  }

  /** What its body and headers take, in bytes. */
  get bytes(): number {
    let bytes = Buffer.byteLength(this.record.body);
    for (const [name, value] of Object.entries(this.record.headers)) bytes += name.length + value.length;
    return bytes;
  }

  get ageMs(): number {
    return Math.max(0, this.wall() - this.bornAt);
  }

  /** What may be done with it for this request. */
  useFor(request: SharedRequest, method: string, { staleWhileRevalidateMs }: StaleWindows): Use {
    if (demandsFreshness(request)) return this.isFreshEnough(request, method) ? 'fresh' : 'validate';
    if (this.staleForMs < 0) return 'fresh';
    const windowMs = this.windowMs('stale-while-revalidate', staleWhileRevalidateMs);
    return this.staleForMs < windowMs ? 'stale-while-revalidate' : 'validate';
  }

  /** Whether it is fresh, and as fresh as the client says it has to be. A client may not ask for a stale one. */
  private isFreshEnough({ headers }: SharedRequest, method: string): boolean {
    return this.staleForMs < 0 && this.policy.satisfiesWithoutRevalidation({ method, url: '', headers });
  }

  /** Whether it may be used now, stale, because there is no better answer. */
  mayServeError(request: SharedRequest, { staleIfErrorMs }: StaleWindows): boolean {
    if (demandsFreshness(request) || this.forbidsStale) return false;
    // What the upstream grants, but never more than the policy allows.
    return this.staleForMs < Math.min(staleIfErrorMs, this.windowMs('stale-if-error', staleIfErrorMs));
  }

  /** Headers that ask whether it is still right; none if the upstream gave nothing to ask by. */
  get validators(): Readonly<Record<string, string>> {
    const { etag, 'last-modified': lastModified } = this.record.headers;
    return {
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
      ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified }),
    };
  }

  get hasValidators(): boolean {
    const { headers } = this.record;
    return headers['etag'] !== undefined || headers['last-modified'] !== undefined;
  }

  /** How long it may be of any use, in ms from now; 0 if it is of none. */
  usefulForMs({ staleIfErrorMs, staleWhileRevalidateMs }: StaleWindows): number {
    const staleMs = this.forbidsStale
      ? 0
      : Math.max(
          Math.min(staleIfErrorMs, this.windowMs('stale-if-error', staleIfErrorMs)),
          this.windowMs('stale-while-revalidate', staleWhileRevalidateMs),
        );
    const usableMs = Math.max(0, staleMs - this.staleForMs);
    return Math.min(LONGEST_KEPT_MS, this.hasValidators ? usableMs + KEPT_TO_VALIDATE_MS : usableMs);
  }

  /** The answer as the wire would have given it, a fresh copy each time. */
  response(call: UpstreamCall): UpstreamResponse {
    const { status, statusText, body, isJson, headers: kept } = this.record;
    const headers = { ...kept, age: String(Math.floor(this.ageMs / 1000)) };
    return {
      data: isJson ? (JSON.parse(body) as unknown) : body,
      status,
      statusText,
      headers: Object.assign(new AxiosHeaders(), headers),
      config: { ...call.request, headers: new AxiosHeaders() } as InternalAxiosRequestConfig,
    };
  }

  /** Time since it went stale, in ms; negative while it is fresh. */
  private get staleForMs(): number {
    return this.wall() - this.bornAt - this.freshForMs;
  }

  /** Whether the upstream forbids any use of it once it is stale (RFC 9111, 4.2.4). */
  private get forbidsStale(): boolean {
    const { directives } = this;
    return (
      directives.has('must-revalidate') || directives.has('proxy-revalidate') || directives.has('no-cache')
    );
  }

  /**
   * The window the upstream grants, or else the policy's. `s-maxage` forbids stale answers to a shared cache as well
   * (5.2.2.10), but an upstream that grants a window beside it means what it says.
   */
  private windowMs(directive: string, policyMs: number): number {
    if (this.forbidsStale) return 0;
    const granted = this.directives.get(directive);
    if (granted !== undefined) return secondsOf(granted) * 1000;
    return this.directives.has('s-maxage') ? 0 : policyMs;
  }
}

/** Longer than this nothing is kept, in ms: a day. What was invalidated needs to be remembered no longer either. */
export const LONGEST_KEPT_MS = 86_400_000;

/** How long a stale answer is kept beyond its use, to ask whether it is still right, in ms. */
const KEPT_TO_VALIDATE_MS = 3_600_000;

/** JSON text; undefined for what is nested deeper than the engine can write. */
function written(data: unknown): string | undefined {
  try {
    return JSON.stringify(data);
  } catch {
    return undefined;
  }
}

function policyFor(
  request: SharedRequest,
  method: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  wall: WallClock,
): CachePolicy | undefined {
  // No URL and no `Vary`: both are in the key, and with them the library would write credentials down.
  const asked = { method, url: '', headers: { ...request.headers } };
  const told: Record<string, string> = {};
  for (const name of POLICY_HEADERS) if (headers[name] !== undefined) told[name] = headers[name];
  const directives = directivesOf(headers['cache-control'] ?? '');
  if (directives.size > 0) told['cache-control'] = fieldOf(directives);
  const Policy = policyClass(wall);
  if (!new Policy(asked, { status, headers: told }, POLICY_OPTIONS).storable()) return undefined;

  const usable = new Map(directives);
  const mayBeShared = usable.delete('must-revalidate');
  // The library revalidates each time what must only be revalidated once it is stale; `forbidsStale` sees to that.
  usable.delete('proxy-revalidate');
  // It is what allowed an answer to `Authorization` to be kept.
  if (mayBeShared) usable.set('public', '');
  if (directives.size > 0) told['cache-control'] = fieldOf(usable);
  return new Policy(asked, { status, headers: told }, POLICY_OPTIONS);
}

/** What the library decides by. */
const POLICY_HEADERS = ['age', 'date', 'etag', 'expires', 'last-modified', 'pragma'] as const;

const classes = new WeakMap<WallClock, typeof CachePolicy>();

/** The library reads its clock in its constructor, so a clock of ours has to be part of the class. */
function policyClass(wall: WallClock): typeof CachePolicy {
  let known = classes.get(wall);
  if (known === undefined) {
    known = class extends CachePolicy {
      now(): number {
        return wall();
      }
    };
    classes.set(wall, known);
  }
  return known;
}

function restored(policy: CachePolicy.CachePolicyObject, wall: WallClock): CachePolicy {
  return policyClass(wall).fromObject(policy);
}

/** A client that says how fresh an answer has to be gets none that has gone stale. */
function demandsFreshness({ headers }: SharedRequest): boolean {
  return 'cache-control' in headers || 'pragma' in headers;
}

/** Whether an answer depends on something that stands in no key. */
function variesByName(vary: string | undefined, isNamed: (header: string) => boolean): boolean {
  if (vary === undefined) return false;
  return vary.split(',').some((item) => {
    const name = item.trim().toLowerCase();
    return name === '*' || isNamed(name);
  });
}

function plainHeaders(headers: UpstreamResponse['headers']): Record<string, string> | undefined {
  const plain: Record<string, string> = {};
  for (const [name, value] of entriesOf(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name)) continue;
    if (Array.isArray(value)) plain[name] = value.join(', ');
    else if (typeof value === 'string' || typeof value === 'number') plain[name] = String(value);
    else return undefined;
  }
  return plain;
}

/** Fields by their names in lower case; whoever answers in place of the wire may leave them out. */
function entriesOf(headers: UpstreamResponse['headers'] | undefined): [string, unknown][] {
  return Object.entries(headers ?? {});
}

function weak(etag: string): string {
  return etag.trim().replace(/^W\//, '');
}
