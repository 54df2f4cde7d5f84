import { type VNode } from 'preact';
import { useState } from 'preact/hooks';
import { type CompositeDetail, type RequestRecord } from '../console-state.js';
import { type RequestList as Which } from './hash-route.js';
import { clockTime, humaneDuration } from './humane-times.js';
import { RequestWaterfall, statusWords } from './request-waterfall.js';
import { spanOnScale } from './time-scale.js';
import { useRovingFocus } from './use-roving-focus.js';

const TITLES: Record<Which, string> = { recent: 'Recent', notable: 'Slow, partial or failed' };
const TABS = ['recent', 'notable'] as const;

/**
 * The last requests, and the one that is looked at. The list flows on while the composite is asked for, but stands still
 * under the pointer and the focus; what is looked at stays, even when the gateway has forgotten it.
 */
export function RequestList({
  detail,
  which,
  onWhich,
}: {
  readonly detail: CompositeDetail;
  readonly which: Which;
  readonly onWhich: (which: Which) => void;
}): VNode {
  const [chosen, setChosen] = useState<Partial<Record<Which, RequestRecord>>>({});
  const [held, setHeld] = useState<readonly RequestRecord[] | null>(null);
  const requests = held ?? detail[which];
  const hold = (): void => {
    setHeld((before) => before ?? requests);
  };
  const letGo = (): void => {
    setHeld(null);
  };
  const shown = chosen[which] ?? requests[0];
  if (shown !== undefined && chosen[which] === undefined) setChosen({ ...chosen, [which]: shown });
  const tabs = useRovingFocus(TABS, (tab) => {
    letGo();
    onWhich(tab as Which);
  });
  const choose = (requestId: string): void => {
    const request = requests.find((one) => one.requestId === requestId);
    if (request !== undefined) setChosen({ ...chosen, [which]: request });
  };
  const focus = useRovingFocus(
    requests.map(({ requestId }) => requestId),
    choose,
  );
  const endMs = usualLongest(requests);
  return (
    <section aria-labelledby="requests-title" class="requests">
      <div class="section-head">
        <h3 id="requests-title">Last requests</h3>
        <div class="choice" role="tablist" aria-labelledby="requests-title" onKeyDown={tabs.onKeyDown}>
          {TABS.map((tab) => (
            <button
              key={tab}
              type="button"
              role="tab"
              data-item={tab}
              id={`tab-${tab}`}
              aria-selected={tab === which}
              aria-controls="requests-panel"
              tabIndex={tab === which ? 0 : -1}
              onClick={() => {
                letGo();
                onWhich(tab);
              }}
            >
              {TITLES[tab]} <span class="quiet">{detail[tab].length}</span>
            </button>
          ))}
        </div>
        <span class="quiet">{held === null ? '' : 'stands still while you read'}</span>
      </div>
      <div id="requests-panel" role="tabpanel" aria-labelledby={`tab-${which}`}>
        {shown === undefined ? (
          <p class="empty">
            {which === 'recent'
              ? 'Nobody has asked for it yet. The next request appears here by itself.'
              : 'No request was slow, partial or failed so far.'}
          </p>
        ) : (
          <div class="requests-panes">
            <ul
              class="request-list"
              role="listbox"
              aria-label={`${TITLES[which]} requests`}
              onKeyDown={focus.onKeyDown}
              onFocusIn={hold}
              onFocusOut={({ currentTarget }) => {
                if (!currentTarget.matches(':hover')) letGo();
              }}
              onPointerEnter={hold}
              onPointerLeave={({ currentTarget }) => {
                if (!currentTarget.contains(document.activeElement)) letGo();
              }}
            >
              {requests.map((request) => (
                <li
                  key={request.requestId}
                  role="option"
                  data-item={request.requestId}
                  tabIndex={focus.tabIndexOf(request.requestId)}
                  aria-selected={request.requestId === shown.requestId}
                  onFocus={() => {
                    focus.entered(request.requestId);
                  }}
                  onClick={() => {
                    choose(request.requestId);
                  }}
                  onKeyDown={({ key }) => {
                    if (key === 'Enter' || key === ' ') choose(request.requestId);
                  }}
                >
                  <span>{clockTime(request.at)}</span>
                  <span class={(request.status ?? 0) >= 500 ? 'bad-text' : ''}>{statusWords(request)}</span>
                  <RequestStrip request={request} endMs={endMs} />
                  <span class="request-time">{humaneDuration(request.durationMs)}</span>
                </li>
              ))}
            </ul>
            <RequestWaterfall request={shown} plan={detail.plan} />
          </div>
        )}
      </div>
    </section>
  );
}

/** A waterfall in small: enough to see which of them is unlike the others. */
function RequestStrip({
  request,
  endMs,
}: {
  readonly request: RequestRecord;
  readonly endMs: number;
}): VNode {
  return (
    <span class="strip" aria-label={request.complete ? 'complete' : 'incomplete'} role="img">
      {request.parts.map(({ part, state, startedAtMs, durationMs }) => {
        const span = spanOnScale(
          { endMs, ticksMs: [] },
          startedAtMs ?? 0,
          startedAtMs === null ? 0 : durationMs,
        );
        return (
          <span key={part} class="strip-lane">
            <span
              class="lane-bar"
              data-state={state}
              style={{ left: `${span.left}%`, width: `${span.width}%` }}
            />
          </span>
        );
      })}
    </span>
  );
}

/** The scale of the small waterfalls: one request that took very long is not to squeeze all others. */
function usualLongest(requests: readonly RequestRecord[]): number {
  const durations = requests.map(({ durationMs }) => durationMs).sort((one, other) => one - other);
  return Math.max(1, durations[Math.floor(durations.length * 0.9)] ?? 1);
}
