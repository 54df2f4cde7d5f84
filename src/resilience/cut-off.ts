import { BLOCKED_LOOP_MS } from './lag-aware-timer.js';

/** A timer may speak so long before its time, in ms: Node counts in whole milliseconds. */
const TIMER_GRAIN_MS = 2;

/**
 * Whether what was ended from above at `now` was ended by the deadline at `deadlineAt`. Later, and the event loop was
 * blocked; earlier, and it was somebody else.
 */
export function isCutOffBy(deadlineAt: number, now: number): boolean {
  const pastMs = now - deadlineAt;
  return pastMs >= -TIMER_GRAIN_MS && pastMs <= BLOCKED_LOOP_MS;
}
