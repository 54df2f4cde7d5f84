import {
  type BreakerNotice,
  type BreakerToken,
  type BreakerTransition,
  CircuitBreaker,
  type CircuitBreakerPolicy,
} from '../../src/resilience/circuit-breaker.js';
import { type Random } from '../../src/resilience/random.js';
import { VirtualClock } from '../../src/resilience/virtual-clock.js';
import { resolvePolicy } from '../../src/upstream/config/policy.js';

/** Draws that leave the open time as it is: half of the jitter's spread. */
const NO_JITTER: Random = () => 0.5;

/** A breaker on a clock that stands still: the defaults, and what a scenario gives. */
export class BreakerBench {
  readonly clock = new VirtualClock();
  readonly transitions: BreakerTransition[] = [];
  readonly notices: BreakerNotice[] = [];
  readonly policy: CircuitBreakerPolicy;
  readonly breaker: CircuitBreaker;

  constructor(policy: Partial<CircuitBreakerPolicy> = {}, random: Random = NO_JITTER) {
    this.policy = { ...resolvePolicy().circuitBreaker, ...policy };
    this.breaker = new CircuitBreaker(this.policy, this.clock, random, {
      transition: (transition) => this.transitions.push(transition),
      notice: (notice) => this.notices.push(notice),
    });
  }

  get state(): string {
    return this.breaker.stateName;
  }

  /** The edges it went along: `closed > open`. */
  get edges(): string[] {
    return this.transitions.map(({ from, to }) => `${from} > ${to}`);
  }

  /** What the window holds. */
  get counted(): { calls: number; failures: number; slowCalls: number } {
    const { calls, failures, slowCalls } = this.breaker.snapshot();
    return { calls, failures, slowCalls };
  }

  /** Lets one call through. */
  take(): BreakerToken {
    const token = this.breaker.tryAcquire();
    if (token === undefined) throw new Error(`the ${this.state} breaker lets nothing through`);
    return token;
  }

  /** Makes one call after another: S succeeds, F fails, N is neutral (a client left, a late timer, a 429). */
  calls(outcomes: string): void {
    for (const outcome of outcomes) this.settle(this.take(), outcome);
  }

  settle(token: BreakerToken, outcome: string, retryAfterMs?: number): void {
    this.breaker.settle(
      token,
      outcome === 'F' ? 'failure' : outcome === 'N' ? 'neutral' : 'success',
      retryAfterMs,
    );
  }

  refuses(): boolean {
    return this.breaker.tryAcquire() === undefined;
  }

  /** How many calls get through right now; they stay out. */
  admitted(atMost = 1_000): number {
    let admitted = 0;
    while (admitted < atMost && this.breaker.tryAcquire() !== undefined) admitted++;
    return admitted;
  }

  /** Fails calls until it opens. */
  open(): this {
    while (this.state !== 'open') this.calls('F');
    return this;
  }

  /** Opens, and waits until the next call will be a probe. */
  awaitProbes(): this {
    this.open();
    this.clock.advance(this.breaker.retryAfterMs);
    return this;
  }
}
