import { type VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type ConsoleState } from '../console-state.js';
import { Completeness } from './completeness.js';
import { DegradationList } from './degradation-list.js';
import { formatHash, type Route } from './hash-route.js';
import { counted, humanePercent, humaneRate } from './humane-numbers.js';
import { humaneDuration } from './humane-times.js';
import { PlanGraph } from './plan-graph.js';
import { RequestList } from './request-list.js';
import { useCompositeDetail } from './use-composite-detail.js';

/** All of one composite: its plan, how its parts fare, and its last requests. */
export function CompositeView({
  name,
  state,
  route,
  onRoute,
}: {
  readonly name: string;
  readonly state: ConsoleState;
  readonly route: Route;
  readonly onRoute: (change: Partial<Route>) => void;
}): VNode {
  const loaded = useCompositeDetail(name);
  const title = useRef<HTMLHeadingElement>(null);
  const composite = state.composites.find((one) => one.name === name);

  useEffect(() => {
    title.current?.focus();
    window.scrollTo(0, 0);
    const leave = (event: KeyboardEvent): void => {
      const inDialog = (event.target as HTMLElement).closest('dialog, input, [role=menu]') !== null;
      if (event.key === 'Escape' && !event.defaultPrevented && !inDialog) onRoute({ composite: null });
    };
    document.addEventListener('keydown', leave);
    return () => {
      document.removeEventListener('keydown', leave);
    };
  }, [name]);

  return (
    <section class="composite" aria-labelledby="composite-title">
      <p class="back">
        <a href={formatHash({ ...route, composite: null })}>← All upstreams and composites</a>
      </p>
      <h2 id="composite-title" tabIndex={-1} ref={title}>
        {name}
      </h2>
      {composite === undefined ? null : (
        <>
          {name === `${composite.method} ${composite.route}` ? null : (
            <p class="address">
              {composite.method} {composite.route}
            </p>
          )}
          <dl class="composite-figures">
            <div>
              <dt>requests</dt>
              <dd>{humaneRate(composite.requestsPerSecond)}</dd>
            </div>
            <div>
              <dt>complete</dt>
              <dd>
                <Completeness percent={composite.completePercent} />
              </dd>
            </div>
            <div>
              <dt>failed</dt>
              <dd class={(composite.failedPercent ?? 0) > 0 ? 'bad-text' : ''}>
                {humanePercent(composite.failedPercent)}
              </dd>
            </div>
            <div>
              <dt>p50</dt>
              <dd>{humaneDuration(composite.p50Ms)}</dd>
            </div>
            <div>
              <dt>p95</dt>
              <dd>{humaneDuration(composite.p95Ms)}</dd>
            </div>
            <div class="composite-causes">
              <dt>degraded by</dt>
              <dd>
                {composite.degradedBy.length > 0 ? (
                  <DegradationList degradedBy={composite.degradedBy} most={6} />
                ) : (
                  <span class="quiet">
                    {composite.requests === 0
                      ? 'no request in the last minute'
                      : `nothing in ${counted(composite.requests, 'request')}`}
                  </span>
                )}
              </dd>
            </div>
          </dl>
        </>
      )}
      {loaded.kind === 'loading' ? <p class="empty">Loading…</p> : null}
      {loaded.kind === 'failed' ? <p class="empty">The gateway does not answer. Trying again.</p> : null}
      {loaded.kind === 'unknown' ? (
        <p class="empty">
          The gateway knows no composite of this name. It may have been removed from its file.
        </p>
      ) : null}
      {loaded.kind === 'there' ? (
        <>
          <div class="section-head">
            <h3>Plan</h3>
            <span class="quiet section-note">parts run as soon as what they wait for is there</span>
          </div>
          {loaded.detail.plan.length === 0 ? (
            <p class="empty">Its code has shown no part yet; the first request will.</p>
          ) : (
            <PlanGraph
              plan={loaded.detail.plan}
              upstreams={state.upstreams}
              requests={loaded.detail.recent}
            />
          )}
          <RequestList
            detail={loaded.detail}
            which={route.requests}
            onWhich={(requests) => {
              onRoute({ requests });
            }}
          />
        </>
      ) : null}
    </section>
  );
}
