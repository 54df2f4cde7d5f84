import { Subscription } from 'rxjs';
import { type Timer } from '../resilience/clock.js';
import { type HealthProbe } from '../upstream/config/gateway-config.js';
import { type Upstream } from '../upstream/upstream.js';
import { probe, type ProbeResult } from './probe.js';
import { isInTrouble, type TrafficSigns } from './upstream-traffic.js';

/** The first probe comes within this time, in ms: health is known soon, and upstreams are not asked in one burst. */
const FIRST_WITHIN_MS = 200;

/** What is asked out of turn comes no sooner than this after the turn before, in ms. */
const APART_MS = 1_000;

/**
 * Probes one upstream from time to time. The next turn is planned when the last one has ended, so there is never more
 * than one probe out. A turn asks nothing when real traffic has just shown that the upstream works.
 */
export class ProbeLoop {
  private result: ProbeResult | undefined;
  private timer: Timer;
  /** When the turn begins that is planned, on the clock's scale; undefined while one runs. */
  private plannedAt: number | undefined;
  private lastTurnAt = -Infinity;
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

  /** When the next turn begins, on the clock's scale; undefined while one runs, and once it has ended for good. */
  get nextAt(): number | undefined {
    return this.plannedAt;
  }

  start(): void {
    this.wait(this.soon());
  }

  /** Real calls fail: has the next turn come soon, unless it is known already that something is wrong. */
  hurry(): void {
    if (this.plannedAt === undefined || (this.result?.silentEndpoints ?? 0) > 0) return;
    const now = this.upstream.runtime.clock.now();
    const delayMs = Math.max(this.soon(), this.lastTurnAt + APART_MS - now);
    if (now + delayMs >= this.plannedAt) return;
    this.upstream.runtime.clock.clearTimeout(this.timer);
    this.wait(delayMs);
  }

  /** Ends the loop for good; a probe that is out is called back. */
  stop(): void {
    this.upstream.runtime.clock.clearTimeout(this.timer);
    this.plannedAt = undefined;
    this.probes.unsubscribe();
  }

  private soon(): number {
    return this.upstream.runtime.random() * Math.min(FIRST_WITHIN_MS, this.health.intervalMs);
  }

  private turn(): void {
    this.plannedAt = undefined;
    this.lastTurnAt = this.upstream.runtime.clock.now();
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
    if (isInTrouble(this.traffic)) return false;
    return this.upstream.runtime.clock.now() - lastSuccessAt < this.health.intervalMs;
  }

  private ended(): void {
    this.onTurn();
    const { intervalMs, jitterPercent } = this.health;
    const spread = 1 + ((this.upstream.runtime.random() * 2 - 1) * jitterPercent) / 100;
    this.wait(intervalMs * spread);
  }

  private wait(delayMs: number): void {
    if (this.probes.closed) return;
    this.plannedAt = this.upstream.runtime.clock.now() + delayMs;
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
