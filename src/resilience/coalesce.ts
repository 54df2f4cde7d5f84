/** Work that is under way for everyone who waits for it. */
export interface Flight<Waiter, Work> {
  readonly key: string;
  readonly work: Work;
  /** In the order they came; the first one is whom it was started for. */
  readonly waiters: ReadonlySet<Waiter>;
}

interface OpenFlight<Waiter, Work> extends Flight<Waiter, Work> {
  readonly waiters: Set<Waiter>;
}

/**
 * Who waits for which piece of work, by key. Reference-counted: the work is of no use once the last waiter has left,
 * and whoever came first is a waiter like any other. Nothing is kept beyond its end: a flight is taken out before
 * anybody hears how it ended, so that nobody joins what is over.
 */
export class Flights<Waiter, Work> {
  private readonly joinable = new Map<string, OpenFlight<Waiter, Work>>();

  /** The flight of that key, with one waiter more; undefined if there is none to join. */
  join(key: string, waiter: Waiter): Flight<Waiter, Work> | undefined {
    const flight = this.joinable.get(key);
    flight?.waiters.add(waiter);
    return flight;
  }

  /** Opens a flight that others can join. */
  start(key: string, waiter: Waiter, work: Work): Flight<Waiter, Work> {
    const flight = { key, work, waiters: new Set([waiter]) };
    this.joinable.set(key, flight);
    return flight;
  }

  /** Takes a waiter out. Whether it was the last one: then nobody can join any more, and the work is to be cancelled. */
  leave(flight: Flight<Waiter, Work>, waiter: Waiter): boolean {
    const { waiters } = flight as OpenFlight<Waiter, Work>;
    if (!waiters.delete(waiter) || waiters.size > 0) return false;
    this.settle(flight);
    return true;
  }

  /** The work has come to an end: nobody can join it any more. */
  settle(flight: Flight<Waiter, Work>): void {
    // Another one of the same key may have taken its place.
    if (this.joinable.get(flight.key) === flight) this.joinable.delete(flight.key);
  }

  /** What is under way goes on for those who wait for it; whoever comes from now on starts anew. */
  closeAll(): void {
    this.joinable.clear();
  }

  /** Flights that can be joined right now. */
  get size(): number {
    return this.joinable.size;
  }
}
