import { type LagAwareTimer } from './lag-aware-timer.js';
import { Link } from './link.js';

/** A link with a timer that stops when the link ends. */
export class TimedLink<T> extends Link<T> {
  private timer: LagAwareTimer<TimedLink<T>> | undefined;

  /** In place of the timer it had, which has spoken. It stops at once if this link is closed already. */
  stopsWith(timer: LagAwareTimer<TimedLink<T>>): void {
    this.timer = timer;
    if (this.closed) timer.unsubscribe();
  }

  protected override end(): void {
    this.timer?.unsubscribe();
    super.end();
  }
}
