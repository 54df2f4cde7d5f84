import { type Observer, type Unsubscribable } from 'rxjs';
import { type Call, type Layer } from './call.js';
import { type Flight, type Flights } from './coalesce.js';
import { Link } from './link.js';

export interface CoalesceOptions<T, C extends Call> {
  /** What is equal for calls that may share an answer; undefined for a call that shares with nobody. */
  readonly keyOf: (call: C) => string | undefined;
  /** Whether the call changes what others ask for: once it has ended, nobody joins what was begun before. */
  readonly changes: (call: C) => boolean;
  /** The call made for all: the same request, but under nobody's abort and nobody's own deadline. */
  readonly detached: (call: C) => C;
  /** The last caller leaves, and `shared`, the call made for all, is about to end for whatever reason `last` has. */
  readonly onLastLeaves?: (shared: C, last: C) => void;
  /** Asked once, before anybody has the answer; each further waiter then gets a copy of its own from it. */
  readonly copier: (answer: T) => () => T;
  /** A call waits for the answer to another one. */
  readonly onJoin?: (call: C) => void;
}

/**
 * Makes one call of equal calls that run at the same time, and gives its answer, or its failure, to all of them.
 * Reference-counted: the call ends when the last caller leaves, and the first one leaving harms nobody. Answers and
 * failures are not kept: whoever comes after the end starts anew.
 *
 * Stands below each caller's own deadline and above the deadline of the call that is made.
 */
export function withCoalescing<T, C extends Call>(
  flights: CoalescedCalls<T, C>,
  options: CoalesceOptions<T, C>,
): Layer<T, C> {
  return (next) => (call, answer) => {
    if (answer.closed) return;
    const key = options.keyOf(call);
    if (key === undefined) {
      next(call, options.changes(call) ? new ChangeLink(answer, flights) : answer);
      return;
    }
    const joined = flights.join(key, answer);
    if (joined !== undefined) {
      answer.worksWith(new Waiting(flights, joined, answer, call, options));
      options.onJoin?.(call);
      return;
    }
    const shared = options.detached(call);
    const work = new SharedWork(flights, key, answer, shared, options.copier);
    answer.worksWith(new Waiting(flights, work.flight, answer, call, options));
    try {
      next(shared, work);
    } catch (error) {
      // Others may have joined already, and must hear of it too.
      work.error(error);
    }
  };
}

/** The calls of one upstream that others can join. */
export type CoalescedCalls<T, C extends Call> = Flights<Link<T>, SharedCall<C>>;

/** What is under way for all who wait. */
export interface SharedCall<C extends Call> extends Unsubscribable {
  readonly call: C;
}

/** One caller's place in a flight; the caller's leaving ends it. */
class Waiting<T, C extends Call> implements Unsubscribable {
  constructor(
    private readonly flights: CoalescedCalls<T, C>,
    private readonly flight: Flight<Link<T>, SharedCall<C>>,
    private readonly waiter: Link<T>,
    private readonly call: C,
    private readonly options: CoalesceOptions<T, C>,
  ) {}

  unsubscribe(): void {
    const { flights, flight, waiter, call, options } = this;
    if (!flights.leave(flight, waiter)) return;
    options.onLastLeaves?.(flight.work.call, call);
    flight.work.unsubscribe();
  }
}

/** Hears how the shared call ends, and tells everyone who is still waiting. */
class SharedWork<T, C extends Call> extends Link<T> implements SharedCall<C> {
  readonly flight: Flight<Link<T>, SharedCall<C>>;

  constructor(
    private readonly flights: CoalescedCalls<T, C>,
    key: string,
    first: Link<T>,
    readonly call: C,
    private readonly copier: (answer: T) => () => T,
  ) {
    // It stands behind nobody, and so nobody's leaving ends it but the last one's.
    super(NOBODY);
    this.flight = flights.start(key, first, this);
  }

  override next(answer: T): void {
    if (this.closed) return;
    const waiters = this.settled();
    if (waiters.length === 1) {
      waiters[0]?.next(answer);
      return;
    }
    let copy: () => T;
    try {
      // Before the first one has the answer, and may change it.
      copy = this.copier(answer);
    } catch (error) {
      this.error(error);
      return;
    }
    waiters.forEach((waiter, index) => {
      tell(waiter, () => {
        waiter.next(index === 0 ? answer : copy());
      });
    });
  }

  override error(error: unknown): void {
    if (this.closed) return;
    const waiters = this.settled();
    this.unsubscribe();
    for (const waiter of waiters) {
      tell(waiter, () => {
        waiter.error(error);
      });
    }
  }

  override complete(): void {
    if (this.closed) return;
    const waiters = this.settled();
    this.unsubscribe();
    for (const waiter of waiters) {
      tell(waiter, () => {
        waiter.complete();
      });
    }
  }

  private settled(): readonly Link<T>[] {
    this.flights.settle(this.flight);
    return [...this.flight.waiters];
  }
}

const NOBODY: Observer<unknown> = { next: ignore, error: ignore, complete: ignore };

function ignore(): void {
  // Those who wait are told one by one.
}

/** What one waiter makes of its answer is not to cost the others theirs. */
function tell<T>(waiter: Link<T>, what: () => void): void {
  try {
    what();
  } catch (error) {
    waiter.error(error);
  }
}

/** Ends, before its caller hears of its own end, what could be joined: it was begun before the change. */
class ChangeLink<T> extends Link<T> {
  constructor(
    behind: Observer<T>,
    private readonly flights: Pick<CoalescedCalls<T, Call>, 'closeAll'>,
  ) {
    super(behind);
  }

  override next(answer: T): void {
    if (!this.closed) this.flights.closeAll();
    super.next(answer);
  }

  /** Also where the caller left: the change may have been made all the same. */
  protected override end(): void {
    this.flights.closeAll();
    super.end();
  }
}
