import { isAxiosError } from 'axios';
import { NotJsonError } from '../http/wire-errors.js';
import { wireFailureOf } from '../http/wire-failure.js';
import { type Verdict, VERDICTS } from '../resilience/verdict.js';
import { parseRetryAfter, parseRetryAfterMs } from './retry-after.js';
import { type UpstreamResponse } from './upstream-call.js';
import { UpstreamError } from './upstream-error.js';

/**
 * The one place that says what a failed attempt means: for the part report (its reason), for the breaker and for
 * retries (its verdict). The table is docs/decisions/outcomes.md.
 */
export function classify(upstream: string, error: unknown, retryOn500: boolean): UpstreamError {
  switch (wireFailureOf(error)) {
    case 'status':
      return statusError(upstream, isAxiosError(error) ? error.response : undefined, retryOn500, error);
    case 'connect':
      return new UpstreamError({ upstream, reason: 'connect', verdict: VERDICTS.unsent, cause: error });
    case 'certificate':
      return new UpstreamError({ upstream, reason: 'connect', verdict: VERDICTS.broken, cause: error });
    case 'reset':
      return new UpstreamError({ upstream, reason: 'reset', verdict: VERDICTS.failed, cause: error });
    case 'idle-closed':
      return new UpstreamError({ upstream, reason: 'reset', verdict: VERDICTS.idleClosed, cause: error });
    case 'timeout':
      return new UpstreamError({ upstream, reason: 'timeout', verdict: VERDICTS.failed, cause: error });
    case 'too-large':
      return new UpstreamError({ upstream, reason: 'too-large', verdict: VERDICTS.neutral, cause: error });
    case 'canceled':
      return new UpstreamError({ upstream, reason: 'cancelled', verdict: VERDICTS.neutral, cause: error });
    case 'invalid':
      return new UpstreamError({
        upstream,
        reason: 'invalid',
        verdict: VERDICTS.neutral,
        detail:
          isAxiosError(error) && error.cause instanceof NotJsonError
            ? 'the answer is not JSON'
            : 'the answer could not be read',
        cause: error,
      });
    case 'unknown':
      return new UpstreamError({ upstream, reason: 'invalid', verdict: VERDICTS.neutral, cause: error });
  }
}

/** An answer with a status that is a failure. */
export function statusError(
  upstream: string,
  response: UpstreamResponse | undefined,
  retryOn500: boolean,
  cause: unknown,
): UpstreamError {
  const status = response?.status ?? 0;
  const verdict = verdictOfStatus(status, retryOn500);
  return new UpstreamError({
    upstream,
    reason: 'status',
    verdict,
    status,
    retryAfterMs: retryAfterOf(response),
    cause,
  });
}

/** What a status other than 2xx says about the upstream. */
export function verdictOfStatus(status: number, retryOn500: boolean): Verdict {
  switch (status) {
    case 408:
    case 502:
    case 503:
    case 504:
      return VERDICTS.failed;
    case 425:
      return VERDICTS.tooEarly;
    case 429:
      return VERDICTS.throttled;
    case 500:
      return retryOn500 ? VERDICTS.faulty : VERDICTS.broken;
    default:
      return status >= 500 ? VERDICTS.broken : VERDICTS.answered;
  }
}

/**
 * Whether a failed attempt has certainly changed nothing: it was never sent, or its upstream refused it. A 5xx says that
 * something went wrong, not before what; a 408 may be a proxy's word.
 */
export function isWithoutEffect({ reason, status = 0 }: UpstreamError): boolean {
  return reason === 'connect' || (reason === 'status' && status >= 400 && status < 500 && status !== 408);
}

/** Whether a failed attempt was answered 2xx all the same: with a body that cannot be read. */
export function isAnswered2xx({ cause }: UpstreamError): boolean {
  const status = isAxiosError(cause) ? (cause.response?.status ?? 0) : 0;
  return status >= 200 && status < 300;
}

function retryAfterOf(response: UpstreamResponse | undefined): number | undefined {
  // An adapter that is not ours (a mock, say) may leave the headers out, whatever the type says.
  const headers = response?.headers as Readonly<Record<string, unknown>> | undefined;
  return (
    parseRetryAfterMs(headers?.['retry-after-ms']) ?? parseRetryAfter(headers?.['retry-after'], Date.now())
  );
}
