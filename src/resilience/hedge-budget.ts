import { type Clock } from './clock.js';
import { RetryBudget } from './retry-budget.js';

/**
 * What hedges may cost: a share of the calls that could be hedged, and the upstream's retry budget on top, so that
 * hedges and retries together never exceed that one (Finagle's BackupRequestFilter). There is no floor: a hedge can
 * wait for better times, a retry cannot.
 */
export class HedgeBudget {
  private readonly own: RetryBudget;

  constructor(
    percent: number,
    windowMs: number,
    private readonly shared: RetryBudget,
    clock: Clock,
  ) {
    this.own = new RetryBudget({ percent, windowMs, minRetriesPerSecond: 0 }, clock);
  }

  /** Counts an original call in both. */
  deposit(): void {
    this.own.deposit();
    this.shared.deposit();
  }

  /** Takes a hedge out of both, or answers false and takes nothing out of either. */
  tryWithdrawHedge(): boolean {
    return this.own.balance > 0 && this.shared.tryWithdraw() && this.own.tryWithdraw();
  }

  /** Takes a retry out of the shared one: it follows a failure, and adds nothing to what runs already. */
  tryWithdrawRetry(): boolean {
    return this.shared.tryWithdraw();
  }
}
