import { type Observer } from 'rxjs';
import { type Handler, type Layer } from '../../resilience/call.js';
import { type Clock } from '../../resilience/clock.js';
import { Link } from '../../resilience/link.js';
import { verdictOf, VERDICTS } from '../../resilience/verdict.js';
import { isSuccessOrNotModified, type SharedRequest } from '../shared-request.js';
import { type UpstreamCall, type UpstreamResponse } from '../upstream-call.js';
import { type FailureReason, failureReasonOf, UpstreamError } from '../upstream-error.js';
import { type AnswerCache } from './answer-cache.js';
import { type KeptAnswer } from './kept-answer.js';

/** A call that has a stale answer to fall back on gives up this long before its deadline, in ms... */
const STALE_RESERVE_MS = 20;
/** ...but never so long before it that there is no time left to ask. */
const MAX_STALE_RESERVE_SHARE = 0.1;

type Next = Handler<UpstreamCall, UpstreamResponse>;

/**
 * Answers from what is kept where RFC 9111 allows it, and keeps what may be kept.
 *
 * - A fresh answer makes no call at all.
 * - A stale one is asked about; it answers at once while that goes on in the background where `stale-while-revalidate`
 *   allows it, and in place of a failure where `stale-if-error` does.
 * - An unsafe call that did not fail invalidates what is kept for its URL.
 */
export function withCache(
  cache: AnswerCache,
  clock: Clock,
  policyDeadlineMs: number,
): Layer<UpstreamResponse, UpstreamCall> {
  return (next) => (call, answer) => {
    if (answer.closed) return;
    const request = cache.requestOf(call);
    if (request === undefined) {
      next(call, cache.changes(call) ? new ChangeLink(answer, cache, call) : answer);
      return;
    }
    const run = new CachedCall(cache, clock, policyDeadlineMs, next, request, call, answer);
    const found = cache.find(request);
    if (found instanceof Promise) run.waitFor(found);
    else run.answerWith(found);
  };
}

/** One call that may be answered by a kept answer. */
class CachedCall {
  private askedAt = 0;
  private kept: KeptAnswer | undefined;
  private isInBackground = false;

  constructor(
    private readonly cache: AnswerCache,
    private readonly clock: Clock,
    private readonly policyDeadlineMs: number,
    private readonly next: Next,
    private readonly request: SharedRequest,
    private readonly call: UpstreamCall,
    private readonly behind: Link<UpstreamResponse>,
  ) {}

  waitFor(found: Promise<KeptAnswer | undefined>): void {
    void found.then((kept) => {
      if (this.behind.closed) return;
      try {
        this.answerWith(kept);
      } catch (error) {
        this.behind.error(error);
      }
    });
  }

  answerWith(kept: KeptAnswer | undefined): void {
    const { cache, request, call } = this;
    if (kept === undefined) {
      this.ask();
      return;
    }
    switch (cache.useFor(kept, request, call)) {
      case 'fresh':
        cache.tell(call, 'hit', kept.ageMs);
        this.answer(kept);
        break;
      case 'stale-while-revalidate':
        // Before the caller has its answer, and may end all that goes on for it.
        this.refresh(kept);
        this.answerStale(kept, undefined);
        break;
      case 'validate':
        this.kept = kept;
        this.ask();
    }
  }

  /** An answer has come from the upstream. */
  received(response: UpstreamResponse, asked: UpstreamCall): void {
    const { cache, request, kept, call } = this;
    if (kept === undefined || response.status !== 304) {
      if (!this.isInBackground) cache.tell(call, 'miss');
      cache.keep(request, asked, response, this.askedAt);
      this.behind.next(response);
      return;
    }
    if (!this.isInBackground) cache.tell(call, 'revalidated', kept.ageMs);
    this.behind.next(cache.confirm(kept, request, asked, response, this.askedAt).response(call));
  }

  /** Whether the 304 speaks of another answer than ours: then ours is asked for again, without conditions. */
  isMistaken(response: UpstreamResponse): boolean {
    return response.status === 304 && this.kept?.isConfirmedBy(response) === false;
  }

  askAnew(): void {
    this.cache.forget(this.request);
    this.kept = undefined;
    this.ask();
  }

  /** Whether a stale answer took the place of the failure. */
  recovers(error: unknown): boolean {
    const { kept, cache, request } = this;
    const reason = failureReasonOf(error);
    if (
      kept === undefined ||
      this.isInBackground ||
      !mayBeStaleFor(reason, error) ||
      !cache.mayServeError(kept, request)
    )
      return false;
    this.answerStale(kept, reason);
    return true;
  }

  /** The upstream has said that there is no such answer any more (404, 403, ...): the kept one is not used again. */
  failed(error: unknown): void {
    if (verdictOf(error) === VERDICTS.answered && this.kept !== undefined) this.cache.forget(this.request);
  }

  private ask(): void {
    const { kept, call } = this;
    this.askedAt = this.cache.now();
    const asked = kept === undefined ? call : this.asking(kept, call);
    this.next(asked, new CachedLink(this.behind, this, asked));
  }

  /** The call as it asks whether the kept answer is still right, in time to use it if nobody answers. */
  private asking(kept: KeptAnswer, call: UpstreamCall): UpstreamCall {
    const { request } = call;
    const conditional = kept.hasValidators
      ? {
          ...request,
          headers: { ...request.headers, ...kept.validators },
          validateStatus: isSuccessOrNotModified,
        }
      : request;
    const leftMs = call.deadlineAt - this.clock.now();
    const reserveMs = this.cache.mayServeError(kept, this.request)
      ? Math.min(STALE_RESERVE_MS, Math.max(0, leftMs) * MAX_STALE_RESERVE_SHARE)
      : 0;
    return call.changed(conditional, call.deadlineAt - reserveMs);
  }

  /** Fetches a fresh answer under nobody's abort, one at a time; it passes every guard that a call passes. */
  private refresh(kept: KeptAnswer): void {
    const { cache, request, call, clock } = this;
    if (!cache.startsRefresh(request)) return;
    const detached = call.detached(clock.now(), this.policyDeadlineMs);
    const { policyDeadlineMs, next } = this;
    const refreshed = new RefreshLink(cache, request);
    const run = new CachedCall(cache, clock, policyDeadlineMs, next, request, detached, refreshed);
    run.isInBackground = true;
    run.kept = kept;
    try {
      run.ask();
    } catch (error) {
      refreshed.error(error);
    }
  }

  private answer(kept: KeptAnswer): void {
    this.behind.next(kept.response(this.call));
    this.behind.complete();
  }

  private answerStale(kept: KeptAnswer, reason: FailureReason | undefined): void {
    const { ageMs } = kept;
    this.call.stale = { ageMs, reason };
    this.cache.tell(this.call, 'stale', ageMs, reason);
    this.answer(kept);
  }
}

/** Hands what the upstream answers to the call it was asked for. */
class CachedLink extends Link<UpstreamResponse> {
  constructor(
    behind: Observer<UpstreamResponse>,
    private readonly run: CachedCall,
    private readonly asked: UpstreamCall,
  ) {
    super(behind);
  }

  override next(response: UpstreamResponse): void {
    if (this.closed) return;
    if (this.run.isMistaken(response)) {
      this.unsubscribe();
      this.run.askAnew();
    } else this.run.received(response, this.asked);
  }

  override error(error: unknown): void {
    if (this.closed) return;
    this.unsubscribe();
    if (this.run.recovers(error)) return;
    this.run.failed(error);
    this.behind.error(error);
  }
}

/** What it means to the background that its call has ended: nobody waits for it, and its attempts were told. */
const NOBODY = { next: ignore, error: ignore, complete: ignore };

function ignore(): void {
  // See above.
}

/** One refresh in the background. */
class RefreshLink extends Link<UpstreamResponse> {
  constructor(
    private readonly cache: AnswerCache,
    private readonly request: SharedRequest,
  ) {
    super(NOBODY);
  }

  protected override end(): void {
    super.end();
    this.cache.refreshEnded(this.request);
  }
}

/** An unsafe call has changed what its URL stands for, unless it is certain that it has not. */
class ChangeLink extends Link<UpstreamResponse> {
  private isSettled = false;

  constructor(
    behind: Observer<UpstreamResponse>,
    private readonly cache: AnswerCache,
    private readonly call: UpstreamCall,
  ) {
    super(behind);
  }

  override next(response: UpstreamResponse): void {
    this.settle(response.status < 400);
    super.next(response);
  }

  override error(error: unknown): void {
    this.settle(this.call.attempts > 1 || !isCertainlyUnchanged(error));
    super.error(error);
  }

  protected override end(): void {
    super.end();
    this.settle(true);
  }

  private settle(mayHaveChanged: boolean): void {
    if (!this.isSettled && mayHaveChanged) this.cache.invalidate(this.call);
    this.isSettled = true;
  }
}

/**
 * Whether the one attempt that failed has changed nothing: it was refused by the upstream (a 4xx; behind a 5xx, of a
 * proxy say, it may have been made), or was never sent. What came of an attempt before it, nobody knows.
 */
function isCertainlyUnchanged(error: unknown): boolean {
  const reason = failureReasonOf(error);
  if (reason === 'status') return error instanceof UpstreamError && (error.status ?? 500) < 500;
  return reason === 'connect' || reason === 'open' || reason === 'full';
}

/** RFC 5861, 4 (500 to 504, or no answer), and what our own guards refuse. */
function mayBeStaleFor(reason: FailureReason, error: unknown): boolean {
  switch (reason) {
    case 'status': {
      const status = error instanceof UpstreamError ? (error.status ?? 0) : 0;
      return status >= 500 && status <= 504;
    }
    case 'connect':
    case 'reset':
    case 'timeout':
    case 'deadline':
    case 'open':
    case 'full':
      return true;
    case 'too-large':
    case 'invalid':
    case 'cancelled':
      return false;
  }
}
