import { Observable, type Subscriber, Subscription } from 'rxjs';
import { type Bulkhead, type BulkheadWaiter } from './bulkhead.js';
import { type Handler, type Layer } from './call.js';
import { type Clock } from './clock.js';
import { LagAwareTimer } from './lag-aware-timer.js';
import { LayerSubscriber } from './layer-subscriber.js';
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
  return (next) => (attempt) =>
    new Observable((subscriber) => {
      if (subscriber.closed) return;
      if (bulkhead.tryAcquire()) {
        hold(bulkhead, subscriber, next, attempt);
        return;
      }
      const waiting = new Waiting(bulkhead, subscriber, next, attempt, clock);
      if (!mayQueue(attempt) || !bulkhead.tryEnqueue(waiting)) {
        subscriber.error(new BulkheadFullError());
        return;
      }
      waiting.giveUpAfter(maxQueueWaitMs);
      subscriber.add(waiting);
    });
}

function always(): boolean {
  return true;
}

/** Runs the attempt with a permit that has been taken. */
function hold<T, A>(bulkhead: Bulkhead, subscriber: Subscriber<T>, next: Handler<A, T>, attempt: A): void {
  const permit = new PermitSubscriber(subscriber, bulkhead);
  try {
    next(attempt).subscribe(permit);
  } catch (error) {
    // A queued attempt is started by whoever releases: what it throws must end this call, not that one.
    permit.error(error);
  }
}

/**
 * Gives the permit back, once. The wire goes first, whichever way the attempt ends, so that the permit never stands for
 * two; and the permit goes before the caller hears of the end, so that what it starts next may use it.
 */
class PermitSubscriber<T> extends LayerSubscriber<T> {
  private held = true;

  constructor(
    behind: Subscriber<T>,
    private readonly bulkhead: Bulkhead,
  ) {
    super(behind);
  }

  protected override _error(error: unknown): void {
    this.unsubscribe();
    this.behind.error(error);
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.behind.complete();
  }

  override unsubscribe(): void {
    super.unsubscribe();
    if (!this.held) return;
    this.held = false;
    this.bulkhead.release();
  }
}

/** An attempt in the queue: it is granted a permit, gives up, or is cancelled, whichever comes first. */
class Waiting<T, A> extends Subscription implements BulkheadWaiter {
  private timer: LagAwareTimer<Subscriber<T>> | undefined;

  constructor(
    private readonly bulkhead: Bulkhead,
    private readonly subscriber: Subscriber<T>,
    private readonly nextHandler: Handler<A, T>,
    private readonly attempt: A,
    private readonly clock: Clock,
  ) {
    super(() => {
      this.timer?.unsubscribe();
      bulkhead.leave(this);
    });
  }

  giveUpAfter(ms: number): void {
    // The answer that frees a permit may lie unread: a late timer lets it be read first.
    this.timer = new LagAwareTimer(this.clock, ms, giveUp, this.subscriber);
  }

  granted(): void {
    this.timer?.unsubscribe();
    hold(this.bulkhead, this.subscriber, this.nextHandler, this.attempt);
  }
}

function giveUp(subscriber: Subscriber<unknown>): void {
  subscriber.error(new BulkheadFullError());
}
