import { type Observer } from 'rxjs';
import { fullJitter } from './backoff.js';
import { type Attempt, type Call, type Handler, type Layer } from './call.js';
import { type Clock, type Timer } from './clock.js';
import { Link } from './link.js';
import { tellListener } from './listener.js';
import { type Random } from './random.js';
import { type RetryBudget } from './retry-budget.js';
import { retryAfterOf, verdictOf } from './verdict.js';

export interface RetryPolicy {
  /**
   * Attempts in all, the first included; 1 never retries. The one free repetition after a connection that had been
   * closed while it was idle is not among them.
   */
  readonly maxAttempts: number;
  /** Backoff before the first retry is up to this, in ms; it doubles with every further retry. */
  readonly backoffBaseMs: number;
  /** The longest backoff, in ms. */
  readonly backoffCapMs: number;
  /** A `Retry-After` above this, in ms, is not waited for: the error goes to the caller at once. */
  readonly maxRetryAfterMs: number;
}

export interface RetryOptions<C extends Call> {
  readonly policy: RetryPolicy;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Told when a retry has been decided, before its delay. `attempt` is the number of the one to come; a `free` one
   * takes the number of the attempt it repeats.
   */
  readonly onRetry?:
    ((call: C, attempt: number, delayMs: number, error: unknown, free: boolean) => void) | undefined;
}

/** An attempt with less time than this, in ms, is not worth making. */
export const LEAST_ATTEMPT_MS = 5;

/**
 * Makes a call's attempts, one after another. Another one follows a failure only if the verdict allows it (and the
 * call may be repeated), attempts are left, the delay plus a least attempt fit the deadline, and the budget grants
 * it; otherwise the error goes on at once. Nothing is retried after the first emission, and nothing that a layer above
 * repeats already.
 *
 * A verdict of `free` is repeated once a call, at once and outside all that (gRPC's transparent retry, proposal A6):
 * the attempt met a connection that was no longer there, so nobody has been asked yet.
 */
export function withRetry<T, C extends Call>(options: RetryOptions<C>): Layer<T, C, Attempt<C>> {
  return (next) => (call, answer) => {
    // A layer above has paid for this call when it was new: its repetitions earn nothing.
    if (call.retriedAbove !== true) options.budget.deposit();
    new RetryRun(options, next, call, answer).attempt();
  };
}

class RetryRun<T, C extends Call> extends Link<T> {
  private number = 1;
  private freeSpent = false;
  private emitted = false;
  private timer: Timer;

  constructor(
    private readonly options: RetryOptions<C>,
    private readonly nextHandler: Handler<Attempt<C>, T>,
    private readonly call: C,
    behind: Observer<T>,
  ) {
    super(behind);
  }

  attempt(): void {
    try {
      this.nextHandler({ call: this.call, number: this.number }, this);
    } catch (error) {
      // Nobody above would catch it: but for the first, attempts are started by a timer.
      this.error(error);
    }
  }

  override next(value: T): void {
    this.emitted = true;
    super.next(value);
  }

  /** The attempt that runs has failed. It takes no link of its own to hear that: one after another, all answer here. */
  override error(error: unknown): void {
    if (this.closed) return;
    // Whatever is left of it: it may have thrown while it started.
    this.endBeneath();
    if (this.isFree(error)) {
      this.freeSpent = true;
      this.tell(0, error, true);
      this.again();
      return;
    }
    const delayMs = this.delayBeforeRetry(error);
    if (delayMs === undefined) {
      super.error(error);
      return;
    }
    this.number++;
    // Always through a timer, even for a delay of 0: a source that fails at once would grow the stack.
    this.timer = this.options.clock.setTimeout(nextAttempt, delayMs, this);
    // Last, so that a listener that cancels the call finds the timer.
    this.tell(delayMs, error, false);
  }

  /** Unless whoever heard of it has cancelled the call. */
  private again(): void {
    if (!this.closed) this.attempt();
  }

  private tell(delayMs: number, error: unknown, free: boolean): void {
    const { clock, onRetry } = this.options;
    tellListener(clock, () => onRetry?.(this.call, this.number, delayMs, error, free));
  }

  private isFree(error: unknown): boolean {
    if (this.freeSpent || this.emitted || verdictOf(error).retry !== 'free') return false;
    return this.call.replaySafe && this.options.clock.now() + LEAST_ATTEMPT_MS <= this.call.deadlineAt;
  }

  /** The delay in ms, with the retry withdrawn from the budget, or undefined if there is to be none. */
  private delayBeforeRetry(error: unknown): number | undefined {
    const { policy, budget, clock, random } = this.options;
    if (this.emitted || this.number >= policy.maxAttempts) return undefined;
    if (this.call.retriedAbove === true) return undefined;

    const { retry } = verdictOf(error);
    if (retry === 'never' || (retry !== 'always' && !this.call.replaySafe)) return undefined;

    const askedMs = retryAfterOf(error) ?? 0;
    if (askedMs > policy.maxRetryAfterMs) return undefined;

    // On top of a Retry-After the backoff is the jitter, so that those who were sent away do not come back in step.
    const delayMs = askedMs + fullJitter(random, policy.backoffBaseMs, policy.backoffCapMs, this.number - 1);
    if (clock.now() + delayMs + LEAST_ATTEMPT_MS > this.call.deadlineAt) return undefined;

    return budget.tryWithdraw() ? delayMs : undefined;
  }

  protected override end(): void {
    this.options.clock.clearTimeout(this.timer);
    super.end();
  }
}

function nextAttempt(run: { attempt(): void }): void {
  run.attempt();
}
