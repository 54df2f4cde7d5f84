import { type VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ActionDialog } from './action-dialog.js';
import { adminToken } from './admin-token.js';
import { CompositeTable } from './composite-table.js';
import { CompositeView } from './composite-view.js';
import { connectionWords, GatewayHeader } from './gateway-header.js';
import { clockTime } from './humane-times.js';
import { ACTION_WORDS, type OperatorAction, perform } from './operator-action.js';
import { situationOf } from './situation.js';
import { SituationBanner } from './situation-banner.js';
import { TransitionFeed } from './transition-feed.js';
import { UpstreamGrid } from './upstream-grid.js';
import { useLive } from './use-live.js';
import { useRoute } from './use-route.js';

interface Asked {
  readonly upstream: string;
  readonly action: OperatorAction;
  readonly refused: boolean;
}

/** How long it is said what an action did. */
const SAID_FOR_MS = 6_000;

export function ConsolePage(): VNode {
  const { state, connection, transitions, news } = useLive();
  const [route, changeRoute] = useRoute();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [hasToken, setHasToken] = useState(adminToken.read() !== null);
  const [said, say] = useSaid();
  useTitle(state === null ? 'Tributary' : `${situationOf(state).sentence} · Tributary`);
  const returnedFrom = useLast(route.composite);

  useEffect(() => {
    // Back from a composite: to its row, not to the top of the page.
    if (route.composite === null && returnedFrom !== null) focusItem(returnedFrom);
  }, [route.composite]);

  const ask = async (upstream: string, action: OperatorAction): Promise<void> => {
    const token = adminToken.read();
    if (token === null || action === 'force-open') {
      setAsked({ upstream, action, refused: false });
      return;
    }
    const result = await perform(upstream, action, token);
    if (result.kind === 'done') say({ ok: true, text: `${upstream}: ${ACTION_WORDS[action].done}` });
    else if (result.kind === 'failed') say({ ok: false, text: `${upstream}: ${result.why}` });
    else {
      adminToken.forget();
      setHasToken(false);
      setAsked({ upstream, action, refused: true });
    }
  };
  const show = (upstream: string): void => {
    changeRoute({ composite: null, filter: '' });
    requestAnimationFrame(() => {
      focusItem(upstream);
    });
  };
  const askedOf = state?.upstreams.find(({ name }) => name === asked?.upstream);

  return (
    <>
      <nav class="skip" aria-label="Skip">
        <SkipLink to="main" text="Skip to the upstreams" />
        {route.composite === null ? <SkipLink to="composites" text="Skip to the composites" /> : null}
        <SkipLink to="feed" text="Skip to the transitions" />
      </nav>
      <GatewayHeader
        gateway={state?.gateway ?? null}
        at={state?.at ?? null}
        connection={connection}
        hasToken={hasToken}
        onForgetToken={() => {
          adminToken.forget();
          setHasToken(false);
        }}
      />
      {state !== null && connection.kind !== 'live' ? (
        <p class="old" role="status">
          What you see is of {clockTime(state.at)}: {connectionWords(connection)}.
        </p>
      ) : null}
      <div class="page">
        <main id="main" tabIndex={-1}>
          {state === null ? (
            <p class="empty">
              {connection.kind === 'reconnecting'
                ? 'The gateway does not answer. Trying again.'
                : 'Waiting for the gateway…'}
            </p>
          ) : route.composite === null ? (
            <>
              <SituationBanner state={state} transitions={transitions} onShow={show} />
              <UpstreamGrid
                state={state}
                route={route}
                onRoute={changeRoute}
                onAsk={(upstream, action) => void ask(upstream, action)}
              />
              <CompositeTable composites={state.composites} route={route} onRoute={changeRoute} />
            </>
          ) : (
            <CompositeView
              key={route.composite}
              name={route.composite}
              state={state}
              route={route}
              onRoute={changeRoute}
            />
          )}
        </main>
        <TransitionFeed
          transitions={transitions}
          upstreams={state?.upstreams.map(({ name }) => name) ?? []}
          only={route.feed}
          onOnly={(feed) => {
            changeRoute({ feed });
          }}
        />
      </div>
      <p class="visually-hidden" aria-live="polite">
        {news?.text}
      </p>
      <p class="said" role="status" data-ok={said?.ok} hidden={said === null}>
        {said?.text}
      </p>
      {asked === null || askedOf === undefined ? null : (
        <ActionDialog
          upstream={askedOf}
          action={asked.action}
          refused={asked.refused}
          onDone={() => {
            say({ ok: true, text: `${asked.upstream}: ${ACTION_WORDS[asked.action].done}` });
            setHasToken(true);
            setAsked(null);
          }}
          onClose={() => {
            setHasToken(adminToken.read() !== null);
            setAsked(null);
          }}
        />
      )}
    </>
  );
}

/** A link within the page that leaves the address alone, which holds the route. */
function SkipLink({ to, text }: { readonly to: string; readonly text: string }): VNode {
  return (
    <a
      href={`#${to}`}
      onClick={(event) => {
        event.preventDefault();
        document.getElementById(to)?.focus();
      }}
    >
      {text}
    </a>
  );
}

interface Said {
  readonly ok: boolean;
  readonly text: string;
}

function useSaid(): [Said | null, (said: Said) => void] {
  const [said, setSaid] = useState<Said | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => {
      setSaid(null);
    }, SAID_FOR_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [said]);
  return [said, setSaid];
}

function useTitle(title: string): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
}

/** What a value was before it changed. */
function useLast<T>(value: T): T | null {
  const last = useRef<T | null>(null);
  const before = last.current;
  useEffect(() => {
    last.current = value;
  }, [value]);
  return before;
}

function focusItem(item: string): void {
  const element = document.querySelector<HTMLElement>(`[data-item="${CSS.escape(item)}"]`);
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: 'center' });
}
