import { Observable, type Subscriber, Subscription } from 'rxjs';
import { type Bulkhead, type BulkheadWaiter } from './bulkhead.js';
import { type Handler, type Layer } from './call.js';
import { type Clock, type Timer } from './clock.js';
import { BulkheadFullError } from './rejections.js';

/**
 * Holds a permit for as long as an attempt runs, queueing for at most `maxQueueWaitMs` first. The permit goes back
 * exactly once, whichever way the attempt ends. Emits {@link BulkheadFullError}.
 */
export function withBulkhead<T, A>(bulkhead: Bulkhead, maxQueueWaitMs: number, clock: Clock): Layer<T, A> {
  return (next) => (attempt) =>
    new Observable((subscriber) => {
      if (bulkhead.tryAcquire()) return hold(bulkhead, subscriber, next, attempt);
      const waiting = new Waiting(bulkhead, subscriber, next, attempt, clock);
      if (!bulkhead.tryEnqueue(waiting)) {
        subscriber.error(new BulkheadFullError());
        return;
      }
      waiting.giveUpAfter(maxQueueWaitMs);
      return waiting;
    });
}

/** Runs the attempt with a permit that has been taken. */
function hold<T, A>(
  bulkhead: Bulkhead,
  subscriber: Subscriber<T>,
  next: Handler<A, T>,
  attempt: A,
): Subscription {
  let running: Subscription | undefined;
  // The wire goes first, whichever way the attempt ends, so that the permit never stands for two; and the permit goes
  // before the caller hears of the end, so that what it starts next may use it.
  const permit = new Subscription(() => {
    running?.unsubscribe();
    bulkhead.release();
  });
  const fail = (error: unknown): void => {
    permit.unsubscribe();
    subscriber.error(error);
  };
  try {
    running = next(attempt).subscribe({
      next: (value) => {
        subscriber.next(value);
      },
      error: fail,
      complete: () => {
        permit.unsubscribe();
        subscriber.complete();
      },
    });
  } catch (error) {
    // A queued attempt is started by whoever releases: what it throws must end this call, not that one.
    fail(error);
  }
  return permit;
}

/** An attempt in the queue: it is granted a permit, gives up, or is cancelled, whichever comes first. */
class Waiting<T, A> extends Subscription implements BulkheadWaiter {
  private timer: Timer;

  constructor(
    private readonly bulkhead: Bulkhead,
    private readonly subscriber: Subscriber<T>,
    private readonly nextHandler: Handler<A, T>,
    private readonly attempt: A,
    private readonly clock: Clock,
  ) {
    super(() => {
      clock.clearTimeout(this.timer);
      bulkhead.leave(this);
    });
  }

  giveUpAfter(ms: number): void {
    this.timer = this.clock.setTimeout(giveUp, ms, this.subscriber);
  }

  granted(): void {
    this.clock.clearTimeout(this.timer);
    this.add(hold(this.bulkhead, this.subscriber, this.nextHandler, this.attempt));
  }
}

function giveUp(subscriber: Subscriber<unknown>): void {
  subscriber.error(new BulkheadFullError());
}
