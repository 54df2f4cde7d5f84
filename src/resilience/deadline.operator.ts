import { Observable, type Subscriber } from 'rxjs';
import { type Call, type Layer } from './call.js';
import { type Clock } from './clock.js';
import { LagAwareTimer } from './lag-aware-timer.js';
import { DeadlineExceededError } from './rejections.js';

/**
 * Bounds everything beneath it, sleeps and queues included, by the call's own deadline.
 * Emits {@link DeadlineExceededError}; a call whose deadline has already passed is not made at all. An answer that had
 * arrived while the event loop was blocked wins over a deadline that could only be noticed late.
 */
export function withDeadline<T, C extends Call>(clock: Clock): Layer<T, C> {
  const expire = (subscriber: Subscriber<T>): void => {
    subscriber.error(new DeadlineExceededError());
  };
  return (next) => (call) =>
    new Observable((subscriber) => {
      if (call.deadlineAt === Infinity) return next(call).subscribe(subscriber);
      const remainingMs = call.deadlineAt - clock.now();
      if (remainingMs <= 0) {
        expire(subscriber);
        return;
      }
      subscriber.add(new LagAwareTimer(clock, remainingMs, expire, subscriber));
      return next(call).subscribe(subscriber);
    });
}
