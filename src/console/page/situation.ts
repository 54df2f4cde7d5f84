import { type ConsoleState, type UpstreamState, type UpstreamStatus } from '../console-state.js';
import { counted, listed } from './humane-numbers.js';

/** Everything in a sentence: what hurts, and which composites feel it. */
export interface Situation {
  readonly status: UpstreamStatus;
  readonly sentence: string;
  /** The upstreams that are not well, the worst first. */
  readonly hurting: readonly UpstreamState[];
  /** The composites that call one of them. */
  readonly feltBy: readonly string[];
  /** How the composites have answered in the last minute. */
  readonly answers: { readonly requests: number; readonly completePercent: number | null };
}

/** How many are named before they are counted. */
const NAMED = 3;

export function situationOf(state: ConsoleState): Situation {
  return { ...judged(state), answers: answersOf(state) };
}

function answersOf({ composites }: ConsoleState): Situation['answers'] {
  const requests = composites.reduce((sum, composite) => sum + composite.requests, 0);
  const complete = composites.reduce(
    (sum, composite) => sum + (composite.requests * (composite.completePercent ?? 0)) / 100,
    0,
  );
  return { requests, completePercent: requests === 0 ? null : Math.min(100, (complete / requests) * 100) };
}

function judged({ upstreams, gateway }: ConsoleState): Omit<Situation, 'answers'> {
  const down = upstreams.filter(({ status }) => status === 'down');
  const degraded = upstreams.filter(({ status }) => status === 'degraded');
  const unknown = upstreams.filter(({ status }) => status === 'unknown');
  const hurting = [...down, ...degraded];
  const called = new Set(hurting.flatMap(({ composites }) => composites));
  const feltBy = [...called];
  if (hurting.length > 0) {
    const status = down.length > 0 ? 'down' : 'degraded';
    const parts = [said(down, 'down'), said(degraded, 'degraded')].filter((part) => part !== '');
    return { status, sentence: parts.join(', '), hurting, feltBy };
  }
  if (!gateway.ready) return { status: 'degraded', sentence: 'The gateway is not ready', hurting, feltBy };
  if (upstreams.length === 0)
    return { status: 'unknown', sentence: 'No upstream is configured', hurting, feltBy };
  if (unknown.length > 0) {
    const all = unknown.length === upstreams.length;
    const sentence = all
      ? 'Nothing is known of the upstreams yet'
      : `${said(unknown, 'unknown')}, all others are up`;
    return { status: 'unknown', sentence, hurting, feltBy };
  }
  const sentence =
    upstreams.length === 1 ? `${upstreams[0]?.name ?? ''} is up` : `All ${upstreams.length} upstreams are up`;
  return { status: 'up', sentence, hurting, feltBy };
}

function said(upstreams: readonly UpstreamState[], what: string): string {
  if (upstreams.length === 0) return '';
  const verb = upstreams.length === 1 ? 'is' : 'are';
  const who =
    upstreams.length <= NAMED
      ? listed(upstreams.map(({ name }) => name))
      : counted(upstreams.length, 'upstream');
  return `${who} ${verb} ${what}`;
}
