import { isAxiosError } from 'axios';
import { wireFailureOf } from '../http/wire-failure.js';
import { type Verdict, VERDICTS } from '../resilience/verdict.js';
import { parseRetryAfter } from './retry-after.js';
import { UpstreamError } from './upstream-error.js';

/**
 * The one place that says what a failed attempt means: for the part report (its reason), for the breaker and for
 * retries (its verdict). The table is docs/decisions/outcomes.md.
 */
export function classify(upstream: string, error: unknown, retryOn500: boolean): UpstreamError {
  switch (wireFailureOf(error)) {
    case 'status':
      return classifyStatus(upstream, error, retryOn500);
    case 'connect':
      return new UpstreamError({ upstream, reason: 'connect', verdict: VERDICTS.unsent, cause: error });
    case 'certificate':
      return new UpstreamError({ upstream, reason: 'connect', verdict: VERDICTS.broken, cause: error });
    case 'reset':
      return new UpstreamError({ upstream, reason: 'reset', verdict: VERDICTS.failed, cause: error });
    case 'timeout':
      return new UpstreamError({ upstream, reason: 'timeout', verdict: VERDICTS.failed, cause: error });
    case 'too-large':
      return new UpstreamError({ upstream, reason: 'too-large', verdict: VERDICTS.neutral, cause: error });
    case 'invalid':
    case 'canceled':
    case 'unknown':
      return new UpstreamError({ upstream, reason: 'invalid', verdict: VERDICTS.neutral, cause: error });
  }
}

function classifyStatus(upstream: string, error: unknown, retryOn500: boolean): UpstreamError {
  const response = isAxiosError(error) ? error.response : undefined;
  const status = response?.status ?? 0;
  const retryAfterMs = parseRetryAfter(response?.headers['retry-after'], Date.now());
  const verdict = verdictOfStatus(status, retryOn500);
  return new UpstreamError({ upstream, reason: 'status', verdict, status, retryAfterMs, cause: error });
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
      return retryOn500 ? VERDICTS.failed : VERDICTS.broken;
    default:
      return status >= 500 ? VERDICTS.broken : VERDICTS.answered;
  }
}
