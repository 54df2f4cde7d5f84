import { RequestContext } from '../upstream/request-context.js';
import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamChange, type UpstreamEvent } from '../upstream/upstream-events.js';
import { type UpstreamRegistry } from '../upstream/upstream-registry.js';
import { type MetricFamily, type MetricSource } from './metric-family.js';
import { UpstreamCounters, UpstreamFamilies } from './upstream-counters.js';
import { upstreamGauges } from './upstream-gauges.js';

/** What there is to measure of upstreams: those that are configured, and no others. */
export class UpstreamMetrics implements MetricSource {
  readonly families: readonly MetricFamily[];
  private readonly counted = new UpstreamFamilies();
  private readonly upstreams = new Map<string, UpstreamCounters>();
  private stopListening: () => void = () => undefined;

  /** @param isUp whether an upstream works, as far as the gateway's health has found. */
  constructor(
    private readonly registry: UpstreamRegistry,
    isUp: (upstream: Upstream) => boolean,
  ) {
    this.families = [...this.counted.all, ...upstreamGauges(registry, isUp)];
  }

  start(): void {
    for (const { name } of this.registry.all()) this.add(name);
    this.stopListening = this.registry.events.subscribe((event) => {
      this.note(event);
    });
  }

  stop(): void {
    this.stopListening();
  }

  private note(event: UpstreamEvent): void {
    if (event.type === 'configured') this.follow(event);
    else {
      // The last calls of one that is gone count for nothing any more.
      this.upstreams.get(event.upstream)?.note(event, RequestContext.current().traceId);
    }
  }

  private follow({ upstream, change }: UpstreamChange): void {
    switch (change) {
      case 'added':
        this.add(upstream);
        break;
      case 'removed':
        this.upstreams.delete(upstream);
        this.counted.remove(upstream);
        break;
      case 'changed':
        break;
    }
  }

  private add(name: string): void {
    this.upstreams.set(name, new UpstreamCounters(name, this.counted));
  }
}
