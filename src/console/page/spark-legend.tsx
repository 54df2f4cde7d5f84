import { type VNode } from 'preact';

/** What the lines of a tile's sparkline stand for; once for all tiles. */
export function SparkLegend(): VNode {
  return (
    <p class="spark-legend">
      <span>
        <svg viewBox="0 0 18 10" aria-hidden="true">
          <path class="spark-band" d="M0 0H18V10H0Z" />
        </svg>
        p50 to p99
      </span>
      <span>
        <svg viewBox="0 0 18 10" aria-hidden="true">
          <path class="spark-line" d="M0 5H18" />
        </svg>
        p95
      </span>
      <span>
        <svg viewBox="0 0 18 10" aria-hidden="true">
          <path class="spark-error" d="M5 2V10M10 5V10M15 0V10" />
        </svg>
        errors
      </span>
    </p>
  );
}
