import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { BreakerOpenError, DeadlineExceededError } from '../resilience/rejections.js';
import { VERDICTS } from '../resilience/verdict.js';
import { type FailureReason, UpstreamError } from '../upstream/upstream-error.js';
import { ClientLeftError } from './composite-run.js';
import { PartFailedError } from './part-failed-error.js';
import { problemOf } from './problem.js';

function failed(reason: FailureReason, passedThrough?: number, retryAfterMs?: number): PartFailedError {
  return new PartFailedError('customer', reason, passedThrough, retryAfterMs, new Error('secret'));
}

describe('the problem of a required part that failed', () => {
  it.each([
    ['timeout', 504, 'did not answer in time'],
    ['deadline', 504, 'did not answer before the deadline'],
    ['connect', 502, 'could not be reached'],
    ['reset', 502, 'broke off its answer'],
    ['status', 502, 'answered with an error'],
    ['too-large', 502, 'answered more than is allowed'],
    ['invalid', 502, 'gave an answer that cannot be used'],
    ['open', 503, 'is failing and is being given a pause'],
    ['full', 503, 'is busy'],
  ] as const)('is, for %s, a %i', (reason, status, what) => {
    const { document, unexpected } = problemOf(failed(reason), 'request-1');
    expect(document).toEqual({
      type: 'about:blank',
      title: { 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' }[status],
      status,
      detail: `The required part 'customer' ${what}.`,
      part: 'customer',
      reason,
      requestId: 'request-1',
    });
    expect(unexpected).toBe(false);
  });

  it('does not call a part required that is so for this request alone', () => {
    const error = new PartFailedError('offers', 'timeout', undefined, undefined, new Error(), true);
    expect(problemOf(error, 'id').document).toMatchObject({
      detail: "The part 'offers' did not answer in time, and the request wants every part (handling=strict).",
      part: 'offers',
    });
    expect(error.message).toBe("the part 'offers' failed: timeout");
  });

  it('has the status that is passed on', () => {
    expect(problemOf(failed('status', 404), 'id').document).toMatchObject({
      status: 404,
      title: 'Not Found',
    });
  });

  it.each([
    [undefined, '1'],
    [0, '1'],
    [1, '1'],
    [1000, '1'],
    [1001, '2'],
    [59_999.5, '60'],
  ])('says, with a 503, when to come back: %p ms is %p s', (retryAfterMs, seconds) => {
    expect(problemOf(failed('open', undefined, retryAfterMs), 'id').headers).toEqual({
      'retry-after': seconds,
    });
  });

  it('says so with a 429 that is passed on, where the upstream did', () => {
    expect(problemOf(failed('status', 429, 2000), 'id').headers).toEqual({ 'retry-after': '2' });
    expect(problemOf(failed('status', 429), 'id').headers).toEqual({});
  });

  it('does not say so with any other status', () => {
    expect(problemOf(failed('status', undefined, 2000), 'id').headers).toEqual({});
    expect(problemOf(failed('timeout', undefined, 2000), 'id').headers).toEqual({});
  });
});

describe('the problem of a call outside any composite', () => {
  it('has the status of its reason, and no upstream', () => {
    const error = new UpstreamError({
      upstream: 'secret',
      reason: 'status',
      verdict: VERDICTS.neutral,
      status: 404,
    });
    expect(problemOf(error, 'id').document).toEqual({
      type: 'about:blank',
      title: 'Bad Gateway',
      status: 502,
      detail: 'A service behind this one answered with an error.',
      reason: 'status',
      requestId: 'id',
    });
    expect(problemOf(new DeadlineExceededError(), 'id').document).toMatchObject({
      status: 504,
      reason: 'deadline',
    });
    expect(problemOf(new BreakerOpenError(3000), 'id')).toMatchObject({
      document: { status: 503, reason: 'open' },
      headers: { 'retry-after': '3' },
    });
  });
});

describe('the problem of an exception', () => {
  it('has its status and its text', () => {
    expect(problemOf(new NotFoundException('There is no such cart.'), 'id')).toEqual({
      document: {
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        detail: 'There is no such cart.',
        requestId: 'id',
      },
      headers: {},
      unexpected: false,
    });
    expect(problemOf(new BadRequestException(['a is missing', 'b is odd']), 'id').document.detail).toBe(
      'a is missing; b is odd',
    );
    expect(problemOf(new HttpException('plain', 409), 'id').document.detail).toBe('plain');
    expect(problemOf(new HttpException({ code: 7 }, 409), 'id').document.detail).toBeUndefined();
  });

  it('does not say the same twice', () => {
    expect(problemOf(new NotFoundException(), 'id').document).not.toHaveProperty('detail');
  });

  it('keeps its text to itself from 500 on, and belongs into the log', () => {
    const { document, unexpected } = problemOf(new HttpException('the database is at 10.0.0.7', 500), 'id');
    expect(document).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      requestId: 'id',
    });
    expect(unexpected).toBe(true);
  });
});

describe('the problem of anything else', () => {
  it.each([[new TypeError('secret')], ['secret'], [undefined], [{ status: 200, message: 'secret' }]])(
    'is a 500 that says nothing, for %p',
    (error) => {
      const { document, unexpected } = problemOf(error, 'id');
      expect(document).toEqual({
        type: 'about:blank',
        title: 'Internal Server Error',
        status: 500,
        requestId: 'id',
      });
      expect(unexpected).toBe(true);
    },
  );

  it('is nobody’s business where the client has left', () => {
    expect(problemOf(new ClientLeftError(), 'id')).toMatchObject({
      document: { status: 499 },
      unexpected: false,
    });
    expect(problemOf(failed('cancelled'), 'id')).toMatchObject({
      document: { status: 499 },
      unexpected: false,
    });
  });
});
