import { type VNode } from 'preact';
import { humanePercent } from './humane-numbers.js';
import { MeterBar } from './meter-bar.js';

/** How many of the answers had all their parts. */
export function Completeness({ percent }: { readonly percent: number | null }): VNode {
  return (
    <span class="completeness">
      <MeterBar percent={percent ?? 0} tone={percent === null || percent === 100 ? 'plain' : 'warning'} />
      <span class="share">{humanePercent(percent)}</span>
    </span>
  );
}
