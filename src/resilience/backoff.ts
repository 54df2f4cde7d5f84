import { type Random } from './random.js';

/**
 * Full jitter: `random * min(cap, base * 2^retries)`, in ms ("Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015). `retries` is 0 before the first retry.
 */
export function fullJitter(random: Random, baseMs: number, capMs: number, retries: number): number {
  // 2^1024 is Infinity, and Infinity capped is the cap: no overflow to guard against.
  return random() * Math.min(capMs, baseMs * 2 ** retries);
}
