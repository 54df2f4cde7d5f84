import { type Observer, type Unsubscribable } from 'rxjs';
import { type Bulkhead, type BulkheadWaiter } from './bulkhead.js';
import { type Handler, type Layer } from './call.js';
import { type Clock } from './clock.js';
import { LagAwareTimer } from './lag-aware-timer.js';
import { Link } from './link.js';
import { BulkheadFullError } from './rejections.js';

/**
 * Holds a permit for as long as an attempt runs, queueing for at most `maxQueueWaitMs` first. The permit goes back
 * exactly once, whichever way the attempt ends. Emits {@link BulkheadFullError}.
 *
 * @param mayQueue whether the attempt may wait for a permit; what may not is refused when none is free.
 */
export function withBulkhead<T, A>(
  bulkhead: Bulkhead,
  maxQueueWaitMs: number,
  clock: Clock,
  mayQueue: (attempt: A) => boolean = always,
): Layer<T, A> {
  return (next) => (attempt, answer) => {
    if (answer.closed) return;
    if (bulkhead.tryAcquire()) {
      hold(bulkhead, next, attempt, answer);
      return;
    }
    const waiting = new Waiting(bulkhead, next, attempt, answer);
    if (!mayQueue(attempt) || !bulkhead.tryEnqueue(waiting)) {
      answer.error(new BulkheadFullError());
      return;
    }
    waiting.giveUpAfter(maxQueueWaitMs, clock);
    answer.worksWith(waiting);
  };
}

function always(): boolean {
  return true;
}

/** Runs the attempt with a permit that has been taken. */
function hold<T, A>(bulkhead: Bulkhead, next: Handler<A, T>, attempt: A, answer: Link<T>): void {
  const permit = new PermitLink(answer, bulkhead);
  try {
    next(attempt, permit);
  } catch (error) {
    // A queued attempt is started by whoever releases: what it throws must end this call, not that one.
    permit.error(error);
  }
}

/**
 * Gives the permit back, once. The wire goes first, whichever way the attempt ends, so that the permit never stands for
 * two; and the permit goes before the caller hears of the end, so that what it starts next may use it.
 */
class PermitLink<T> extends Link<T> {
  constructor(
    behind: Observer<T>,
    private readonly bulkhead: Bulkhead,
  ) {
    super(behind);
  }

  protected override end(): void {
    try {
      super.end();
    } finally {
      // A wire that fails to be cut costs its caller an error, and not everybody a permit.
      this.bulkhead.release();
    }
  }
}

/** An attempt in the queue: it is granted a permit, gives up, or is cancelled, whichever comes first. */
class Waiting<T, A> implements BulkheadWaiter, Unsubscribable {
  private timer: LagAwareTimer<Link<T>> | undefined;

  constructor(
    private readonly bulkhead: Bulkhead,
    private readonly next: Handler<A, T>,
    private readonly attempt: A,
    private readonly answer: Link<T>,
  ) {}

  giveUpAfter(ms: number, clock: Clock): void {
    // The answer that frees a permit may lie unread: a late timer lets it be read first.
    this.timer = new LagAwareTimer(clock, ms, giveUp, this.answer);
  }

  granted(): void {
    this.timer?.unsubscribe();
    // Its own end may have freed the permit, before it could leave the queue.
    if (this.answer.closed) this.bulkhead.release();
    else hold(this.bulkhead, this.next, this.attempt, this.answer);
  }

  /** Leaves the queue. */
  unsubscribe(): void {
    this.timer?.unsubscribe();
    this.bulkhead.leave(this);
  }
}

function giveUp(answer: Link<never>): void {
  answer.error(new BulkheadFullError());
}
