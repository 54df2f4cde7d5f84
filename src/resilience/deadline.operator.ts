import { type Call, type Layer } from './call.js';
import { type Clock } from './clock.js';
import { LagAwareTimer } from './lag-aware-timer.js';
import { type Link } from './link.js';
import { DeadlineExceededError } from './rejections.js';
import { TimedLink } from './timed-link.js';

/**
 * Bounds everything beneath it, sleeps and queues included, by the call's own deadline.
 * Emits {@link DeadlineExceededError}; a call whose deadline has already passed is not made at all. An answer that had
 * arrived while the event loop was blocked wins over a deadline that could only be noticed late.
 */
export function withDeadline<T, C extends Call>(clock: Clock): Layer<T, C> {
  return (next) => (call, answer) => {
    if (call.deadlineAt === Infinity) {
      next(call, answer);
      return;
    }
    const now = clock.now();
    const remainingMs = call.deadlineAt - now;
    if (remainingMs <= 0) {
      expire(answer);
      return;
    }
    const timed = new TimedLink(answer);
    timed.stopsWith(new LagAwareTimer(clock, remainingMs, expire, timed, now));
    next(call, timed);
  };
}

function expire(answer: Link<never>): void {
  answer.error(new DeadlineExceededError());
}
