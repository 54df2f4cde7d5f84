import { Controller, Get, HttpException, Param } from '@nestjs/common';
import { of, throwError } from 'rxjs';
import { BreakerOpenError } from '../resilience/rejections.js';
import { VERDICTS } from '../resilience/verdict.js';
import { UpstreamError } from '../upstream/upstream-error.js';
import { aggregate } from './aggregate.js';
import { optional, required } from './part.js';
import { TestGateway } from './testing/test-gateway.js';

let gateway: TestGateway;
let answer: () => unknown;

@Controller()
class TestController {
  @Get('pages/:id')
  page(@Param('id') _id: string): unknown {
    return answer();
  }
}

const SECRET = 'http://internal:8080/?key=secret';

function failing(status?: number): UpstreamError {
  const reason = status === undefined ? 'connect' : 'status';
  const cause = Object.assign(new Error(SECRET), { code: 'ECONNREFUSED' });
  return new UpstreamError({ upstream: 'orders', reason, verdict: VERDICTS.neutral, status, cause });
}

const orders = (error: unknown): (() => unknown) => {
  return () => aggregate({ orders: required(throwError(() => error)) });
};

/** What is logged for these requests, until the gateway is gone. */
async function logged(handler: () => unknown, ...ids: readonly string[]): Promise<readonly unknown[][]> {
  gateway = await TestGateway.start({ controllers: [TestController] });
  answer = handler;
  for (const id of ids) await gateway.ask(`/pages/${id}`, { headers: { 'x-request-id': id } });
  await gateway.stop();
  expect(JSON.stringify(gateway.log.warnings)).not.toContain('secret');
  return gateway.log.warnings;
}

describe('the log of a composite that failed', () => {
  it.each([
    [failing(), 502, "connect: upstream 'orders' could not be reached: connection refused"],
    [failing(400), 502, "status: upstream 'orders' answered 400"],
    [new BreakerOpenError(100), 503, 'open: the circuit breaker is open'],
  ])('says in a line what the part ran into: %p', async (error, status, said) => {
    expect(await logged(orders(error), 'r-1')).toEqual([
      [`GET /pages/:id (r-1) answered ${status}: part 'orders', ${said}`, 'Problem'],
    ]);
    expect(gateway.log.errors).toEqual([]);
  });

  it('says it once a second, however many requests there are, and how many more', async () => {
    expect(await logged(orders(failing()), 'r-1', 'r-2', 'r-3', 'r-4')).toEqual([
      [expect.stringMatching(/^GET \/pages\/:id \(r-1\) .* connection refused$/), 'Problem'],
      [expect.stringMatching(/^GET \/pages\/:id \(r-4\) .* connection refused \(2 more\)$/), 'Problem'],
    ]);
  });

  it('says it of a call outside any composite', async () => {
    expect(await logged(() => throwError(() => failing(500)), 'r-1')).toEqual([
      ["GET /pages/:id (r-1) answered 502: status: upstream 'orders' answered 500", 'Problem'],
    ]);
  });

  it.each([
    ['falls back', () => aggregate({ a: optional(throwError(() => failing())), b: required(of(1)) })],
    ['is passed on as a 404', orders(failing(404))],
  ])('has nothing to say of a part that %s', async (_what, handler) => {
    expect(await logged(handler, 'r-1')).toEqual([]);
  });

  it('has what nobody expected as it was, each of them', async () => {
    const bug = new TypeError('a bug');
    await logged(orders(bug), 'r-1', 'r-2');
    expect(gateway.log.errors).toEqual([
      ['GET /pages/:id (r-1) failed', bug, 'Problem'],
      ['GET /pages/:id (r-2) failed', bug, 'Problem'],
    ]);
    expect(await logged(orders(new HttpException(SECRET, 500)), 'r-1')).toEqual([]);
  });
});
