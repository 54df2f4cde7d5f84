import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Observable, Subject, Subscription } from 'rxjs';
import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamChange } from '../upstream/upstream-events.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { ProbeLoop } from './probe-loop.js';
import { type ProbeResult } from './probe.js';
import { UpstreamTraffic } from './upstream-traffic.js';

/** What a probe depends on: with another of these, what earlier ones found says nothing. */
const PROBED: ReadonlySet<string> = new Set(['urls', 'health', 'headers']);

/**
 * One probe loop an upstream, from the start of the application to the beginning of its end, or from when a reload adds
 * the upstream to when one takes it away. Path, interval and timeout are the upstream's own (`health` in the gateway
 * file); `health: null` is never probed. An operator may pause the probes of an upstream: what they found counts for
 * nothing from then on.
 */
@Injectable()
export class UpstreamProber implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly loops = new Map<string, ProbeLoop>();
  /** By name, as the file may change meanwhile. */
  private readonly paused = new Set<string>();
  private readonly finishedTurns = new Subject<Upstream>();
  private readonly pausings = new Subject<Upstream>();
  private readonly subscription = new Subscription();
  private hasBegun = false;

  constructor(
    private readonly registry: UpstreamRegistry,
    private readonly traffic: UpstreamTraffic,
  ) {}

  /** The upstream of each turn, once it is over, whether it asked or had no need to; and when its probes are paused. */
  get turns(): Observable<Upstream> {
    return this.finishedTurns;
  }

  /** The upstream whose probes are paused, or resumed. */
  get pauses(): Observable<Upstream> {
    return this.pausings;
  }

  /** What the last probe of an upstream found, if there was one that still counts. */
  lastOf({ name }: Upstream): ProbeResult | undefined {
    return this.loops.get(name)?.last;
  }

  /** When the next turn of an upstream begins, on the clock's scale; undefined where none is planned. */
  nextOf({ name }: Upstream): number | undefined {
    return this.loops.get(name)?.nextAt;
  }

  /** Whether an upstream is asked from time to time: neither does its configuration say otherwise, nor an operator. */
  isProbed({ name, config }: Upstream): boolean {
    return config.health !== null && !this.paused.has(name);
  }

  isPaused(name: string): boolean {
    return this.paused.has(name);
  }

  /**
   * Ends the probes of an upstream until they are resumed, through any reload that leaves the upstream in the file; one
   * that is out is called back. Real traffic alone says how it is from then on.
   *
   * @returns whether there is such an upstream.
   */
  pause(name: string): boolean {
    const upstream = this.registry.find(name);
    if (upstream === undefined) return false;
    this.paused.add(name);
    this.end(name);
    this.pausings.next(upstream);
    this.finishedTurns.next(upstream);
    return true;
  }

  /**
   * Begins anew: what was found before the pause says nothing any more.
   *
   * @returns whether there is such an upstream.
   */
  resume(name: string): boolean {
    const upstream = this.registry.find(name);
    if (upstream === undefined) return false;
    if (this.paused.delete(name)) {
      this.begin(upstream);
      this.pausings.next(upstream);
    }
    return true;
  }

  /** Runs again where another application shares this: Nest calls the hooks of values too. */
  onApplicationBootstrap(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.subscription.add(
      this.registry.events.subscribe((event) => {
        if (event.type === 'configured') this.follow(event);
      }),
    );
    this.subscription.add(
      this.traffic.trouble.subscribe((name) => {
        this.loops.get(name)?.hurry();
      }),
    );
    for (const upstream of this.registry.all()) this.begin(upstream);
  }

  onModuleDestroy(): void {
    this.subscription.unsubscribe();
    for (const loop of this.loops.values()) loop.stop();
  }

  private follow(event: UpstreamChange): void {
    if (event.change === 'changed' && !event.settings.some((setting) => PROBED.has(setting))) return;
    if (event.change === 'removed') this.paused.delete(event.upstream);
    this.end(event.upstream);
    const upstream = this.registry.find(event.upstream);
    if (upstream !== undefined) this.begin(upstream);
  }

  private end(name: string): void {
    this.loops.get(name)?.stop();
    this.loops.delete(name);
  }

  private begin(upstream: Upstream): void {
    const { health } = upstream.config;
    // Nobody would stop a loop that is begun after the end.
    if (health === null || !this.isProbed(upstream) || this.subscription.closed) return;
    const loop = new ProbeLoop(upstream, health, this.traffic.of(upstream), () => {
      this.finishedTurns.next(upstream);
    });
    this.loops.set(upstream.name, loop);
    loop.start();
  }
}
