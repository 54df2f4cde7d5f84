import {
  AttemptTimeoutError,
  BreakerOpenError,
  BulkheadFullError,
  DeadlineExceededError,
} from './rejections.js';
import { retryAfterOf } from './verdict.js';

describe('rejections', () => {
  it('blames the upstream for a timeout, and nobody for one that was noticed late', () => {
    expect(new AttemptTimeoutError(50, false).verdict).toEqual({
      breaker: 'failure',
      retry: 'if-replay-safe',
      limit: 'drop',
    });
    expect(new AttemptTimeoutError(50, true).verdict).toEqual({
      breaker: 'neutral',
      retry: 'if-replay-safe',
      limit: 'ignore',
    });
  });

  it.each([[new DeadlineExceededError()], [new BreakerOpenError(10)], [new BulkheadFullError()]])(
    'neither records nor repeats %p',
    (error) => {
      expect(error.verdict).toEqual({ breaker: 'neutral', retry: 'never', limit: 'ignore' });
    },
  );

  it('says when to come back to an open breaker', () => {
    expect(retryAfterOf(new BreakerOpenError(1234))).toBe(1234);
  });

  it('has a name and a reason, and no stack', () => {
    const error = new BulkheadFullError();
    expect(error).toMatchObject({ name: 'BulkheadFullError', reason: 'full' });
    expect(error.stack).not.toContain('    at ');
    expect(new Error().stack).toContain('    at ');
  });
});
