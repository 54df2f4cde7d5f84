import { Observable, type Subscriber } from 'rxjs';
import { type Attempt, type Layer } from './call.js';
import { type BreakerToken, type CircuitBreaker } from './circuit-breaker.js';
import { LayerSubscriber } from './layer-subscriber.js';
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
  return (next) => (attempt) =>
    new Observable((subscriber) => {
      if (subscriber.closed) return;
      const token = breaker.tryAcquire();
      if (token === undefined) {
        subscriber.error(new BreakerOpenError(breaker.retryAfterMs));
        return;
      }
      // Before the attempt starts: it may throw, and the token must not be lost.
      const holder = new TokenSubscriber(subscriber, breaker, token, ownDeadlineOf(attempt));
      next(attempt).subscribe(holder);
    });
}

/** For {@link withCircuitBreaker}: what an attempt's call says. */
export function ownDeadlineOf({ call }: Attempt): number {
  return call.ownDeadlineAt ?? Infinity;
}

function never(): number {
  return Infinity;
}

/** Settles the token, once, with the first that happens. */
class TokenSubscriber<T> extends LayerSubscriber<T> {
  constructor(
    behind: Subscriber<T>,
    private readonly breaker: CircuitBreaker,
    private readonly token: BreakerToken,
    private readonly ownDeadlineAt: number,
  ) {
    super(behind);
  }

  protected override _next(value: T): void {
    this.breaker.settle(this.token, 'success');
    this.behind.next(value);
  }

  protected override _error(error: unknown): void {
    this.breaker.settle(this.token, verdictOf(error).breaker, retryAfterOf(error));
    super._error(error);
  }

  protected override _complete(): void {
    this.breaker.settle(this.token, 'success');
    super._complete();
  }

  /** The token goes back before the wire is cut. */
  override unsubscribe(): void {
    this.breaker.settleCutOff(this.token, this.ownDeadlineAt);
    super.unsubscribe();
  }
}
