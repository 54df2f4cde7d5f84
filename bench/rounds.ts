import { type LoadResult } from './load-order.js';
import { type Usage } from './topics.js';

/** One server, measured over one round. */
export interface Measurement {
  readonly cpuMicrosPerComposite: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssBytes: number;
  /** CPU time over time passed: near 1 for a server that was the bottleneck. */
  readonly busy: number;
  /** 3 for a server that takes no short cuts. */
  readonly upstreamCallsPerComposite: number;
  readonly composites: number;
}

/** What was read before and after the load of a round. */
export interface Reading {
  readonly usage: Usage;
  readonly upstreamCalls: number;
}

/** a b c d, then d c b a, and so on: whatever drifts on this machine meets all of them alike. */
export function orderOfRound<T>(contestants: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? contestants : contestants.toReversed();
}

/** What a round's load and the readings around it come to. */
export function measured(before: Reading, load: LoadResult, after: Reading): Measurement {
  const cpuMicros = after.usage.cpuMicros - before.usage.cpuMicros;
  return {
    cpuMicrosPerComposite: cpuMicros / load.requests,
    requestsPerSecond: load.requests / load.seconds,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    rssBytes: after.usage.rssBytes,
    busy: cpuMicros / 1_000_000 / load.seconds,
    upstreamCallsPerComposite: (after.upstreamCalls - before.upstreamCalls) / load.requests,
    composites: load.requests,
  };
}
