/** How often the event loop is looked at, in ms. */
const LOOK_MS = 5;

interface Stall {
  readonly endedAt: number;
  readonly durationMs: number;
}

/** Knows for how long the process stood still: what was timed meanwhile is not to be believed. */
export class StallWatch {
  private looked = performance.now();
  private readonly stalls: Stall[] = [];
  private readonly timer = setInterval(() => {
    this.look();
  }, LOOK_MS);

  /** The longest it has stood still since then, in ms. */
  longestSince(startedAt: number): number {
    this.look();
    const since = this.stalls.filter(({ endedAt }) => endedAt > startedAt);
    return Math.max(0, ...since.map(({ durationMs }) => durationMs));
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const now = performance.now();
    const durationMs = now - this.looked - LOOK_MS;
    if (durationMs > LOOK_MS) this.stalls.push({ endedAt: now, durationMs });
    if (this.stalls.length > MANY_STALLS) this.stalls.shift();
    this.looked = now;
  }
}

/** Older ones are forgotten: nothing takes so long that it would ask for them. */
const MANY_STALLS = 200;
