import { ExpectedError } from '../resilience/expected-error.js';
import { type FailureReason } from '../upstream/upstream-error.js';

/** A required part failed, and with it its composite. `cause` is the part's own error. */
export class PartFailedError extends ExpectedError {
  constructor(
    readonly part: string,
    readonly reason: FailureReason,
    /** The upstream's status, if it answered one and the composite passes that one on. */
    readonly passedThrough: number | undefined,
    readonly retryAfterMs: number | undefined,
    cause: unknown,
    /** Whether it is required only because the request wants every part (`Prefer: handling=strict`). */
    readonly isOptional = false,
  ) {
    super(`the ${isOptional ? '' : 'required '}part '${part}' failed: ${reason}`);
    Object.defineProperty(this, 'cause', { value: cause, enumerable: false });
  }
}
