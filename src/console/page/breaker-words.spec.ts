import { type UpstreamState } from '../console-state.js';
import { breakerWords } from './breaker-words.js';
import { NARROW } from './humane-numbers.js';
import { upstreamState } from './testing/console-state.js';

function words(differently: Partial<UpstreamState['breaker']>): string {
  const { state, rest } = breakerWords({ ...upstreamState('a').breaker, ...differently }, 12_000);
  return `${state}${rest}`.replaceAll(NARROW, ' ');
}

describe('what a breaker does, in words', () => {
  it.each([
    [{ failureRatePercent: 12 }, 'closed, 12 % failing'],
    [{ state: 'open', nextProbeInMs: 3_200 }, 'open for 12 s, probe in 4 s'],
    [{ state: 'open', nextProbeInMs: 0 }, 'open for 12 s, probes with the next call'],
    [{ state: 'half-open', since: 11_000 }, 'half-open for 1 s, probing'],
    [{ state: 'force-open' }, 'forced open for 12 s, refuses all calls'],
    [{ state: 'disabled' }, 'off'],
    [{ state: 'metrics-only', failureRatePercent: 80 }, 'counts only, 80 % failing'],
  ] as const)('of %p: %s', (differently, expected) => {
    expect(words(differently)).toBe(expected);
  });
});
