/**
 * What is known of a write:
 *
 * - `done`: its upstream answered 2xx, with whatever body.
 * - `not-done`: it was never sent, or its upstream refused it with a 4xx.
 * - `unknown`: it was sent, and what came back does not say: nothing in time, a broken connection, a 5xx. It may have
 *   happened.
 * - `not-tried`: the composite ended before it, or did not need it.
 */
export type WriteOutcome = 'done' | 'not-done' | 'unknown' | 'not-tried';
