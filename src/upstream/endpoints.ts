import {
  type EjectionChange,
  OutlierDetection,
  type OutlierDetectionPolicy,
  OutlierHost,
  type OutlierSnapshot,
} from '../resilience/outlier-detection.js';
import { type Random } from '../resilience/random.js';
import { type SlowStartPolicy, slowStartWeight } from '../resilience/slow-start.js';
import { type DiscoveredEndpoint } from './dns-discovery.js';

/** One base URL of an upstream, and what is known of it. */
export class Endpoint extends OutlierHost {
  /** Passed over until this moment, on the clock's scale. */
  refusedUntil = -Infinity;
  /** Since when it takes calls, for its slow start. */
  startedAt = -Infinity;
  /** Turns it has saved up while starting slowly; with a whole one it takes its turn. */
  turnsSaved = 0;
  private place: ServerPlace | undefined;

  constructor(
    /** Without a trailing slash; a path is appended to it as it is. */
    readonly baseUrl: string,
    /** What to send as `Host`, where the URL holds an address of it in its place. */
    readonly host?: string,
  ) {
    super();
  }

  /** Scheme, host and port. */
  get origin(): string {
    return new URL(this.baseUrl).origin;
  }

  /** The host it was configured by, even where the URL has an address in its place, and its port. */
  get server(): ServerPlace {
    return (this.place ??= placeOf(this.baseUrl, this.host));
  }
}

/** Where an endpoint is, as traces have it. */
export interface ServerPlace {
  readonly address: string;
  readonly port: number;
}

function placeOf(baseUrl: string, host: string | undefined): ServerPlace {
  const { protocol, hostname, port } = new URL(baseUrl);
  const named = host === undefined ? hostname : new URL(`http://${host}`).hostname;
  return { address: named, port: Number(port || DEFAULT_PORTS[protocol]) };
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

export interface EndpointSnapshot extends Omit<OutlierSnapshot, 'ejected'> {
  readonly origin: string;
  /** `refused`: passed over for a moment, because it has just not taken a connection. */
  readonly state: 'available' | 'ejected' | 'refused';
  /** The part of its fair share it gets while it starts slowly; otherwise 1. */
  readonly weight: number;
}

/** What the choice among several endpoints goes by. */
export interface EndpointsOptions {
  readonly outlierDetection: OutlierDetectionPolicy & { readonly enabled: boolean };
  readonly slowStart: SlowStartPolicy;
  readonly random: Random;
  /** On the clock's scale. */
  readonly now: number;
  /** Whether others may take their place, so that even one alone is watched. */
  readonly discovered?: boolean;
  readonly onEjection?: ((endpoint: Endpoint, change: EjectionChange) => void) | undefined;
}

/** How long an endpoint that refused a connection is passed over, in ms. */
const REFUSED_FOR_MS = 1000;

const NONE: readonly Endpoint[] = [];

/**
 * Chooses among an upstream's endpoints: round robin, passing over those that are ejected or have just refused a
 * connection, and those the call has been to. When that leaves none it goes on round robin: a wrong guess costs one
 * attempt, never trying would cost the upstream. A lone endpoint is never passed over: that is the breaker's affair.
 */
export class Endpoints {
  /** As they were configured, whatever has been discovered since. */
  readonly urls: readonly string[];
  /** Whether there is anything to choose, or may be. */
  readonly isChoice: boolean = false;
  private all: readonly [Endpoint, ...Endpoint[]];
  private readonly detection: OutlierDetection<Endpoint> | undefined;
  private readonly slowStart: SlowStartPolicy | undefined;
  private turn = 0;

  constructor(urls: readonly string[], options?: EndpointsOptions) {
    this.all = someOf(urls.map((url) => new Endpoint(url.replace(/\/+$/, ''))));
    this.urls = this.all.map(({ baseUrl }) => baseUrl);
    if (options === undefined || (this.all.length === 1 && options.discovered !== true)) return;
    this.isChoice = true;
    const { slowStart, outlierDetection, random, now } = options;
    if (slowStart.windowMs > 0) this.slowStart = slowStart;
    if (!outlierDetection.enabled) return;
    this.detection = new OutlierDetection(outlierDetection, random, now, (endpoint, change) => {
      if (change.change === 'returned') startSlowly(endpoint, endpoint.ejectedUntil);
      options.onEjection?.(endpoint, change);
    });
    this.detection.watch(this.all);
  }

  get first(): Endpoint {
    return this.all[0];
  }

  /**
   * These take the place of those there are. One that stays keeps what is known of it; one that is new starts slowly.
   * What is under way to one that goes goes on.
   */
  replace(discovered: readonly DiscoveredEndpoint[], now: number): void {
    const before = this.all;
    const next = discovered.map(({ baseUrl, host }) => {
      const stays = before.find((endpoint) => endpoint.baseUrl === baseUrl && endpoint.host === host);
      if (stays !== undefined) return stays;
      const endpoint = new Endpoint(baseUrl, host);
      startSlowly(endpoint, now);
      return endpoint;
    });
    this.all = someOf(next);
    this.turn %= this.all.length;
    this.detection?.watch(this.all);
  }

  /**
   * The endpoint for the next attempt.
   *
   * @param tried where the call has been already: another one is chosen if there is one (Envoy's `previous_hosts`).
   */
  next(now: number, tried: readonly Endpoint[] = NONE): Endpoint {
    this.detection?.update(now);
    const { all, turn } = this;
    let starting: number | undefined;
    let again: number | undefined;
    for (let at = turn; at < turn + all.length; at++) {
      const endpoint = this.at(at);
      if (!this.isAvailable(endpoint, now)) continue;
      if (tried.includes(endpoint)) again ??= at;
      else if (this.takesItsTurn(endpoint, now)) return this.take(at);
      else starting ??= at;
    }
    return this.take(starting ?? again ?? turn);
  }

  /** An attempt on the endpoint, chosen when it was of that generation, went well. */
  succeeded(endpoint: Endpoint, generation: number, now: number): void {
    this.detection?.succeeded(endpoint, generation, now);
  }

  /** An attempt on the endpoint, chosen when it was of that generation, failed by the endpoint's fault. */
  failed(endpoint: Endpoint, generation: number, now: number): void {
    this.detection?.failed(endpoint, generation, now);
  }

  /** The endpoint did not take a connection: the next calls need not find that out as well. */
  refused(endpoint: Endpoint, now: number): void {
    endpoint.refusedUntil = now + REFUSED_FOR_MS;
  }

  /** Whether so few endpoints are left that ejections are ignored and all are used. */
  isPanicking(now: number): boolean {
    this.detection?.update(now);
    return this.detection?.panicking ?? false;
  }

  /** What is known of each, in the order of their turns. */
  snapshot(now: number): readonly EndpointSnapshot[] {
    return this.all.map((endpoint) => {
      const { ejected, ...known } = this.detection?.snapshot(endpoint, now) ?? UNWATCHED;
      const refused = endpoint.refusedUntil > now ? 'refused' : 'available';
      return {
        origin: endpoint.origin,
        state: ejected ? 'ejected' : refused,
        weight: this.weightOf(endpoint, now),
        ...known,
      };
    });
  }

  private isAvailable(endpoint: Endpoint, now: number): boolean {
    return endpoint.refusedUntil <= now && (this.detection?.isUsable(endpoint) ?? true);
  }

  /** An endpoint that starts slowly lets turns pass, so that it gets its part of them and no more. */
  private takesItsTurn(endpoint: Endpoint, now: number): boolean {
    const weight = this.weightOf(endpoint, now);
    if (weight === 1) return true;
    endpoint.turnsSaved += weight;
    if (endpoint.turnsSaved < 1) return false;
    endpoint.turnsSaved -= 1;
    return true;
  }

  private weightOf(endpoint: Endpoint, now: number): number {
    return this.slowStart === undefined ? 1 : slowStartWeight(this.slowStart, now - endpoint.startedAt);
  }

  private at(turn: number): Endpoint {
    return this.all[turn % this.all.length] ?? this.first;
  }

  private take(turn: number): Endpoint {
    this.turn = (turn + 1) % this.all.length;
    return this.at(turn);
  }
}

const UNWATCHED: OutlierSnapshot = {
  ejected: false,
  ejectedForMs: 0,
  timesEjected: 0,
  consecutiveFailures: 0,
  successRatePercent: undefined,
};

function someOf([first, ...others]: readonly Endpoint[]): readonly [Endpoint, ...Endpoint[]] {
  if (first === undefined) throw new RangeError('an upstream needs at least one endpoint');
  return [first, ...others];
}

function startSlowly(endpoint: Endpoint, at: number): void {
  endpoint.startedAt = at;
  endpoint.turnsSaved = 0;
}
