import { type VNode } from 'preact';

/** A share as a bar, perhaps with a tick where something happens. What it says, words beside it say as well. */
export function MeterBar({
  percent,
  tickPercent = null,
  tone = 'plain',
}: {
  readonly percent: number;
  readonly tickPercent?: number | null;
  readonly tone?: 'plain' | 'good' | 'warning' | 'bad';
}): VNode {
  return (
    <span class="meter" data-tone={tone} aria-hidden="true">
      <span class="meter-fill" style={{ width: `${Math.min(100, Math.max(0, percent))}%` }} />
      {tickPercent === null ? null : (
        <span class="meter-tick" style={{ left: `${Math.min(100, Math.max(0, tickPercent))}%` }} />
      )}
    </span>
  );
}
