import { type Observer } from 'rxjs';
import { type Attempt, type Layer } from './call.js';
import { type BreakerToken, type CircuitBreaker } from './circuit-breaker.js';
import { Link } from './link.js';
import { BreakerOpenError } from './rejections.js';
import { retryAfterOf, verdictOf } from './verdict.js';

/**
 * Asks the breaker before each attempt and tells it what became of it. Unsubscribing is neutral, the token goes back
 * and nothing is recorded, unless it was this service's own deadline that ended an attempt that was slow by then.
 * Emits {@link BreakerOpenError} without making the attempt.
 *
 * @param ownDeadlineOf see `Call.ownDeadlineAt`. Default: no attempt has one.
 */
export function withCircuitBreaker<T, A>(
  breaker: CircuitBreaker,
  ownDeadlineOf: (attempt: A) => number = never,
): Layer<T, A> {
  return (next) => (attempt, answer) => {
    if (answer.closed) return;
    const token = breaker.tryAcquire();
    if (token === undefined) {
      answer.error(new BreakerOpenError(breaker.retryAfterMs));
      return;
    }
    // The link is there before the attempt starts: it may throw, and the token must not be lost.
    const holder = new TokenLink(answer, breaker, token, attempt, ownDeadlineOf);
    // Whoever listens to the breaker, and hears that it lets probes through now, may have ended the call.
    if (holder.closed) breaker.settle(token, 'neutral');
    else next(attempt, holder);
  };
}

/** For {@link withCircuitBreaker}: what an attempt's call says. */
export function ownDeadlineOf({ call }: Attempt): number {
  return call.ownDeadlineAt ?? Infinity;
}

function never(): number {
  return Infinity;
}

/** Settles the token, once, with the first that happens. */
class TokenLink<T, A> extends Link<T> {
  constructor(
    behind: Observer<T>,
    private readonly breaker: CircuitBreaker,
    private readonly token: BreakerToken,
    private readonly attempt: A,
    private readonly ownDeadlineOf: (attempt: A) => number,
  ) {
    super(behind);
  }

  override next(value: T): void {
    this.breaker.settle(this.token, 'success');
    super.next(value);
  }

  override error(error: unknown): void {
    this.breaker.settle(this.token, verdictOf(error).breaker, retryAfterOf(error));
    super.error(error);
  }

  override complete(): void {
    this.breaker.settle(this.token, 'success');
    super.complete();
  }

  /** The token goes back before the wire is cut. */
  protected override end(): void {
    // Asked now: it may have changed with those who wait for the call.
    this.breaker.settleCutOff(this.token, this.ownDeadlineOf(this.attempt));
    super.end();
  }
}
