/**
 * How an attempt that did not succeed is to be read. One classification per error decides for the
 * breaker, for retries and for limiters alike.
 */
export interface Verdict {
  /**
   * What the breaker records: `success` (the upstream works; it just did not like the request),
   * `failure`, or nothing at all when the attempt says nothing about the upstream.
   */
  readonly breaker: 'success' | 'failure' | 'neutral';
  /**
   * Whether another attempt may help: not at all, only if it does no harm twice, or any verb (it was never sent).
   * `free`: as `if-replay-safe`, and the first one of a call is neither counted nor withdrawn from the budget.
   */
  readonly retry: 'never' | 'if-replay-safe' | 'always' | 'free';
  /**
   * What an adaptive limit makes of it: `sample` (its latency says how busy the upstream is), `drop` (the upstream had
   * more than it could do), or `ignore` (it says nothing about load: a bug answers as fast as it likes).
   */
  readonly limit: 'sample' | 'drop' | 'ignore';
}

export const VERDICTS = {
  /** The upstream answered well enough; asking again would give the same answer. */
  answered: { breaker: 'success', retry: 'never', limit: 'sample' },
  /** The upstream failed after it may have acted on the request. */
  failed: { breaker: 'failure', retry: 'if-replay-safe', limit: 'drop' },
  /** The request provably never reached the upstream. */
  unsent: { breaker: 'failure', retry: 'always', limit: 'ignore' },
  /**
   * The upstream had closed a connection that was kept alive, and the request met its end: neither side did wrong.
   * A connection must have brought an answer before, so there are never more of these than answers.
   */
  idleClosed: { breaker: 'neutral', retry: 'free', limit: 'ignore' },
  /** The upstream failed in a way that another attempt will not cure. */
  broken: { breaker: 'failure', retry: 'never', limit: 'ignore' },
  /** The upstream failed with what may be a bug, and the policy says to ask again (500 with `retryOn500`). */
  faulty: { breaker: 'failure', retry: 'if-replay-safe', limit: 'ignore' },
  /** The upstream asks for patience: it works, but not for us, not now. */
  throttled: { breaker: 'neutral', retry: 'if-replay-safe', limit: 'drop' },
  /** The upstream works, and asks to be asked again once the connection is established (425). */
  tooEarly: { breaker: 'success', retry: 'if-replay-safe', limit: 'sample' },
  /** Our own doing (an aborted client, a late timer, a size cap): it says nothing about the upstream. */
  neutral: { breaker: 'neutral', retry: 'never', limit: 'ignore' },
  /** Like `neutral`, but another attempt may well succeed. */
  neutralRetryable: { breaker: 'neutral', retry: 'if-replay-safe', limit: 'ignore' },
} as const satisfies Record<string, Verdict>;

/** An error that knows how it is to be read. */
export interface Classified {
  readonly verdict: Verdict;
  /** How long the upstream, or a local guard, asks callers to stay away, in ms. */
  readonly retryAfterMs?: number | undefined;
}

/** Reads an error: its own verdict where it carries one, neutral for anything unknown (a bug is nobody's outage). */
export function verdictOf(error: unknown): Verdict {
  return isClassified(error) ? error.verdict : VERDICTS.neutral;
}

/** The wait an error asks for, in ms, if it asks for one. */
export function retryAfterOf(error: unknown): number | undefined {
  return isClassified(error) ? error.retryAfterMs : undefined;
}

function isClassified(error: unknown): error is Classified {
  return typeof error === 'object' && error !== null && 'verdict' in error;
}
