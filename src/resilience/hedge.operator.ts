import { type Observer } from 'rxjs';
import { fullJitter } from './backoff.js';
import { type Attempt, type Call, type Handler, type Layer } from './call.js';
import { type Clock, type Timer } from './clock.js';
import { type HedgeBudget } from './hedge-budget.js';
import { type HedgeDelay } from './hedge-delay.js';
import { LagAwareTimer } from './lag-aware-timer.js';
import { Link } from './link.js';
import { tellListener } from './listener.js';
import { type Random } from './random.js';
import { BreakerOpenError, BulkheadFullError } from './rejections.js';
import { LEAST_ATTEMPT_MS, type RetryPolicy } from './retry.operator.js';
import { retryAfterOf, verdictOf, VERDICTS } from './verdict.js';

export interface HedgeOptions<C extends Call> {
  /** How often, and after which backoff, a failed attempt is replaced while no other one runs. */
  readonly retry: Pick<RetryPolicy, 'maxAttempts' | 'backoffBaseMs' | 'backoffCapMs'>;
  readonly random: Random;
  /** Attempts beyond the first, hedges and what replaces a failed attempt together. */
  readonly maxHedges: number;
  readonly delay: HedgeDelay;
  readonly budget: HedgeBudget;
  readonly clock: Clock;
  /** Told when a hedge has been decided, before it is sent; `delayMs` is the time since the attempt before it. */
  readonly onHedge?: ((call: C, attempt: number, delayMs: number) => void) | undefined;
  /** Told when the answer came from a hedge, before the caller gets it. */
  readonly onHedgeWon?: ((call: C, attempt: number) => void) | undefined;
  /** Told when an attempt that has failed is replaced, as by {@link RetryOptions.onRetry}. */
  readonly onRetry?:
    ((call: C, attempt: number, delayMs: number, error: unknown, free: boolean) => void) | undefined;
}

/**
 * Sends a call once more while its first attempt still runs, when that takes longer than most do ("The Tail at Scale",
 * Dean and Barroso, 2013); the first answer wins, and the others are unsubscribed at that moment. gRPC's rules
 * (proposal A6) decide the rest:
 *
 * - A hedge follows the attempt before it by the delay, if attempts are left, a least attempt fits the deadline and both
 *   budgets grant it. Nothing is hedged after the first emission.
 * - A failure that another attempt may cure does not end the call. While others run, the next hedge is sent at once;
 *   when none does, the failed attempt is replaced, which is a retry: after its backoff, from its budget, and at most as
 *   often as the retry policy says. When nothing is left, the caller gets the failure of the first attempt, as from
 *   Polly: hedging is not to change what fails how.
 * - Any other failure is an answer: it ends the call and the other attempts.
 * - An upstream that asks for patience (429, `Retry-After`) gets no further attempt of the call. Neither does one whose
 *   breaker is open or whose bulkhead is full; and such a refusal does not end a call that has an attempt running.
 *
 * Calls that may not be hedged go through `otherwise`.
 */
export function withHedging<T, C extends Call>(
  options: HedgeOptions<C>,
  otherwise: Layer<T, C, Attempt<C>>,
): Layer<T, C, Attempt<C>> {
  return (next) => {
    const unhedged = otherwise(next);
    return (call, answer) => {
      if (!mayBeHedged(call)) {
        unhedged(call, answer);
        return;
      }
      options.budget.deposit();
      new HedgedRun(options, next, call, answer).start();
    };
  };
}

/** A hedge waits for no permit: where none is free, it would only be more of the load that makes others wait. */
export function mayQueue({ hedge }: Attempt): boolean {
  return hedge !== true;
}

function mayBeHedged({ replaySafe, retriedAbove, hedgeable }: Call): boolean {
  return replaySafe && retriedAbove !== true && hedgeable !== false;
}

class HedgedRun<T, C extends Call> extends Link<T> {
  private readonly running: HedgedAttempt<T, C>[] = [];
  private sent = 0;
  private sentAt = 0;
  /** Until the next hedge. */
  private timer: LagAwareTimer<HedgedRun<T, C>> | undefined;
  /** Until a failed attempt is replaced. */
  private backoff: Timer;
  /** Failed attempts that were replaced. */
  private replaced = 0;
  private firstFailure: unknown;
  private freeSpent = false;
  /** No attempt is to follow those that run. */
  private last = false;
  private emitted = false;

  constructor(
    private readonly options: HedgeOptions<C>,
    private readonly nextHandler: Handler<Attempt<C>, T>,
    private readonly call: C,
    behind: Observer<T>,
  ) {
    super(behind);
  }

  start(): void {
    this.send(++this.sent, false);
  }

  hedge(): void {
    if (!this.hasRoom() || !this.options.budget.tryWithdrawHedge()) return;
    const sinceMs = this.options.clock.now() - this.sentAt;
    const number = ++this.sent;
    this.tell(() => this.options.onHedge?.(this.call, number, sinceMs));
    this.send(number, true);
  }

  answered(attempt: HedgedAttempt<T, C>): void {
    if (this.emitted) return;
    this.emitted = true;
    // From here on this one alone works for the call, and need not be the one that was sent last.
    this.worksWith(attempt);
    this.endOthers();
    if (attempt.hedge) this.tell(() => this.options.onHedgeWon?.(this.call, attempt.number));
  }

  failed(attempt: HedgedAttempt<T, C>, error: unknown): void {
    if (this.closed) return;
    const { retry } = verdictOf(error);
    const refused = isRefusal(error);
    if (this.emitted || (retry === 'never' && !refused)) {
      this.fail(error);
      return;
    }
    if (retry === 'free' && this.repeatFree(attempt, error)) return;

    if (attempt.number === 1) this.firstFailure = error;
    if (refused || asksForPatience(error)) this.stopHere();
    if (this.running.length > 0) this.hedge();
    else if (!this.replace(error)) this.fail(this.firstFailure ?? error);
  }

  ended(attempt: HedgedAttempt<T, C>, answered: boolean): void {
    this.running.splice(this.running.indexOf(attempt), 1);
    // Hedges are left out: those that answer are the fast ones, the others are cut off young.
    if (attempt.hedge) return;
    const now = this.options.clock.now();
    this.options.delay.record(now - attempt.sentAt, answered, now);
  }

  private send(number: number, hedge: boolean): void {
    // Whoever was told of it may have cancelled the call.
    if (this.closed) return;
    this.sentAt = this.options.clock.now();
    this.awaitHedge();
    const attempt = new HedgedAttempt(this, number, hedge, this.sentAt);
    this.running.push(attempt);
    try {
      this.nextHandler({ call: this.call, number, hedge }, attempt);
    } catch (error) {
      // Nobody above would catch it: but for the first, attempts are started by a timer.
      attempt.error(error);
    }
  }

  private awaitHedge(): void {
    this.timer?.unsubscribe();
    this.timer = undefined;
    if (this.last || this.sent > this.options.maxHedges) return;
    const delayMs = this.options.delay.at(this.sentAt);
    if (delayMs === undefined || this.sentAt + delayMs + LEAST_ATTEMPT_MS > this.call.deadlineAt) return;
    this.timer = new LagAwareTimer<HedgedRun<T, C>>(this.options.clock, delayMs, sendHedge, this);
  }

  /** The connection had been closed while it was idle: nobody has been asked, so this is the same attempt. */
  private repeatFree(attempt: HedgedAttempt<T, C>, error: unknown): boolean {
    if (this.freeSpent || !this.fitsDeadline()) return false;
    this.freeSpent = true;
    this.tell(() => this.options.onRetry?.(this.call, attempt.number, 0, error, true));
    this.send(attempt.number, attempt.hedge);
    return true;
  }

  private replace(error: unknown): boolean {
    const { retry, random, clock, budget } = this.options;
    if (this.replaced + 1 >= retry.maxAttempts || !this.hasRoom()) return false;
    const delayMs = fullJitter(random, retry.backoffBaseMs, retry.backoffCapMs, this.replaced);
    if (clock.now() + delayMs + LEAST_ATTEMPT_MS > this.call.deadlineAt) return false;
    if (!budget.tryWithdrawRetry()) return false;
    this.replaced++;
    const number = ++this.sent;
    // There is nothing to hedge until it is sent.
    this.timer?.unsubscribe();
    if (delayMs > 0) this.backoff = clock.setTimeout(sendReplacement, delayMs, { run: this, number });
    this.tell(() => this.options.onRetry?.(this.call, number, delayMs, error, false));
    // At most a few in a row: the stack has room for them.
    if (delayMs === 0) this.send(number, false);
    return true;
  }

  /** @internal */
  sendReplacement(number: number): void {
    this.send(number, false);
  }

  private hasRoom(): boolean {
    return !this.last && this.sent <= this.options.maxHedges && this.fitsDeadline();
  }

  private fitsDeadline(): boolean {
    return this.options.clock.now() + LEAST_ATTEMPT_MS <= this.call.deadlineAt;
  }

  private stopHere(): void {
    this.last = true;
    this.timer?.unsubscribe();
    this.options.clock.clearTimeout(this.backoff);
  }

  /** Whoever has answered or failed does not run any more. */
  private endOthers(): void {
    this.stopHere();
    while (this.running.length > 0) this.running[0]?.unsubscribe();
  }

  private fail(error: unknown): void {
    this.endOthers();
    this.error(error);
  }

  protected override end(): void {
    this.endOthers();
    super.end();
  }

  private tell(listener: () => void): void {
    tellListener(this.options.clock, listener);
  }
}

/** One of the attempts of a call, from its start to its answer, its failure or its being cut off. */
class HedgedAttempt<T, C extends Call> extends Link<T> {
  private told = false;

  constructor(
    private readonly run: HedgedRun<T, C>,
    readonly number: number,
    readonly hedge: boolean,
    readonly sentAt: number,
  ) {
    super(run);
  }

  override next(value: T): void {
    if (this.closed) return;
    this.tell(true);
    this.run.answered(this);
    super.next(value);
  }

  override error(error: unknown): void {
    if (this.closed) return;
    this.tell(verdictOf(error).breaker === 'success');
    this.unsubscribe();
    this.run.failed(this, error);
  }

  override complete(): void {
    if (this.closed) return;
    this.tell(true);
    this.run.answered(this);
    super.complete();
  }

  protected override end(): void {
    this.tell(false);
    super.end();
  }

  private tell(answered: boolean): void {
    if (this.told) return;
    this.told = true;
    this.run.ended(this, answered);
  }
}

/** A guard of ours let the attempt go nowhere. */
function isRefusal(error: unknown): boolean {
  return error instanceof BreakerOpenError || error instanceof BulkheadFullError;
}

function asksForPatience(error: unknown): boolean {
  return verdictOf(error) === VERDICTS.throttled || retryAfterOf(error) !== undefined;
}

function sendReplacement({
  run,
  number,
}: {
  readonly run: { sendReplacement(number: number): void };
  readonly number: number;
}): void {
  run.sendReplacement(number);
}

function sendHedge(run: { hedge(): void }): void {
  run.hedge();
}
