import { type Attempt, type Layer } from './call.js';
import { type Clock } from './clock.js';
import { BLOCKED_LOOP_MS, LagAwareTimer } from './lag-aware-timer.js';
import { AttemptTimeoutError } from './rejections.js';
import { TimedLink } from './timed-link.js';

/**
 * How late a timer may be, as a share of the timeout, and still blame the upstream. Lateness is the time the loop was
 * not there to read; what is left of the wait, the upstream had. A gateway that always lags by 25 ms has given a hung
 * upstream 1,025 of its 1,000 ms and a poll besides: were every such timeout neutral, its breaker would never open.
 * But a loop that was away for half of a short timeout cannot tell an upstream that was slow from one it did not hear.
 */
const EXCUSED_SHARE = 0.1;

/**
 * Bounds one attempt, from its start to the last byte of its answer; where the deadline of its call comes first, that
 * is left to `withDeadline` above. Emits {@link AttemptTimeoutError}.
 *
 * The sockets are given one turn to speak first: an answer that had arrived while the loop was blocked wins. Where the
 * timer was late by more than 20 ms and more than a tenth of the timeout, the attempt gets that time back as well (at
 * most its timeout), and if there is still no answer then, the error is neutral to the breaker. Otherwise it is a
 * failure.
 */
export function withAttemptTimeout<T, A extends Attempt>(clock: Clock, timeoutMs: number): Layer<T, A> {
  const neutralAboveMs = Math.max(BLOCKED_LOOP_MS, timeoutMs * EXCUSED_SHARE);
  const expire = (timed: TimedLink<T>, lateMs: number): void => {
    if (lateMs <= neutralAboveMs) {
      timed.error(new AttemptTimeoutError(timeoutMs, false));
      return;
    }
    // The block may have begun before the request was written: undici looks at an idle socket for a turn of the loop
    // before it uses it again. One poll would end such an attempt before the upstream has heard of it.
    const giveBackMs = Math.min(lateMs, timeoutMs);
    timed.stopsWith(new LagAwareTimer(clock, giveBackMs, expireExcused, timed));
  };
  const expireExcused = (timed: TimedLink<T>): void => {
    timed.error(new AttemptTimeoutError(timeoutMs, true));
  };

  return (next) => (attempt, answer) => {
    // A deadline above that comes first ends the attempt: a second timer would never fire.
    const now = clock.now();
    if (now + timeoutMs >= attempt.call.deadlineAt) {
      next(attempt, answer);
      return;
    }
    const timed = new TimedLink(answer);
    timed.stopsWith(new LagAwareTimer(clock, timeoutMs, expire, timed, now));
    next(attempt, timed);
  };
}
