import { isAxiosError } from 'axios';
import { TimeoutError } from 'rxjs';
import { Rejection } from '../resilience/rejections.js';
import { classify } from '../upstream/classify.js';
import { type FailureReason, UpstreamError } from '../upstream/upstream-error.js';
import { JoinError } from './join-error.js';
import { PartFailedError } from './part-failed-error.js';

/** What an error says about the call it ended. */
export interface PartFailure {
  readonly reason: FailureReason;
  /** The status the upstream answered, where it answered one that may be passed on. */
  readonly status?: number | undefined;
  /** How long callers are asked to stay away, in ms. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Reads the error a part ended with: of an upstream client, of a guard, of a list join or a composite within the part,
 * of any `HttpService`, or of RxJS' `timeout()`. Undefined for what no failing upstream explains: a bug.
 */
export function partFailureOf(error: unknown): PartFailure | undefined {
  if (error instanceof UpstreamError || error instanceof Rejection || error instanceof JoinError)
    return error;
  if (error instanceof PartFailedError) {
    const { reason, passedThrough, retryAfterMs } = error;
    return { reason, status: passedThrough, retryAfterMs };
  }
  if (isAxiosError(error)) {
    return error.cause instanceof UpstreamError ? error.cause : classify('', error, false);
  }
  return error instanceof TimeoutError ? { reason: 'timeout' } : undefined;
}
