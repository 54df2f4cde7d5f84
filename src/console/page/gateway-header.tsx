import { type VNode } from 'preact';
import { type GatewayState } from '../console-state.js';
import { type Connection } from './console-stream.js';
import { humaneCount, humaneRate, NOTHING } from './humane-numbers.js';
import { humaneDuration, humaneSpan } from './humane-times.js';
import { StatusMark } from './status-mark.js';
import { ThemeChoice } from './theme-choice.js';

/** The gateway itself, in a line, and how the page stands with it. */
export function GatewayHeader({
  gateway,
  at,
  connection,
  hasToken,
  onForgetToken,
}: {
  readonly gateway: GatewayState | null;
  readonly at: number | null;
  readonly connection: Connection;
  readonly hasToken: boolean;
  readonly onForgetToken: () => void;
}): VNode {
  return (
    <header class="bar">
      <a class="brand" href="#/">
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
          <path class="brand-lines" d="M2 5c7 0 8 7 14 7M2 12h20M2 19c7 0 8-7 14-7" />
        </svg>
        <h1>Tributary</h1>
      </a>
      {gateway === null ? null : (
        <p class="ready">
          <StatusMark status={gateway.ready ? 'up' : 'down'} />
          <span>{gateway.ready ? 'ready' : 'not ready'}</span>
        </p>
      )}
      <dl class="gateway-figures">
        <Figure name="requests" value={gateway === null ? NOTHING : humaneRate(gateway.requestsPerSecond)} />
        <Figure name="in flight" value={gateway === null ? NOTHING : humaneCount(gateway.inFlight)} />
        <Figure name="loop delay" value={gateway === null ? NOTHING : humaneDuration(gateway.loopDelayMs)} />
        <Figure
          name="running for"
          value={gateway === null || at === null ? NOTHING : humaneSpan(at - gateway.startedAt)}
        />
      </dl>
      {gateway === null ? null : (
        <p class="version">
          <span>v{gateway.version}</span>
          <span>
            generation {gateway.generation}
            {gateway.configurationRefused ? (
              <strong class="warning-text">
                {' '}
                <StatusMark status="degraded" /> newer configuration refused
              </strong>
            ) : null}
          </span>
        </p>
      )}
      <span class="spacer" />
      {hasToken ? (
        <button type="button" class="quiet-button" onClick={onForgetToken}>
          Forget token
        </button>
      ) : null}
      <ConnectionMark connection={connection} />
      <ThemeChoice />
    </header>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function ConnectionMark({ connection }: { readonly connection: Connection }): VNode {
  return (
    <p class="connection" data-kind={connection.kind}>
      <span class="connection-dot" aria-hidden="true" />
      <span>{connectionWords(connection)}</span>
    </p>
  );
}

export function connectionWords(connection: Connection): string {
  switch (connection.kind) {
    case 'connecting':
      return 'connecting';
    case 'live':
      return 'live';
    case 'silent':
      return `silent for ${humaneSpan(Date.now() - connection.since)}`;
    case 'reconnecting':
      return `reconnecting for ${humaneSpan(Date.now() - connection.since)}`;
  }
}
