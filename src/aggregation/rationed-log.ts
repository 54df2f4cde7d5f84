import { type Clock, type Timer } from '../resilience/clock.js';

/** So often, in ms, comes a line of one kind once there are more of them than it may have at once. */
const PERIOD_MS = 1000;

export interface RationedLogOptions<T> {
  /** @param more how many of the kind are not said besides. */
  readonly write: (said: T, more: number) => void;
  readonly clock: Clock;
  /** How many of a kind are said at once in a period. Default 1. */
  readonly atOnce?: number;
}

/**
 * Says what may happen often: of each kind the first ones at once, and then, once a second, the latest of those that came
 * meanwhile and how many there were besides. A kind that does not come for a second is forgotten.
 */
export class RationedLog<T> {
  private readonly kinds = new Map<string, HeldBack<T>>();

  constructor(private readonly options: RationedLogOptions<T>) {}

  say(kind: string, said: T): void {
    let held = this.kinds.get(kind);
    if (held === undefined) {
      held = new HeldBack(this.options, () => this.kinds.delete(kind));
      this.kinds.set(kind, held);
    }
    held.add(said);
  }

  /** Writes what is held back now. */
  flush(): void {
    for (const held of [...this.kinds.values()]) held.end();
  }
}

/** What came of one kind in this period. */
class HeldBack<T> {
  private saidAtOnce = 0;
  private latest: { readonly said: T } | undefined;
  private count = 0;
  private timer: Timer;

  constructor(
    private readonly options: RationedLogOptions<T>,
    private readonly forget: () => void,
  ) {
    this.wait();
  }

  add(said: T): void {
    const { write, atOnce = 1 } = this.options;
    if (this.saidAtOnce < atOnce) {
      this.saidAtOnce++;
      write(said, 0);
    } else {
      this.latest = { said };
      this.count++;
    }
  }

  end(): void {
    this.options.clock.clearTimeout(this.timer);
    this.writeLatest();
    this.forget();
  }

  /** @internal */
  periodOver(): void {
    if (this.count === 0) this.forget();
    else {
      this.writeLatest();
      this.wait();
    }
  }

  private writeLatest(): void {
    const { latest, count } = this;
    if (latest === undefined) return;
    this.latest = undefined;
    this.count = 0;
    this.options.write(latest.said, count - 1);
  }

  private wait(): void {
    this.timer = this.options.clock.setTimeout(periodOver, PERIOD_MS, this);
  }
}

function periodOver<T>(held: HeldBack<T>): void {
  held.periodOver();
}
