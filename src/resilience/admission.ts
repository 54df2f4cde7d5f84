import { type Clock } from './clock.js';
import { type Random } from './random.js';

/** Which requests go first when not all can be answered: `sheddable` is refused first, `critical` last. */
export const PRIORITIES = ['critical', 'default', 'sheddable'] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface AdmissionPolicy {
  /** Requests that may be answered at once; null for no limit. */
  readonly maxInFlight: number | null;
  /** What requests of `default` priority may use of it, in percent. */
  readonly defaultSharePercent: number;
  /** What `sheddable` ones may use of it, in percent. */
  readonly sheddableSharePercent: number;
  /** Event-loop delay, in ms, from which on requests of `default` priority are refused; null never looks at it. */
  readonly maxLoopDelayMs: number | null;
}

/** Refusing has begun, or there has been none for a while. */
export type AdmissionTransition =
  | { readonly shedding: true; readonly because: 'in-flight' | 'loop-delay' }
  /** `refused` in all since it began. */
  | { readonly shedding: false; readonly refused: number };

export interface AdmissionSnapshot {
  /** Requests that are being answered. */
  readonly inFlight: number;
  /** Smoothed event-loop delay, in ms. */
  readonly loopDelayMs: number;
  /** Requests refused since the start, by priority. */
  readonly refused: Readonly<Record<Priority, number>>;
}

/** Weight of a new sample of the loop's delay: one garbage collection must not refuse anybody. */
const SAMPLE_WEIGHT = 0.3;
/**
 * At most this share is refused for the loop's delay. Who refuses everybody learns nothing, and never recovers
 * (Finagle's NackAdmissionFilter stops at 0.75; a refusal here costs far less than a composite).
 */
const MAX_REFUSED_SHARE = 0.9;
/** Without a refusal for this long, in ms, the shedding is over. */
const QUIET_MS = 5_000;
/** `Retry-After` is spread over this many seconds from 1 on, so that those refused together do not return together. */
const RETRY_SPREAD_SECONDS = 2;

/** How the threshold of the loop's delay differs by priority. */
const DELAY_FACTORS: Readonly<Record<Priority, number>> = { critical: 2, default: 1, sheddable: 0.5 };

/**
 * Decides at the door which requests are answered, from how many are being answered and how late the event loop is.
 *
 * The count is a hard limit, of which each priority has a share (partitions of Netflix's concurrency-limits). The loop's
 * delay refuses by chance, from none at the threshold to 90 % at twice the threshold: an on/off switch would let the
 * load swing. Lower priorities have a lower threshold.
 */
export class Admission {
  private places = 0;
  private delayMs = 0;
  private refusedSince = 0;
  private lastRefusalAt = -Infinity;
  private readonly refused: Record<Priority, number> = { critical: 0, default: 0, sheddable: 0 };
  private readonly shares: Readonly<Record<Priority, number>>;
  private readonly delays: Readonly<Record<Priority, number>>;

  constructor(
    policy: AdmissionPolicy,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly onTransition: (transition: AdmissionTransition) => void = () => undefined,
  ) {
    const most = policy.maxInFlight ?? Infinity;
    const share = (percent: number): number => Math.ceil((most * percent) / 100);
    this.shares = {
      critical: most,
      default: share(policy.defaultSharePercent),
      sheddable: share(policy.sheddableSharePercent),
    };
    const delay = policy.maxLoopDelayMs ?? Infinity;
    this.delays = {
      critical: delay * DELAY_FACTORS.critical,
      default: delay * DELAY_FACTORS.default,
      sheddable: delay * DELAY_FACTORS.sheddable,
    };
  }

  get inFlight(): number {
    return this.places;
  }

  get isShedding(): boolean {
    return this.refusedSince > 0;
  }

  snapshot(): AdmissionSnapshot {
    return { inFlight: this.places, loopDelayMs: this.delayMs, refused: { ...this.refused } };
  }

  /** Takes a place for a request, or answers false. */
  tryAdmit(priority: Priority): boolean {
    if (this.places >= this.shares[priority]) return this.refuse(priority, 'in-flight');
    const threshold = this.delays[priority];
    if (this.delayMs > threshold && this.random() < refusedShare(this.delayMs, threshold)) {
      return this.refuse(priority, 'loop-delay');
    }
    this.places++;
    return true;
  }

  /** Gives a place back. Call it once for each that was taken. */
  release(): void {
    this.places--;
    if (this.refusedSince > 0) this.endWhenQuiet();
  }

  /** Learns how late the event loop was just now, in ms. */
  observeLoopDelay(ms: number): void {
    this.delayMs += (ms - this.delayMs) * SAMPLE_WEIGHT;
    if (this.refusedSince > 0) this.endWhenQuiet();
  }

  /** After how many seconds a refused request may come back. */
  retryAfterSeconds(): number {
    return 1 + Math.floor(this.random() * RETRY_SPREAD_SECONDS);
  }

  private refuse(priority: Priority, because: 'in-flight' | 'loop-delay'): false {
    this.refused[priority]++;
    this.lastRefusalAt = this.clock.now();
    if (++this.refusedSince === 1) this.onTransition({ shedding: true, because });
    return false;
  }

  private endWhenQuiet(): void {
    if (this.clock.now() - this.lastRefusalAt < QUIET_MS) return;
    const refused = this.refusedSince;
    this.refusedSince = 0;
    this.onTransition({ shedding: false, refused });
  }
}

/** The lower of two priorities. */
export function lowerPriority(one: Priority, other: Priority): Priority {
  return PRIORITIES.indexOf(one) > PRIORITIES.indexOf(other) ? one : other;
}

function refusedShare(delayMs: number, threshold: number): number {
  return Math.min(MAX_REFUSED_SHARE, (MAX_REFUSED_SHARE * (delayMs - threshold)) / threshold);
}
