import { type VNode } from 'preact';
import { type Degradation } from '../console-state.js';
import { humaneCount } from './humane-numbers.js';

/** What was missing, why and how often: `offers timeout 12×`. */
export function DegradationList({
  degradedBy,
  most,
}: {
  readonly degradedBy: readonly Degradation[];
  readonly most: number;
}): VNode | null {
  if (degradedBy.length === 0) return null;
  return (
    <ul class="degradations">
      {degradedBy.slice(0, most).map(({ part, upstreams, reason, count }) => (
        <li key={`${part} ${reason} ${upstreams.join(' ')}`}>
          <span class="part">{part}</span>
          {upstreams.length === 0 || (upstreams.length === 1 && upstreams[0] === part) ? null : (
            <span class="quiet"> ({upstreams.join(', ')})</span>
          )}{' '}
          {reason} <span class="quiet">{humaneCount(count)}×</span>
        </li>
      ))}
      {degradedBy.length > most ? <li class="quiet">and {degradedBy.length - most} more</li> : null}
    </ul>
  );
}
