import { inspect, type InspectOptions } from 'node:util';
import { ExpectedError } from '../resilience/expected-error.js';
import { Rejection } from '../resilience/rejections.js';
import { type Classified, type Verdict, VERDICTS } from '../resilience/verdict.js';
import { connectDetail } from './connect-detail.js';

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
  /** What exactly was invalid. It is printed: no value, header or URL may stand in it. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The one error an upstream client emits. It names the upstream and the reason and nothing else: no URL, no header,
 * no body. The error beneath stays reachable as `cause`, out of `JSON.stringify`, `util.inspect` and the stack.
 */
export class UpstreamError extends ExpectedError implements Classified {
  readonly upstream: string;
  readonly reason: FailureReason;
  readonly verdict: Verdict;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(details: UpstreamErrorDetails) {
    super(describe(details), { cause: details.cause });
    this.upstream = details.upstream;
    this.reason = details.reason;
    this.verdict = details.verdict;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
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

  /** The same failure, where another attempt cannot be made. */
  withoutRetry(): UpstreamError {
    if (this.verdict.retry === 'never') return this;
    const { upstream, reason, status, retryAfterMs, cause } = this;
    const verdict: Verdict = { ...this.verdict, retry: 'never' };
    return new UpstreamError({ upstream, reason, verdict, status, retryAfterMs, cause });
  }

  /** Node would print the cause, however well it is hidden. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { upstream, reason, status, retryAfterMs } = this;
    return `${this.stack ?? this.message} ${inspect({ upstream, reason, status, retryAfterMs }, options)}`;
  }
}

/** Why `error`, which left the pipeline, ended the attempt. */
export function failureReasonOf(error: unknown): FailureReason {
  return error instanceof UpstreamError || error instanceof Rejection ? error.reason : 'invalid';
}

function describe({ upstream, reason, status, detail, cause }: UpstreamErrorDetails): string {
  switch (reason) {
    case 'status':
      return `upstream '${upstream}' answered ${status ?? 'an unexpected status'}`;
    case 'connect':
      return withDetail(`upstream '${upstream}' could not be reached`, connectDetail(cause));
    case 'reset':
      return `upstream '${upstream}' closed the connection before its answer was complete`;
    case 'too-large':
      return `upstream '${upstream}' answered more than its policy allows`;
    case 'timeout':
    case 'deadline':
    case 'open':
    case 'full':
      return `upstream '${upstream}': ${cause instanceof Rejection ? cause.message : reason}`;
    case 'cancelled':
      return `upstream '${upstream}': the call was cancelled`;
    case 'invalid':
      return `upstream '${upstream}': ${detail ?? 'the request could not be made, or its answer not be used'}`;
  }
}

function withDetail(message: string, detail: string | undefined): string {
  return detail === undefined ? message : `${message}: ${detail}`;
}
