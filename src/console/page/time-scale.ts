/** A scale from 0 ms on, with ticks at round times. */
export interface TimeScale {
  /** What the right edge stands for. */
  readonly endMs: number;
  readonly ticksMs: readonly number[];
}

const MOST_TICKS = 5;

/** A scale on which `longestMs` fits, with at most five steps of 1, 2 or 5 with zeros. */
export function timeScale(longestMs: number): TimeScale {
  const endMs = Math.max(longestMs, 1);
  const least = endMs / MOST_TICKS;
  const unit = 10 ** Math.floor(Math.log10(least));
  const step = unit * ([1, 2, 5, 10].find((times) => unit * times >= least) ?? 10);
  const ticksMs = Array.from({ length: Math.floor(endMs / step) + 1 }, (_, n) => round(n * step));
  return { endMs, ticksMs };
}

/** A span on the scale, in percent of its width; at least wide enough to be seen, and never beyond its end. */
export function spanOnScale(
  { endMs }: TimeScale,
  startedAtMs: number,
  durationMs: number,
): { readonly left: number; readonly width: number } {
  const left = Math.min(99.4, (Math.max(0, startedAtMs) / endMs) * 100);
  const width = Math.min(100 - left, Math.max(0.6, (durationMs / endMs) * 100));
  return { left: round(left), width: round(width) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
