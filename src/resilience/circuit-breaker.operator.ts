import { Observable } from 'rxjs';
import { type Layer } from './call.js';
import { type CircuitBreaker } from './circuit-breaker.js';
import { BreakerOpenError } from './rejections.js';
import { verdictOf } from './verdict.js';

/**
 * Asks the breaker before each attempt and tells it what became of it. Unsubscribing is neutral: the token goes
 * back and nothing is recorded. Emits {@link BreakerOpenError} without making the attempt.
 */
export function withCircuitBreaker<T, A>(breaker: CircuitBreaker): Layer<T, A> {
  return (next) => (attempt) =>
    new Observable((subscriber) => {
      const token = breaker.tryAcquire();
      if (token === undefined) {
        subscriber.error(new BreakerOpenError(breaker.retryAfterMs));
        return;
      }
      // Registered before the attempt starts: teardown runs in this order, the token goes back before the wire is cut.
      subscriber.add(() => {
        breaker.settle(token, 'neutral');
      });
      return next(attempt).subscribe({
        next: (value) => {
          breaker.settle(token, 'success');
          subscriber.next(value);
        },
        error: (error: unknown) => {
          breaker.settle(token, verdictOf(error).breaker);
          subscriber.error(error);
        },
        complete: () => {
          breaker.settle(token, 'success');
          subscriber.complete();
        },
      });
    });
}
