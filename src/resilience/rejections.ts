import { ExpectedError } from './expected-error.js';
import { type Classified, type Verdict, VERDICTS } from './verdict.js';

/** Why a guard ended a call, in the words of the part report. */
export type RejectionReason = 'timeout' | 'deadline' | 'open' | 'full';

/** A call that a guard of ours ended. */
export abstract class Rejection extends ExpectedError implements Classified {
  abstract readonly reason: RejectionReason;
  abstract readonly verdict: Verdict;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The attempt did not end within its timeout. Neutral when our own event loop was too busy to notice in time. */
export class AttemptTimeoutError extends Rejection {
  readonly reason = 'timeout';
  readonly verdict: Verdict;

  constructor(
    timeoutMs: number,
    readonly late: boolean,
  ) {
    super(`no complete answer within ${timeoutMs} ms`);
    this.verdict = late ? VERDICTS.neutralRetryable : VERDICTS.failed;
  }
}

/** The call's deadline passed. */
export class DeadlineExceededError extends Rejection {
  readonly reason = 'deadline';
  readonly verdict = VERDICTS.neutral;

  constructor() {
    super('the deadline has passed');
  }
}

/** The circuit breaker let nothing through. `retryAfterMs` is the time to its next probe. */
export class BreakerOpenError extends Rejection {
  readonly reason = 'open';
  readonly verdict = VERDICTS.neutral;

  constructor(retryAfterMs: number) {
    super('the circuit breaker is open', retryAfterMs);
  }
}

/** No permit was free, and none came free in time. */
export class BulkheadFullError extends Rejection {
  readonly reason = 'full';
  readonly verdict = VERDICTS.neutral;

  constructor() {
    super('the bulkhead is full');
  }
}
