import { type UpstreamState } from '../console-state.js';
import { humanePercent } from './humane-numbers.js';
import { humaneCountdown, humaneSpan } from './humane-times.js';

/** What the breaker does, in a few words: `open`, and what of it there is to say, ` for 12 s, probe in 4 s`. */
export function breakerWords(
  { state, since, nextProbeInMs, failureRatePercent }: UpstreamState['breaker'],
  at: number,
): { readonly state: string; readonly rest: string } {
  const lasting = ` for ${humaneSpan(at - since)}`;
  const failing = `, ${humanePercent(failureRatePercent)} failing`;
  switch (state) {
    case 'closed':
      return { state: 'closed', rest: failing };
    case 'open':
      if (nextProbeInMs === null) return { state: 'open', rest: lasting };
      return nextProbeInMs <= 0
        ? { state: 'open', rest: `${lasting}, probes with the next call` }
        : { state: 'open', rest: `${lasting}, probe in ${humaneCountdown(nextProbeInMs)}` };
    case 'half-open':
      return { state: 'half-open', rest: `${lasting}, probing` };
    case 'force-open':
      return { state: 'forced open', rest: `${lasting}, refuses all calls` };
    case 'disabled':
      return { state: 'off', rest: '' };
    case 'metrics-only':
      return { state: 'counts only', rest: failing };
  }
}
