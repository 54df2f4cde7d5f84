import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Tracer } from '@opentelemetry/api';
import { type Clock, systemClock } from '../resilience/clock.js';
import { type Random, systemRandom } from '../resilience/random.js';
import { type KeptAnswers, keptAnswers } from './cache/kept-answers.js';
import { changedSettings } from './config/changed-settings.js';
import { type ConfigurationReport } from './config/configuration-report.js';
import { type GatewayConfig, knownUpstream, type UpstreamConfig } from './config/gateway-config.js';
import { takenOver } from './config/next-start.js';
import { type ResolveHost } from './dns-discovery.js';
import { registeredTracer } from './tracing/registered-tracer.js';
import { recordEvents } from './tracing/span-events.js';
import { Upstream } from './upstream.js';
import { type UpstreamChange, UpstreamEvents } from './upstream-events.js';
import { type UpstreamRuntime } from './upstream-runtime.js';
import { wireFor } from './upstream-wire.js';

export interface UpstreamRegistryOptions {
  /** Default: Node's monotonic clock. */
  readonly clock?: Clock | undefined;
  /** Default: Math.random. */
  readonly random?: Random | undefined;
  /** How upstreams with `discovery.type: strict-dns` find addresses. Default: the system's resolver. */
  readonly resolve?: ResolveHost | undefined;
  /**
   * Makes the spans of requests. Default: that of the OpenTelemetry SDK the application has registered by then; where
   * there is none, nothing is traced.
   */
  readonly tracer?: Tracer | undefined;
}

/**
 * All upstreams of a gateway. Modules that name the same one share it: one pool, one breaker, one policy. Another
 * configuration may take the place of the one it was made with: upstreams keep their identity then.
 */
@Injectable()
export class UpstreamRegistry implements OnApplicationShutdown {
  /** What happens to any upstream; see {@link UpstreamEvents}. */
  readonly events: UpstreamEvents;
  /** Makes the spans of requests; undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  private readonly runtime: UpstreamRuntime & { answers: KeptAnswers | undefined };
  private running: GatewayConfig;
  private upstreams: ReadonlyMap<string, Upstream>;
  /** What holds on to an upstream for good, by the upstream's name. */
  private readonly holders = new Map<string, Set<string>>();
  /** Upstreams that are gone, while their last calls are under way. */
  private readonly leaving = new Set<Upstream>();

  constructor(
    config: GatewayConfig,
    {
      clock = systemClock,
      random = systemRandom,
      resolve,
      tracer = registeredTracer(),
    }: UpstreamRegistryOptions = {},
  ) {
    const logger = new Logger(UpstreamRegistry.name);
    this.events = new UpstreamEvents((error) => {
      logger.error('a listener to upstream events failed', error);
    });
    this.tracer = tracer;
    if (tracer !== undefined) recordEvents(this.events);
    this.running = config;
    this.runtime = { clock, random, events: this.events, answers: undefined, resolve };
    this.keepAnswersFor(config);
    this.upstreams = new Map(
      Object.values(config.upstreams).map((upstream) => [upstream.name, this.made(upstream)]),
    );
  }

  /** The configuration in force. */
  get config(): GatewayConfig {
    return this.running;
  }

  /**
   * The upstream of that name.
   *
   * @param where what asks for it, for the error; it holds on to the upstream, which then cannot be taken away.
   * @throws ConfigurationError with the nearest name, if there is none.
   */
  get(name: string, where?: string): Upstream {
    const upstream = this.upstreams.get(name);
    if (upstream === undefined) {
      const { name: known } = knownUpstream(this.config, name, where);
      throw new RangeError(`the upstream '${known}' is configured but was never set up`);
    }
    if (where !== undefined) this.holders.set(name, (this.holders.get(name) ?? new Set()).add(where));
    return upstream;
  }

  /** The upstream of that name, if there is one: an event may be about one that is gone. */
  find(name: string): Upstream | undefined {
    return this.upstreams.get(name);
  }

  /** In the order of the configuration. */
  all(): readonly Upstream[] {
    return [...this.upstreams.values()];
  }

  /** Reports what keeps a configuration from taking the place of this one: code holds on to an upstream it has not. */
  checkHolders(config: GatewayConfig, report: ConfigurationReport): void {
    for (const [name, holders] of this.holders) {
      if (Object.hasOwn(config.upstreams, name)) continue;
      const held = [...holders].join(', ');
      report.add(
        ['upstreams', name],
        'key',
        `is gone; expected it to stay: ${held} holds on to it until the end`,
      );
    }
  }

  /**
   * Takes over another configuration, at once and as a whole. An upstream whose configuration is the same is not
   * touched; a changed one goes on as {@link Upstream.reconfigure} says; one that is gone ends with the calls that are
   * under way. Settings of the server and of the cache stay: they hold from the start to the end.
   *
   * @returns what has changed, in the order of the configuration; it is told as events too.
   */
  replace(config: GatewayConfig): readonly UpstreamChange[] {
    this.keepAnswersFor(config);
    const changes: UpstreamChange[] = [];
    const before = this.upstreams;
    const configs = Object.values(config.upstreams);
    this.upstreams = new Map(configs.map((next) => [next.name, before.get(next.name) ?? this.made(next)]));
    for (const next of configs) {
      const upstream = before.get(next.name);
      if (upstream === undefined) {
        changes.push({ upstream: next.name, change: 'added' });
        continue;
      }
      const settings = changedSettings(upstream.config, next);
      if (settings.length === 0) continue;
      upstream.reconfigure(next);
      changes.push({ upstream: next.name, change: 'changed', settings });
    }
    for (const [name, upstream] of before) {
      if (this.upstreams.has(name)) continue;
      this.letGo(upstream);
      changes.push({ upstream: name, change: 'removed' });
    }
    this.running = takenOver(this.running, config);
    for (const change of changes) this.events.emit({ type: 'configured', ...change });
    return changes;
  }

  /** Closes all connection pools, and that to the cache, once the server has drained. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.all(), ...this.leaving].map(({ http }) => http.close()));
    await this.runtime.answers?.store.close();
  }

  private made(config: UpstreamConfig): Upstream {
    return new Upstream(config, wireFor(config, this.runtime), this.runtime);
  }

  private letGo(upstream: Upstream): void {
    this.leaving.add(upstream);
    void upstream.retire().finally(() => this.leaving.delete(upstream));
  }

  /** Answers are kept from the first configuration on in which an upstream wants it. */
  private keepAnswersFor({ upstreams }: GatewayConfig): void {
    const { runtime } = this;
    if (runtime.answers !== undefined) return;
    if (!Object.values(upstreams).some(({ policy }) => policy.cache.enabled)) return;
    runtime.answers = keptAnswers(this.running.cache, runtime.clock, new Logger('Cache'));
  }
}
