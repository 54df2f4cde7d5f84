import { type Clock, type Timer } from '../resilience/clock.js';

/** So often, in ms, comes a line of one kind. */
const PERIOD_MS = 1000;

/**
 * Says what may happen often: of each kind the first at once, and then, once a second, the latest of those that came
 * meanwhile and how many there were besides. A kind that does not come for a second is forgotten.
 */
export class RationedLog {
  private readonly kinds = new Map<string, HeldBack>();

  constructor(
    private readonly write: (line: string) => void,
    private readonly clock: Clock,
  ) {}

  /** @param line is made only if it is written. */
  say(kind: string, line: () => string): void {
    const held = this.kinds.get(kind);
    if (held !== undefined) held.add(line);
    else {
      this.write(line());
      this.kinds.set(kind, new HeldBack(this.clock, this.write, () => this.kinds.delete(kind)));
    }
  }

  /** Writes what is held back now. */
  flush(): void {
    for (const held of [...this.kinds.values()]) held.end();
  }
}

/** What came of one kind since its last line. */
class HeldBack {
  private latest: (() => string) | undefined;
  private count = 0;
  private timer: Timer;

  constructor(
    private readonly clock: Clock,
    private readonly write: (line: string) => void,
    private readonly forget: () => void,
  ) {
    this.wait();
  }

  add(line: () => string): void {
    this.latest = line;
    this.count++;
  }

  end(): void {
    this.clock.clearTimeout(this.timer);
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
    this.write(count === 1 ? latest() : `${latest()} (${count - 1} more)`);
  }

  private wait(): void {
    this.timer = this.clock.setTimeout(periodOver, PERIOD_MS, this);
  }
}

function periodOver(held: HeldBack): void {
  held.periodOver();
}
