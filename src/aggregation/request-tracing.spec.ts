import { connect } from 'node:net';
import { Controller, Get, type ModuleMetadata, Param } from '@nestjs/common';
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AlwaysOffSampler, ParentBasedSampler, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER } from 'rxjs';
import { recordingServer, type RecordingServer, type Serve } from '../http/testing/recording-server.js';
import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { RequestContext } from '../upstream/request-context.js';
import { SpanRecorder, traceparentFor } from '../upstream/testing/span-recorder.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { aggregate, thenAlso } from './aggregate.js';
import { optional, required } from './part.js';
import { eventually } from './testing/eventually.js';
import { TestGateway } from './testing/test-gateway.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${CALLER}-01`;
const UNSAMPLED = `00-${TRACE}-${CALLER}-00`;

@Controller()
class ScreensController {
  readonly traceIds: (string | undefined)[] = [];

  constructor(private readonly registry: UpstreamRegistry) {}

  @Get('screens/:id')
  screen(@Param('id') id: string) {
    this.traceIds.push(RequestContext.current().traceId);
    return aggregate(
      { user: required(this.ask(`/users/${id}`)), ads: optional(this.ask('/ads'), { fallback: [] }) },
      { name: 'screen' },
    ).pipe(thenAlso(['user'], () => ({ posts: optional(this.ask('/posts')) })));
  }

  @Get('hanging')
  hanging() {
    return aggregate({ slow: required(NEVER), asked: required(this.ask('/silent')) });
  }

  @Get('health/live')
  live() {
    return this.ask('/health');
  }

  private ask(path: string) {
    return this.registry
      .get('users')
      .send({ method: 'GET', url: path, urlTemplate: path }, ({ data }) => data);
  }
}

let users: RecordingServer;
let gateway: TestGateway;
let spans: SpanRecorder;
const serve: Serve = (request, response) => {
  if (request.url === '/silent') return;
  response.statusCode = request.url === '/ads' ? 500 : 200;
  response.setHeader('content-type', 'application/json').end('{}');
};

beforeEach(async () => {
  users = await recordingServer(serve);
  spans = new SpanRecorder();
});

afterEach(async () => {
  await gateway.stop();
  await users.close();
});

async function start(tracer: SpanRecorder | undefined, server = ''): Promise<void> {
  const config = parseGatewayConfig(`
server: { admission: { maxLoopDelayMs: null }${server} }
upstreams: { users: { url: '${users.origin}', attemptTimeoutMs: 10s, deadlineMs: 12s } }`);
  const metadata: ModuleMetadata = {
    imports: [UpstreamModule.forRoot({ config, tracer: tracer?.tracer })],
    controllers: [ScreensController],
  };
  gateway = await TestGateway.start(metadata);
}

const sent = (header: string): unknown[] => users.seen.map(({ headers }) => headers[header]);
const attempts = (): readonly ReadableSpan[] => spans.ended.filter(({ kind }) => kind === SpanKind.CLIENT);

/** Each span below the one it belongs to, with those of one parent in the order they began in. */
function tree(parent: string | undefined): unknown {
  const children = spans.ended
    .filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)
    .sort((one, other) => one.startTime[0] - other.startTime[0] || one.startTime[1] - other.startTime[1]);
  return children.map((span) => [span.name, tree(span.spanContext().spanId)]);
}

/** The request's own span: it is the last to end. */
async function told(): Promise<ReadableSpan> {
  await eventually(() => spans.ended.some(({ kind }) => kind === SpanKind.SERVER));
  return spans.ended.find(({ kind }) => kind === SpanKind.SERVER)!;
}

describe('a sampled request', () => {
  it('has a span for itself, its composite, each part and each attempt, in that order', async () => {
    await start(spans);
    const { headers } = await gateway.ask('/screens/7?secret=1');
    await told();
    expect(tree(undefined)).toEqual([
      [
        'GET /screens/{id}',
        [
          [
            'composite screen',
            expect.arrayContaining([
              ['part user', [['GET /users/7', []]]],
              ['part ads', [['GET /ads', []]]],
              ['part posts', [['GET /posts', []]]],
            ]),
          ],
        ],
      ],
    ]);
    const request = spans.named('GET /screens/{id}');
    expect(request).toMatchObject({
      kind: SpanKind.SERVER,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/screens/{id}',
        'http.response.status_code': 200,
        'url.scheme': 'http',
        'tributary.request.id': headers['x-request-id'],
      },
    });
    expect(gateway.app.get(ScreensController).traceIds).toEqual([request.spanContext().traceId]);
    expect(JSON.stringify(spans.ended.map(({ attributes }) => attributes))).not.toContain('secret');
  });

  it('says of its composite and its parts how they ended', async () => {
    await start(spans);
    await gateway.ask('/screens/7');
    await told();
    expect(spans.named('composite screen')).toMatchObject({
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'tributary.composite.name': 'screen', 'tributary.composite.complete': false },
    });
    expect(spans.named('part user').attributes).toEqual({
      'tributary.part.name': 'user',
      'tributary.part.required': true,
      'tributary.part.state': 'ok',
    });
    expect(spans.named('part ads')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: {
        'tributary.part.required': false,
        'tributary.part.state': 'fallback',
        'tributary.part.reason': 'status',
        'error.type': 'status',
      },
    });
  });

  it('is what its upstreams go on with', async () => {
    await start(spans);
    await gateway.ask('/screens/7');
    await told();
    expect(sent('traceparent').sort()).toEqual(attempts().map(traceparentFor).sort());
  });

  it('ends with its client, after all that ran for it', async () => {
    await start(spans);
    const client = connect(gateway.port, '127.0.0.1');
    client.write('GET /hanging HTTP/1.1\r\nhost: gateway\r\n\r\n');
    await eventually(() => users.seen.length === 1);
    client.destroy();
    const request = await told();
    expect(request.attributes).toMatchObject({ 'tributary.client.left': true });
    expect(request.attributes).not.toHaveProperty('http.response.status_code');
    expect(spans.ended.map(({ name }) => name)).toEqual([
      'GET /silent',
      'part slow',
      'part asked',
      'composite GET /hanging',
      'GET /hanging',
    ]);
    expect(spans.named('part slow').attributes).toMatchObject({
      'tributary.part.state': 'skipped',
      'tributary.part.reason': 'cancelled',
    });
  });

  it('has one that says what was asked in vain', async () => {
    await start(spans);
    await gateway.ask('/nothing/7');
    expect(await told()).toMatchObject({
      name: 'GET',
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'http.response.status_code': 404 },
    });
  });

  it('is an error where the gateway had no answer', async () => {
    await start(spans);
    await users.close();
    await gateway.ask('/screens/7');
    expect(await told()).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': '502' },
    });
    expect(spans.named('composite screen')).toMatchObject({ attributes: { 'error.type': 'connect' } });
    users = await recordingServer(serve);
  });

  it('has none for a probe', async () => {
    await start(spans);
    await gateway.ask('/health/live');
    await gateway.ask('/nothing');
    await told();
    expect(spans.ended).toHaveLength(1);
  });
});

describe('the trace of a caller', () => {
  it('goes on here, with what its tracestate says, if the caller is trusted', async () => {
    await start(spans);
    await gateway.ask('/screens/7', { headers: { traceparent: SAMPLED, tracestate: 'rojo=1,congo=2' } });
    const request = await told();
    expect(request.spanContext().traceId).toBe(TRACE);
    expect(request.parentSpanContext).toMatchObject({ spanId: CALLER, isRemote: true });
    expect(new Set(sent('tracestate'))).toEqual(new Set(['rojo=1,congo=2']));
    expect(sent('traceparent').every((value) => String(value).startsWith(`00-${TRACE}-`))).toBe(true);
  });

  it('is not recorded where the caller does not record it, and everybody beneath hears of that', async () => {
    await start(spans);
    await gateway.ask('/screens/7', { headers: { traceparent: UNSAMPLED } });
    expect(users.seen.length).toBeGreaterThan(2);
    for (const value of sent('traceparent'))
      expect(value).toMatch(new RegExp(`^00-${TRACE}-[\\da-f]{16}-00$`));
    expect(spans.ended).toEqual([]);
    expect(gateway.app.get(ScreensController).traceIds).toEqual([undefined]);
  });

  it('is pointed to from one of our own, if the caller is not trusted', async () => {
    await start(spans, ', trustedCallers: []');
    await gateway.ask('/screens/7', { headers: { traceparent: UNSAMPLED, tracestate: 'rojo=1' } });
    const request = await told();
    expect(request.parentSpanContext).toBeUndefined();
    expect(request.spanContext().traceId).not.toBe(TRACE);
    expect(request.links).toMatchObject([{ context: { traceId: TRACE, spanId: CALLER } }]);
    expect(sent('tracestate')).toEqual(sent('tracestate').map(() => undefined));
  });

  it.each([
    ['with a malformed traceparent', { traceparent: '00-x', tracestate: 'rojo=1' }],
    ['with a tracestate alone', { tracestate: 'rojo=1' }],
  ])('begins here %s', async (_what, headers) => {
    await start(spans);
    await gateway.ask('/screens/7', { headers });
    const request = await told();
    expect(request.parentSpanContext).toBeUndefined();
    expect(request.links).toEqual([]);
    expect(sent('tracestate')).toEqual(sent('tracestate').map(() => undefined));
  });

  it('goes on within a span that the application has made itself', async () => {
    await start(spans);
    const own = spans.tracer.startSpan('own', { kind: SpanKind.SERVER });
    jest.spyOn(context, 'active').mockReturnValue(trace.setSpan(ROOT_CONTEXT, own));
    await gateway.ask('/screens/7', { headers: { traceparent: SAMPLED } });
    await eventually(() => spans.allNamed('GET /screens/{id}').length > 0);
    jest.restoreAllMocks();
    expect(spans.named('GET /screens/{id}')).toMatchObject({
      kind: SpanKind.INTERNAL,
      parentSpanContext: { spanId: own.spanContext().spanId },
    });
  });
});

describe('a request that is not sampled', () => {
  it('makes no other span, and says so to everybody beneath', async () => {
    const sampler = new ParentBasedSampler({ root: new AlwaysOffSampler() });
    spans = new SpanRecorder(sampler);
    await start(spans);
    const startSpan = jest.spyOn(spans.tracer, 'startSpan');
    await gateway.ask('/screens/7');
    expect(startSpan).toHaveBeenCalledTimes(1);
    const [first, ...others] = sent('traceparent');
    expect(first).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
    expect(others).toEqual([first, first]);
  });
});

describe('without tracing', () => {
  it('the trace of a trusted caller is passed on as it came in', async () => {
    await start(undefined);
    const headers = { traceparent: 'cc-' + SAMPLED.slice(3) + '-new', tracestate: 'rojo=1, congo=2' };
    await gateway.ask('/screens/7', { headers });
    expect(new Set(sent('traceparent'))).toEqual(new Set([headers.traceparent]));
    expect(new Set(sent('tracestate'))).toEqual(new Set([headers.tracestate]));
    expect(gateway.app.get(ScreensController).traceIds).toEqual([TRACE]);
  });

  it.each([
    ['a malformed one', { traceparent: '00-x', tracestate: 'rojo=1' }, ''],
    [
      'one of a caller that is not trusted',
      { traceparent: SAMPLED, tracestate: 'rojo=1' },
      ', trustedCallers: []',
    ],
    ['a tracestate alone', { tracestate: 'rojo=1' }, ''],
  ])('%s is dropped', async (_what, headers, server) => {
    await start(undefined, server);
    await gateway.ask('/screens/7', { headers });
    expect([...sent('traceparent'), ...sent('tracestate')].every((value) => value === undefined)).toBe(true);
  });

  it('a tracestate that cannot be read is dropped, and its traceparent is not', async () => {
    await start(undefined);
    await gateway.ask('/screens/7', { headers: { traceparent: SAMPLED, tracestate: 'no' } });
    expect(new Set(sent('traceparent'))).toEqual(new Set([SAMPLED]));
    expect(sent('tracestate').every((value) => value === undefined)).toBe(true);
  });
});

describe('an SDK that the application has registered', () => {
  afterEach(() => {
    trace.disable();
  });

  it('gets the spans, where the gateway sends none itself', async () => {
    trace.setGlobalTracerProvider({ getTracer: () => spans.tracer });
    await start(undefined);
    await gateway.ask('/screens/7');
    await told();
    expect(spans.named('composite screen')).toBeDefined();
  });
});
