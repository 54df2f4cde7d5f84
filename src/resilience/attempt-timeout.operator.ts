import { Observable, type Subscriber } from 'rxjs';
import { type Attempt, type Layer } from './call.js';
import { type Clock } from './clock.js';
import { AttemptTimeoutError } from './rejections.js';

/** A timer later than this, in ms, says that the event loop was blocked: the upstream is not to blame. */
const LATE_MS = 20;

/**
 * Bounds one attempt, from its start to the last byte of its answer.
 * Emits {@link AttemptTimeoutError}. A timer that fires late gives the sockets one turn to speak first: an answer
 * that had arrived while the loop was blocked wins, and if there is none the error is neutral to the breaker.
 */
export function withAttemptTimeout<T, A extends Attempt>(clock: Clock, timeoutMs: number): Layer<T, A> {
  const expire = (subscriber: Subscriber<T>, late: boolean): void => {
    subscriber.error(new AttemptTimeoutError(timeoutMs, late));
  };
  const expireLate = (subscriber: Subscriber<T>): void => {
    if (!subscriber.closed) expire(subscriber, true);
  };
  const timerFired = ({ subscriber, dueAt }: { subscriber: Subscriber<T>; dueAt: number }): void => {
    if (clock.now() - dueAt > LATE_MS) clock.afterPoll(expireLate, subscriber);
    else expire(subscriber, false);
  };

  return (next) => (attempt) =>
    new Observable((subscriber) => {
      const dueAt = clock.now() + timeoutMs;
      // The deadline above ends the attempt first: a second timer would never fire.
      if (dueAt < attempt.call.deadlineAt) {
        const timer = clock.setTimeout(timerFired, timeoutMs, { subscriber, dueAt });
        subscriber.add(() => {
          clock.clearTimeout(timer);
        });
      }
      return next(attempt).subscribe(subscriber);
    });
}
