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
    if (this.used >= this.policy.maxConcurrentCalls) return false;
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
    const [first] = this.queue;
    if (first === undefined) {
      this.used--;
      return;
    }
    this.queue.delete(first);
    first.granted();
  }
}
