import { HttpException, Logger } from '@nestjs/common';
import { forkJoin, map, mergeMap, Observable, of, type Subscriber } from 'rxjs';
import { systemClock, type Timer } from '../resilience/clock.js';
import { DeadlineExceededError, Rejection } from '../resilience/rejections.js';
import { RequestContext } from '../upstream/request-context.js';
import { type FailureReason, UpstreamError } from '../upstream/upstream-error.js';
import { ExchangeContext } from './exchange-context.js';
import { type CalledPart, type Part, type Parts } from './part.js';
import { PartFailedError } from './part-failed-error.js';
import { assertPartName, type CompositeReport, type PartReport, type PartState } from './part-report.js';

type PartValues = Record<string, unknown>;

/** A group of parts that start together, and what must be there before they can. */
export interface Stage {
  /** The parts it waits for; undefined for all that were declared before it. */
  readonly needs: readonly string[] | undefined;
  readonly declare: (values: Readonly<PartValues>) => Parts;
}

export interface CompositeSettings {
  readonly deadlineMs: number;
  readonly passThrough: ReadonlySet<number>;
  readonly partialStatus: number | undefined;
  readonly reportInBody: boolean;
}

/** Parts end this long before the composite's deadline, in ms, to leave time to write the answer. */
const ANSWER_RESERVE_MS = 20;

const logger = new Logger('Composite');

/** One subscription to a composite: it runs the stages, keeps the deadline and the report. */
export class CompositeRun {
  readonly strict: boolean;
  /** When parts must have ended, on the clock's scale. */
  readonly partsEndAt: number;
  /** The context parts run in: the request's, with the composite's deadline. */
  readonly context: RequestContext;

  private readonly startedAt = systemClock.now();
  private readonly outer = RequestContext.current();
  private readonly exchange = this.outer instanceof ExchangeContext ? this.outer : undefined;
  private readonly stageRuns: (readonly PartRun[] | undefined)[] = [];
  private readonly waiting = new Set<WaitingStage>();
  private readonly settledValues: PartValues = {};
  private timer: Timer;

  constructor(
    private readonly stages: readonly Stage[],
    readonly settings: CompositeSettings,
  ) {
    this.strict = this.exchange?.preferences.strict ?? false;
    const deadlineAt = Math.min(this.outer.deadlineAt, this.startedAt + settings.deadlineMs);
    this.partsEndAt = deadlineAt - ANSWER_RESERVE_MS;
    this.context = this.outer.endingBy(this.partsEndAt);
  }

  /** Emits the values of all parts, once. */
  values(): Observable<PartValues> {
    return new Observable((subscriber) => {
      subscriber.add(() => {
        systemClock.clearTimeout(this.timer);
        this.outer.offClientLeave(clientLeft);
        this.leaveReport();
      });
      const clientLeft = (): void => {
        subscriber.error(new ClientLeftError());
      };
      if (this.outer.clientGone) {
        clientLeft();
        return;
      }
      const remainingMs = this.partsEndAt - this.startedAt;
      if (remainingMs <= 0) {
        subscriber.error(new DeadlineExceededError());
        return;
      }
      this.outer.onClientLeave(clientLeft);
      this.timer = systemClock.setTimeout(expire, remainingMs, this);
      return this.context.run(startStages, { run: this, subscriber });
    });
  }

  /** All stages as one answer, keys in the order of declaration. */
  get answer(): Observable<PartValues> {
    const [only] = this.stages;
    if (this.stages.length === 1 && only !== undefined) return this.stage(only, 0);
    return forkJoin(this.stages.map((stage, index) => this.stage(stage, index))).pipe(
      map((values) => Object.assign({}, ...values) as PartValues),
    );
  }

  report(): CompositeReport {
    const parts: PartReport[] = [];
    let complete = true;
    for (const runs of this.stageRuns) {
      for (const run of runs ?? []) {
        parts.push(run.report);
        complete &&= run.state === 'ok' || run.state === 'skipped';
      }
    }
    return { complete, parts };
  }

  partSettled(part: string, value: unknown): void {
    if (this.stages.length === 1) return;
    this.settledValues[part] = value;
    for (const stage of this.waiting) this.startIfReady(stage);
  }

  /** Ends every part that still runs. */
  expire(): void {
    for (const runs of [...this.stageRuns]) {
      for (const run of runs ?? []) run.fail('deadline', new DeadlineExceededError());
    }
  }

  private stage(stage: Stage, index: number): Observable<PartValues> {
    if (stage.needs?.length === 0) return this.start(stage.declare({}), index);
    return new Observable<Readonly<PartValues>>((subscriber) => {
      const waiting: WaitingStage = { index, needs: stage.needs, subscriber };
      this.waiting.add(waiting);
      subscriber.add(() => this.waiting.delete(waiting));
      this.startIfReady(waiting);
    }).pipe(
      mergeMap((values) => this.context.run(() => this.start(stage.declare(values), index), undefined)),
    );
  }

  private start(parts: Parts, index: number): Observable<PartValues> {
    const names = Object.keys(parts);
    const runs: PartRun[] = [];
    const answers: Record<string, Observable<unknown>> = {};
    for (const name of names) {
      assertPartName(name);
      if (this.declares(name)) throw new TypeError(`the part '${name}' is declared twice`);
      const run = new PartRun(name, parts[name] as Part<unknown>, this);
      runs.push(run);
      answers[name] = run.answer;
    }
    this.stageRuns[index] = runs;
    // forkJoin of nothing would complete without an answer.
    return names.length === 0 ? of({}) : forkJoin(answers);
  }

  private declares(part: string): boolean {
    return this.stages.length > 1 && this.stageRuns.some((runs) => runs?.some(({ name }) => name === part));
  }

  private startIfReady(stage: WaitingStage): void {
    const { index, needs, subscriber } = stage;
    const missing = needs?.filter((part) => !(part in this.settledValues));
    const earlier = this.stages.slice(0, index).map((_, stage) => this.stageRuns[stage]);
    const earlierSettled = earlier.every((runs) => runs?.every((run) => run.settled) === true);
    if (missing === undefined ? !earlierSettled : missing.length > 0) {
      if (earlierSettled) {
        const names = (missing ?? []).map((part) => `'${part}'`).join(', ');
        subscriber.error(new TypeError(`thenAlso() needs ${names}, which no earlier stage declares`));
      }
      return;
    }
    const values: PartValues = {};
    for (const part of needs ?? earlier.flatMap((runs = []) => runs.map(({ name }) => name))) {
      values[part] = this.settledValues[part];
    }
    // Before it starts: its own parts may settle at once, and come by here again.
    this.waiting.delete(stage);
    subscriber.next(values);
    subscriber.complete();
  }

  private leaveReport(): void {
    const { partialStatus, reportInBody } = this.settings;
    this.exchange?.composites.push({ report: this.report(), partialStatus, reportInBody });
  }
}

interface WaitingStage {
  readonly index: number;
  readonly needs: readonly string[] | undefined;
  readonly subscriber: Subscriber<Readonly<PartValues>>;
}

/** The client left before its composite was done; nobody will read the answer. */
export class ClientLeftError extends Error {
  override readonly name = 'ClientLeftError';

  constructor() {
    super('the client left');
  }
}

function startStages({ run, subscriber }: { run: CompositeRun; subscriber: Subscriber<PartValues> }): void {
  subscriber.add(run.answer.subscribe(subscriber));
}

function expire(run: CompositeRun): void {
  run.expire();
}

/** One part on its way to a value. */
class PartRun {
  state: PartState = 'skipped';
  settled = false;
  private reason: FailureReason | undefined;
  private startedAt = 0;
  private endedAt = 0;
  private latest: unknown = null;
  private cutByWithin = false;
  private subscriber: Subscriber<unknown> | undefined;

  constructor(
    readonly name: string,
    private readonly part: Part<unknown>,
    private readonly run: CompositeRun,
  ) {}

  get report(): PartReport {
    const endedAt = this.settled ? this.endedAt : systemClock.now();
    const durationMs = this.startedAt === 0 ? 0 : Math.round(endedAt - this.startedAt);
    return { part: this.name, state: this.state, reason: this.reason, durationMs };
  }

  get answer(): Observable<unknown> {
    return new Observable((subscriber) => {
      this.subscriber = subscriber;
      const { part } = this;
      this.startedAt = systemClock.now();
      if (part.kind === 'skipped') this.settle('skipped', undefined, part.value);
      else if (this.startedAt >= this.run.partsEndAt) this.fail('deadline', new DeadlineExceededError());
      else this.call(part, subscriber);
    });
  }

  private call(part: CalledPart<unknown>, subscriber: Subscriber<unknown>): void {
    const { within } = part;
    if (within === undefined) {
      subscriber.add(part.source.subscribe(this));
      return;
    }
    const endAt = this.startedAt + within;
    this.cutByWithin = endAt < this.run.partsEndAt;
    const timer = systemClock.setTimeout(cut, within, this);
    subscriber.add(() => {
      systemClock.clearTimeout(timer);
    });
    subscriber.add(
      this.run.context.endingBy(endAt).run(subscribeTo, { source: part.source, observer: this as PartRun }),
    );
  }

  next(value: unknown): void {
    this.latest = value;
  }

  complete(): void {
    this.settle('ok', undefined, this.latest);
  }

  error(error: unknown): void {
    const reason = reasonOf(error);
    this.fail(reason === 'deadline' && this.cutByWithin ? 'timeout' : reason, error);
  }

  /** Ends the part without a value of its own; nothing happens if it has ended. */
  fail(reason: FailureReason, error: unknown): void {
    if (this.settled || this.subscriber === undefined) return;
    if (this.part.kind === 'optional' && !this.run.strict) {
      if (isUnexpected(error))
        logger.error(`the optional part '${this.name}' fell back because of a bug`, error);
      this.settle('fallback', reason, this.part.fallback);
      return;
    }
    this.settled = true;
    this.state = 'failed';
    this.reason = reason;
    this.endedAt = systemClock.now();
    this.subscriber.error(
      isUnexpected(error) || error instanceof HttpException
        ? error
        : PartFailedError.of(this.name, reason, error, this.run.settings.passThrough),
    );
  }

  private settle(state: PartState, reason: FailureReason | undefined, value: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.state = state;
    this.reason = reason;
    this.endedAt = systemClock.now();
    this.subscriber?.next(value);
    this.subscriber?.complete();
    this.run.partSettled(this.name, value);
  }
}

function cut(part: PartRun): void {
  part.fail('timeout', new DeadlineExceededError());
}

function subscribeTo({
  source,
  observer,
}: {
  source: Observable<unknown>;
  observer: PartRun;
}): ReturnType<Observable<unknown>['subscribe']> {
  return source.subscribe(observer);
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof UpstreamError || error instanceof Rejection || error instanceof PartFailedError)
    return error.reason;
  return error instanceof HttpException ? 'status' : 'invalid';
}

/** Errors that no failing upstream explains. */
function isUnexpected(error: unknown): boolean {
  return !(
    error instanceof UpstreamError ||
    error instanceof Rejection ||
    error instanceof PartFailedError ||
    error instanceof HttpException
  );
}
