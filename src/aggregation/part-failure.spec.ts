import { AxiosError, AxiosHeaders, type AxiosResponse } from 'axios';
import { firstValueFrom, NEVER, timeout } from 'rxjs';
import {
  AttemptTimeoutError,
  BreakerOpenError,
  BulkheadFullError,
  DeadlineExceededError,
} from '../resilience/rejections.js';
import { VERDICTS } from '../resilience/verdict.js';
import { UpstreamError } from '../upstream/upstream-error.js';
import { PartFailedError } from './part-failed-error.js';
import { partFailureOf } from './part-failure.js';

function axiosError(code: string, status?: number): AxiosError {
  const config = { headers: new AxiosHeaders() };
  const response =
    status === undefined
      ? undefined
      : ({
          status,
          headers: { 'retry-after': '3' },
          config,
          data: '',
          statusText: '',
        } as unknown as AxiosResponse);
  return new AxiosError('Request failed', code, config, undefined, response);
}

describe('what an error says about a part', () => {
  it('is what the upstream client says', () => {
    const error = new UpstreamError({
      upstream: 'u',
      reason: 'status',
      verdict: VERDICTS.neutral,
      status: 503,
      retryAfterMs: 5,
    });
    expect(partFailureOf(error)).toMatchObject({ reason: 'status', status: 503, retryAfterMs: 5 });
  });

  it.each([
    [new AttemptTimeoutError(10, false), { reason: 'timeout' }],
    [new DeadlineExceededError(), { reason: 'deadline' }],
    [new BreakerOpenError(70), { reason: 'open', retryAfterMs: 70 }],
    [new BulkheadFullError(), { reason: 'full' }],
  ])('is what the guard says: %s', (error, expected) => {
    expect(partFailureOf(error)).toMatchObject(expected);
  });

  it('is what a composite within the part says', () => {
    expect(partFailureOf(new PartFailedError('inner', 'status', 404, 9, undefined))).toEqual({
      reason: 'status',
      status: 404,
      retryAfterMs: 9,
    });
  });

  it.each([
    [axiosError('ERR_BAD_REQUEST', 404), { reason: 'status', status: 404 }],
    [axiosError('ERR_BAD_RESPONSE', 503), { reason: 'status', status: 503, retryAfterMs: 3000 }],
    [axiosError('ECONNREFUSED'), { reason: 'connect' }],
    [axiosError('ECONNRESET'), { reason: 'reset' }],
    [axiosError('ECONNABORTED'), { reason: 'timeout' }],
    [axiosError('ERR_INVALID_URL'), { reason: 'invalid' }],
  ])('is read from the error of any HttpService: %s', (error, expected) => {
    expect(partFailureOf(error)).toMatchObject(expected);
  });

  it('is what stands behind the error of an HttpService bound to an upstream', () => {
    const cause = new UpstreamError({
      upstream: 'u',
      reason: 'open',
      verdict: VERDICTS.neutral,
      retryAfterMs: 8,
    });
    const error = axiosError('ERR_BREAKER_OPEN');
    error.cause = cause;
    expect(partFailureOf(error)).toBe(cause);
  });

  it('is a timeout for the one of RxJS', async () => {
    const error: unknown = await firstValueFrom(NEVER.pipe(timeout(1))).catch((reason: unknown) => reason);
    expect(partFailureOf(error)).toEqual({ reason: 'timeout' });
  });

  it.each([[new TypeError('bug')], ['text'], [undefined], [null], [{ reason: 'timeout' }]])(
    'is nothing for %p',
    (error) => {
      expect(partFailureOf(error)).toBeUndefined();
    },
  );
});
