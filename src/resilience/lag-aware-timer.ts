import { type Clock, type Timer } from './clock.js';

/** A timer later than this, in ms, is beyond the ordinary grain of timers: the event loop was blocked. */
export const BLOCKED_LOOP_MS = 20;

/**
 * A timer that speaks about somebody else: that an upstream has not answered, that a call has had its time.
 * Node runs timers before it reads sockets. After a blocked loop such a timer would therefore condemn an answer that
 * has long arrived and only waits to be read; so one that is more than 20 ms late gives the sockets one poll first.
 *
 * Calls `speak(argument, lateMs)` once, unless it is stopped before: with how late it was, for those who blame an
 * upstream. As a teardown of a subscription it stops with it.
 *
 * `now` saves reading the clock once more, for who has just read it.
 */
export class LagAwareTimer<A> {
  private readonly dueAt: number;
  private readonly timer: Timer;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    delayMs: number,
    private readonly speak: (argument: A, lateMs: number) => void,
    private readonly argument: A,
    now = clock.now(),
  ) {
    this.dueAt = now + delayMs;
    this.timer = clock.setTimeout(fired<A>, delayMs, this);
  }

  /** It says nothing from now on, not even when it waits for the poll. */
  unsubscribe(): void {
    this.stopped = true;
    this.clock.clearTimeout(this.timer);
  }

  /** @internal */
  fired(): void {
    const lateMs = this.clock.now() - this.dueAt;
    if (lateMs > BLOCKED_LOOP_MS) this.clock.afterPoll(polled<A>, { timer: this, lateMs });
    else this.speak(this.argument, lateMs);
  }

  /** @internal */
  polled(lateMs: number): void {
    if (!this.stopped) this.speak(this.argument, lateMs);
  }
}

function fired<A>(timer: LagAwareTimer<A>): void {
  timer.fired();
}

interface Late<A> {
  readonly timer: LagAwareTimer<A>;
  readonly lateMs: number;
}

function polled<A>({ timer, lateMs }: Late<A>): void {
  timer.polled(lateMs);
}
