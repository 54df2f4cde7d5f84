import { HttpException } from '@nestjs/common';
import { Observable, Subscriber } from 'rxjs';
import { systemClock } from '../resilience/clock.js';
import { LagAwareTimer } from '../resilience/lag-aware-timer.js';
import { DeadlineExceededError } from '../resilience/rejections.js';
import { type AnswerNote, type AnswerNotes, type StaleAnswer } from '../upstream/answer-note.js';
import { type RequestContext } from '../upstream/request-context.js';
import { type RecordedSpan } from '../upstream/tracing/recorded-span.js';
import { type FailureReason } from '../upstream/upstream-error.js';
import { BugLog } from './bug-log.js';
import { type CompositeRun } from './composite-run.js';
import { type CalledPart, type Part } from './part.js';
import { PartFailedError } from './part-failed-error.js';
import { faultDetail, type PartFault } from './part-fault.js';
import { type PartFailure, partFailureOf } from './part-failure.js';
import { type PartOutline } from './part-outline.js';
import { PartJoins, type RunningJoin } from './part-joins.js';
import { type PartReport, type PartState } from './part-report.js';
import { beginPart, endPart } from './part-span.js';
import { RequestProblem } from './request-problem.js';
import { UNKNOWN_ANSWER } from './response-freshness.js';

const bugs = new BugLog();

const NO_UPSTREAMS: readonly string[] = [];

/** One part on its way to a value. */
export class PartRun implements AnswerNotes {
  /** `skipped` until it ends: such a part was not asked, or was cancelled with its composite. */
  state: PartState = 'skipped';
  settled = false;
  private reason: FailureReason | undefined;
  private startedAt: number | undefined;
  private endedAt: number | undefined;
  private latest: unknown = null;
  private cutByWithin = false;
  private subscriber: Subscriber<unknown> | undefined;
  /** Whether it is known which answers its value is made of. */
  private isNoted = false;
  /** The oldest of the stale answers it is made of. */
  private stale: StaleAnswer | undefined;
  /** The list joins its value is made of; most parts have none. */
  private joins: PartJoins | undefined;
  /** The error it failed with, or fell back from. */
  private failedWith: unknown;
  /** Attempts of its calls that reached the wire. */
  private attempts = 0;
  /** The upstreams it has called. */
  private upstreams: readonly string[] = NO_UPSTREAMS;
  /** What is recorded of it; undefined for nothing. */
  private span: RecordedSpan | undefined;

  constructor(
    readonly name: string,
    private readonly part: Part<unknown>,
    private readonly run: CompositeRun,
  ) {}

  get report(): PartReport {
    const { name, state, reason, startedAt, endedAt } = this;
    const durationMs = startedAt === undefined ? 0 : Math.round((endedAt ?? systemClock.now()) - startedAt);
    const ageSeconds =
      state === 'stale' && this.stale !== undefined ? Math.floor(this.stale.ageMs / 1000) : undefined;
    const startedAtMs = startedAt === undefined ? undefined : Math.round(startedAt - this.run.startedAt);
    return { part: name, state, reason, durationMs, startedAtMs, ageSeconds, items: this.joins?.items };
  }

  /** @param needs what its stage waited for. */
  outline(needs: readonly string[]): PartOutline {
    const { name: part, upstreams } = this;
    return { part, required: this.part.kind === 'required', needs, upstreams };
  }

  /** Undefined unless it failed or fell back. */
  get fault(): PartFault | undefined {
    const { name, state, part, joins, attempts, failedWith } = this;
    if (state !== 'failed' && state !== 'fallback') return undefined;
    const isCut = this.reason === 'timeout' && partFailureOf(failedWith)?.reason === 'deadline';
    const within = part.kind === 'skipped' ? undefined : part.within;
    const detail = isCut && within !== undefined ? `no answer within ${within} ms` : faultDetail(failedWith);
    return { part: name, detail, attempts: joins === undefined ? attempts : undefined };
  }

  get answer(): Observable<unknown> {
    return new Observable((subscriber) => {
      // forkJoin goes on to subscribe to the parts behind one that failed at once; they must not be asked.
      if (subscriber.closed) return;
      const { part } = this;
      const now = systemClock.now();
      this.startedAt = now;
      this.subscriber = subscriber;
      if (part.kind === 'skipped') this.settle('skipped', undefined, part.value);
      else if (this.run.isOver(now)) this.expire('deadline');
      else this.call(part, now, subscriber);
    });
  }

  next(value: unknown): void {
    this.latest = value;
  }

  complete(): void {
    const { joins, stale } = this;
    const lacking = joins?.failure;
    if (lacking !== undefined) {
      // A fallback that was given takes the place of a join that has found nothing; without one, it keeps its shape.
      const keepsShape = this.part.kind === 'optional' && this.part.fallback === undefined;
      this.failWith(lacking, keepsShape || joins?.isAnswered === true ? this.latest : undefined);
    } else if (joins?.items === undefined && joins !== undefined && !this.isNoted) {
      this.settle('skipped', undefined, this.latest);
    } else if (stale === undefined) this.settle('ok', undefined, this.latest);
    else this.settle('stale', this.isCut(stale.reason) ? 'timeout' : stale.reason, this.latest);
  }

  error(error: unknown): void {
    this.failWith(error);
  }

  /** Ends the part for want of time; nothing happens if it has ended. */
  expire(reason: 'timeout' | 'deadline'): void {
    if (this.settled) return;
    const error = new DeadlineExceededError();
    // They may end the part, with what has landed.
    this.joins?.cut(error);
    this.fail(reason, error, { reason });
  }

  /** One of its calls was answered. */
  answered(note: AnswerNote): void {
    const { stale } = note;
    this.isNoted = true;
    if (stale !== undefined && stale.ageMs >= (this.stale?.ageMs ?? 0)) this.stale = stale;
    this.run.answered(note);
  }

  called(upstream: string): void {
    if (!this.upstreams.includes(upstream)) this.upstreams = [...this.upstreams, upstream];
  }

  attemptStarted(): void {
    this.attempts++;
  }

  /** Its value is made of a list join, which begins now. */
  joinStarted(source: object, join: RunningJoin): void {
    this.joins ??= new PartJoins();
    this.joins.set(source, join);
  }

  /** An item of a join could not be had: a part that may not fall back need not wait for the others. */
  itemFailed(error: unknown): void {
    const endsComposite = this.part.kind === 'required' || this.run.strict || error instanceof RequestProblem;
    if (endsComposite) this.failWith(error);
  }

  /** @param partial what it has all the same; undefined for nothing. */
  private failWith(error: unknown, partial?: unknown): void {
    const failure = partFailureOf(error);
    const isOfUpstream = error instanceof HttpException && !(error instanceof RequestProblem);
    const own = isOfUpstream ? 'status' : 'invalid';
    const reason = this.isCut(failure?.reason) ? 'timeout' : (failure?.reason ?? own);
    this.fail(reason, error, failure, partial);
  }

  /** Nothing happens if it has ended by itself. */
  endSpan(): void {
    const { span, state, reason, settled } = this;
    if (span === undefined) return;
    this.span = undefined;
    endPart(span, state, settled ? reason : 'cancelled');
  }

  /** Whether a deadline that was met is the part's own `within`. */
  private isCut(reason: FailureReason | undefined): boolean {
    return reason === 'deadline' && this.cutByWithin;
  }

  private call(part: CalledPart<unknown>, now: number, subscriber: Subscriber<unknown>): void {
    const { within } = part;
    const source = new PartSubscriber(subscriber, this);
    if (within === undefined) {
      this.own(this.run.context).run(() => part.source.subscribe(source), undefined);
      return;
    }
    const endAt = now + within;
    this.cutByWithin = endAt < this.run.partsEndAt;
    subscriber.add(new LagAwareTimer(systemClock, within, cut, this));
    const context = this.own(this.run.context.endingBy(endAt));
    context.run(() => part.source.subscribe(source), undefined);
  }

  /** The context its calls are made in. */
  private own(context: RequestContext): RequestContext {
    const noted = context.notedBy(this);
    this.span = beginPart(context, this.name, this.part);
    return this.span === undefined ? noted : noted.tracedBy(this.span);
  }

  /** Ends the part without a value of its own. An error that is no `failure` is the code's own, and stays as it is. */
  private fail(
    reason: FailureReason,
    error: unknown,
    failure: PartFailure | undefined,
    partial?: unknown,
  ): void {
    if (this.settled) return;
    this.failedWith = error;
    // Where the request itself is at fault, no fallback makes up for it: the client has to hear of it.
    if (this.part.kind === 'optional' && !this.run.strict && !(error instanceof RequestProblem)) {
      if (failure === undefined && !(error instanceof HttpException)) {
        bugs.say(`the optional part '${this.name}' fell back because of a bug`, error);
      }
      this.settle('fallback', reason, partial ?? this.part.fallback);
      return;
    }
    this.end('failed', reason);
    this.run.settings.listener?.partEnded(this.report, undefined);
    this.subscriber?.error(failure === undefined ? error : this.failedBecause(reason, error, failure));
  }

  private failedBecause(
    reason: FailureReason,
    error: unknown,
    { status, retryAfterMs }: PartFailure,
  ): PartFailedError {
    const passes = status !== undefined && this.run.settings.passThrough.has(status);
    const passedThrough = passes ? status : undefined;
    const isOptional = this.part.kind === 'optional';
    return new PartFailedError(this.name, reason, passedThrough, retryAfterMs, error, isOptional);
  }

  private settle(state: PartState, reason: FailureReason | undefined, answered: unknown): void {
    if (this.settled) return;
    this.end(state, reason);
    // JSON would drop the key of an undefined.
    const value = answered === undefined ? null : answered;
    this.run.settings.listener?.partEnded(this.report, value);
    this.subscriber?.next(value);
    this.subscriber?.complete();
    this.run.partSettled(this, value);
  }

  private end(state: PartState, reason: FailureReason | undefined): void {
    if (state !== 'skipped' && (!this.isNoted || state === 'fallback')) this.run.answered(UNKNOWN_ANSWER);
    this.settled = true;
    this.state = state;
    this.reason = reason;
    this.endedAt = systemClock.now();
    if (this.span !== undefined) this.endSpan();
  }
}

/** Hands on what a part's source answers, and ends with the part. */
class PartSubscriber extends Subscriber<unknown> {
  constructor(
    behind: Subscriber<unknown>,
    private readonly part: PartRun,
  ) {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- "internal" until RxJS 8, and how its operators do it
    super(behind);
  }

  protected override _next(value: unknown): void {
    this.part.next(value);
  }

  protected override _error(error: unknown): void {
    this.unsubscribe();
    this.part.error(error);
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.part.complete();
  }
}

function cut(part: PartRun): void {
  part.expire('timeout');
}
