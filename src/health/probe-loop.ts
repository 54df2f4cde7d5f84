import { Subscription } from 'rxjs';
import { type Timer } from '../resilience/clock.js';
import { type HealthProbe } from '../upstream/config/gateway-config.js';
import { type Upstream } from '../upstream/upstream.js';
import { probe, type ProbeResult } from './probe.js';
import { type TrafficSigns } from './upstream-traffic.js';

/** The first probe comes within this time, in ms: health is known soon, and upstreams are not asked in one burst. */
const FIRST_WITHIN_MS = 200;

/** Spread of the interval, either way: replicas that were started together do not stay in step. */
const JITTER = 0.2;

/**
 * Probes one upstream from time to time. The next turn is planned when the last one has ended, so there is never more
 * than one probe out. A turn asks nothing when real traffic has just shown that the upstream works.
 */
export class ProbeLoop {
  private result: ProbeResult | undefined;
  private timer: Timer;
  private readonly probes = new Subscription();

  constructor(
    private readonly upstream: Upstream,
    private readonly health: HealthProbe,
    private readonly traffic: TrafficSigns,
    /** Runs after each turn, whether it asked or had no need to. */
    private readonly onTurn: () => void,
  ) {}

  /** The last result there was. */
  get last(): ProbeResult | undefined {
    return this.result;
  }

  start(): void {
    this.wait(this.upstream.runtime.random() * Math.min(FIRST_WITHIN_MS, this.health.intervalMs));
  }

  /** Ends the loop for good; a probe that is out is called back. */
  stop(): void {
    this.upstream.runtime.clock.clearTimeout(this.timer);
    this.probes.unsubscribe();
  }

  private turn(): void {
    if (this.isVouchedFor()) {
      this.ended();
      return;
    }
    this.probes.add(
      probe(this.upstream, this.health).subscribe({
        next: (result) => {
          this.result = result;
        },
        complete: () => {
          this.ended();
        },
      }),
    );
  }

  /** Traffic cannot take back what a probe found wrong: it may pass by the endpoint, or the path, that failed. */
  private isVouchedFor(): boolean {
    const { lastSuccessAt } = this.traffic;
    if (lastSuccessAt === undefined || (this.result?.silentEndpoints ?? 0) > 0) return false;
    return this.upstream.runtime.clock.now() - lastSuccessAt < this.health.intervalMs;
  }

  private ended(): void {
    this.onTurn();
    const spread = 1 + (this.upstream.runtime.random() * 2 - 1) * JITTER;
    this.wait(this.health.intervalMs * spread);
  }

  private wait(delayMs: number): void {
    if (this.probes.closed) return;
    const turn = (): void => {
      this.turn();
    };
    this.timer = this.upstream.runtime.clock.setTimeout(turn, delayMs, undefined);
    letGo(this.timer);
  }
}

/** Waiting for a turn must not keep the process alive. Of the clocks there are, only Node's has timers that would. */
function letGo(timer: Timer): void {
  (timer as Partial<NodeJS.Timeout>).unref?.();
}
