import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { type Upstream } from '../upstream/upstream.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { ProbeLoop } from './probe-loop.js';
import { type ProbeResult } from './probe.js';
import { UpstreamTraffic } from './upstream-traffic.js';

/**
 * One probe loop an upstream, from the start of the application to the beginning of its end. Path, interval and
 * timeout are the upstream's own (`health` in the gateway file); `health: null` is never probed.
 */
@Injectable()
export class UpstreamProber implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly loops = new Map<string, ProbeLoop>();
  private readonly finishedTurns = new Subject<Upstream>();

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
    for (const upstream of this.registry.all()) {
      const { health } = upstream.config;
      if (health === null) continue;
      const loop = new ProbeLoop(upstream, health, this.traffic.of(upstream), () => {
        this.finishedTurns.next(upstream);
      });
      this.loops.set(upstream.name, loop);
      loop.start();
    }
  }

  onModuleDestroy(): void {
    for (const loop of this.loops.values()) loop.stop();
  }
}
