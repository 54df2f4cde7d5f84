import { AsyncResource } from 'node:async_hooks';
import { type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { type Call } from '../resilience/call.js';
import { type Endpoint } from './endpoints.js';
import { type StaleAnswer } from './answer-note.js';
import { RequestContext } from './request-context.js';
import { type SharedRequest } from './shared-request.js';
import { isOneShot } from './streamed-body.js';

/** What to ask an upstream, without saying where it is. */
export interface UpstreamRequest extends Omit<AxiosRequestConfig, 'url' | 'method' | 'baseURL' | 'headers'> {
  /** Path and query, starting with '/'; appended to the endpoint's base URL. */
  readonly url: string;
  /** In upper case. */
  readonly method: string;
  /**
   * Sent beside, and where equally named instead of, what the upstream's configuration sends. False is no such header,
   * not even by default, as axios has it.
   */
  readonly headers?: Readonly<Record<string, string | false>> | undefined;
  /** Shrinks the call's deadline, in ms from now. */
  readonly deadlineMs?: number | undefined;
  /** What the URL was made from, such as `/orders/{id}`: it stands for it where values must not. */
  readonly urlTemplate?: string | undefined;
}

export type UpstreamResponse = AxiosResponse<unknown>;

/**
 * One logical call to an upstream, and the async context it was made in: sockets, timers and queues answer in
 * whichever context they were made or woken in, often another request's. What runs code that is not ours
 * (interceptors, listeners, the subscriber) enters the call's own by `runInAsyncScope`.
 */
// An AsyncResource costs 0.05 us on Node 20; AsyncLocalStorage.snapshot() costs 8.7 us.
export class UpstreamCall extends AsyncResource implements Call {
  readonly context = RequestContext.current();
  readonly deadlineAt: number;
  ownDeadlineAt: number;
  readonly replaySafe: boolean;
  readonly retriedAbove: boolean;
  /** Attempts that reached the wire so far. */
  attempts = 0;
  /** What it shares with equal calls; null for nothing, undefined until somebody asks. */
  shared: SharedRequest | null | undefined;
  /** Set where the answer is a kept one that has gone stale. */
  stale: StaleAnswer | undefined;
  /** The call this one is made for, where it is made on behalf of another. */
  private madeFor: UpstreamCall | undefined;
  /** Where those attempts went, if there is a choice: retries and hedges go elsewhere. */
  tried: readonly Endpoint[] = NOWHERE;

  constructor(
    readonly request: UpstreamRequest,
    /** On the clock's scale, in ms. */
    readonly startedAt: number,
    policyDeadlineMs: number,
    forwardHeaders: readonly string[],
  ) {
    super('TRIBUTARY_CALL', { requireManualDestroy: true });
    const ownMs = Math.min(request.deadlineMs ?? Infinity, policyDeadlineMs);
    this.deadlineAt = Math.min(this.context.deadlineAt, startedAt + ownMs);
    const fromClient = this.context.deadlineFromClient && this.context.deadlineAt < startedAt + ownMs;
    this.ownDeadlineAt = fromClient ? Infinity : this.deadlineAt;
    this.retriedAbove = this.context.retriedAbove;
    this.replaySafe = REPLAY_SAFE_METHODS.has(request.method) || this.hasIdempotencyKey(forwardHeaders);
  }

  /**
   * Only what reads is sent twice at once. A DELETE beside a DELETE may find nothing left, a PUT with `If-Match` another
   * version, and a second use of an idempotency key a first one that is not done yet: one after another they are safe,
   * side by side one of them fails, and it may be the first to answer. A streamed body or answer has one reader.
   */
  get hedgeable(): boolean {
    const { request } = this;
    return (
      READING_METHODS.has(request.method) && request.responseType !== 'stream' && !isOneShot(request.data)
    );
  }

  /** One attempt more reaches the wire. */
  attemptStarted(): void {
    this.attempts++;
    this.madeFor?.attemptStarted();
  }

  /** The same call with another request, and an end that may be earlier. */
  changed(request: UpstreamRequest, deadlineAt: number): UpstreamCall {
    const policyDeadlineMs = deadlineAt - this.startedAt;
    const make = (): UpstreamCall => new UpstreamCall(request, this.startedAt, policyDeadlineMs, NO_HEADERS);
    const call = this.forThis(this.runInAsyncScope(make));
    // An earlier end is ours, but what the client's own impatience cuts off stays the client's.
    if (this.ownDeadlineAt === Infinity) call.ownDeadlineAt = Infinity;
    return call;
  }

  /** The same request under nobody's abort and nobody's own deadline: only the policy bounds it. */
  detached(now: number, policyDeadlineMs: number): UpstreamCall {
    const request = { ...this.request, deadlineMs: undefined };
    const make = (): UpstreamCall => new UpstreamCall(request, now, policyDeadlineMs, NO_HEADERS);
    return this.forThis(this.runInAsyncScope(() => this.context.detached().run(make, undefined)));
  }

  private forThis(call: UpstreamCall): UpstreamCall {
    call.madeFor = this;
    return call;
  }

  /** Whether the request carries a key, its own or one the client sent. */
  private hasIdempotencyKey(forwardHeaders: readonly string[]): boolean {
    const { headers = {} } = this.request;
    if (Object.keys(headers).some((name) => name.toLowerCase() === IDEMPOTENCY_KEY)) return true;
    return forwardHeaders.includes(IDEMPOTENCY_KEY) && this.context.headers[IDEMPOTENCY_KEY] !== undefined;
  }
}

/** Safe in the sense of RFC 9110, 9.2.1: they change nothing. */
export const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);

const NOWHERE: readonly Endpoint[] = [];
const NO_HEADERS: readonly string[] = [];

export const IDEMPOTENCY_KEY = 'idempotency-key';

/** Sending one of these twice does no more than sending it once (RFC 9110, 9.2.2; QUERY: its own draft says so). */
export const REPLAY_SAFE_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PUT',
  'DELETE',
]);
