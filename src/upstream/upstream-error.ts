import { ExpectedError } from '../resilience/expected-error.js';
import { Rejection } from '../resilience/rejections.js';
import { type Classified, type Verdict, VERDICTS } from '../resilience/verdict.js';

/** Why a call ended without a usable answer. `cancelled`: nobody waited for it any more. */
export type FailureReason =
  | 'timeout'
  | 'deadline'
  | 'connect'
  | 'reset'
  | 'status'
  | 'open'
  | 'full'
  | 'too-large'
  | 'invalid'
  | 'cancelled';

export interface UpstreamErrorDetails {
  readonly upstream: string;
  readonly reason: FailureReason;
  readonly verdict: Verdict;
  /** The status the upstream answered, where it answered one. */
  readonly status?: number | undefined;
  /** How long the upstream, or its breaker, asks callers to stay away, in ms. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The one error an upstream client emits. It names the upstream and the reason and nothing else: no URL, no header,
 * no body. The error beneath stays reachable as `cause`, outside anything that prints or serialises the error.
 */
export class UpstreamError extends ExpectedError implements Classified {
  readonly upstream: string;
  readonly reason: FailureReason;
  readonly verdict: Verdict;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(details: UpstreamErrorDetails) {
    super(describe(details));
    this.upstream = details.upstream;
    this.reason = details.reason;
    this.verdict = details.verdict;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    Object.defineProperty(this, 'cause', { value: details.cause, enumerable: false });
  }

  /** Any error that left the pipeline of `upstream`, as an UpstreamError. */
  static from(upstream: string, error: unknown): UpstreamError {
    if (error instanceof UpstreamError) return error;
    if (error instanceof Rejection) {
      const { reason, verdict, retryAfterMs } = error;
      return new UpstreamError({ upstream, reason, verdict, retryAfterMs, cause: error });
    }
    return new UpstreamError({ upstream, reason: 'invalid', verdict: VERDICTS.neutral, cause: error });
  }
}

function describe({ upstream, reason, status, cause }: UpstreamErrorDetails): string {
  switch (reason) {
    case 'status':
      return `upstream '${upstream}' answered ${status ?? 'an unexpected status'}`;
    case 'connect':
      return `upstream '${upstream}' could not be reached`;
    case 'reset':
      return `upstream '${upstream}' closed the connection before its answer was complete`;
    case 'too-large':
      return `upstream '${upstream}' answered more than its policy allows`;
    case 'timeout':
    case 'deadline':
    case 'open':
    case 'full':
      return `upstream '${upstream}': ${cause instanceof Error ? cause.message : reason}`;
    case 'cancelled':
      return `upstream '${upstream}': the client left`;
    case 'invalid':
      return `upstream '${upstream}': the answer could not be used`;
  }
}
