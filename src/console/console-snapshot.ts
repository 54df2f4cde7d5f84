import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { isUnder } from '../aggregation/request-priority.js';
import { RollingStatistics } from '../health/rolling-statistics.js';
import { LoopDelaySampler } from '../resilience/loop-delay.js';
import { type ConsoleState, type GatewayState } from './console-state.js';
import { ObservedComposites } from './observed-composites.js';
import { upstreamState } from './upstream-state.js';
import { WatchedGateway } from './watched-gateway.js';

const RATE_MS = 10_000;
/** What orchestrators ask is no traffic. */
const NO_TRAFFIC = '/health';

/** Reads the state of everything at once. It takes time to, a few ms, so not for every client anew. */
@Injectable()
export class ConsoleSnapshot implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly startedAt = Date.now();
  private readonly requests: RollingStatistics;
  private readonly sampler: LoopDelaySampler;
  /** The longest the event loop was late since the last snapshot, in ms. */
  private loopDelayMs = 0;
  private stopListening: () => void = () => undefined;

  constructor(
    private readonly gateway: WatchedGateway,
    private readonly composites: ObservedComposites,
  ) {
    this.requests = new RollingStatistics(gateway.clock, { stepMs: 1_000, steps: RATE_MS / 1_000 });
    this.sampler = new LoopDelaySampler(gateway.clock, (delayMs) => {
      this.loopDelayMs = Math.max(this.loopDelayMs, delayMs);
    });
  }

  onApplicationBootstrap(): void {
    this.stopListening = this.gateway.exchanges.subscribe(({ route }) => {
      if (route === undefined || !isUnder(route, NO_TRAFFIC)) this.requests.add(null, false);
    });
  }

  onModuleDestroy(): void {
    this.stopListening();
    this.sampler.stop();
  }

  /** There will be snapshots: what is measured only for them is, from now on. */
  begin(): void {
    this.sampler.start();
  }

  end(): void {
    this.sampler.stop();
    this.loopDelayMs = 0;
  }

  take(): ConsoleState {
    const { gateway } = this;
    return {
      at: Date.now(),
      gateway: this.gatewayState(),
      upstreams: gateway.registry.all().map((upstream) => upstreamState(upstream, gateway)),
      composites: this.composites.all().map((composite) => composite.state()),
    };
  }

  private gatewayState(): GatewayState {
    const { version, registry, health, shutdown, configuration, watch } = this.gateway;
    const { generation, lastError } = configuration.report();
    const { loopDelayMs } = this;
    this.loopDelayMs = 0;
    return {
      version,
      startedAt: this.startedAt,
      ready: !shutdown.begun && !health.critical().some(({ down }) => down),
      generation,
      configurationRefused: lastError !== undefined,
      requestsPerSecond: Math.round(this.requests.perSecond(RATE_MS) * 10) / 10,
      inFlight: watch.inFlight,
      loopDelayMs: Math.round(loopDelayMs * 10) / 10,
      actions: registry.config.server.adminToken !== null,
    };
  }
}
