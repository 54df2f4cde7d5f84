import { Logger } from '@nestjs/common';
import { type Clock, systemClock } from '../resilience/clock.js';

const PERIOD_MS = 1000;
/** So many are logged in a period. */
const PER_PERIOD = 10;

/**
 * Logs what is wrong with code and costs a fallback, nothing else: a few a second, as it may come with every request. The
 * first one of a later second says how many came in between; it waits for none, so that nothing is left running.
 */
export class BugLog {
  private readonly logger = new Logger('Composite');
  private since = -Infinity;
  private said = 0;
  private unsaid = 0;

  constructor(private readonly clock: Clock = systemClock) {}

  say(message: string, error: unknown): void {
    const now = this.clock.now();
    if (now - this.since >= PERIOD_MS) {
      this.since = now;
      this.said = 0;
    }
    if (this.said === PER_PERIOD) {
      this.unsaid++;
      return;
    }
    this.said++;
    const besides = this.unsaid === 0 ? '' : ` (${this.unsaid} more before)`;
    this.unsaid = 0;
    this.logger.error(`${message}${besides}`, error);
  }
}
