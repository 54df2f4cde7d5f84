import { type VNode } from 'preact';

const BOX = 64;
const LEAST_RADIUS = 4;
const GREATEST_RADIUS = 30;
/** The rate of the greatest circle; each tenfold is as much more. */
const GREATEST_RATE = 3_000;

/** Traffic as size, on a logarithmic scale, with the share of errors cut out of it. The numbers stand beside it. */
export function TrafficCircle({
  callsPerSecond,
  errorPercent,
}: {
  readonly callsPerSecond: number;
  readonly errorPercent: number;
}): VNode {
  const radius = trafficRadius(callsPerSecond);
  const middle = BOX / 2;
  return (
    <svg class="traffic" viewBox={`0 0 ${BOX} ${BOX}`} aria-hidden="true">
      {callsPerSecond === 0 ? (
        <circle class="traffic-none" cx={middle} cy={middle} r={LEAST_RADIUS} />
      ) : (
        <>
          <circle class="traffic-all" cx={middle} cy={middle} r={radius} />
          <path class="traffic-errors" d={slice(middle, radius, errorPercent)} />
        </>
      )}
    </svg>
  );
}

function trafficRadius(callsPerSecond: number): number {
  const share = Math.log10(1 + callsPerSecond) / Math.log10(1 + GREATEST_RATE);
  return LEAST_RADIUS + Math.min(1, share) * (GREATEST_RADIUS - LEAST_RADIUS);
}

/** A slice from the top on, clockwise. */
function slice(middle: number, radius: number, percent: number): string {
  if (percent <= 0) return '';
  const angle = (Math.min(percent, 99.99) / 100) * 2 * Math.PI;
  const x = middle + radius * Math.sin(angle);
  const y = middle - radius * Math.cos(angle);
  return `M${middle} ${middle}V${middle - radius}A${radius} ${radius} 0 ${percent > 50 ? 1 : 0} 1 ${x} ${y}Z`;
}
