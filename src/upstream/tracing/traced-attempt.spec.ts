import { SpanKind, SpanStatusCode, ROOT_CONTEXT } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Observable } from 'rxjs';
import {
  clientGone,
  recordingServer,
  type RecordingServer,
  type Serve,
} from '../../http/testing/recording-server.js';
import { RequestContext } from '../request-context.js';
import {
  Fixture,
  Opened,
  outcomeOf,
  refusingOrigin,
  statuses,
  until,
  type WrittenUpstream,
} from '../testing/spec-support.js';
import { SpanRecorder, traceparentFor } from '../testing/span-recorder.js';
import { RecordedSpan } from './recorded-span.js';

const GET = { method: 'GET', url: '/orders/7?secret=1', urlTemplate: '/orders/{id}{?secret}' } as const;
const NO_WAIT = { backoffBaseMs: 0, backoffCapMs: 0 };

let opened: Opened;
let spans: SpanRecorder;

beforeEach(() => {
  opened = new Opened();
  spans = new SpanRecorder();
});

afterEach(() => opened.close());

async function world(serve: Serve, written: WrittenUpstream = {}) {
  const server = opened.add(await recordingServer(serve));
  return {
    server,
    fixture: opened.add(new Fixture({ url: server.origin, ...written }, { tracer: spans.tracer })),
  };
}

/** The context of a request that is sampled. */
function sampled(headers = {}): RequestContext {
  const trace = RecordedSpan.begin(
    spans.tracer,
    'request',
    { kind: SpanKind.SERVER, attributes: {} },
    ROOT_CONTEXT,
  );
  return new RequestContext('r-1', Infinity, headers, undefined, undefined, undefined, trace);
}

/** Asks for it in the request, and ends that. */
async function ask(source: Observable<unknown>, context = sampled()): Promise<ReadableSpan> {
  await context.run(() => outcomeOf(source), undefined);
  context.span?.end();
  return spans.named('request');
}

const attempts = (): readonly ReadableSpan[] => spans.ended.filter(({ kind }) => kind === SpanKind.CLIENT);
const parentOf = ({ parentSpanContext }: ReadableSpan): string | undefined => parentSpanContext?.spanId;
const sentBy = ({ seen }: RecordingServer): unknown[] => seen.map(({ headers }) => headers['traceparent']);

describe('the span of an attempt', () => {
  it('says where it went and what came of it, and nothing of the values in the URL', async () => {
    const { fixture, server } = await world(statuses(200));
    const request = await ask(fixture.orders.send(GET));
    const span = spans.named('GET /orders/{id}{?secret}');
    expect(parentOf(span)).toBe(request.spanContext().spanId);
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'url.template': '/orders/{id}{?secret}',
      'http.response.status_code': 200,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(server.origin).port),
      'tributary.upstream': 'orders',
      'tributary.attempt.number': 1,
      'tributary.breaker.state': 'closed',
      'tributary.outcome': 'ok',
    });
  });

  it('is the parent of what the upstream does for it', async () => {
    const { fixture, server } = await world(statuses(200));
    await ask(fixture.orders.send(GET));
    expect(sentBy(server)).toEqual(attempts().map(traceparentFor));
  });

  it('stands beside that of the attempt it repeats', async () => {
    const { fixture, server } = await world(statuses(503, 200), { retry: { ...NO_WAIT, maxAttempts: 2 } });
    const request = await ask(fixture.orders.send(GET));
    const [failed, repeated] = attempts();
    expect(attempts().map(parentOf)).toEqual(Array(2).fill(request.spanContext().spanId));
    expect(failed).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'tributary.outcome': 'status', 'http.response.status_code': 503, 'error.type': '503' },
    });
    expect(repeated?.attributes).toMatchObject({
      'http.request.resend_count': 1,
      'tributary.attempt.number': 2,
      'tributary.outcome': 'ok',
    });
    expect(sentBy(server)).toEqual(attempts().map(traceparentFor));
    expect(request.events).toMatchObject([
      { name: 'retry', attributes: { 'tributary.attempt.number': 2, 'tributary.retry.free': false } },
    ]);
  });

  it('says that it is a hedge, and that the one it overtook was cut off', async () => {
    let held = 0;
    const { fixture } = await world(
      (_request, response) => {
        // The first one hangs.
        if (held++ > 0) response.setHeader('content-type', 'application/json').end('{}');
      },
      { hedge: { mode: 'fixed', delayMs: 100, budgetPercent: 100 }, retryBudget: { percent: 100 } },
    );
    const context = sampled();
    const answer = context.run(() => outcomeOf(fixture.orders.send(GET)), undefined);
    await until(() => held === 1);
    fixture.clock.advance(100);
    await answer;
    expect(attempts().map(({ attributes }) => attributes)).toMatchObject([
      { 'tributary.attempt.number': 2, 'tributary.attempt.hedge': true, 'tributary.outcome': 'ok' },
      { 'tributary.attempt.number': 1, 'tributary.outcome': 'cancelled' },
    ]);
    // Nobody's failure.
    expect(attempts().map(({ status }) => status.code)).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
  });

  it('is there for what a breaker refuses, which went nowhere', async () => {
    const { fixture, server } = await world(statuses(200), { circuitBreaker: { mode: 'force-open' } });
    await ask(fixture.orders.send(GET));
    const [span] = attempts();
    expect(span?.attributes).toMatchObject({
      'tributary.outcome': 'open',
      'tributary.breaker.state': 'force-open',
      'error.type': 'open',
    });
    expect(span?.attributes).not.toHaveProperty('server.address');
    expect(server.seen).toEqual([]);
  });

  it('is there for what a bulkhead has no room for', async () => {
    const { fixture, server } = await world(() => undefined, {
      bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 },
    });
    const first = fixture.orders.send(GET).subscribe({ error: () => undefined });
    await until(() => server.seen.length === 1);
    await ask(fixture.orders.send(GET));
    expect(attempts().map(({ attributes }) => attributes['tributary.outcome'])).toEqual(['full']);
    first.unsubscribe();
  });

  it('says why nothing came', async () => {
    const origin = await refusingOrigin();
    const fixture = opened.add(
      new Fixture({ url: origin, retry: { maxAttempts: 1 } }, { tracer: spans.tracer }),
    );
    await ask(fixture.orders.send(GET));
    expect(attempts()).toMatchObject([
      { status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'connect' } },
    ]);
  });

  it('ends with the client', async () => {
    let left: Promise<void> | undefined;
    const { fixture } = await world((_request, response) => {
      left = clientGone(response);
    });
    const context = sampled();
    const answer = context.run(() => outcomeOf(fixture.orders.send(GET)), undefined);
    await until(() => left !== undefined);
    context.clientLeft();
    await answer;
    await left;
    expect(attempts().map(({ attributes }) => attributes['tributary.outcome'])).toEqual(['cancelled']);
  });

  it('takes the place of whatever trace was to be forwarded', async () => {
    const { fixture, server } = await world(statuses(200), {
      forwardHeaders: ['traceparent', 'tracestate', 'baggage'],
    });
    const headers = { traceparent: '00-a', tracestate: 'x=1', baggage: 'tenant=7' };
    await ask(fixture.orders.send(GET), sampled(headers));
    const [seen] = server.seen;
    expect(seen?.headers['traceparent']).toBe(traceparentFor(attempts()[0]!));
    expect(seen?.headers).not.toHaveProperty('tracestate');
    // Named, and so it is passed on.
    expect(seen?.headers['baggage']).toBe('tenant=7');
  });

  it('names the host that was configured, where an address was found for it', async () => {
    const { server } = await world(statuses(200));
    const { port } = new URL(server.origin);
    const fixture = opened.add(
      new Fixture(
        { url: `http://orders.internal:${port}`, discovery: { type: 'strict-dns' } },
        { tracer: spans.tracer, resolve: () => Promise.resolve(['127.0.0.1']) },
      ),
    );
    fixture.orders.send(GET).subscribe({ error: () => undefined });
    await until(() => fixture.eventsOf('discovery').length === 1);
    await ask(fixture.orders.send(GET));
    expect(server.seen.length).toBeGreaterThan(0);
    expect(attempts().at(-1)?.attributes).toMatchObject({
      'tributary.outcome': 'ok',
      'server.address': 'orders.internal',
      'server.port': Number(port),
    });
  });
});

describe('a call that takes no attempt', () => {
  it('is noted on the span it was made for', async () => {
    const { fixture } = await world(
      (_request, response) => {
        response
          .setHeader('cache-control', 'max-age=60')
          .setHeader('content-type', 'application/json')
          .end('{}');
      },
      { cache: { enabled: true } },
    );
    await outcomeOf(fixture.orders.send({ ...GET, responseType: 'json' }));
    const request = await ask(fixture.orders.send({ ...GET, responseType: 'json' }));
    expect(attempts()).toEqual([]);
    expect(request.events).toMatchObject([
      { name: 'cache', attributes: { 'tributary.upstream': 'orders', 'tributary.cache.result': 'hit' } },
    ]);
  });
});

describe('a request that is not sampled', () => {
  it('makes no span, whatever is called for it', async () => {
    const { fixture, server } = await world(statuses(200));
    const startSpan = jest.spyOn(spans.tracer, 'startSpan');
    await new RequestContext('r-1', Infinity, {}).run(() => outcomeOf(fixture.orders.send(GET)), undefined);
    expect(startSpan).not.toHaveBeenCalled();
    expect(sentBy(server)).toEqual([undefined]);
  });
});

describe('a span of its own', () => {
  it('does not take what is told after its end', () => {
    const { span } = sampled();
    const addEvent = jest.spyOn(span!.otel, 'addEvent');
    span?.end();
    span?.end();
    span?.event('late', {});
    expect(addEvent).not.toHaveBeenCalled();
    expect(spans.allNamed('request')).toHaveLength(1);
  });
});
