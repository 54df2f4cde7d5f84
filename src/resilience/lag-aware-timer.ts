import { type Clock, type Timer } from './clock.js';

/** A timer later than this, in ms, is beyond the ordinary grain of timers: it was the event loop that was blocked. */
export const BLOCKED_LOOP_MS = 20;

/**
 * A timer that speaks about somebody else: that an upstream has not answered, that a call has had its time.
 * Node runs timers before it reads sockets. After a blocked loop such a timer would therefore condemn an answer that
 * has long arrived and only waits to be read; so it always gives the sockets one poll first. Always, and not just when
 * it is late: of a block of 50 ms that ends with a timeout of 50 ms, the timer itself sees nothing.
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
    this.clock.afterPoll(polled<A>, { timer: this, lateMs: this.clock.now() - this.dueAt });
  }

  /** @internal */
  polled(lateMs: number): void {
    if (!this.stopped) this.speak(this.argument, lateMs);
  }
}

function fired<A>(timer: LagAwareTimer<A>): void {
  timer.fired();
}

interface Fired<A> {
  readonly timer: LagAwareTimer<A>;
  readonly lateMs: number;
}

function polled<A>({ timer, lateMs }: Fired<A>): void {
  timer.polled(lateMs);
}
