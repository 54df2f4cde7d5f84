import { type VNode } from 'preact';
import { type UpstreamState } from '../console-state.js';
import { breakerWords } from './breaker-words.js';

/** What the breaker does, in a line. */
export function BreakerLine({
  breaker,
  at,
}: {
  readonly breaker: UpstreamState['breaker'];
  readonly at: number;
}): VNode {
  const { state, rest } = breakerWords(breaker, at);
  return (
    <span class="breaker-line">
      <span class="breaker-state" data-state={breaker.state}>
        {state}
      </span>
      {rest}
    </span>
  );
}
