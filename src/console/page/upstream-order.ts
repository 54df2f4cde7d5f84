import { type UpstreamState, type UpstreamStatus } from '../console-state.js';

export type UpstreamOrder = 'configured' | 'worst';

const RANKS: Record<UpstreamStatus, number> = { down: 0, degraded: 1, unknown: 2, up: 3 };

/**
 * Those whose name contains `filter`, in the order of the configuration or the worst first: by status, then critical
 * ones, then those whose breaker is not closed. Nothing that changes with every call takes part, so that tiles stay
 * where they are while nothing has happened.
 */
export function inOrder(
  upstreams: readonly UpstreamState[],
  order: UpstreamOrder,
  filter: string,
): readonly UpstreamState[] {
  const sought = filter.trim().toLowerCase();
  const found =
    sought === '' ? upstreams : upstreams.filter(({ name }) => name.toLowerCase().includes(sought));
  return order === 'configured' ? found : found.toSorted((one, other) => rank(one) - rank(other));
}

function rank({ status, critical, breaker }: UpstreamState): number {
  return RANKS[status] * 4 + (critical ? 0 : 2) + (breaker.state === 'closed' ? 1 : 0);
}
