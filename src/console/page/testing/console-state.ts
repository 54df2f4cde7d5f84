import { type CompositeState, type ConsoleState, type UpstreamState } from '../../console-state.js';

/** An upstream that is well and asked for nothing, but for what a spec says. */
export function upstreamState(name: string, differently: Partial<UpstreamState> = {}): UpstreamState {
  return {
    name,
    status: 'up',
    reason: null,
    critical: false,
    breaker: { state: 'closed', since: 0, nextProbeInMs: null, failureRatePercent: 0, thresholdPercent: 50 },
    probe: null,
    probePaused: false,
    callsPerSecond: 0,
    window: {
      calls: 0,
      errors: 0,
      errorPercent: 0,
      timeouts: 0,
      rejections: 0,
      retries: 0,
      hedges: 0,
      hedgesWon: 0,
      p50Ms: null,
      p95Ms: null,
      p99Ms: null,
    },
    series: { stepMs: 5_000, calls: [], errors: [], p50Ms: [], p95Ms: [], p99Ms: [] },
    bulkhead: { inUse: 0, queued: 0, limit: 64 },
    retryBudget: 10,
    endpoints: [],
    composites: [],
    ...differently,
  };
}

/** A gateway that is ready, with these upstreams and composites. */
export function consoleState(
  upstreams: readonly UpstreamState[],
  composites: readonly Pick<CompositeState, 'requests' | 'completePercent'>[] = [],
): ConsoleState {
  return {
    at: 60_000,
    gateway: {
      version: '1.0.0',
      startedAt: 0,
      ready: true,
      generation: 1,
      configurationRefused: false,
      requestsPerSecond: 0,
      inFlight: 0,
      loopDelayMs: 0,
      actions: false,
    },
    upstreams,
    composites: composites.map((composite, n) => ({
      name: `composite ${n}`,
      method: 'GET',
      route: `/${n}`,
      requestsPerSecond: 0,
      failedPercent: 0,
      p50Ms: null,
      p95Ms: null,
      degradedBy: [],
      ...composite,
    })),
  };
}
