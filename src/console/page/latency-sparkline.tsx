import { type VNode } from 'preact';
import { type LatencySeries } from '../console-state.js';
import { counted } from './humane-numbers.js';
import { humaneDuration, humaneSpan } from './humane-times.js';
import { sparkGeometry, stepAt, stepX } from './spark-geometry.js';

/**
 * The last minutes: the band from p50 to p99, p95 as a line, and steps with errors as marks beneath. Pointing at it, or
 * arrow keys while it has the focus, choose a step, whose values the tile then shows in place of the current ones.
 */
export function LatencySparkline({
  label,
  series,
  chosen,
  tabIndex,
  onChoose,
}: {
  readonly label: string;
  readonly series: LatencySeries;
  readonly chosen: number | null;
  readonly tabIndex: 0 | -1;
  readonly onChoose: (step: number | null) => void;
}): VNode {
  const steps = series.calls.length;
  const { band, line, dots, errors, topMs } = sparkGeometry(series);
  const point = (event: PointerEvent): void => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    onChoose(stepAt(((event.clientX - left) / width) * 100, steps));
  };
  const press = (event: KeyboardEvent): void => {
    const at = chosen ?? steps - 1;
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    onChoose(Math.min(steps - 1, Math.max(0, next)));
  };
  return (
    <div
      class="spark"
      role="slider"
      tabIndex={tabIndex}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, steps - 1)}
      aria-valuenow={chosen ?? steps - 1}
      aria-valuetext={stepText(series, chosen ?? steps - 1)}
      onPointerMove={point}
      onPointerLeave={() => {
        onChoose(null);
      }}
      onKeyDown={press}
      onBlur={() => {
        onChoose(null);
      }}
    >
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        <path class="spark-floor" d="M0 86H100" />
        <path class="spark-band" d={band} />
        <path class="spark-line" d={line} />
        {dots.map(({ x, y }) => (
          <path key={x} class="spark-dot" d={`M${x} ${y}h.01`} />
        ))}
        {errors.map(({ x, height }) => (
          <path key={x} class="spark-error" d={`M${x} 100V${100 - height}`} />
        ))}
        {chosen === null ? null : <path class="spark-cursor" d={`M${stepX(chosen, steps)} 0V100`} />}
      </svg>
      {topMs === null ? (
        errors.length > 0 ? null : (
          <span class="spark-note">no call in the last {humaneSpan(series.stepMs * steps)}</span>
        )
      ) : (
        <span class="spark-top">{humaneDuration(topMs)}</span>
      )}
      {chosen === null ? null : <span class="spark-time">{stepTime(series, chosen)}</span>}
    </div>
  );
}

/** When a step was: `now`, `32 s ago`. */
function stepTime(series: LatencySeries, step: number): string {
  const ago = (series.calls.length - 1 - step) * series.stepMs;
  return ago === 0 ? 'now' : `${humaneSpan(ago)} ago`;
}

function stepText(series: LatencySeries, step: number): string {
  const at = (list: readonly (number | null)[]): string => humaneDuration(list[step] ?? null);
  return [
    stepTime(series, step),
    counted(series.calls[step] ?? 0, 'call'),
    counted(series.errors[step] ?? 0, 'error'),
    `p50 ${at(series.p50Ms)}`,
    `p95 ${at(series.p95Ms)}`,
    `p99 ${at(series.p99Ms)}`,
  ].join(', ');
}
