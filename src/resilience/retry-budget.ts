import { type Clock } from './clock.js';

export interface RetryBudgetPolicy {
  /** Retries allowed per 100 calls. */
  readonly percent: number;
  /** How long a call's deposit can be spent, in ms. */
  readonly windowMs: number;
  /** Retries allowed per second in this process, whatever the traffic, so that a quiet upstream can be retried at all. */
  readonly minRetriesPerSecond: number;
}

const SLICES = 10;

/**
 * Finagle's token bucket (RetryBudget.scala): every original call deposits, every retry withdraws when it is
 * *decided*, so retries that are still asleep count too, and a thousand simultaneous failures cannot all pass.
 * Deposits expire with their slice of the window. No timer.
 */
export class RetryBudget {
  /** Balance of each slice, in retries; negative where more was withdrawn than deposited. */
  private readonly slices = new Float64Array(SLICES);
  private readonly sliceMs: number;
  private readonly depositPerCall: number;
  private readonly reserve: number;
  private sum = 0;
  private epoch = 0;

  constructor(
    policy: RetryBudgetPolicy,
    private readonly clock: Clock,
  ) {
    this.sliceMs = policy.windowMs / SLICES;
    this.depositPerCall = policy.percent / 100;
    this.reserve = (policy.minRetriesPerSecond * policy.windowMs) / 1000;
  }

  /** Counts an original call (never a retry). */
  deposit(): void {
    this.add(this.depositPerCall);
  }

  /** Takes one retry out, or answers false and takes nothing. */
  tryWithdraw(): boolean {
    this.expire();
    // Deposits are fractions: ten of 0.1 add up to 0.9999999999999999.
    if (this.reserve + this.sum + 1e-9 < 1) return false;
    this.add(-1);
    return true;
  }

  /** Retries that could be withdrawn right now. */
  get balance(): number {
    this.expire();
    return Math.max(0, Math.floor(this.reserve + this.sum + 1e-9));
  }

  private add(amount: number): void {
    this.expire();
    const slice = this.epoch % SLICES;
    this.slices[slice] = (this.slices[slice] ?? 0) + amount;
    this.sum += amount;
  }

  private expire(): void {
    const epoch = Math.floor(this.clock.now() / this.sliceMs);
    if (epoch === this.epoch) return;
    if (epoch - this.epoch >= SLICES) {
      this.slices.fill(0);
    } else {
      for (let stale = this.epoch + 1; stale <= epoch; stale++) this.slices[stale % SLICES] = 0;
    }
    this.epoch = epoch;
    // Summed afresh, so that rounding errors of subtraction cannot pile up over days.
    this.sum = this.slices.reduce((total, slice) => total + slice, 0);
  }
}
