import { AsyncLocalStorage } from 'node:async_hooks';
import { type AnswerNotes } from './answer-note.js';
import { type RecordedSpan } from './tracing/recorded-span.js';
import { type Trace } from './tracing/trace.js';

/** Header names in lower case, as Node hands them over. */
export type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What an incoming request says of itself, as far as it is believed. */
export interface RequestOrigin {
  /** Whether its deadline is one the client asked for, rather than the gateway's own. Default false. */
  readonly deadlineFromClient?: boolean;
  /** Whether the caller has sent it before: then it is not repeated here as well. Default false. */
  readonly retriedAbove?: boolean;
}

const NOTHING_SAID: RequestOrigin = {};

/** Whether the client of a request is still there, and who wants to know when it leaves. */
class ClientPresence {
  gone = false;
  private listeners: Set<() => void> | undefined;

  onLeave(listener: () => void): void {
    (this.listeners ??= new Set()).add(listener);
  }

  offLeave(listener: () => void): void {
    this.listeners?.delete(listener);
  }

  leave(): void {
    if (this.gone) return;
    this.gone = true;
    // One listener may take another one away: the first failing part of a composite ends the others.
    this.listeners?.forEach((listener) => {
      listener();
    });
    this.listeners = undefined;
  }
}

/** Outside any client request there is nobody who could leave. */
class NobodyThere extends ClientPresence {
  override onLeave(): void {
    // Nothing to remember: it would be kept for ever.
  }

  override leave(): void {
    // Everything outside a request shares this one.
  }
}

/**
 * What belongs to one client request and must reach the calls made for it: its id, its deadline, the headers an
 * upstream may be forwarded, and whether the client is still there. It rides in AsyncLocalStorage, so clients stay
 * singletons.
 */
export class RequestContext {
  private static readonly storage = new AsyncLocalStorage<RequestContext>();

  /** A context outside any client request: no id, no deadline, nothing to forward, nobody who could leave. */
  static readonly none = new RequestContext('', Infinity, {}, new NobodyThere());

  constructor(
    readonly id: string,
    /** On the clock's scale, in ms; Infinity for none. */
    readonly deadlineAt: number,
    readonly headers: IncomingHeaders,
    private readonly client = new ClientPresence(),
    private readonly origin = NOTHING_SAID,
    /** Who wants to know which answers are used for the request, and how fresh they are. */
    readonly notes?: AnswerNotes | undefined,
    /** The trace it belongs to; undefined where there is none. */
    readonly trace?: Trace | undefined,
  ) {}

  /** What is recorded of it; undefined where nothing is: tracing is off, or the request is not sampled. */
  get span(): RecordedSpan | undefined {
    return this.trace?.recorded;
  }

  /** The id of its trace, in 32 hex digits, where somebody records that: here, or the caller alone. */
  get traceId(): string | undefined {
    return this.trace?.sampled === true ? this.trace.traceId : undefined;
  }

  /** Whether a layer above repeats this request already. */
  get retriedAbove(): boolean {
    return this.origin.retriedAbove === true;
  }

  /**
   * Whether {@link deadlineAt} is what the client asked for. Running into it then says nothing about an upstream:
   * one impatient client would open everybody's breaker.
   */
  get deadlineFromClient(): boolean {
    return this.origin.deadlineFromClient === true;
  }

  /** The context of the running request, or {@link RequestContext.none}. */
  static current(): RequestContext {
    return RequestContext.storage.getStore() ?? RequestContext.none;
  }

  /** Runs `work(argument)` with this context; whatever it starts inherits it. */
  run<A, R>(work: (argument: A) => R, argument: A): R {
    return RequestContext.storage.run(this, work, argument);
  }

  /**
   * The same request with a deadline that is no later than its own.
   *
   * @param deadlineFromClient whether the new one, too, comes down to what the client asked for.
   */
  endingBy(deadlineAt: number, deadlineFromClient = false): RequestContext {
    if (deadlineAt >= this.deadlineAt) return this;
    const { retriedAbove } = this;
    const origin = { deadlineFromClient, retriedAbove };
    return new RequestContext(this.id, deadlineAt, this.headers, this.client, origin, this.notes, this.trace);
  }

  /** The same request, whose answers are noted elsewhere. */
  notedBy(notes: AnswerNotes): RequestContext {
    const { id, deadlineAt, headers, client, origin, trace } = this;
    return new RequestContext(id, deadlineAt, headers, client, origin, notes, trace);
  }

  /** The same request, for what is recorded as this span. */
  tracedBy(span: RecordedSpan): RequestContext {
    const { id, deadlineAt, headers, client, origin, notes } = this;
    return new RequestContext(id, deadlineAt, headers, client, origin, notes, span);
  }

  /** The same request, whose calls go on when the client leaves. */
  outlivingClient(): RequestContext {
    return new RequestContext(
      this.id,
      this.deadlineAt,
      this.headers,
      new NobodyThere(),
      this.origin,
      this.notes,
      this.trace,
    );
  }

  /** What the same request sends, on behalf of nobody in particular: no deadline, and no client who could leave. */
  detached(): RequestContext {
    const { id, headers, retriedAbove, trace } = this;
    return new RequestContext(id, Infinity, headers, new NobodyThere(), { retriedAbove }, undefined, trace);
  }

  /** Whether the client has left before it got its answer. */
  get clientGone(): boolean {
    return this.client.gone;
  }

  /** The client has left: everything that runs for it ends now. */
  clientLeft(): void {
    this.client.leave();
  }

  /** Calls `listener` once when the client leaves, in order of registration. */
  onClientLeave(listener: () => void): void {
    this.client.onLeave(listener);
  }

  offClientLeave(listener: () => void): void {
    this.client.offLeave(listener);
  }
}
