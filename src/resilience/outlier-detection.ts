import { type Random } from './random.js';

export interface OutlierDetectionPolicy {
  /** Failures in a row that eject a host; 0 ejects none for that. */
  readonly consecutiveFailures: number;
  /** Length of an interval, in ms: rates are judged once an interval, and one ejection is forgotten in each good one. */
  readonly intervalMs: number;
  /** How long a host is ejected the first time, in ms; multiplied by the ejections that are not forgotten yet. */
  readonly baseEjectionMs: number;
  /** The longest ejection, in ms, without its jitter. */
  readonly maxEjectionMs: number;
  /** A random part of this, in ms, is added to each ejection. */
  readonly maxEjectionJitterMs: number;
  /** Share of the hosts that may be ejected at once; one always may, where there are two or more. */
  readonly maxEjectionPercent: number;
  /** With a smaller share of hosts left, ejections are ignored and all are used; 0 for never. */
  readonly panicThresholdPercent: number;
  /** Whether a host with a success rate far below that of the others is ejected. */
  readonly successRate: boolean;
  /** With fewer hosts of enough volume, no success rates are compared. */
  readonly successRateMinimumHosts: number;
  /** Calls a host must have had in the interval for its success rate to count. */
  readonly successRateRequestVolume: number;
  /** How many standard deviations below the mean a success rate is an outlier. */
  readonly successRateStdevFactor: number;
  /** Whether a host is ejected for its share of failures, whatever the others' is. */
  readonly failurePercentage: boolean;
  /** The share of failures that ejects. */
  readonly failurePercentageThreshold: number;
  /** With fewer hosts of enough volume, no share of failures is judged. */
  readonly failurePercentageMinimumHosts: number;
  /** Calls a host must have had in the interval for its share of failures to count. */
  readonly failurePercentageRequestVolume: number;
}

export type EjectionReason = 'consecutive-failures' | 'success-rate' | 'failure-percentage';

/** A host went, or came back. */
export type EjectionChange =
  | { readonly change: 'ejected'; readonly reason: EjectionReason; readonly forMs: number }
  | { readonly change: 'returned' };

/** What is known of one host. Only {@link OutlierDetection} writes to it. */
export class OutlierHost {
  /** @internal */
  ejected = false;
  /** The moment its last ejection ends, or ended. */
  ejectedUntil = -Infinity;
  /** Changes with every ejection and every return: outcomes of calls made before it count as nothing. */
  generation = 0;
  /** @internal */
  consecutiveFailures = 0;
  /** In this interval. @internal */
  calls = 0;
  /** In this interval. @internal */
  failures = 0;
  /** Ejections that were not forgotten when the last one began, itself included. @internal */
  timesEjected = 0;
  /** Of the last interval in which it had calls. @internal */
  successRatePercent: number | undefined;
}

export interface OutlierSnapshot {
  readonly ejected: boolean;
  /** How much longer it is ejected, in ms; 0 if it is not. */
  readonly ejectedForMs: number;
  /** Ejections that good intervals have not made forgotten yet. */
  readonly timesEjected: number;
  readonly consecutiveFailures: number;
  /** Of the last whole interval; undefined if it had no calls in it. */
  readonly successRatePercent: number | undefined;
}

/**
 * Ejects hosts that do worse than the others: Envoy's outlier detection (outlier_detection.proto, and
 * outlier_detection_impl.cc for what it leaves open; gRPC proposal A50 for the rates). Time is handed in. There is no
 * timer: what falls due by itself (a host's return, an interval's verdict) is done by the next call that looks.
 *
 * An interval that ended while nobody looked for another whole one is not judged: by then it says nothing.
 */
export class OutlierDetection<H extends OutlierHost> {
  private hosts: readonly H[] = [];
  private ejectedHosts = 0;
  private intervalEndsAt: number;
  /** Before this moment nothing falls due. */
  private dueAt: number;
  private panic = false;

  constructor(
    private readonly policy: OutlierDetectionPolicy,
    private readonly random: Random,
    now: number,
    private readonly onChange: (host: H, change: EjectionChange) => void = () => undefined,
  ) {
    this.intervalEndsAt = now + policy.intervalMs;
    this.dueAt = this.intervalEndsAt;
  }

  /** The hosts there are from now on; what is known of the others, or still comes of them, counts as nothing. */
  watch(hosts: readonly H[]): void {
    for (const host of this.hosts) {
      if (!hosts.includes(host)) host.generation++;
    }
    this.hosts = hosts;
    this.settle();
  }

  /** Whether so few hosts are left that ejections are ignored. */
  get panicking(): boolean {
    return this.panic;
  }

  /** How many are ejected, panic or not. */
  get ejected(): number {
    return this.ejectedHosts;
  }

  /** Does what has fallen due. Ask nothing before it has been called with the moment of the question. */
  update(now: number): void {
    if (now >= this.dueAt) this.turn(now);
  }

  /** Whether calls go to the host. */
  isUsable(host: H): boolean {
    return !host.ejected || this.panic;
  }

  /** A call of that generation succeeded. */
  succeeded(host: H, generation: number, now: number): void {
    this.update(now);
    if (host.ejected || host.generation !== generation) return;
    host.calls++;
    host.consecutiveFailures = 0;
  }

  /** A call of that generation failed. */
  failed(host: H, generation: number, now: number): void {
    this.update(now);
    if (host.ejected || host.generation !== generation) return;
    host.calls++;
    host.failures++;
    host.consecutiveFailures++;
    if (host.consecutiveFailures !== this.policy.consecutiveFailures) return;
    // As Envoy: a host that must stay has to reach the threshold anew.
    host.consecutiveFailures = 0;
    this.eject(host, 'consecutive-failures', now);
  }

  snapshot(host: H, now: number): OutlierSnapshot {
    this.update(now);
    return {
      ejected: host.ejected,
      ejectedForMs: host.ejected ? host.ejectedUntil - now : 0,
      timesEjected: this.remembered(host, now),
      consecutiveFailures: host.consecutiveFailures,
      successRatePercent: host.successRatePercent,
    };
  }

  private turn(now: number): void {
    for (const host of this.hosts) {
      if (host.ejected && now >= host.ejectedUntil) this.takeBack(host);
    }
    if (now >= this.intervalEndsAt) this.endInterval(now);
    this.settle();
  }

  private takeBack(host: H): void {
    host.ejected = false;
    host.generation++;
    // What was known before it went would eject it again for what has long passed.
    host.consecutiveFailures = 0;
    host.calls = 0;
    host.failures = 0;
    this.settle();
    this.onChange(host, { change: 'returned' });
  }

  private endInterval(now: number): void {
    const { intervalMs } = this.policy;
    const missed = Math.floor((now - this.intervalEndsAt) / intervalMs);
    this.intervalEndsAt += (missed + 1) * intervalMs;
    for (const host of this.hosts) host.successRatePercent = missed === 0 ? successRateOf(host) : undefined;
    if (missed === 0) {
      this.judgeSuccessRates(now);
      this.judgeFailurePercentages(now);
    }
    for (const host of this.hosts) {
      host.calls = 0;
      host.failures = 0;
    }
  }

  private judgeSuccessRates(now: number): void {
    const { successRate, successRateMinimumHosts, successRateRequestVolume, successRateStdevFactor } =
      this.policy;
    if (!successRate) return;
    const judged = this.withVolume(successRateRequestVolume);
    if (judged.length === 0 || judged.length < successRateMinimumHosts) return;
    const threshold = outlierThreshold(judged.map(successPercent), successRateStdevFactor);
    for (const host of judged) {
      if (successPercent(host) < threshold) this.eject(host, 'success-rate', now);
    }
  }

  private judgeFailurePercentages(now: number): void {
    const { policy } = this;
    if (!policy.failurePercentage) return;
    const judged = this.withVolume(policy.failurePercentageRequestVolume);
    if (judged.length < policy.failurePercentageMinimumHosts) return;
    for (const host of judged) {
      if (100 - successPercent(host) >= policy.failurePercentageThreshold)
        this.eject(host, 'failure-percentage', now);
    }
  }

  private withVolume(volume: number): readonly H[] {
    return this.hosts.filter((host) => !host.ejected && host.calls >= volume && host.calls > 0);
  }

  /** Ejects the host if one more may go. */
  private eject(host: H, reason: EjectionReason, now: number): void {
    if (host.ejected || this.ejectedHosts >= this.mostEjected()) return;
    const { baseEjectionMs, maxEjectionMs, maxEjectionJitterMs } = this.policy;
    const times = this.remembered(host, now);
    // As Envoy: once the longest ejection is reached there is nothing more to count, and to forget.
    host.timesEjected = times * baseEjectionMs < maxEjectionMs + baseEjectionMs ? times + 1 : times;
    const backoffMs = Math.min(host.timesEjected * baseEjectionMs, maxEjectionMs);
    const forMs = backoffMs + this.random() * maxEjectionJitterMs;
    host.ejected = true;
    host.ejectedUntil = now + forMs;
    host.generation++;
    this.settle();
    this.onChange(host, { change: 'ejected', reason, forMs });
  }

  private mostEjected(): number {
    const { length } = this.hosts;
    if (length < 2) return 0;
    return Math.max(1, Math.floor((length * this.policy.maxEjectionPercent) / 100));
  }

  /** Ejections that count: one is forgotten in each whole interval since the last one ended. */
  private remembered({ timesEjected, ejectedUntil }: H, now: number): number {
    if (timesEjected === 0) return 0;
    const goodIntervals = Math.floor(Math.max(0, now - ejectedUntil) / this.policy.intervalMs);
    return Math.max(0, timesEjected - goodIntervals);
  }

  /** Works out anew what follows from who is ejected. */
  private settle(): void {
    const ejected = this.hosts.filter((host) => host.ejected);
    const { length } = this.hosts;
    this.ejectedHosts = ejected.length;
    this.panic = ejected.length > 0 && this.isPanic(length - ejected.length, length);
    this.dueAt = ejected.reduce((due, { ejectedUntil }) => Math.min(due, ejectedUntil), this.intervalEndsAt);
  }

  /** With nobody left there is nothing to lose, whatever the threshold. */
  private isPanic(left: number, all: number): boolean {
    return left === 0 || (100 * left) / all < this.policy.panicThresholdPercent;
  }
}

/**
 * The success rate below which a host is an outlier: mean - factor * standard deviation (of the population), in
 * percent (Envoy, `successRateEjectionThreshold`).
 */
export function outlierThreshold(rates: readonly number[], stdevFactor: number): number {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - stdevFactor * Math.sqrt(variance);
}

function successPercent({ calls, failures }: OutlierHost): number {
  return (100 * (calls - failures)) / calls;
}

function successRateOf(host: OutlierHost): number | undefined {
  return host.calls === 0 ? undefined : successPercent(host);
}
