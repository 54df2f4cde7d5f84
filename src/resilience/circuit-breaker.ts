import { type Clock } from './clock.js';
import { isCutOffBy } from './cut-off.js';
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
  /**
   * Whether a failure that asks callers to stay away (503 with `Retry-After`) makes an opening last until then, if that
   * is longer; for at most `maxOpenMs` after it was asked.
   */
  readonly retryAfterExtendsOpen: boolean;
  /** Probes let through while half-open. */
  readonly permittedCallsInHalfOpen: number;
  /** How long the last probe has to come back, in ms; then those still out are given up and fresh ones let through. */
  readonly maxWaitInHalfOpenMs: number;
}

export type BreakerStateName = 'closed' | 'open' | 'half-open' | 'force-open' | 'disabled' | 'metrics-only';

/** Where the breaker stands, what its window holds, and what it has counted since it was made. */
export interface BreakerSnapshot {
  readonly state: BreakerStateName;
  /** When the state was entered, on the clock's scale. */
  readonly since: number;
  readonly calls: number;
  readonly failures: number;
  readonly slowCalls: number;
  /** Share of failed and of slow calls in the window, in percent; 0 for an empty window. */
  readonly failureRatePercent: number;
  readonly slowCallRatePercent: number;
  /** How long callers are asked to stay away, in ms; 0 unless calls are being refused. */
  readonly retryAfterMs: number;
  /** When the next probe may go out, on the clock's scale; undefined where none is due, closed or by an operator. */
  readonly nextProbeAt: number | undefined;
  /** Times it opened in a row, without closing in between: what the open time doubles with. */
  readonly openings: number;
  /** Calls it refused. */
  readonly notPermitted: number;
  /** Results that came back after the state had changed, and counted for nothing else. */
  readonly late: number;
}

export interface BreakerTransition {
  readonly from: BreakerStateName;
  readonly to: BreakerStateName;
  readonly reason: RateReason | 'open-time-over' | 'probes-succeeded' | 'probes-failed' | 'operator';
  /** Share of failed and of slow calls that led here, in percent; 0 where no rate was involved. */
  readonly failureRatePercent: number;
  readonly slowCallRatePercent: number;
}

/** Something worth telling that is no change of state. */
export type BreakerNotice =
  /** A call was refused. */
  | { readonly notice: 'not-permitted' }
  /** A call that counted took at least `slowCallDurationMs`. */
  | { readonly notice: 'slow'; readonly durationMs: number }
  /** A result of an older generation came back. It changed nothing. */
  | { readonly notice: 'late'; readonly outcome: 'success' | 'failure'; readonly durationMs: number }
  /** In `metrics-only`: an enabled breaker would open now. Told at most once in `openMs`, the least it would stay open. */
  | {
      readonly notice: 'would-open';
      readonly reason: RateReason;
      readonly failureRatePercent: number;
      readonly slowCallRatePercent: number;
    };

/**
 * Hears what goes on in a breaker, after the fact: whoever listens sees the new state, and may change it. What a
 * listener throws is dropped, and harms neither the breaker nor the call.
 */
export interface BreakerListener {
  transition(transition: BreakerTransition): void;
  notice(notice: BreakerNotice): void;
}

/** The rate that opens a closed breaker. */
export type RateReason = 'failure-rate' | 'slow-call-rate';

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

const CLOSED: Closed = { name: 'closed' };

const NOBODY: BreakerListener = { transition: () => undefined, notice: () => undefined };
const NOT_PERMITTED: BreakerNotice = { notice: 'not-permitted' };

/**
 * The circuit breaker: resilience4j's knobs, gobreaker's generation tokens. A result that comes back after the
 * state changed belongs to an older generation and changes nothing. It owns no timer: an open breaker turns
 * half-open when the first call arrives after its time.
 */
export class CircuitBreaker {
  private state: Automatic = CLOSED;
  private since: number;
  private generation = 0;
  /** Times it opened in a row without closing in between. */
  private openings = 0;
  /** Until when failures have asked callers to stay away, on the clock's scale; never more than the longest open time. */
  private awayUntil = 0;
  /** In `metrics-only`: until when it would be open. */
  private wouldBeOpenUntil = 0;
  private notPermitted = 0;
  private late = 0;
  private readonly window: SlidingWindow;

  constructor(
    private readonly policy: CircuitBreakerPolicy,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly listener: BreakerListener = NOBODY,
    /** The mode it starts in, where that is not the policy's. */
    private mode = policy.mode,
  ) {
    this.since = clock.now();
    this.window = new SlidingWindow(policy.windowMs);
  }

  /** The mode somebody has chosen since it was made, an operator say; undefined where it is in that of its policy. */
  get chosenMode(): CircuitBreakerPolicy['mode'] | undefined {
    return this.mode === this.policy.mode ? undefined : this.mode;
  }

  get stateName(): BreakerStateName {
    return this.mode === 'enabled' ? this.state.name : this.mode;
  }

  /** Asks to let one call through: a token to settle later, or undefined if the call must not be made. */
  tryAcquire(): BreakerToken | undefined {
    const now = this.clock.now();
    if (this.mode === 'enabled' && this.state.name !== 'closed') return this.tryProbe(now);
    return this.mode === 'force-open' ? this.refused() : this.token(now);
  }

  /** Time until a call may be let through, in ms; 0 if one may be right now. Forced open, the longest open time. */
  get retryAfterMs(): number {
    if (this.mode === 'force-open') return this.policy.maxOpenMs;
    return Math.max(0, (this.nextProbeAt ?? 0) - this.clock.now());
  }

  /**
   * Hands a token back with what became of its call. The second time, and in a later generation, it changes nothing.
   *
   * @param retryAfterMs how long a failure asks callers to stay away, in ms. Default: it does not.
   */
  settle(token: BreakerToken, outcome: Verdict['breaker'], retryAfterMs = 0): void {
    if (token.settled) return;
    token.settled = true;
    const older = token.generation !== this.generation;
    if (outcome === 'neutral') {
      if (!older && this.state.name === 'half-open') this.state.permits++;
    } else if (older) {
      this.late++;
      this.notify({ notice: 'late', outcome, durationMs: this.clock.now() - token.startedAt });
    } else if (this.mode !== 'disabled') {
      this.record(token, outcome, retryAfterMs);
    }
  }

  /**
   * Hands back the token of a call that was ended from above, before it had answered. That is neutral (whoever left
   * had reasons of its own), but for a call that was slow already when this service's own deadline ended it: without
   * that, an upstream that hangs would never open a breaker whose callers wait no longer than an attempt may take.
   *
   * @param ownDeadlineAt when that deadline was, on the clock's scale; Infinity for none.
   */
  settleCutOff(token: BreakerToken, ownDeadlineAt: number): void {
    if (token.settled) return;
    const now = this.clock.now();
    const slow = now - token.startedAt >= this.policy.slowCallDurationMs;
    this.settle(token, slow && isCutOffBy(ownDeadlineAt, now) ? 'failure' : 'neutral');
  }

  /** Switches between automatic operation and an operator's choice; `enabled` starts closed, with a clean window. */
  setMode(mode: CircuitBreakerPolicy['mode']): void {
    if (mode !== this.mode) this.startOver(mode);
  }

  /** Closes the breaker and forgets what it has seen; one that is forced open stays so. */
  reset(): void {
    this.startOver(this.mode);
  }

  /** Lets calls through from now on, whatever its mode was: `enabled`, closed, with a clean window. */
  close(): void {
    this.startOver('enabled');
  }

  /** Takes back what was chosen by {@link setMode} or {@link close}: the policy's mode, with nothing seen so far. */
  restore(): void {
    this.startOver(this.policy.mode);
  }

  snapshot(): BreakerSnapshot {
    const { calls, failures, slow } = this.window.read(this.clock.now());
    return {
      state: this.stateName,
      since: this.since,
      calls,
      failures,
      slowCalls: slow,
      failureRatePercent: percentOf(failures, calls),
      slowCallRatePercent: percentOf(slow, calls),
      retryAfterMs: this.retryAfterMs,
      nextProbeAt: this.nextProbeAt,
      openings: this.openings,
      notPermitted: this.notPermitted,
      late: this.late,
    };
  }

  /** On the clock's scale; undefined where no probe is due. */
  private get nextProbeAt(): number | undefined {
    if (this.mode !== 'enabled') return undefined;
    switch (this.state.name) {
      case 'closed':
        return undefined;
      case 'open':
        return this.state.until;
      case 'half-open':
        return this.state.permits > 0 ? this.clock.now() : this.state.giveUpAt;
    }
  }

  private token(now: number): BreakerToken {
    return { generation: this.generation, startedAt: now, settled: false };
  }

  private refused(): BreakerToken | undefined {
    this.notPermitted++;
    this.notify(NOT_PERMITTED);
    return undefined;
  }

  /** One of the permitted probes, if it is time and one is left. */
  private tryProbe(now: number): BreakerToken | undefined {
    let transition: BreakerTransition | undefined;
    if (this.state.name === 'open') {
      if (now < this.state.until) return this.refused();
      transition = this.enter(this.freshProbes(), now, 'open-time-over', 0, 0);
    }
    const { state } = this;
    if (state.name !== 'half-open') return this.refused();
    if (state.permits === 0) {
      if (now < state.giveUpAt) return this.refused();
      // Probes that never came back must not keep the door shut: they become an older generation.
      this.generation++;
      Object.assign(state, this.freshProbes());
    }
    state.permits--;
    state.giveUpAt = now + this.policy.maxWaitInHalfOpenMs;
    const token = this.token(now);
    // Last of all: a listener may do to the breaker what it likes.
    if (transition !== undefined) this.tell(transition);
    return token;
  }

  private record(token: BreakerToken, outcome: 'success' | 'failure', retryAfterMs: number): void {
    const now = this.clock.now();
    const failed = outcome === 'failure';
    const durationMs = now - token.startedAt;
    const slow = durationMs >= this.policy.slowCallDurationMs;
    if (failed && retryAfterMs > 0) this.stayAway(now, retryAfterMs);
    let transition: BreakerTransition | undefined;
    if (this.state.name === 'half-open') {
      transition = this.recordProbe(this.state, failed, slow, now);
    } else {
      this.window.record(now, failed, slow);
      transition = this.evaluate(now);
    }
    if (transition !== undefined) this.tell(transition);
    if (slow) this.notify({ notice: 'slow', durationMs });
  }

  private stayAway(now: number, retryAfterMs: number): void {
    const { retryAfterExtendsOpen, maxOpenMs } = this.policy;
    if (!retryAfterExtendsOpen) return;
    this.awayUntil = Math.max(this.awayUntil, now + Math.min(retryAfterMs, maxOpenMs));
  }

  private evaluate(now: number): BreakerTransition | undefined {
    const { calls, failures, slow } = this.window;
    const { policy } = this;
    if (calls < policy.minimumNumberOfCalls) return undefined;
    const failureRate = percentOf(failures, calls);
    const slowRate = percentOf(slow, calls);
    let reason: RateReason;
    if (failureRate >= policy.failureRateThresholdPercent) reason = 'failure-rate';
    else if (slowRate >= policy.slowCallRateThresholdPercent) reason = 'slow-call-rate';
    else return undefined;
    if (this.mode === 'enabled') return this.open(reason, failureRate, slowRate, now);
    if (now >= this.wouldBeOpenUntil) {
      this.wouldBeOpenUntil = now + policy.openMs;
      this.notify({
        notice: 'would-open',
        reason,
        failureRatePercent: failureRate,
        slowCallRatePercent: slowRate,
      });
    }
    return undefined;
  }

  private recordProbe(
    state: HalfOpen,
    failed: boolean,
    slow: boolean,
    now: number,
  ): BreakerTransition | undefined {
    if (failed) state.failed++;
    else state.succeeded++;
    if (slow) state.slow++;

    const probes = this.policy.permittedCallsInHalfOpen;
    const failureRate = percentOf(state.failed, probes);
    const slowRate = percentOf(state.slow, probes);
    // The verdict falls as soon as the probes that are still out cannot change it.
    if (this.exceeds(failureRate, slowRate)) return this.open('probes-failed', failureRate, slowRate, now);
    const pending = probes - state.succeeded - state.failed;
    const worstFailureRate = percentOf(state.failed + pending, probes);
    const worstSlowRate = percentOf(state.slow + pending, probes);
    if (this.exceeds(worstFailureRate, worstSlowRate)) return undefined;
    this.forget();
    return this.enter(CLOSED, now, 'probes-succeeded', failureRate, slowRate);
  }

  private exceeds(failureRate: number, slowRate: number): boolean {
    const { failureRateThresholdPercent, slowCallRateThresholdPercent } = this.policy;
    return failureRate >= failureRateThresholdPercent || slowRate >= slowCallRateThresholdPercent;
  }

  private open(
    reason: BreakerTransition['reason'],
    failureRate: number,
    slowRate: number,
    now: number,
  ): BreakerTransition {
    const { openMs, maxOpenMs, openJitterPercent } = this.policy;
    const nominalMs = Math.min(maxOpenMs, openMs * 2 ** this.openings);
    const jitter = 1 + ((this.random() * 2 - 1) * openJitterPercent) / 100;
    this.openings++;
    const until = Math.max(now + nominalMs * jitter, this.awayUntil);
    return this.enter({ name: 'open', until }, now, reason, failureRate, slowRate);
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

  private startOver(mode: CircuitBreakerPolicy['mode']): void {
    const from = this.stateName;
    this.mode = mode;
    this.forget();
    const transition = this.enter(CLOSED, this.clock.now(), 'operator', 0, 0, from);
    if (transition.from !== transition.to) this.tell(transition);
  }

  /** What was seen before the breaker closed counts for nothing after. */
  private forget(): void {
    this.window.clear();
    this.openings = 0;
    this.awayUntil = 0;
    this.wouldBeOpenUntil = 0;
  }

  /** Changes the state; it is told by who called, when all else is done. */
  private enter(
    state: Automatic,
    now: number,
    reason: BreakerTransition['reason'],
    failureRatePercent: number,
    slowCallRatePercent: number,
    from = this.stateName,
  ): BreakerTransition {
    this.generation++;
    this.state = state;
    this.since = now;
    return { from, to: this.stateName, reason, failureRatePercent, slowCallRatePercent };
  }

  private tell(transition: BreakerTransition): void {
    try {
      this.listener.transition(transition);
    } catch {
      // Its own concern.
    }
  }

  private notify(notice: BreakerNotice): void {
    try {
      this.listener.notice(notice);
    } catch {
      // Its own concern.
    }
  }
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (part * 100) / whole;
}
