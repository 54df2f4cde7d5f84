import { type VNode } from 'preact';
import { type ConsoleState } from '../console-state.js';
import { type Route } from './hash-route.js';
import { type OperatorAction } from './operator-action.js';
import { SparkLegend } from './spark-legend.js';
import { inOrder, type UpstreamOrder } from './upstream-order.js';
import { UpstreamTile } from './upstream-tile.js';
import { useMedia } from './use-media.js';
import { useRovingFocus } from './use-roving-focus.js';

/** With more than so many, tiles show only what must be seen; on a phone those of the upstreams that are well do. */
const MANY = 12;
/** With fewer, nobody needs to look for a name. */
const FILTERED_FROM = 7;

/** A tile an upstream. */
export function UpstreamGrid({
  state: { at, upstreams, gateway },
  route,
  onRoute,
  onAsk,
}: {
  readonly state: ConsoleState;
  readonly route: Route;
  readonly onRoute: (change: Partial<Route>) => void;
  readonly onAsk: (upstream: string, action: OperatorAction) => void;
}): VNode {
  const shown = inOrder(upstreams, route.order, route.filter);
  const focus = useRovingFocus(shown.map(({ name }) => name));
  const many = upstreams.length > MANY;
  const narrow = useMedia('(width <= 640px)');
  return (
    <section aria-labelledby="upstreams-title" id="upstreams" tabIndex={-1}>
      <div class="section-head">
        <h2 id="upstreams-title">Upstreams</h2>
        <span class="quiet section-count">
          {shown.length === upstreams.length ? upstreams.length : `${shown.length} of ${upstreams.length}`}
        </span>
        <span class="keys-hint" id="upstreams-keys">
          arrow keys go from tile to tile
        </span>
        <span class="spacer" />
        {upstreams.length === 0 ? null : <SparkLegend />}
        {upstreams.length >= FILTERED_FROM || route.filter !== '' ? (
          <input
            type="search"
            class="filter"
            placeholder="Filter by name"
            aria-label="Filter upstreams by name"
            value={route.filter}
            onInput={({ currentTarget }) => {
              onRoute({ filter: currentTarget.value });
            }}
          />
        ) : null}
        <OrderChoice
          order={route.order}
          onChoose={(order) => {
            onRoute({ order });
          }}
        />
      </div>
      {upstreams.length === 0 ? (
        <p class="empty">No upstream is configured. Name one under `upstreams` in the gateway’s file.</p>
      ) : shown.length === 0 ? (
        <p class="empty">No upstream has “{route.filter}” in its name.</p>
      ) : (
        <ul class="tiles" aria-describedby="upstreams-keys" onKeyDown={focus.onKeyDown}>
          {shown.map((upstream) => (
            <UpstreamTile
              key={upstream.name}
              upstream={upstream}
              at={at}
              brief={many || (narrow && upstream.status === 'up' && upstream.breaker.state === 'closed')}
              actions={gateway.actions}
              tabIndex={focus.tabIndexOf(upstream.name)}
              onEnter={() => {
                focus.entered(upstream.name);
              }}
              onAsk={(action) => {
                onAsk(upstream.name, action);
              }}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

function OrderChoice({
  order,
  onChoose,
}: {
  readonly order: UpstreamOrder;
  readonly onChoose: (order: UpstreamOrder) => void;
}): VNode {
  const words: Record<UpstreamOrder, string> = { configured: 'As configured', worst: 'Worst first' };
  return (
    <div class="choice" role="group" aria-label="Order of upstreams">
      {(['configured', 'worst'] as const).map((choice) => (
        <button
          key={choice}
          type="button"
          aria-pressed={choice === order}
          onClick={() => {
            onChoose(choice);
          }}
        >
          {words[choice]}
        </button>
      ))}
    </div>
  );
}
