import { Controller, Get, Query } from '@nestjs/common';
import { defer, NEVER, of } from 'rxjs';
import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { RequestContext } from '../upstream/request-context.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { aggregate } from './aggregate.js';
import { optional, required } from './part.js';
import { type Answer, TestGateway } from './testing/test-gateway.js';

const WAIT = 'x-envoy-expected-rq-timeout-ms';
const ATTEMPT = 'x-envoy-attempt-count';

let gateway: TestGateway | undefined;
let called = 0;
let context: RequestContext | undefined;

@Controller()
class TestController {
  @Get('context')
  context(): object {
    called++;
    context = RequestContext.current();
    return {};
  }

  @Get('slow')
  slow(): unknown {
    called++;
    return aggregate({ part: optional(NEVER) }, { deadline: 60_000 });
  }

  @Get('blame')
  blame(@Query('deadline') deadline: string): unknown {
    const part = defer(() => of(RequestContext.current().deadlineFromClient));
    return aggregate({ client: required(part) }, { deadline: Number(deadline) });
  }

  @Get('required')
  required(): unknown {
    called++;
    return aggregate({ part: required(NEVER) }, { deadline: 60_000 });
  }
}

async function start(server?: object): Promise<TestGateway> {
  const text = JSON.stringify({ server, upstreams: { orders: { url: 'http://127.0.0.1:1' } } });
  const config = parseGatewayConfig(text, { env: {} });
  gateway = await TestGateway.start({
    controllers: [TestController],
    imports: [UpstreamModule.forRoot({ config })],
  });
  return gateway;
}

async function contextOf(headers: Record<string, string>, server?: object): Promise<RequestContext> {
  const { status } = await (await start(server)).ask('/context', { headers });
  expect(status).toBe(200);
  if (context === undefined) throw new Error('the handler was not called');
  return context;
}

beforeEach(() => {
  called = 0;
  context = undefined;
});

afterEach(() => gateway?.stop());

describe('a trusted caller that says how long it waits', () => {
  it('gets its answer by then', async () => {
    const { status, headers, text } = await (await start()).ask('/slow', { headers: { [WAIT]: '40' } });
    expect({ status, text }).toEqual({ status: 200, text: '{"part":null}' });
    expect(headers['composite-parts']).toMatch(/^part;state=fallback;reason=deadline;dur=\d+$/);
  });

  it('gets a 504 by then where a part is required', async () => {
    const { status } = await (await start()).ask('/required', { headers: { [WAIT]: '40' } });
    expect(status).toBe(504);
  });

  it('is heard beside Prefer: the shorter one counts', async () => {
    const before = performance.now();
    const { deadlineAt } = await contextOf({ [WAIT]: '5000', prefer: 'wait=90' });
    expect(deadlineAt).toBeLessThanOrEqual(performance.now() + 5_000);
    expect(deadlineAt).toBeGreaterThanOrEqual(before + 5_000);
    await gateway?.ask('/context', { headers: { [WAIT]: '90000', prefer: 'wait=5' } });
    expect(context?.deadlineAt).toBeLessThanOrEqual(performance.now() + 5_000);
  });

  it('is told at once that it is too late, and nothing is called', async () => {
    const late: Answer = await (await start()).ask('/context', { headers: { [WAIT]: '0' } });
    expect(late.status).toBe(504);
    expect(late.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(JSON.parse(late.text)).toEqual({
      type: 'about:blank',
      title: 'Gateway Timeout',
      status: 504,
      detail: 'The deadline of the request has passed.',
      requestId: late.headers['x-request-id'],
    });
    expect(called).toBe(0);
  });

  it('is not understood where it says something else', async () => {
    expect((await contextOf({ [WAIT]: 'soon' })).deadlineAt).toBe(Infinity);
  });

  it('may say so in a header of another name', async () => {
    const { deadlineAt } = await contextOf({ 'x-wait': '5000' }, { deadlineHeader: 'X-Wait' });
    expect(deadlineAt).toBeLessThan(Infinity);
  });

  it('has a deadline that is its own: nobody is blamed for running into it', async () => {
    const context = await contextOf({ [WAIT]: '5000' });
    expect(context.deadlineFromClient).toBe(true);
    expect(context.endingBy(0).deadlineFromClient).toBe(false);
    expect(context.endingBy(0, true).deadlineFromClient).toBe(true);
  });
});

describe('the deadline of a part', () => {
  it.each([
    [5_000, '60000', true],
    [60_000, '5000', false],
  ])('is the shorter one: of the caller %d, of the composite %s', async (waitMs, deadline, client) => {
    const headers = { [WAIT]: String(waitMs) };
    const { text } = await (await start()).ask(`/blame?deadline=${deadline}`, { headers });
    expect(JSON.parse(text)).toEqual({ client });
  });
});

describe('a trusted caller that repeats a request', () => {
  it.each([
    ['1', false],
    ['2', true],
  ])('is known by its count of %s: %p', async (count, retriedAbove) => {
    const context = await contextOf({ [ATTEMPT]: count });
    expect(context.retriedAbove).toBe(retriedAbove);
    expect(context.endingBy(0).retriedAbove).toBe(retriedAbove);
  });
});

describe('a caller that is not trusted', () => {
  it.each([[[]], [['10.0.0.0/8']]])('is not heard where %j are', async (trustedCallers) => {
    const context = await contextOf({ [WAIT]: '0', [ATTEMPT]: '2' }, { trustedCallers });
    expect(context).toMatchObject({ deadlineAt: Infinity, retriedAbove: false });
  });

  it('is not made one by what it forwards', async () => {
    const headers = { [WAIT]: '0', 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1' };
    expect((await contextOf(headers, { trustedCallers: ['10.0.0.0/8'] })).deadlineAt).toBe(Infinity);
  });
});
