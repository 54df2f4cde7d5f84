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

/**
 * A counting semaphore with a bounded first-in-first-out queue. It keeps no time: whoever waits leaves by itself,
 * and leaves the queue at that very moment.
 */
export class Bulkhead {
  private used = 0;
  /** In order of arrival; leaving from the middle costs nothing. */
  private readonly queue = new Set<BulkheadWaiter>();
  private handingOver = false;

  constructor(private readonly policy: BulkheadPolicy) {}

  get inUse(): number {
    return this.used;
  }

  get queued(): number {
    return this.queue.size;
  }

  get limit(): number {
    return this.policy.maxConcurrentCalls;
  }

  /** Takes a permit if one is free and nobody stands in line for it. */
  tryAcquire(): boolean {
    if (this.used >= this.policy.maxConcurrentCalls || this.queue.size > 0) return false;
    this.used++;
    return true;
  }

  /** Joins the queue, or answers false when it is full. */
  tryEnqueue(waiter: BulkheadWaiter): boolean {
    if (this.queue.size >= this.policy.maxQueue) return false;
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

  /**
   * A loop, not a recursion: a waiter that ends at once (the breaker has opened meanwhile) gives its permit back
   * from within `granted`, and a whole queue of them would grow the stack until it overflows.
   */
  private handOver(): void {
    this.handingOver = true;
    try {
      for (const first of this.queue) {
        if (this.used >= this.policy.maxConcurrentCalls) break;
        this.queue.delete(first);
        this.used++;
        first.granted();
      }
    } finally {
      this.handingOver = false;
    }
  }
}
