import { type VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { type Transition } from '../console-state.js';
import { clockTime } from './humane-times.js';
import { SeverityMark } from './status-mark.js';
import { heldBack } from './transition-log.js';

/** What has changed, the latest first. While one reads further down, it stands still. */
export function TransitionFeed({
  transitions,
  upstreams,
  only,
  onOnly,
}: {
  readonly transitions: readonly Transition[];
  readonly upstreams: readonly string[];
  /** The upstream whose transitions are shown; null for all. */
  readonly only: string | null;
  readonly onOnly: (upstream: string | null) => void;
}): VNode {
  const list = useRef<HTMLOListElement>(null);
  const [held, setHeld] = useState<Transition | undefined>();
  const wanted = only === null ? transitions : transitions.filter(({ upstream }) => upstream === only);
  const { shown, waiting } = heldBack(wanted, held);

  const scrolled = (): void => {
    const atTop = (list.current?.scrollTop ?? 0) < 8;
    if (atTop) setHeld(undefined);
    else setHeld((before) => before ?? wanted[0]);
  };
  return (
    <section class="feed" aria-labelledby="feed-title" id="feed" tabIndex={-1}>
      <div class="section-head">
        <h2 id="feed-title">Transitions</h2>
        <span class="spacer" />
        <select
          aria-label="Transitions of"
          value={only ?? ''}
          onChange={({ currentTarget }) => {
            onOnly(currentTarget.value === '' ? null : currentTarget.value);
            setHeld(undefined);
          }}
        >
          <option value="">all upstreams</option>
          {[...upstreams, ...(only === null || upstreams.includes(only) ? [] : [only])].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      {waiting > 0 ? (
        <button
          type="button"
          class="feed-waiting"
          onClick={() => {
            setHeld(undefined);
            list.current?.scrollTo({ top: 0 });
          }}
        >
          ↑ {waiting} new
        </button>
      ) : null}
      {shown.length === 0 ? (
        <p class="empty">
          {only === null
            ? 'Nothing has changed since the gateway was started.'
            : `Nothing has changed at ${only}.`}
        </p>
      ) : (
        <ol ref={list} tabIndex={0} aria-label="Transitions, the latest first" onScroll={scrolled}>
          {shown.map((transition) => (
            <li key={`${transition.id} ${transition.at}`} data-severity={transition.severity}>
              <SeverityMark severity={transition.severity} />
              <time dateTime={new Date(transition.at).toISOString()}>{clockTime(transition.at)}</time>
              <span class="sentence">{transition.text}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
