import { type Clock, type Timer } from './clock.js';

interface Scheduled {
  readonly dueAt: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it. Timers run in order of their due time, then of their birth. */
export class VirtualClock implements Clock {
  private time = 0;
  private births = 0;
  private readonly timers = new Set<Scheduled>();

  now(): number {
    return this.time;
  }

  setTimeout<A>(task: (argument: A) => void, delayMs: number, argument: A): Timer {
    const timer: Scheduled = {
      dueAt: this.time + Math.max(0, delayMs),
      order: this.births++,
      run: () => {
        task(argument);
      },
    };
    this.timers.add(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.timers.delete(timer as Scheduled);
  }

  afterPoll<A>(task: (argument: A) => void, argument: A): void {
    this.setTimeout(task, 0, argument);
  }

  /** Timers that are armed right now: 0 means that nothing was left behind. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  /** Moves time on by `ms`, running every timer that falls due on the way at its own moment. */
  advance(ms: number): void {
    const target = this.time + ms;
    for (let next = this.nextDue(target); next !== undefined; next = this.nextDue(target)) {
      this.timers.delete(next);
      this.time = Math.max(this.time, next.dueAt);
      next.run();
    }
    this.time = target;
  }

  /** Moves time on without running timers, as a blocked event loop does; they are late at the next `advance`. */
  block(ms: number): void {
    this.time += ms;
  }

  private nextDue(target: number): Scheduled | undefined {
    let next: Scheduled | undefined;
    for (const timer of this.timers) {
      if (timer.dueAt > target) continue;
      if (
        next === undefined ||
        timer.dueAt < next.dueAt ||
        (timer.dueAt === next.dueAt && timer.order < next.order)
      ) {
        next = timer;
      }
    }
    return next;
  }
}
