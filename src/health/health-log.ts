import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Observable, Subject, Subscription } from 'rxjs';
import { type EjectionReason } from '../resilience/outlier-detection.js';
import { type Upstream } from '../upstream/upstream.js';
import { type EjectionEvent } from '../upstream/upstream-events.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { UpstreamHealth } from './upstream-health.js';
import { UpstreamProber } from './upstream-prober.js';

const EJECTED_FOR: Readonly<Record<EjectionReason, string>> = {
  'consecutive-failures': 'too many failures in a row',
  'success-rate': 'a success rate far below that of the others',
  'failure-percentage': 'too large a share of failures',
};

/** An upstream went down, or is back. */
export type HealthChange =
  | {
      readonly upstream: string;
      readonly change: 'down';
      readonly reason: string;
      /** Whether the gateway is not ready because of it. */
      readonly critical: boolean;
    }
  | { readonly upstream: string; readonly change: 'back'; readonly afterMs: number };

/** Logs when an upstream goes down, or one of its endpoints is ejected, and when it is back; nothing in between. */
@Injectable()
export class HealthLog implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Health');
  private readonly subscription = new Subscription();
  private readonly told = new Subject<HealthChange>();
  /** Since when each upstream that is down has been so, on the clock's scale. */
  private readonly downSince = new Map<string, number>();

  constructor(
    private readonly registry: UpstreamRegistry,
    private readonly health: UpstreamHealth,
    private readonly prober: UpstreamProber,
  ) {}

  /** The upstreams that go down and come back, as they are logged. */
  get changes(): Observable<HealthChange> {
    return this.told;
  }

  onApplicationBootstrap(): void {
    this.subscription.add(
      this.prober.turns.subscribe((upstream) => {
        this.look(upstream);
      }),
    );
    this.subscription.add(
      this.registry.events.subscribe((event) => {
        // Half-open is a question; its answer, open again or closed, follows.
        if (event.type === 'breaker' && event.to !== 'half-open') this.lookAt(event.upstream);
        else if (event.type === 'ejection') this.tell(event);
        else if (event.type === 'configured') {
          if (event.change !== 'changed' || event.settings.includes('urls'))
            this.downSince.delete(event.upstream);
          this.lookAt(event.upstream);
        }
      }),
    );
  }

  onModuleDestroy(): void {
    this.subscription.unsubscribe();
  }

  private tell(event: EjectionEvent): void {
    const endpoint = `endpoint ${event.origin} of upstream '${event.upstream}'`;
    if (event.change === 'returned') {
      this.logger.log(`${endpoint} is back`);
    } else {
      this.logger.warn(`${endpoint} is ejected for ${seconds(event.forMs)}: ${EJECTED_FOR[event.reason]}`);
    }
  }

  private lookAt(name: string): void {
    const upstream = this.registry.find(name);
    if (upstream !== undefined) this.look(upstream);
  }

  private look(upstream: Upstream): void {
    const { name, critical, runtime } = upstream;
    const { status, reason = 'unknown' } = this.health.of(upstream);
    const since = this.downSince.get(name);
    const now = runtime.clock.now();
    if (status === 'down' && since === undefined) {
      this.downSince.set(name, now);
      const consequence = critical ? '; the gateway is not ready' : '';
      this.logger.warn(`upstream '${name}' is down: ${reason}${consequence}`);
      this.told.next({ upstream: name, change: 'down', reason, critical });
    } else if (status !== 'down' && since !== undefined) {
      this.downSince.delete(name);
      this.logger.log(`upstream '${name}' is back after ${seconds(now - since)}`);
      this.told.next({ upstream: name, change: 'back', afterMs: now - since });
    }
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
