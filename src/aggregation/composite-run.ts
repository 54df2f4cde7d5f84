import { defer, forkJoin, map, Observable, of, type Subscriber } from 'rxjs';
import { systemClock } from '../resilience/clock.js';
import { ExpectedError } from '../resilience/expected-error.js';
import { LagAwareTimer } from '../resilience/lag-aware-timer.js';
import { DeadlineExceededError } from '../resilience/rejections.js';
import { type AnswerNote } from '../upstream/answer-note.js';
import { RequestContext } from '../upstream/request-context.js';
import { type RecordedSpan } from '../upstream/tracing/recorded-span.js';
import { ExchangeContext } from './exchange-context.js';
import { type Parts } from './part.js';
import { NO_FAULTS, type PartFault } from './part-fault.js';
import { type PartOutline } from './part-outline.js';
import { assertReportName, type CompositeReport, type PartReport } from './part-report.js';
import { PartRun } from './part-run.js';
import { beginComposite, endComposite } from './composite-span.js';
import { type WriteOutcome } from './write-outcome.js';

type PartValues = Record<string, unknown>;

/** A group of parts that start together, and what must be there before they can. */
export interface Stage {
  /** The parts it waits for; undefined for all that were declared before it. */
  readonly needs: readonly string[] | undefined;
  /** What it waits for where every part is required. Default: the same. */
  readonly needsIfStrict?: readonly string[] | undefined;
  /** Whether a plan has made sure that what it needs exists; then that may also be declared behind it. */
  readonly planned?: boolean;
  /** Given the values of what it needs, beside those that the run was given. */
  readonly declare: (values: Readonly<PartValues>) => Parts;
}

export interface CompositeSettings {
  /** By which metrics, traces and the console know it. Default: the verb and the route it is served at. */
  readonly name?: string | undefined;
  readonly deadlineMs: number;
  readonly passThrough: ReadonlySet<number>;
  readonly partialStatus: number | undefined;
  readonly reportInBody: boolean;
  /** Who wants to know of each part as it ends. */
  readonly listener?: CompositeListener | undefined;
  /** What has become of the writes; undefined where there are none. */
  readonly writes?: (() => Readonly<Record<string, WriteOutcome>>) | undefined;
}

/** Is told of one run as it goes. */
export interface CompositeListener {
  /** A part has ended, before the composite does because of it; `value` is undefined for a required one that failed. */
  partEnded(report: PartReport, value: unknown): void;
  /** The composite has ended, and its subscriber knows how. */
  ended?(report: CompositeReport): void;
}

/** Parts end this long before the composite's deadline, in ms, to leave time to write the answer... */
const ANSWER_RESERVE_MS = 20;
/** ...but never so long before it that a short deadline has no time left for them. */
const MAX_ANSWER_RESERVE_SHARE = 0.1;

/** One subscription to a composite: it runs the stages, keeps the deadline and the report. */
export class CompositeRun {
  readonly strict: boolean;
  /** When parts must have ended, on the clock's scale. */
  readonly partsEndAt: number;
  /** The context parts run in: the request's, with the composite's deadline. */
  readonly context: RequestContext;

  /** On the clock's scale. */
  readonly startedAt = systemClock.now();
  private readonly outer = RequestContext.current();
  private readonly exchange = this.outer instanceof ExchangeContext ? this.outer : undefined;
  /** What is recorded of it; undefined for nothing. */
  private readonly span: RecordedSpan | undefined;
  private readonly stageRuns: (readonly PartRun[] | undefined)[] = [];
  private readonly waiting = new Set<WaitingStage>();
  private readonly settledValues = new Map<string, unknown>();
  private expired = false;

  constructor(
    private readonly stages: readonly Stage[],
    readonly settings: CompositeSettings,
    /** What every stage is given. */
    private readonly given: Readonly<PartValues> = NOTHING,
  ) {
    this.strict = this.exchange?.preferences.handling === 'strict';
    const ownDeadlineAt = this.startedAt + settings.deadlineMs;
    const deadlineAt = Math.min(this.outer.deadlineAt, ownDeadlineAt);
    const reserveMs = Math.min(ANSWER_RESERVE_MS, (deadlineAt - this.startedAt) * MAX_ANSWER_RESERVE_SHARE);
    this.partsEndAt = deadlineAt - reserveMs;
    const fromClient = this.outer.deadlineFromClient && this.outer.deadlineAt < ownDeadlineAt;
    const context = this.outer.endingBy(this.partsEndAt, fromClient);
    this.span = beginComposite(this.outer, settings.name);
    this.context = this.span === undefined ? context : context.tracedBy(this.span);
  }

  /** Asks for the parts; `subscriber` gets the values of all of them, once. Its leaving cancels them. */
  start(subscriber: Subscriber<PartValues>): void {
    if (subscriber.closed) return;
    const { outer, stages } = this;
    const clientLeft = (): void => {
      outer.run(() => {
        subscriber.error(new ClientLeftError());
      }, undefined);
    };
    this.exchange?.compositeStarted(stages);
    subscriber.add(() => {
      outer.offClientLeave(clientLeft);
      this.leaveReport();
    });

    const remainingMs = this.partsEndAt - this.startedAt;
    if (outer.clientGone) subscriber.error(new ClientLeftError());
    else if (remainingMs <= 0) subscriber.error(new DeadlineExceededError());
    else {
      outer.onClientLeave(clientLeft);
      subscriber.add(new LagAwareTimer(systemClock, remainingMs, expire, this));
      subscriber.add(
        this.context.run(() => this.answer.subscribe(new InContext(outer, subscriber)), undefined),
      );
    }
    // Behind all that still runs: what was done for it ends first.
    const { span } = this;
    if (span === undefined) return;
    subscriber.add(() => {
      this.endSpans(span);
    });
  }

  report(): CompositeReport {
    let complete = true;
    const parts: PartReport[] = [];
    for (const index of this.stages.keys()) {
      const runs = this.stageRuns[index];
      // A stage that never started: the composite failed before it could.
      if (runs === undefined) complete = false;
      for (const run of runs ?? []) {
        parts.push(run.report);
        complete &&= run.settled && run.state !== 'fallback' && run.state !== 'failed';
      }
    }
    const { writes } = this.settings;
    return writes === undefined ? { complete, parts } : { complete, parts, writes: writes() };
  }

  /** A part has got an answer; what that means for the response, the composite around it has to know. */
  answered(note: AnswerNote): void {
    this.outer.notes?.answered(note);
  }

  partSettled(part: PartRun, value: unknown): void {
    if (this.stages.length === 1) return;
    this.settledValues.set(part.name, value);
    for (const waiting of this.waiting) this.startIfReady(waiting);
  }

  /** Whether a part that would start `now` is too late. */
  isOver(now: number): boolean {
    // A timer may fire some µs before its time is up on the clock.
    return this.expired || now >= this.partsEndAt;
  }

  /** Ends every part that still runs; those that start now end at once. */
  expire(): void {
    this.expired = true;
    for (const runs of [...this.stageRuns]) {
      for (const run of runs ?? []) run.expire('deadline');
    }
  }

  /** All stages as one answer, keys in the order of declaration. */
  private get answer(): Observable<PartValues> {
    const [only] = this.stages;
    if (this.stages.length === 1 && only !== undefined) return this.stage(only, 0);
    return forkJoin(this.stages.map((stage, index) => this.stage(stage, index))).pipe(
      map((values) => Object.assign({}, ...values) as PartValues),
    );
  }

  private stage(stage: Stage, index: number): Observable<PartValues> {
    if (this.needsOf(stage)?.length === 0) return this.partsOf(stage, index, this.given);
    return new Observable((subscriber) => {
      const waiting: WaitingStage = { stage, index, subscriber };
      this.waiting.add(waiting);
      subscriber.add(() => this.waiting.delete(waiting));
      this.startIfReady(waiting);
    });
  }

  private startIfReady(waiting: WaitingStage): void {
    const { stage, index, subscriber } = waiting;
    if (subscriber.closed) return;
    const isMissing = (part: string): boolean => !this.settledValues.has(part);
    const earlier = stage.planned === true ? undefined : this.partsBefore(index);
    const needs = this.needsOf(stage) ?? earlier;
    if (needs?.some(isMissing) === false) {
      // First of all: a part that settles at once leads back here.
      this.waiting.delete(waiting);
      const values = { ...this.given };
      for (const part of needs) values[part] = this.settledValues.get(part);
      // What settled last may have answered in a context of its own.
      this.context.run(() => this.partsOf(stage, index, values).subscribe(subscriber), undefined);
    } else if (stage.planned !== true && earlier?.some(isMissing) === false) {
      const missing = stage.needs?.filter(isMissing).map((part) => `'${part}'`);
      subscriber.error(
        new TypeError(`thenAlso() needs ${missing?.join(', ')}, which no earlier stage declares`),
      );
    }
  }

  private needsOf(stage: Stage): readonly string[] | undefined {
    return this.strict ? (stage.needsIfStrict ?? stage.needs) : stage.needs;
  }

  /** The names of all parts declared before a stage, in order; undefined while some are yet to be declared. */
  private partsBefore(index: number): readonly string[] | undefined {
    const names: string[] = [];
    for (let stage = 0; stage < index; stage++) {
      const runs = this.stageRuns[stage];
      if (runs === undefined) return undefined;
      for (const { name } of runs) names.push(name);
    }
    return names;
  }

  private partsOf(stage: Stage, index: number, values: Readonly<PartValues>): Observable<PartValues> {
    return defer(() => {
      const answers: Record<string, Observable<unknown>> = {};
      const runs = Object.entries(stage.declare(values)).map(([name, part]) => {
        assertReportName(name, 'part');
        if (this.declares(name)) throw new TypeError(`the part '${name}' is declared twice`);
        const run = new PartRun(name, part, this);
        answers[name] = run.answer;
        return run;
      });
      this.stageRuns[index] = runs;
      // forkJoin of nothing would complete without an answer.
      return runs.length === 0 ? of({}) : forkJoin(answers);
    });
  }

  private declares(part: string): boolean {
    return this.stages.length > 1 && this.stageRuns.some((runs) => runs?.some(({ name }) => name === part));
  }

  private outline(): readonly PartOutline[] {
    return this.stages.flatMap((stage, index) => {
      const needs = this.needsOf(stage) ?? this.partsBefore(index) ?? [];
      return (this.stageRuns[index] ?? []).map((run) => run.outline(needs));
    });
  }

  /** Of the parts that failed or fell back, in the order they were declared. */
  private get faults(): readonly PartFault[] {
    const runs = this.stageRuns.flatMap((each) => each ?? []);
    return runs.map(({ fault }) => fault).filter((fault) => fault !== undefined);
  }

  private endSpans(span: RecordedSpan): void {
    for (const run of this.stageRuns.flatMap((each) => each ?? [])) run.endSpan();
    endComposite(span, this.report());
  }

  private leaveReport(): void {
    const { name, partialStatus, reportInBody, listener } = this.settings;
    const report = this.report();
    this.exchange?.compositeEnded(this.stages, {
      report,
      partialStatus,
      reportInBody,
      faults: report.complete ? NO_FAULTS : this.faults,
      name,
      durationMs: systemClock.now() - this.startedAt,
      outline: () => this.outline(),
    });
    listener?.ended?.(report);
  }
}

const NOTHING: Readonly<PartValues> = {};

interface WaitingStage {
  readonly stage: Stage;
  readonly index: number;
  readonly subscriber: Subscriber<PartValues>;
}

/** The client left before its composite was done; nobody will read the answer. */
export class ClientLeftError extends ExpectedError {
  constructor() {
    super('the client left');
  }
}

/**
 * Answers a subscriber in the context it asked in. Parts answer in one of their own, and what hangs behind the
 * composite (another composite, say) is no part of it.
 */
class InContext {
  constructor(
    private readonly context: RequestContext,
    private readonly subscriber: Subscriber<PartValues>,
  ) {}

  next(values: PartValues): void {
    this.context.run((answer) => {
      this.subscriber.next(answer);
    }, values);
  }

  error(reason: unknown): void {
    this.context.run((error) => {
      this.subscriber.error(error);
    }, reason);
  }

  complete(): void {
    this.context.run(() => {
      this.subscriber.complete();
    }, undefined);
  }
}

function expire(run: CompositeRun): void {
  run.expire();
}
