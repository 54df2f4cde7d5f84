import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Subscription } from 'rxjs';
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

/** Logs when an upstream goes down, or one of its endpoints is ejected, and when it is back; nothing in between. */
@Injectable()
export class HealthLog implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Health');
  private readonly subscription = new Subscription();
  /** Since when each upstream that is down has been so, on the clock's scale. */
  private readonly downSince = new Map<string, number>();

  constructor(
    private readonly registry: UpstreamRegistry,
    private readonly health: UpstreamHealth,
    private readonly prober: UpstreamProber,
  ) {}

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
    const { status, reason } = this.health.of(upstream);
    const since = this.downSince.get(name);
    const now = runtime.clock.now();
    if (status === 'down' && since === undefined) {
      this.downSince.set(name, now);
      const consequence = critical ? '; the gateway is not ready' : '';
      this.logger.warn(`upstream '${name}' is down: ${reason ?? 'unknown'}${consequence}`);
    } else if (status !== 'down' && since !== undefined) {
      this.downSince.delete(name);
      this.logger.log(`upstream '${name}' is back after ${seconds(now - since)}`);
    }
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
