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
  /** Whether another attempt may help: not at all, only if it does no harm twice, or any verb (it was never sent). */
  readonly retry: 'never' | 'if-replay-safe' | 'always';
}

export const VERDICTS = {
  /** The upstream answered well enough; asking again would give the same answer. */
  answered: { breaker: 'success', retry: 'never' },
  /** The upstream failed after it may have acted on the request. */
  failed: { breaker: 'failure', retry: 'if-replay-safe' },
  /** The request provably never reached the upstream. */
  unsent: { breaker: 'failure', retry: 'always' },
  /** The upstream failed in a way that another attempt will not cure. */
  broken: { breaker: 'failure', retry: 'never' },
  /** The upstream asks for patience: it works, but not for us, not now. */
  throttled: { breaker: 'neutral', retry: 'if-replay-safe' },
  /** The upstream works, and asks to be asked again once the connection is established (425). */
  tooEarly: { breaker: 'success', retry: 'if-replay-safe' },
  /** Our own doing (an aborted client, a late timer, a size cap): it says nothing about the upstream. */
  neutral: { breaker: 'neutral', retry: 'never' },
  /** Like `neutral`, but another attempt may well succeed. */
  neutralRetryable: { breaker: 'neutral', retry: 'if-replay-safe' },
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
