import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
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
 * file); `health: null` is never probed.
 */
@Injectable()
export class UpstreamProber implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly loops = new Map<string, ProbeLoop>();
  private readonly finishedTurns = new Subject<Upstream>();
  private stopListening: () => void = () => undefined;

  constructor(
    private readonly registry: UpstreamRegistry,
    private readonly traffic: UpstreamTraffic,
  ) {}

  /** The upstream of each turn, once it is over, whether it asked or had no need to. */
  get turns(): Observable<Upstream> {
    return this.finishedTurns;
  }

  /** What the last probe of an upstream found, if there was one. */
  lastOf(upstream: Upstream): ProbeResult | undefined {
    return this.loops.get(upstream.name)?.last;
  }

  onApplicationBootstrap(): void {
    this.stopListening = this.registry.events.subscribe((event) => {
      if (event.type === 'configured') this.follow(event);
    });
    for (const upstream of this.registry.all()) this.begin(upstream);
  }

  onModuleDestroy(): void {
    this.stopListening();
    for (const loop of this.loops.values()) loop.stop();
  }

  private follow(event: UpstreamChange): void {
    if (event.change === 'changed' && !event.settings.some((setting) => PROBED.has(setting))) return;
    this.loops.get(event.upstream)?.stop();
    this.loops.delete(event.upstream);
    const upstream = this.registry.find(event.upstream);
    if (upstream !== undefined) this.begin(upstream);
  }

  private begin(upstream: Upstream): void {
    const { health } = upstream.config;
    if (health === null) return;
    const loop = new ProbeLoop(upstream, health, this.traffic.of(upstream), () => {
      this.finishedTurns.next(upstream);
    });
    this.loops.set(upstream.name, loop);
    loop.start();
  }
}
