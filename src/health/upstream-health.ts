import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamEvent } from '../upstream/upstream-events.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { type Judgement, judge, type UpstreamStatus } from './judgement.js';
import { UpstreamProber } from './upstream-prober.js';
import { type UpstreamReport, upstreamReport } from './upstream-report.js';
import { UpstreamStatistics } from './upstream-statistics.js';
import { UpstreamTraffic } from './upstream-traffic.js';

/**
 * Says how each upstream is. It reads what breakers, traffic and probes have left behind: asking costs an upstream
 * nothing, however often it is done.
 */
@Injectable()
export class UpstreamHealth implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly seen = new Map<string, Seen>();
  private subscription: Subscription | undefined;
  private changes = 0;

  constructor(
    private readonly registry: UpstreamRegistry,
    private readonly traffic: UpstreamTraffic,
    private readonly prober: UpstreamProber,
    private readonly statistics: UpstreamStatistics,
  ) {}

  /** Runs again where another application shares this: Nest calls the hooks of values too. */
  onApplicationBootstrap(): void {
    if (this.subscription !== undefined) return;
    const changed = (): void => {
      this.changes++;
    };
    this.subscription = new Subscription();
    this.subscription.add(this.prober.pauses.subscribe(changed));
    this.subscription.add(this.traffic.trouble.subscribe(changed));
    this.subscription.add(
      this.registry.events.subscribe((event) => {
        this.note(event);
      }),
    );
  }

  onModuleDestroy(): void {
    this.subscription?.unsubscribe();
  }

  /** Another number whenever something has happened that may be a change of status, or of what is configured. */
  get revision(): number {
    return this.changes;
  }

  of(upstream: Upstream): Judgement {
    const { failureRateThresholdPercent, slowCallRateThresholdPercent } = upstream.policy.circuitBreaker;
    const judgement = judge({
      breaker: upstream.breaker.snapshot(),
      failureRateThresholdPercent,
      slowCallRateThresholdPercent,
      traffic: this.traffic.of(upstream),
      probeIntervalMs: this.prober.isProbed(upstream) ? (upstream.config.health?.intervalMs ?? null) : null,
      probe: this.prober.lastOf(upstream),
    });
    this.see(upstream, judgement.status);
    return judgement;
  }

  /** When an upstream was first seen with the status it was last seen with, on the clock's scale. */
  sinceOf(upstream: Upstream): number {
    return this.seen.get(upstream.name)?.since ?? this.see(upstream, this.of(upstream).status);
  }

  /** The upstreams whose loss takes the gateway out of service, and whether they are lost. */
  critical(): readonly { readonly name: string; readonly down: boolean }[] {
    return this.registry
      .all()
      .filter(({ critical }) => critical)
      .map((upstream) => ({ name: upstream.name, down: this.of(upstream).status === 'down' }));
  }

  /** In the order of the configuration. */
  names(): readonly string[] {
    return this.registry.all().map(({ name }) => name);
  }

  /** All upstreams, in the order of the configuration. */
  reports(): readonly UpstreamReport[] {
    return this.registry.all().map((upstream) => this.reportOf(upstream));
  }

  /** The upstream of that name, if there is one. */
  find(name: string): UpstreamReport | undefined {
    const upstream = this.registry.find(name);
    return upstream === undefined ? undefined : this.reportOf(upstream);
  }

  private note(event: UpstreamEvent): void {
    switch (event.type) {
      case 'configured':
        if (event.change !== 'changed' || event.settings.includes('urls')) this.seen.delete(event.upstream);
        this.changes++;
        break;
      case 'breaker':
      case 'ejection':
      case 'endpoint-refused':
      case 'discovery':
        this.changes++;
        break;
      case 'attempt':
      case 'call':
      case 'retry':
      case 'hedge':
      case 'hedge-won':
      case 'breaker-notice':
      case 'cache':
      case 'coalesced':
    }
  }

  private reportOf(upstream: Upstream): UpstreamReport {
    const judgement = this.of(upstream);
    return upstreamReport(upstream, {
      judgement,
      since: this.sinceOf(upstream),
      statistics: this.statistics.of(upstream),
      traffic: this.traffic.of(upstream),
      probe: this.prober.lastOf(upstream),
      probeNextAt: this.prober.nextOf(upstream),
      probePaused: this.prober.isPaused(upstream.name),
    });
  }

  private see({ name, runtime }: Upstream, status: UpstreamStatus): number {
    const before = this.seen.get(name);
    if (before?.status === status) return before.since;
    const since = runtime.clock.now();
    this.seen.set(name, { status, since });
    this.changes++;
    return since;
  }
}

interface Seen {
  readonly status: UpstreamStatus;
  readonly since: number;
}
