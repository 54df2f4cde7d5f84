import { type UpstreamPolicy } from '../config/policy-schema.js';
import { type SharedRequest, type SharedRequests } from '../shared-request.js';
import { type UpstreamCall, type UpstreamResponse } from '../upstream-call.js';
import { type FailureReason } from '../upstream-error.js';
import { type CacheEvent, type UpstreamEvents } from '../upstream-events.js';
import { type AnswerStore } from './answer-store.js';
import { KeptAnswer, type Use, type WallClock } from './kept-answer.js';

export interface AnswerCacheOptions {
  readonly upstream: string;
  readonly policy: UpstreamPolicy['cache'];
  readonly requests: SharedRequests;
  readonly store: AnswerStore;
  readonly wall: WallClock;
  readonly events: UpstreamEvents;
}

/** A question that comes with its own conditions: what it asks for is not simply the answer. */
const CONDITIONS = [
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
] as const;

/** The answers of one upstream that are kept. */
export class AnswerCache {
  private readonly refreshing = new Set<string>();
  private readonly isNamed = (header: string): boolean => this.options.requests.names(header);

  constructor(private readonly options: AnswerCacheOptions) {}

  /** What the call asks for, if a kept answer may answer it. */
  requestOf(call: UpstreamCall): SharedRequest | undefined {
    const request = this.options.requests.of(call);
    if (request === undefined || CONDITIONS.some((name) => name in request.headers)) return undefined;
    return request;
  }

  find(request: SharedRequest): KeptAnswer | undefined | Promise<KeptAnswer | undefined> {
    return this.options.store.get(request);
  }

  useFor(kept: KeptAnswer, request: SharedRequest, call: UpstreamCall): Use {
    return kept.useFor(request, call.request.method, this.options.policy);
  }

  mayServeError(kept: KeptAnswer, request: SharedRequest): boolean {
    return kept.mayServeError(request, this.options.policy);
  }

  /** Keeps an answer, if it may be kept and is of any use; one that it replaces is gone either way. */
  keep(request: SharedRequest, call: UpstreamCall, response: UpstreamResponse, askedAt: number): void {
    const { wall, policy } = this.options;
    const kept = KeptAnswer.of(request, call, response, askedAt, wall, this.isNamed);
    this.put(request, kept !== undefined && kept.bytes <= policy.maxEntryBytes ? kept : undefined);
  }

  /** The kept answer with what a 304 says of it. */
  confirm(
    kept: KeptAnswer,
    request: SharedRequest,
    call: UpstreamCall,
    response: UpstreamResponse,
    askedAt: number,
  ): KeptAnswer {
    const renewed = kept.revalidated(request, call, response, askedAt, this.options.wall);
    this.put(request, renewed);
    return renewed ?? kept;
  }

  forget(request: SharedRequest): void {
    this.options.store.delete(request);
  }

  /** The call changes what its URL stands for (RFC 9111, 4.4). */
  changes(call: UpstreamCall): boolean {
    return this.options.requests.changes(call);
  }

  /** What the call's URL stood for has changed. */
  invalidate(call: UpstreamCall): void {
    this.options.store.invalidate(this.options.requests.uriOf(call), this.now());
  }

  /** Whether this one is to fetch a fresh answer for all; then it says so once it has ended. */
  startsRefresh({ key }: SharedRequest): boolean {
    if (this.refreshing.has(key)) return false;
    this.refreshing.add(key);
    return true;
  }

  refreshEnded({ key }: SharedRequest): void {
    this.refreshing.delete(key);
  }

  /** In ms since 1970. */
  now(): number {
    return this.options.wall();
  }

  tell(call: UpstreamCall, result: CacheEvent['result'], ageMs?: number, reason?: FailureReason): void {
    const { events, upstream } = this.options;
    if (!events.active) return;
    call.runInAsyncScope(() => {
      events.emit({ type: 'cache', upstream, result, ageMs, reason });
    });
  }

  private put(request: SharedRequest, kept: KeptAnswer | undefined): void {
    const { store, policy } = this.options;
    const ttlMs = kept?.usefulForMs(policy) ?? 0;
    if (kept !== undefined && ttlMs > 0) store.set(request, kept, ttlMs);
    else store.delete(request);
  }
}
