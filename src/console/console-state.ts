/**
 * What the console's page and its server say to each other. Times are ms, moments ms since the epoch, unless they say
 * otherwise; null is what is not known yet.
 *
 * | request                                      | answer                                                                |
 * | -------------------------------------------- | --------------------------------------------------------------------- |
 * | `GET /console/api/events`                    | an event stream: `state` at once and each second, `transition` as they happen, those of the past first |
 * | `GET /console/api/composites/{name}`         | {@link CompositeDetail}                                               |
 * | `PUT /console/api/upstreams/{name}/breaker`  | {@link BreakerAction} with the admin token; 204                       |
 * | `PUT /console/api/upstreams/{name}/probe`    | {@link ProbeAction} with the admin token; 204                         |
 *
 * Names are URL-encoded. What cannot be answered is a problem document: 401 and 403 without the token, 400 for a body that
 * is no action, 404 for an unknown name (it says the nearest one), 409 to pause what nobody probes, 503 with `Retry-After`
 * where 50 clients read events already.
 */

/** Everything at a glance: the data of a `state` event. */
export interface ConsoleState {
  readonly at: number;
  readonly gateway: GatewayState;
  /** In the order of the configuration. */
  readonly upstreams: readonly UpstreamState[];
  /** Those of the configuration in its order, then those that code has shown so far. */
  readonly composites: readonly CompositeState[];
}

export interface GatewayState {
  readonly version: string;
  readonly startedAt: number;
  readonly ready: boolean;
  /** 1 for the configuration it was started with, one more for each that took its place. */
  readonly generation: number;
  /** Whether a newer configuration was refused since. */
  readonly configurationRefused: boolean;
  /** Over the last ten seconds, `/health` left out. */
  readonly requestsPerSecond: number;
  readonly inFlight: number;
  /** The longest the event loop was late in the last second. */
  readonly loopDelayMs: number;
  /** Whether operators can change anything: an admin token is set. */
  readonly actions: boolean;
}

export type UpstreamStatus = 'up' | 'degraded' | 'down' | 'unknown';
export type BreakerState = 'closed' | 'open' | 'half-open' | 'force-open' | 'disabled' | 'metrics-only';

export interface UpstreamState {
  readonly name: string;
  readonly status: UpstreamStatus;
  /** In a few words; null where there is nothing to say. */
  readonly reason: string | null;
  readonly critical: boolean;
  readonly breaker: {
    readonly state: BreakerState;
    readonly since: number;
    /** Until it lets a probe through; null unless it is open. */
    readonly nextProbeInMs: number | null;
    readonly failureRatePercent: number;
    readonly thresholdPercent: number;
  };
  /** The last one that asked for its health; null where nobody asks, or has yet. */
  readonly probe: {
    readonly ok: boolean;
    readonly at: number;
    readonly durationMs: number;
    readonly reason: string | null;
  } | null;
  /** Whether probes are paused by an operator. */
  readonly probePaused: boolean;
  readonly callsPerSecond: number;
  /** Over the last minute. */
  readonly window: CallStatistics;
  readonly series: LatencySeries;
  readonly bulkhead: { readonly inUse: number; readonly queued: number; readonly limit: number };
  /** How many retries the budget has left. */
  readonly retryBudget: number;
  /** Where there are several. */
  readonly endpoints: readonly EndpointState[];
  /** Names of the composites that call it. */
  readonly composites: readonly string[];
}

export interface CallStatistics {
  readonly calls: number;
  readonly errors: number;
  readonly errorPercent: number;
  readonly timeouts: number;
  /** Refused by an open breaker or a full bulkhead. */
  readonly rejections: number;
  readonly retries: number;
  readonly hedges: number;
  readonly hedgesWon: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** The last minutes, step by step, the oldest first; the last step is the one that runs. All lists are equally long. */
export interface LatencySeries {
  readonly stepMs: number;
  readonly calls: readonly number[];
  readonly errors: readonly number[];
  readonly p50Ms: readonly (number | null)[];
  readonly p95Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
}

export interface EndpointState {
  readonly origin: string;
  readonly state: 'available' | 'ejected' | 'refused' | 'slow-start';
  /** 0 unless it is ejected. */
  readonly returnsInMs: number;
}

export interface CompositeState {
  readonly name: string;
  readonly method: string;
  readonly route: string;
  readonly requestsPerSecond: number;
  /** Over the last minute. */
  readonly requests: number;
  /**
   * Answered with everything; the rest was partial, or failed. Of the requests that say something about the composite: not
   * those that are their client's to blame for (4xx), nor those whose client has left.
   */
  readonly completePercent: number | null;
  /** Answered with 5xx; of the same requests. */
  readonly failedPercent: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** What was missing or failed in the last minute, the most frequent first. */
  readonly degradedBy: readonly Degradation[];
}

export interface Degradation {
  readonly part: string;
  readonly upstreams: readonly string[];
  /** `timeout`, `open`, ...: the reasons of the part report. */
  readonly reason: string;
  /** How many requests. */
  readonly count: number;
}

/**
 * The data of a `transition` event. Its `id` is that of the event, for `Last-Event-ID`; it counts on, also when the gateway is
 * started again.
 */
export interface Transition {
  readonly id: number;
  readonly at: number;
  readonly severity: 'good' | 'info' | 'warning' | 'bad';
  readonly kind: 'breaker' | 'health' | 'endpoint' | 'configuration' | 'admission' | 'operator';
  /** Null where it is the gateway's own. */
  readonly upstream: string | null;
  /** A sentence, such as `breaker of reviews opened: 60 % of 25 calls failed`. */
  readonly text: string;
}

/** One composite, looked at closely. */
export interface CompositeDetail {
  readonly name: string;
  readonly plan: readonly PlanPart[];
  /** The last requests, the latest first. */
  readonly recent: readonly RequestRecord[];
  /**
   * The last that were slow, partial or failed, the latest first. Slow is what took 1.5 times as long as 95 % of the requests
   * of the last five minutes, once there were 20. A 4xx is no failure.
   */
  readonly notable: readonly RequestRecord[];
}

export interface PlanPart {
  readonly part: string;
  readonly required: boolean;
  /** The parts it waits for. */
  readonly needs: readonly string[];
  readonly upstreams: readonly string[];
}

export interface RequestRecord {
  readonly requestId: string;
  readonly at: number;
  readonly method: string;
  /** Null where the client left before there was one. */
  readonly status: number | null;
  /** Of the composite: what it took to write the answer is not in it. */
  readonly durationMs: number;
  readonly complete: boolean;
  /** Null where it is not traced. */
  readonly traceId: string | null;
  readonly parts: readonly PartRecord[];
}

export interface PartRecord {
  readonly part: string;
  readonly state: 'ok' | 'fallback' | 'stale' | 'skipped' | 'failed';
  readonly reason: string | null;
  /** After the beginning of the composite; null for a part that never began. */
  readonly startedAtMs: number | null;
  readonly durationMs: number;
  /** Of a list join, such as `37/40`. */
  readonly items: string | null;
  /** What went wrong, for whoever runs the gateway. */
  readonly detail: string | null;
}

/**
 * `force-open` refuses all calls until another action. `close` lets calls through now, and the breaker goes on by itself,
 * whatever the configuration has it do. `reset` is back in the mode of the configuration. Both forget what was counted. A reload
 * changes nothing of it, unless the file says another mode than it did.
 */
export interface BreakerAction {
  readonly action: 'force-open' | 'close' | 'reset';
}

/** What probes have found counts for nothing while they are paused: calls alone say how the upstream is. */
export interface ProbeAction {
  readonly paused: boolean;
}
