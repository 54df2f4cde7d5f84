import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../src/aggregation/testing/eventually.js';
import { packageVersion } from '../../src/cli/package-version.js';
import { recordingServer, type RecordingServer } from '../../src/http/testing/recording-server.js';
import { OtlpReceiver, type ReceivedSpan } from '../../src/telemetry/testing/otlp-receiver.js';
import { GatewayProcess } from './support/gateway-process.js';

const CALLER = 'b7ad6b7169203331';
const ROUTE = 'GET /customers/{id}/overview';

let folder: string;
let receiver: OtlpReceiver;
let shop: RecordingServer;
let gateway: GatewayProcess;

/** What the shop does with the next requests for a path; then it answers 200. */
const script = new Map<string, ('503' | 'silence')[]>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tracing-'));
  receiver = await OtlpReceiver.start();
  shop = await recordingServer(({ url = '' }, response) => {
    const [path = ''] = url.split('?');
    const next = script.get(path)?.shift();
    if (next === 'silence') return;
    response.writeHead(Number(next ?? 200), { 'content-type': 'application/json' }).end('{}');
  });
  const upstream = `url: '${shop.origin}', health: null`;
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `
server: { port: 0, managementPort: 0, shutdownGraceMs: 0, admission: { maxLoopDelayMs: null } }
telemetry:
  serviceName: shop-gateway
  tracing: { endpoint: '${receiver.endpoint}', headers: { X-Api-Key: collector-key } }
defaults: { attemptTimeoutMs: 8s, deadlineMs: 9s }
upstreams:
  customers: { ${upstream}, retry: { maxAttempts: 3, backoffBaseMs: 1, backoffCapMs: 1 } }
  offers: { ${upstream}, hedge: { mode: fixed, delayMs: 20, budgetPercent: 100 }, retryBudget: { percent: 100 } }
  stock: { ${upstream}, circuitBreaker: { mode: force-open } }
composites:
  overview:
    get: /customers/{id}/overview
    deadline: 9s
    parts:
      customer: { upstream: customers, get: '/customers/{id}', required: true }
      offers: { upstream: offers, get: '/offers{?customer}', values: { customer: params.id } }
      stock: { upstream: stock, get: /stock }
`,
  );
  gateway = await GatewayProcess.start({}, file);
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await receiver.close();
  await shop.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  script.clear();
  shop.seen.length = 0;
});

/** Asks for the overview, as part of this trace; the answer is its status. */
async function ask(trace: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const response = await fetch(`${gateway.apiUrl}/customers/c-7/overview?token=geheim`, {
    headers: { traceparent: `00-${trace}-${CALLER}-01`, ...headers },
  });
  await response.text();
  return response.status;
}

/** The spans of a trace, once that of the request has come; it ends last. */
async function received(trace: string): Promise<readonly ReceivedSpan[]> {
  const of = (): readonly ReceivedSpan[] => receiver.spans.filter(({ traceId }) => traceId === trace);
  await eventually(() => of().some(({ name }) => name === ROUTE));
  return of();
}

function under(spans: readonly ReceivedSpan[], parent: ReceivedSpan | undefined): readonly ReceivedSpan[] {
  return spans.filter(({ parentSpanId }) => parentSpanId !== undefined && parentSpanId === parent?.spanId);
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan | undefined {
  return spans.find((span) => span.name === name);
}

describe('a receiver of OTLP', () => {
  it('gets each span below the one it belongs to: those of a retry, a hedge and a refusal too', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    script.set('/customers/c-7', ['503']);
    script.set('/offers', ['silence']);
    expect(await ask(trace)).toBe(200);
    const spans = await received(trace);

    const request = named(spans, ROUTE);
    expect(request).toMatchObject({ kind: 2, parentSpanId: CALLER });
    const [composite, ...others] = under(spans, request);
    expect(composite).toMatchObject({ name: 'composite overview', kind: 1, status: 0 });
    expect(others).toEqual([]);
    const parts = under(spans, composite);
    expect(parts.map(({ name }) => name).sort()).toEqual(['part customer', 'part offers', 'part stock']);

    const customer = named(parts, 'part customer');
    expect(customer?.events).toEqual(['retry']);
    expect(under(spans, customer)).toMatchObject([
      { name: 'GET /customers/{id}', kind: 3, status: 2, attributes: { 'http.response.status_code': 503 } },
      { status: 0, attributes: { 'http.request.resend_count': 1, 'http.response.status_code': 200 } },
    ]);
    expect(under(spans, named(parts, 'part offers'))).toMatchObject([
      { attributes: { 'tributary.attempt.hedge': true, 'tributary.outcome': 'ok' } },
      { attributes: { 'tributary.attempt.number': 1, 'tributary.outcome': 'cancelled' } },
    ]);
    expect(under(spans, named(parts, 'part stock'))).toMatchObject([
      { status: 2, attributes: { 'tributary.outcome': 'open', 'tributary.breaker.state': 'force-open' } },
    ]);
    expect(spans).toHaveLength(10);

    const attempts = spans.filter(
      ({ kind, attributes }) => kind === 3 && attributes['tributary.outcome'] !== 'open',
    );
    const sent = shop.seen.map(({ headers }) => headers['traceparent']);
    expect(sent.sort()).toEqual(attempts.map(({ spanId }) => `00-${trace}-${spanId}-01`).sort());
  });

  it('learns who sends them, and no value of what was asked', async () => {
    const trace = '1af7651916cd43dd8448eb211c80319c';
    await ask(trace, { authorization: 'Bearer geheim', 'x-request-id': 'r-7' });
    const spans = await received(trace);
    expect(receiver.resource).toMatchObject({
      'service.name': 'shop-gateway',
      'service.version': packageVersion(),
      'host.name': hostname(),
      'process.runtime.name': 'nodejs',
    });
    expect(receiver.requests[0]).toMatchObject({
      url: '/v1/traces',
      headers: { 'x-api-key': 'collector-key' },
    });
    expect(named(spans, ROUTE)?.attributes).toMatchObject({
      'http.response.status_code': 200,
      'tributary.request.id': 'r-7',
    });
    const written = receiver.requests.map(({ body }) => body).join('');
    for (const value of ['geheim', 'c-7', 'collector-key']) expect(written).not.toContain(value);
  });

  it('gets what ended with a client that left', async () => {
    const trace = '2af7651916cd43dd8448eb211c80319c';
    script.set('/customers/c-7', ['silence']);
    const client = connect(Number(new URL(gateway.apiUrl).port), '127.0.0.1');
    client.write(
      `GET /customers/c-7/overview HTTP/1.1\r\nhost: gateway\r\ntraceparent: 00-${trace}-${CALLER}-01\r\n\r\n`,
    );
    await eventually(() => shop.seen.some(({ url }) => url === '/customers/c-7'));
    client.destroy();
    const spans = await received(trace);
    expect(named(spans, ROUTE)?.attributes).toMatchObject({ 'tributary.client.left': true });
    expect(under(spans, named(spans, 'part customer'))).toMatchObject([
      { attributes: { 'tributary.outcome': 'cancelled' } },
    ]);
  });

  it('gets what is left when the gateway stops', async () => {
    const trace = '3af7651916cd43dd8448eb211c80319c';
    await ask(trace);
    expect(await gateway.stop()).toBe(0);
    expect(await received(trace)).toHaveLength(8);
  });
});
