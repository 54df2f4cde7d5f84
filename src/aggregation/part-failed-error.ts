import { ExpectedError } from '../resilience/expected-error.js';
import { type FailureReason, UpstreamError } from '../upstream/upstream-error.js';

/** A required part failed, and with it its composite. `cause` is the part's own error. */
export class PartFailedError extends ExpectedError {
  constructor(
    readonly part: string,
    readonly reason: FailureReason,
    /** The upstream's status, if it answered one and the composite passes that one on. */
    readonly passedThrough: number | undefined,
    readonly retryAfterMs: number | undefined,
    cause: unknown,
  ) {
    super(`the required part '${part}' failed: ${reason}`);
    Object.defineProperty(this, 'cause', { value: cause, enumerable: false });
  }

  static of(
    part: string,
    reason: FailureReason,
    error: unknown,
    passThrough: ReadonlySet<number>,
  ): PartFailedError {
    if (!(error instanceof UpstreamError))
      return new PartFailedError(part, reason, undefined, undefined, error);
    const { status, retryAfterMs } = error;
    const passed = status !== undefined && passThrough.has(status) ? status : undefined;
    return new PartFailedError(part, reason, passed, retryAfterMs, error);
  }
}
