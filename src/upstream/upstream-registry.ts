import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { createUndiciHttpService } from '../http/undici-http.service.js';
import { type Clock, systemClock } from '../resilience/clock.js';
import { type Random, systemRandom } from '../resilience/random.js';
import { type GatewayConfig, knownUpstream, type UpstreamConfig } from './config/gateway-config.js';
import { type AnswerStore } from './cache/answer-store.js';
import { keptAnswers } from './cache/kept-answers.js';
import { type ResolveHost } from './dns-discovery.js';
import { Upstream, type UpstreamRuntime } from './upstream.js';
import { UpstreamEvents } from './upstream-events.js';

export interface UpstreamRegistryOptions {
  /** Default: Node's monotonic clock. */
  readonly clock?: Clock | undefined;
  /** Default: Math.random. */
  readonly random?: Random | undefined;
  /** How upstreams with `discovery.type: strict-dns` find addresses. Default: the system's resolver. */
  readonly resolve?: ResolveHost | undefined;
}

/** All upstreams of a gateway. Modules that name the same one share it: one pool, one breaker, one policy. */
@Injectable()
export class UpstreamRegistry implements OnApplicationShutdown {
  /** What happens to any upstream; see {@link UpstreamEvents}. */
  readonly events: UpstreamEvents;
  private readonly upstreams: ReadonlyMap<string, Upstream>;
  private readonly answers: AnswerStore | undefined;

  constructor(
    readonly config: GatewayConfig,
    { clock = systemClock, random = systemRandom, resolve }: UpstreamRegistryOptions = {},
  ) {
    const logger = new Logger(UpstreamRegistry.name);
    this.events = new UpstreamEvents((error) => {
      logger.error('a listener to upstream events failed', error);
    });
    const keeps = Object.values(config.upstreams).some(({ policy }) => policy.cache.enabled);
    const answers = keeps ? keptAnswers(config.cache, clock, new Logger('Cache')) : undefined;
    this.answers = answers?.store;
    const runtime = { clock, random, events: this.events, answers, resolve };
    this.upstreams = new Map(
      Object.values(config.upstreams).map((upstream) => [
        upstream.name,
        new Upstream(upstream, wireFor(upstream, runtime), runtime),
      ]),
    );
  }

  /**
   * The upstream of that name.
   *
   * @param where what asks for it, for the error.
   * @throws ConfigurationError with the nearest name, if there is none.
   */
  get(name: string, where?: string): Upstream {
    const upstream = this.upstreams.get(name);
    if (upstream !== undefined) return upstream;
    const { name: known } = knownUpstream(this.config, name, where);
    throw new RangeError(`the upstream '${known}' is configured but was never set up`);
  }

  /** In the order of the configuration. */
  all(): readonly Upstream[] {
    return [...this.upstreams.values()];
  }

  /** Closes all connection pools, and that to the cache, once the server has drained. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.all().map(({ http }) => http.close()));
    await this.answers?.close();
  }
}

function wireFor({ policy }: UpstreamConfig, { clock, random }: UpstreamRuntime): Upstream['http'] {
  const { connections, response, connectTimeoutMs } = policy;
  return createUndiciHttpService({
    pool: {
      connections: connections.perEndpoint,
      connectTimeoutMs,
      keepAliveTimeoutMs: connections.keepAliveMs,
      keepAliveMaxTimeoutMs: connections.keepAliveMaxMs,
      maxAgeMs: connections.maxAgeMs,
      clock,
      random,
    },
    maxWireBytes: response.maxWireBytes,
    maxInflatedBytes: response.maxBodyBytes,
  });
}
