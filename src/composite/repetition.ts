import { type UpstreamConfig } from '../upstream/config/gateway-config.js';
import { IDEMPOTENCY_KEY, READING_METHODS, REPLAY_SAFE_METHODS } from '../upstream/upstream-call.js';
import { type CompositeConfig, type PartConfig } from './config/composite-config.js';

/** How often one call of a part may be sent, and why. */
export interface Repetition {
  /** What makes further attempts: nothing, retries, or hedges (and retries). */
  readonly repeats: 'nothing' | 'retries' | 'hedges';
  /** The most attempts of a call that may arrive, the first included. */
  readonly attempts: number;
}

/** Whether a call of the part may be sent again: by its verb, or by an idempotency key, its own or the client's. */
export function isReplaySafe(part: PartConfig, composite: CompositeConfig): boolean {
  const { method, idempotencyKey, headers, forward = composite.forward } = part;
  return (
    REPLAY_SAFE_METHODS.has(method) ||
    idempotencyKey !== undefined ||
    Object.hasOwn(headers, IDEMPOTENCY_KEY) ||
    forward.headers.includes(IDEMPOTENCY_KEY)
  );
}

/**
 * What the policy of its upstream makes of a part's calls. A hedged call has its retries among its hedges; one that must
 * not be repeated is sent again only if it never left, and so arrives once.
 */
export function repetitionOf(
  part: PartConfig,
  composite: CompositeConfig,
  { policy: { retry, hedge }, forwardHeaders }: UpstreamConfig,
): Repetition {
  if (!isReplaySafe(part, composite) && !forwardHeaders.includes(IDEMPOTENCY_KEY)) {
    return { repeats: 'nothing', attempts: 1 };
  }
  if (hedge.mode !== 'off' && READING_METHODS.has(part.method)) {
    return { repeats: 'hedges', attempts: 1 + hedge.maxHedges };
  }
  return { repeats: retry.maxAttempts > 1 ? 'retries' : 'nothing', attempts: retry.maxAttempts };
}
