/** The most ticks that are named on an axis, beyond 0. */
const MAX_TICKS = 5;

/** Bars of time over one axis that begins at 0, drawn in characters. */
export class TimeAxis {
  private readonly msPerCell: number;
  private readonly stepMs: number;

  /**
   * @param endMs what it must have room for.
   * @param width in characters.
   */
  constructor(
    private readonly endMs: number,
    private readonly width: number,
  ) {
    this.msPerCell = Math.max(endMs, 1) / width;
    this.stepMs = stepFor(Math.max(endMs, 1));
  }

  /** A bar from `startMs`, at least one character long, however short its time. */
  bar(startMs: number, durationMs: number): string {
    const start = Math.min(Math.floor(startMs / this.msPerCell), this.width - 1);
    const end = Math.min(Math.round((startMs + durationMs) / this.msPerCell), this.width);
    return ' '.repeat(start) + (end > start ? '━'.repeat(end - start) : '╸');
  }

  /** An arrow at a moment. */
  mark(ms: number): string {
    return `${' '.repeat(Math.min(Math.round(ms / this.msPerCell), this.width - 1))}▲`;
  }

  /** The line below or above the bars: `0       100       200 ms`. */
  get ruler(): string {
    let line = '0';
    for (let ms = this.stepMs; ms <= this.endMs; ms += this.stepMs) {
      const isLast = ms + this.stepMs > this.endMs;
      const inSeconds = this.stepMs >= 1_000 || this.endMs >= 10_000;
      const number = inSeconds ? String(ms / 1_000) : String(ms);
      const label = isLast ? `${number} ${inSeconds ? 's' : 'ms'}` : number;
      line = `${line.padEnd(Math.round(ms / this.msPerCell) - 1)} ${label}`;
    }
    return line;
  }
}

/** The least of 1, 2 and 5 times a power of ten that leaves no more ticks than can be read. */
function stepFor(endMs: number): number {
  for (let power = 1; ; power *= 10) {
    for (const factor of [1, 2, 5]) if (endMs / (factor * power) <= MAX_TICKS) return factor * power;
  }
}

/** `300 ms`, `2.2 s`, `3 s`. */
export function msText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${String(Number((ms / 1_000).toFixed(1)))} s`;
}
