import { type Clock } from './clock.js';
import { type Random } from './random.js';
import { SlidingWindow } from './sliding-window.js';
import { type Verdict } from './verdict.js';

export interface CircuitBreakerPolicy {
  /**
   * `enabled`; `disabled`: lets everything through and counts nothing; `metrics-only`: counts, and never opens;
   * `force-open`: lets nothing through.
   */
  readonly mode: 'enabled' | 'disabled' | 'metrics-only' | 'force-open';
  /** Opens when this share of the window failed, in percent. */
  readonly failureRateThresholdPercent: number;
  /** Opens when this share of the window was slow, in percent. */
  readonly slowCallRateThresholdPercent: number;
  /** A call that took at least this long was slow, in ms. */
  readonly slowCallDurationMs: number;
  /** No verdict on fewer calls than these. */
  readonly minimumNumberOfCalls: number;
  /** Length of the window, in ms. */
  readonly windowMs: number;
  /** How long the breaker stays open the first time, in ms; doubles with every further time in a row. */
  readonly openMs: number;
  /** The longest it stays open, in ms (before jitter). */
  readonly maxOpenMs: number;
  /** Spread of the open time, in percent either way, so that replicas do not probe in step. */
  readonly openJitterPercent: number;
  /** Probes let through while half-open. */
  readonly permittedCallsInHalfOpen: number;
  /** How long the last probe has to come back, in ms; then those still out are given up and fresh ones let through. */
  readonly maxWaitInHalfOpenMs: number;
}

export type BreakerStateName = 'closed' | 'open' | 'half-open' | 'force-open' | 'disabled' | 'metrics-only';

/** Where the breaker stands and what its window holds. */
export interface BreakerSnapshot {
  readonly state: BreakerStateName;
  /** When the state was entered, on the clock's scale. */
  readonly since: number;
  readonly calls: number;
  readonly failures: number;
  readonly slowCalls: number;
  /** Time to the next probe, in ms; 0 unless calls are being refused. */
  readonly retryAfterMs: number;
}

export interface BreakerTransition {
  readonly from: BreakerStateName;
  readonly to: BreakerStateName;
  readonly reason:
    'failure-rate' | 'slow-call-rate' | 'open-time-over' | 'probes-succeeded' | 'probes-failed' | 'operator';
  /** Share of failed and of slow calls that led here, in percent; 0 where no rate was involved. */
  readonly failureRatePercent: number;
  readonly slowCallRatePercent: number;
}

/** Permission for one call, valid for the generation it was taken in; hand it back exactly once. */
export interface BreakerToken {
  readonly generation: number;
  readonly startedAt: number;
  settled: boolean;
}

interface Closed {
  readonly name: 'closed';
}

interface Open {
  readonly name: 'open';
  readonly until: number;
}

interface HalfOpen {
  readonly name: 'half-open';
  permits: number;
  /**
   * When waiting for the probes that are out ends; meaningful while no permit is left. It counts from the last
   * one: probes may come far apart, and a young one must not be given up because the first is long gone.
   */
  giveUpAt: number;
  succeeded: number;
  failed: number;
  slow: number;
}

type Automatic = Closed | Open | HalfOpen;

/**
 * The circuit breaker: resilience4j's knobs, gobreaker's generation tokens. A result that comes back after the
 * state changed belongs to an older generation and changes nothing. It owns no timer: an open breaker turns
 * half-open when the first call arrives after its time.
 */
export class CircuitBreaker {
  private state: Automatic = { name: 'closed' };
  private mode: CircuitBreakerPolicy['mode'];
  private since: number;
  private generation = 0;
  /** Times it opened in a row without closing in between. */
  private openings = 0;
  private readonly window: SlidingWindow;

  constructor(
    private readonly policy: CircuitBreakerPolicy,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly onTransition: (transition: BreakerTransition) => void = () => undefined,
  ) {
    this.mode = policy.mode;
    this.since = clock.now();
    this.window = new SlidingWindow(policy.windowMs);
  }

  get stateName(): BreakerStateName {
    return this.mode === 'enabled' ? this.state.name : this.mode;
  }

  /** Asks to let one call through: a token to settle later, or undefined if the call must not be made. */
  tryAcquire(): BreakerToken | undefined {
    const now = this.clock.now();
    if (this.mode === 'enabled') {
      if (!this.admits(now)) return undefined;
    } else if (this.mode === 'force-open') {
      return undefined;
    }
    return { generation: this.generation, startedAt: now, settled: false };
  }

  /** Time until a call may be let through, in ms; 0 if one may be right now. */
  get retryAfterMs(): number {
    const now = this.clock.now();
    if (this.mode === 'force-open') return this.policy.maxOpenMs;
    if (this.mode !== 'enabled') return 0;
    switch (this.state.name) {
      case 'closed':
        return 0;
      case 'open':
        return Math.max(0, this.state.until - now);
      case 'half-open':
        return this.state.permits > 0 ? 0 : Math.max(0, this.state.giveUpAt - now);
    }
  }

  /** Hands a token back with what became of its call. The second time, and in a later generation, it changes nothing. */
  settle(token: BreakerToken, outcome: Verdict['breaker']): void {
    if (token.settled) return;
    token.settled = true;
    if (token.generation !== this.generation) return;
    if (this.mode === 'disabled' || this.mode === 'force-open') return;
    if (outcome === 'neutral') {
      if (this.state.name === 'half-open') this.state.permits++;
      return;
    }
    const now = this.clock.now();
    const slow = now - token.startedAt >= this.policy.slowCallDurationMs;
    if (this.state.name === 'half-open') {
      this.recordProbe(this.state, outcome === 'failure', slow, now);
    } else {
      this.window.record(now, outcome === 'failure', slow);
      if (this.mode === 'enabled') this.evaluate(now);
    }
  }

  /** Switches between automatic operation and an operator's choice; `enabled` starts closed, with a clean window. */
  setMode(mode: CircuitBreakerPolicy['mode']): void {
    if (mode === this.mode) return;
    const from = this.stateName;
    this.mode = mode;
    this.window.clear();
    this.openings = 0;
    this.enter({ name: 'closed' }, from, 'operator', 0, 0);
  }

  /** Closes the breaker and forgets what it has seen. */
  reset(): void {
    const from = this.stateName;
    this.window.clear();
    this.openings = 0;
    this.enter({ name: 'closed' }, from, 'operator', 0, 0);
  }

  snapshot(): BreakerSnapshot {
    const { calls, failures, slow } = this.window.read(this.clock.now());
    return {
      state: this.stateName,
      since: this.since,
      calls,
      failures,
      slowCalls: slow,
      retryAfterMs: this.retryAfterMs,
    };
  }

  private admits(now: number): boolean {
    if (this.state.name === 'open') {
      if (now < this.state.until) return false;
      this.enter(this.freshProbes(), 'open', 'open-time-over', 0, 0);
    }
    if (this.state.name === 'half-open') {
      // Probes that never came back must not keep the door shut: they become an older generation.
      if (this.state.permits === 0 && now >= this.state.giveUpAt) {
        this.generation++;
        this.state = this.freshProbes();
      }
      if (this.state.permits === 0) return false;
      this.state.permits--;
      this.state.giveUpAt = now + this.policy.maxWaitInHalfOpenMs;
    }
    return true;
  }

  private evaluate(now: number): void {
    const { calls, failures, slow } = this.window;
    if (this.state.name !== 'closed' || calls < this.policy.minimumNumberOfCalls) return;
    const failureRate = (failures * 100) / calls;
    const slowRate = (slow * 100) / calls;
    if (failureRate >= this.policy.failureRateThresholdPercent) {
      this.open('failure-rate', failureRate, slowRate, now);
    } else if (slowRate >= this.policy.slowCallRateThresholdPercent) {
      this.open('slow-call-rate', failureRate, slowRate, now);
    }
  }

  private recordProbe(state: HalfOpen, failed: boolean, slow: boolean, now: number): void {
    if (failed) state.failed++;
    else state.succeeded++;
    if (slow) state.slow++;

    const probes = this.policy.permittedCallsInHalfOpen;
    const failureRate = (state.failed * 100) / probes;
    const slowRate = (state.slow * 100) / probes;
    // The verdict falls as soon as the probes that are still out cannot change it.
    if (
      failureRate >= this.policy.failureRateThresholdPercent ||
      slowRate >= this.policy.slowCallRateThresholdPercent
    ) {
      this.open('probes-failed', failureRate, slowRate, now);
      return;
    }
    const pending = probes - state.succeeded - state.failed;
    const worstFailureRate = ((state.failed + pending) * 100) / probes;
    const worstSlowRate = ((state.slow + pending) * 100) / probes;
    if (
      worstFailureRate < this.policy.failureRateThresholdPercent &&
      worstSlowRate < this.policy.slowCallRateThresholdPercent
    ) {
      this.openings = 0;
      this.window.clear();
      this.enter({ name: 'closed' }, 'half-open', 'probes-succeeded', failureRate, slowRate);
    }
  }

  private open(
    reason: BreakerTransition['reason'],
    failureRate: number,
    slowRate: number,
    now: number,
  ): void {
    const { openMs, maxOpenMs, openJitterPercent } = this.policy;
    const from = this.state.name;
    const nominalMs = Math.min(maxOpenMs, openMs * 2 ** this.openings);
    const jitter = 1 + ((this.random() * 2 - 1) * openJitterPercent) / 100;
    this.openings++;
    this.enter({ name: 'open', until: now + nominalMs * jitter }, from, reason, failureRate, slowRate);
  }

  private freshProbes(): HalfOpen {
    return {
      name: 'half-open',
      permits: this.policy.permittedCallsInHalfOpen,
      giveUpAt: Infinity,
      succeeded: 0,
      failed: 0,
      slow: 0,
    };
  }

  private enter(
    state: Automatic,
    from: BreakerStateName,
    reason: BreakerTransition['reason'],
    failureRatePercent: number,
    slowCallRatePercent: number,
  ): void {
    this.generation++;
    this.state = state;
    this.since = this.clock.now();
    const to = this.stateName;
    if (from !== to) this.onTransition({ from, to, reason, failureRatePercent, slowCallRatePercent });
  }
}
