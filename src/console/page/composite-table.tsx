import { type VNode } from 'preact';
import { type CompositeState } from '../console-state.js';
import { Completeness } from './completeness.js';
import { DegradationList } from './degradation-list.js';
import { formatHash, type Route } from './hash-route.js';
import { humanePercent, humaneRate } from './humane-numbers.js';
import { humaneDuration } from './humane-times.js';
import { useRovingFocus } from './use-roving-focus.js';

/** Causes that are named in a row; the others stand in the composite's own view. */
const NAMED_CAUSES = 2;

/** A row a composite. */
export function CompositeTable({
  composites,
  route,
  onRoute,
}: {
  readonly composites: readonly CompositeState[];
  readonly route: Route;
  readonly onRoute: (change: Partial<Route>) => void;
}): VNode {
  const focus = useRovingFocus(composites.map(({ name }) => name));
  return (
    <section aria-labelledby="composites-title" id="composites" tabIndex={-1}>
      <div class="section-head">
        <h2 id="composites-title">Composites</h2>
        <span class="quiet section-count">{composites.length}</span>
        <span class="quiet section-note">over the last minute</span>
      </div>
      {composites.length === 0 ? (
        <p class="empty">No composite has been asked for yet. Each appears here with its first request.</p>
      ) : (
        <table class="composites" role="table" onKeyDown={focus.onKeyDown}>
          <thead role="rowgroup">
            <tr role="row">
              {['Composite', 'Requests', 'Complete', 'Failed', 'p50', 'p95', 'Degraded by'].map((title) => (
                <th key={title} role="columnheader" scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {composites.map((composite) => (
              <CompositeRow
                key={composite.name}
                composite={composite}
                href={formatHash({ ...route, composite: composite.name, requests: 'recent' })}
                tabIndex={focus.tabIndexOf(composite.name)}
                onFocus={() => {
                  focus.entered(composite.name);
                }}
                onOpen={() => {
                  onRoute({ composite: composite.name, requests: 'recent' });
                }}
              />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function CompositeRow({
  composite: {
    name,
    method,
    route,
    requests,
    requestsPerSecond,
    completePercent,
    failedPercent,
    p50Ms,
    p95Ms,
    degradedBy,
  },
  href,
  tabIndex,
  onFocus,
  onOpen,
}: {
  readonly composite: CompositeState;
  readonly href: string;
  readonly tabIndex: 0 | -1;
  readonly onFocus: () => void;
  readonly onOpen: () => void;
}): VNode {
  const address = `${method} ${route}`;
  return (
    <tr
      role="row"
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest('a')) onOpen();
      }}
    >
      <th role="rowheader" scope="row">
        <a href={href} data-item={name} tabIndex={tabIndex} onFocus={onFocus}>
          {name}
        </a>
        {name === address ? null : <span class="address">{address}</span>}
      </th>
      <td role="cell" data-label="requests">
        {humaneRate(requestsPerSecond)}
      </td>
      <td role="cell" data-label="complete">
        <Completeness percent={completePercent} />
      </td>
      <td role="cell" data-label="failed" class={(failedPercent ?? 0) > 0 ? 'bad-text' : ''}>
        {humanePercent(failedPercent)}
      </td>
      <td role="cell" data-label="p50">
        {humaneDuration(p50Ms)}
      </td>
      <td role="cell" data-label="p95">
        {humaneDuration(p95Ms)}
      </td>
      <td role="cell" data-label="degraded by" class="causes">
        {degradedBy.length > 0 ? (
          <DegradationList degradedBy={degradedBy} most={NAMED_CAUSES} />
        ) : (
          <span class="quiet">{requests === 0 ? 'no request in the last minute' : 'nothing'}</span>
        )}
      </td>
    </tr>
  );
}
