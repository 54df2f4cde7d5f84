import { format, inspect } from 'node:util';
import { AxiosError, AxiosHeaders } from 'axios';
import {
  AttemptTimeoutError,
  BreakerOpenError,
  BulkheadFullError,
  DeadlineExceededError,
} from '../resilience/rejections.js';
import { VERDICTS } from '../resilience/verdict.js';
import { failureReasonOf, UpstreamError } from './upstream-error.js';

const SECRET = 'hunter2';

const secretive = (): AxiosError =>
  new AxiosError(`connect ECONNREFUSED http://orders.internal/?key=${SECRET}`, 'ECONNREFUSED', {
    url: `http://orders.internal/?key=${SECRET}`,
    headers: new AxiosHeaders({ authorization: `Bearer ${SECRET}` }),
  });

const failed = (cause: unknown): UpstreamError =>
  new UpstreamError({ upstream: 'orders', reason: 'connect', verdict: VERDICTS.unsent, cause });

describe('an UpstreamError', () => {
  it('says which upstream failed, and why', () => {
    const { name, message, stack } = failed(secretive());
    expect([name, message]).toEqual([
      'UpstreamError',
      "upstream 'orders' could not be reached: connection refused",
    ]);
    expect(stack).toContain(message);
  });

  it('keeps its cause within reach', () => {
    const cause = secretive();
    expect(failed(cause).cause).toBe(cause);
  });

  it.each<[string, (error: UpstreamError) => string]>([
    ['JSON.stringify', (error) => JSON.stringify(error)],
    ['util.inspect', (error) => inspect(error)],
    ['util.inspect of all there is', (error) => inspect(error, { showHidden: true, depth: Infinity })],
    [
      'util.inspect from outside',
      (error) => inspect({ nested: [error], cause: new Error('x', { cause: error }) }),
    ],
    ['util.format', (error) => format('%s %o %O %j', error, error, error, error)],
    ['its stack', (error) => error.stack ?? ''],
    ['a string', (error) => String(error)],
    ['a copy', (error) => JSON.stringify(Object.assign({}, error))],
  ])('shows no cause, URL or header in %s', (_how, print) => {
    const text = print(failed(secretive()));
    expect(text).toContain('orders');
    expect(text).not.toMatch(/hunter2|orders\.internal|ECONNREFUSED|authorization|Bearer/i);
  });

  it('is printed with what one wants to know', () => {
    const error = new UpstreamError({
      upstream: 'orders',
      reason: 'status',
      verdict: VERDICTS.failed,
      status: 503,
    });
    expect(inspect(error)).toContain("upstream 'orders' answered 503");
    expect(inspect(error)).toMatch(/reason: 'status',\s+status: 503/);
  });

  it.each([
    [new AttemptTimeoutError(250, false), 'timeout', "upstream 'orders': no complete answer within 250 ms"],
    [new DeadlineExceededError(), 'deadline', "upstream 'orders': the deadline has passed"],
    [new BreakerOpenError(1_500), 'open', "upstream 'orders': the circuit breaker is open"],
    [new BulkheadFullError(), 'full', "upstream 'orders': the bulkhead is full"],
  ] as const)("is made of a guard's refusal: %s", (rejection, reason, message) => {
    const error = UpstreamError.from('orders', rejection);
    expect(error).toMatchObject({ upstream: 'orders', reason, message, cause: rejection });
    expect([error.verdict, error.retryAfterMs]).toEqual([rejection.verdict, rejection.retryAfterMs]);
    expect(failureReasonOf(rejection)).toBe(reason);
  });

  it('stays itself', () => {
    const error = failed(undefined);
    expect(UpstreamError.from('customers', error)).toBe(error);
    expect(failureReasonOf(error)).toBe('connect');
  });

  it("takes any other error for nobody's outage, and does not repeat its words", () => {
    const bug = new TypeError(`cannot read ${SECRET}`);
    const error = UpstreamError.from('orders', bug);
    expect(error).toMatchObject({ reason: 'invalid', verdict: VERDICTS.neutral, cause: bug });
    expect(error.message).not.toContain(SECRET);
    expect(failureReasonOf(bug)).toBe('invalid');
  });

  it('can be taken back from being retried, and stays what it is otherwise', () => {
    const cause = secretive();
    const error = new UpstreamError({
      upstream: 'orders',
      reason: 'status',
      verdict: VERDICTS.throttled,
      status: 429,
      retryAfterMs: 1_000,
      cause,
    });
    const { reason, status, retryAfterMs, message } = error;
    const verdict = { breaker: 'neutral', retry: 'never', limit: 'drop' };
    expect(error.withoutRetry()).toMatchObject({ reason, status, retryAfterMs, message, cause, verdict });
  });
});
