import { type LatencySeries } from '../console-state.js';

/** The drawing of a series, in a box of 100 x 100 that is stretched to its place. */
export interface SparkGeometry {
  /** p50 up to p99, closed; one sub-path a stretch without a gap. */
  readonly band: string;
  /** p95. */
  readonly line: string;
  /** Steps that stand alone, between gaps: a line of one point cannot be seen. */
  readonly dots: readonly { readonly x: number; readonly y: number }[];
  /** Steps with errors; the taller, the greater their share. */
  readonly errors: readonly { readonly x: number; readonly height: number }[];
  /** What the upper edge stands for; null where nothing has been measured. */
  readonly topMs: number | null;
}

/** Room above the highest value, so that a line of 2 px is not cut. */
const TOP = 4;
/** Where the lowest value lies: the errors have the room beneath. */
const BOTTOM = 86;
/** The height of a step in which every call failed, and the least that can be seen. */
const TALLEST_ERROR = 100;
const LEAST_ERROR = 14;

/** Where a step lies, from 0 to 100. */
export function stepX(step: number, steps: number): number {
  return steps < 2 ? 100 : (step / (steps - 1)) * 100;
}

/** The step whose place is nearest to `x`, from 0 to 100. */
export function stepAt(x: number, steps: number): number {
  return Math.min(steps - 1, Math.max(0, Math.round((x / 100) * (steps - 1))));
}

export function sparkGeometry(series: LatencySeries): SparkGeometry {
  const steps = series.calls.length;
  const known = [...series.p95Ms, ...series.p99Ms].filter((ms) => ms !== null);
  const topMs = known.length === 0 ? null : roundTop(Math.max(...known));
  const y = (ms: number): number =>
    round(BOTTOM - (Math.min(ms, topMs ?? 1) / (topMs ?? 1)) * (BOTTOM - TOP));
  const x = (step: number): number => round(stepX(step, steps));

  let band = '';
  let line = '';
  const dots: { x: number; y: number }[] = [];
  for (const { from, to } of stretches(series)) {
    const at = (list: readonly (number | null)[], step: number): string => `${x(step)} ${y(list[step] ?? 0)}`;
    const forth = range(from, to);
    if (from === to) {
      dots.push({ x: x(from), y: y(series.p95Ms[from] ?? 0) });
      continue;
    }
    line += `M${forth.map((step) => at(series.p95Ms, step)).join('L')}`;
    const lower = forth.toReversed().map((step) => at(series.p50Ms, step));
    band += `M${[...forth.map((step) => at(series.p99Ms, step)), ...lower].join('L')}Z`;
  }
  const errors = series.errors.flatMap((count, step) => {
    if (count === 0) return [];
    const share = count / Math.max(count, series.calls[step] ?? 0);
    return [{ x: x(step), height: round(LEAST_ERROR + share * (TALLEST_ERROR - LEAST_ERROR)) }];
  });
  return { band, line, dots, errors, topMs };
}

const ROUND = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The next round number: an axis that moves with every value says nothing. */
function roundTop(ms: number): number {
  const unit = 10 ** Math.floor(Math.log10(Math.max(ms, 1)));
  return unit * (ROUND.find((times) => unit * times >= ms) ?? 10);
}

/** Steps in a row in which something was measured, both ends included. */
function stretches({ p50Ms, p95Ms, p99Ms }: LatencySeries): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (const step of p95Ms.keys()) {
    const known = [p50Ms, p95Ms, p99Ms].every((list) => (list[step] ?? null) !== null);
    if (!known) continue;
    const last = found.at(-1);
    if (last?.to === step - 1) last.to = step;
    else found.push({ from: step, to: step });
  }
  return found;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
