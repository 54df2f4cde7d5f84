import { type VNode } from 'preact';
import { type EndpointState, type UpstreamStatus } from '../console-state.js';
import { humaneCountdown } from './humane-times.js';
import { StatusMark } from './status-mark.js';

const STATUS: Record<EndpointState['state'], UpstreamStatus> = {
  available: 'up',
  'slow-start': 'degraded',
  ejected: 'down',
  refused: 'down',
};

/** The endpoints of an upstream that has several, and which of them take calls. */
export function EndpointList({ endpoints }: { readonly endpoints: readonly EndpointState[] }): VNode {
  return (
    <ul class="endpoints">
      {endpoints.map(({ origin, state, returnsInMs }) => (
        <li key={origin}>
          <StatusMark status={STATUS[state]} />
          <span class="origin" title={origin}>
            {origin.replace(/^https?:\/\//, '')}
          </span>
          <span class="quiet">
            {state === 'slow-start' ? 'slow start' : state === 'available' ? '' : state}
            {returnsInMs > 0 ? `, back in ${humaneCountdown(returnsInMs)}` : ''}
          </span>
        </li>
      ))}
    </ul>
  );
}
