import { type VNode } from 'preact';
import { formatHash, parseHash } from './hash-route.js';

/** How many are named before they are counted. */
const NAMED = 3;

/** Names of composites, each a link to its view. */
export function CompositeLinks({
  names,
  tabIndex,
}: {
  readonly names: readonly string[];
  readonly tabIndex?: 0 | -1;
}): VNode {
  const shown = names.length > NAMED + 1 ? names.slice(0, NAMED) : names;
  const route = { ...parseHash(location.hash), requests: 'recent' as const };
  return (
    <span class="composite-links">
      {shown.map((composite, n) => (
        <span key={composite}>
          <a href={formatHash({ ...route, composite })} {...(tabIndex === undefined ? {} : { tabIndex })}>
            {composite}
          </a>
          {n + 1 < shown.length ? ', ' : ''}
        </span>
      ))}
      {shown.length < names.length ? ` and ${names.length - shown.length} more` : ''}
    </span>
  );
}
