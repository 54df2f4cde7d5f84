/** A running timer, as returned by {@link Clock.setTimeout}. */
export type Timer = unknown;

/**
 * Time as the state machines see it. Injected everywhere, so that tests can own it.
 * All times are milliseconds on a monotonic scale; only differences mean anything.
 */
export interface Clock {
  /** Monotonic time in ms. Never `Date.now()`: a clock that is set back would re-open closed doors. */
  now(): number;
  /** Calls `task(argument)` once, `delayMs` from now. The argument saves the caller a closure. */
  setTimeout<A>(task: (argument: A) => void, delayMs: number, argument: A): Timer;
  clearTimeout(timer: Timer): void;
  /** Calls `task(argument)` after the event loop has polled its sockets once more. */
  afterPoll<A>(task: (argument: A) => void, argument: A): void;
}

/** The longest delay a Node timer can hold; anything above fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Node's own monotonic clock and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (task, delayMs, argument) => setTimeout(task, Math.min(delayMs, MAX_TIMER_MS), argument),
  clearTimeout: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
  // The first check phase may belong to the turn that is running now; the second lies behind a full poll.
  afterPoll: (task, argument) => {
    setImmediate(() => setImmediate(task, argument));
  },
};
