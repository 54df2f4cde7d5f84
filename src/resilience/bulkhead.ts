export interface BulkheadPolicy {
  /** Attempts that may be on the wire at once. */
  readonly maxConcurrentCalls: number;
  /** Attempts that may wait for a permit; further ones are refused at once. */
  readonly maxQueue: number;
  /** The longest an attempt waits for a permit, in ms. */
  readonly maxQueueWaitMs: number;
}

/** Somebody in the queue. `granted` runs, once, when a permit has been handed to it. */
export interface BulkheadWaiter {
  granted(): void;
}

/** A bulkhead at one moment. */
export interface BulkheadSnapshot {
  /** Permits that are out. Above `limit` only while it drains after having been made smaller. */
  readonly inUse: number;
  /** Attempts that wait for one. */
  readonly queued: number;
  /** Permits there are: the ceiling, or fewer where an adaptive limit says so. */
  readonly limit: number;
  /** The most permits there can be: `maxConcurrentCalls`, or what it was resized to. */
  readonly ceiling: number;
}

/**
 * A counting semaphore with a bounded first-in-first-out queue. It keeps no time: whoever waits leaves by itself,
 * and leaves the queue at that very moment.
 *
 * Its size may change at any time. Growing starts waiters in order; shrinking takes no permit away, it only hands out
 * none until enough have come back.
 */
export class Bulkhead {
  private used = 0;
  private maxQueue: number;
  private ceilingNow: number;
  private adapted = Infinity;
  /** The lesser of the two above, so that the way of every attempt reads one number. */
  private permits: number;
  /** In order of arrival; leaving from the middle costs nothing. */
  private readonly queue = new Set<BulkheadWaiter>();
  private handingOver = false;

  constructor({ maxConcurrentCalls, maxQueue }: BulkheadPolicy) {
    this.maxQueue = maxQueue;
    this.ceilingNow = maxConcurrentCalls;
    this.permits = this.ceilingNow;
  }

  get inUse(): number {
    return this.used;
  }

  get queued(): number {
    return this.queue.size;
  }

  get limit(): number {
    return this.permits;
  }

  get ceiling(): number {
    return this.ceilingNow;
  }

  snapshot(): BulkheadSnapshot {
    return { inUse: this.used, queued: this.queue.size, limit: this.permits, ceiling: this.ceilingNow };
  }

  /**
   * Changes `maxConcurrentCalls` while it runs, for an operator or a reload. An adaptive limit stays in force below it.
   *
   * @throws RangeError unless it is a whole number from 1 on.
   */
  resize(maxConcurrentCalls: number): void {
    if (!Number.isInteger(maxConcurrentCalls) || maxConcurrentCalls < 1) {
      throw new RangeError(`a bulkhead has 1 permit or more, in whole numbers, not ${maxConcurrentCalls}`);
    }
    this.ceilingNow = maxConcurrentCalls;
    this.settle();
  }

  /** Changes `maxQueue` while it runs. Whoever waits already goes on waiting. */
  queueUpTo(maxQueue: number): void {
    this.maxQueue = maxQueue;
  }

  /** Where an adaptive limit stands. The ceiling binds whatever it says. */
  adapt(limit: number): void {
    if (limit === this.adapted) return;
    this.adapted = limit;
    this.settle();
  }

  /** Takes a permit if one is free and nobody stands in line for it. */
  tryAcquire(): boolean {
    if (this.used >= this.permits || this.queue.size > 0) return false;
    this.used++;
    return true;
  }

  /** Joins the queue, or answers false when it is full. */
  tryEnqueue(waiter: BulkheadWaiter): boolean {
    if (this.queue.size >= this.maxQueue) return false;
    this.queue.add(waiter);
    return true;
  }

  /** Leaves the queue. */
  leave(waiter: BulkheadWaiter): void {
    this.queue.delete(waiter);
  }

  /** Gives a permit back; the first in line inherits it. Call it once for each permit taken. */
  release(): void {
    this.used--;
    if (this.queue.size > 0 && !this.handingOver) this.handOver();
  }

  private settle(): void {
    this.permits = Math.min(this.ceilingNow, this.adapted);
    if (this.queue.size > 0 && !this.handingOver) this.handOver();
  }

  /**
   * A loop, not a recursion: a waiter that ends at once (the breaker has opened meanwhile) gives its permit back
   * from within `granted`, and a whole queue of them would grow the stack until it overflows.
   */
  private handOver(): void {
    this.handingOver = true;
    try {
      for (const first of this.queue) {
        if (this.used >= this.permits) break;
        this.queue.delete(first);
        this.used++;
        first.granted();
      }
    } finally {
      this.handingOver = false;
    }
  }
}
