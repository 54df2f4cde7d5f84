import { Observable, type Subscriber } from 'rxjs';
import { type Layer } from './call.js';
import { type BreakerToken, type CircuitBreaker } from './circuit-breaker.js';
import { LayerSubscriber } from './layer-subscriber.js';
import { BreakerOpenError } from './rejections.js';
import { verdictOf } from './verdict.js';

/**
 * Asks the breaker before each attempt and tells it what became of it. Unsubscribing is neutral: the token goes
 * back and nothing is recorded. Emits {@link BreakerOpenError} without making the attempt.
 */
export function withCircuitBreaker<T, A>(breaker: CircuitBreaker): Layer<T, A> {
  return (next) => (attempt) =>
    new Observable((subscriber) => {
      if (subscriber.closed) return;
      const token = breaker.tryAcquire();
      if (token === undefined) {
        subscriber.error(new BreakerOpenError(breaker.retryAfterMs));
        return;
      }
      // Before the attempt starts: it may throw, and the token must not be lost.
      const holder = new TokenSubscriber(subscriber, breaker, token);
      next(attempt).subscribe(holder);
    });
}

/** Settles the token, once, with the first that happens. */
class TokenSubscriber<T> extends LayerSubscriber<T> {
  constructor(
    behind: Subscriber<T>,
    private readonly breaker: CircuitBreaker,
    private readonly token: BreakerToken,
  ) {
    super(behind);
  }

  protected override _next(value: T): void {
    this.breaker.settle(this.token, 'success');
    this.behind.next(value);
  }

  protected override _error(error: unknown): void {
    this.breaker.settle(this.token, verdictOf(error).breaker);
    super._error(error);
  }

  protected override _complete(): void {
    this.breaker.settle(this.token, 'success');
    super._complete();
  }

  /** The token goes back before the wire is cut. */
  override unsubscribe(): void {
    this.breaker.settle(this.token, 'neutral');
    super.unsubscribe();
  }
}
