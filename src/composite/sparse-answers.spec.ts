import { type Answer, type TestGateway } from '../aggregation/testing/test-gateway.js';
import { CompositeRun } from '../aggregation/composite-run.js';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { CompositeRunner } from './composite-runner.js';
import type * as ExpressionSyntax from './expression-syntax.js';
import { parsedExpression } from './expression-syntax.js';
import { parseGateway } from './config/gateway.js';
import { serveComposites } from './testing/serve-composites.js';

jest.mock('./expression-syntax.js', () => {
  const actual = jest.requireActual<typeof ExpressionSyntax>('./expression-syntax.js');
  return { ...actual, parsedExpression: jest.fn(actual.parsedExpression) };
});

const order = { id: 'o-1', total: 12, customerId: 'c-1', lines: [{ sku: 'a' }, { sku: 'b' }] };

const answers: Readonly<Record<string, unknown>> = {
  '/orders/o-1': order,
  '/customers/c-1': { id: 'c-1', name: 'Ada' },
  '/products/a': { sku: 'a', name: 'A' },
  '/products/b': { sku: 'b', name: 'B' },
  '/offers': [{ title: 'x' }],
};

const parts = {
  order: { upstream: 'shop', get: '/orders/{id}', required: true },
  customer: { upstream: 'shop', get: '/customers/{order.customerId}', as: 'people.customer' },
  product: {
    upstream: 'shop',
    get: '/products/{key}',
    forEach: { items: 'order.lines', key: 'sku', stitch: 'product' },
  },
  offers: { upstream: 'shop', get: '/offers', fallback: [] },
  stock: { upstream: 'shop', get: '/stock', required: true },
};

let shop: RecordingServer;
let gateway: TestGateway;

beforeAll(async () => {
  shop = await recordingServer((_request, response, { url }) => {
    const answer = answers[url];
    const headers = {
      'content-type': 'application/json',
      'cache-control': url === '/offers' ? 'max-age=600' : 'max-age=60',
    };
    response.writeHead(answer === undefined ? 503 : 200, headers).end(JSON.stringify(answer));
  });
  gateway = await serveComposites({
    upstreams: { shop: { url: shop.origin, retry: { maxAttempts: 1 } } },
    composites: {
      screen: { get: '/screen/{id}', parts },
      whole: { get: '/whole/{id}', sparse: false, parts },
      posted: { post: '/posted/{id}', parts },
      guarded: {
        get: '/guarded',
        parts: { guard: { ...parts.stock, hidden: true }, offers: parts.offers },
      },
    },
  });
});

afterAll(async () => {
  await gateway.stop();
  await shop.close();
});

beforeEach(() => {
  shop.seen.length = 0;
});

const called = (): string[] => shop.seen.map(({ url }) => url).sort();

function partsOf({ headers }: Answer): string {
  return (headers['composite-parts'] ?? '').replace(/;(dur|items)=("[^"]*"|\d+)/g, '');
}

describe('?fields=', () => {
  it('calls only what is asked for and what that needs, and answers only what is asked for', async () => {
    const answer = await gateway.ask('/screen/o-1?fields=people');
    expect([answer.status, answer.text]).toEqual([200, '{"people":{"customer":{"id":"c-1","name":"Ada"}}}']);
    expect(called()).toEqual(['/customers/c-1', '/orders/o-1']);
    expect(partsOf(answer)).toBe('order;state=ok, customer;state=ok');
  });

  it('joins only where something asked for shows the values', async () => {
    const plain = await gateway.ask('/screen/o-1?fields=order.lines.sku,order.total');
    expect(plain.text).toBe('{"order":{"total":12,"lines":[{"sku":"a"},{"sku":"b"}]}}');
    expect(called()).toEqual(['/orders/o-1']);
    const joined = await gateway.ask('/screen/o-1?fields=order.lines.product.name');
    expect(joined.text).toBe('{"order":{"lines":[{"product":{"name":"A"}},{"product":{"name":"B"}}]}}');
    expect(called()).toEqual(['/orders/o-1', '/orders/o-1', '/products/a', '/products/b']);
  });

  it('takes the parameter several times, with spaces, in any order', async () => {
    const one = await gateway.ask('/screen/o-1?fields=offers.title,order.id');
    const other = await gateway.ask('/screen/o-1?fields=order.id&fields=%20offers.title%20,order.id');
    expect(one.text).toBe('{"order":{"id":"o-1"},"offers":[{"title":"x"}]}');
    expect(other.text).toBe(one.text);
    expect(other.headers['etag']).toBe(one.headers['etag']);
  });

  it('is not held up by a required part that nothing asked for needs', async () => {
    expect((await gateway.ask('/screen/o-1')).status).toBe(502);
    expect((await gateway.ask('/screen/o-1?fields=offers')).status).toBe(200);
    expect((await gateway.ask('/screen/o-1?fields=offers,stock')).status).toBe(502);
  });

  it('is not let past a guard', async () => {
    const answer = await gateway.ask('/guarded?fields=offers');
    expect([answer.status, called()]).toEqual([502, ['/offers', '/stock']]);
  });

  it('may be kept as long as what it is made of', async () => {
    const { headers } = await gateway.ask('/screen/o-1?fields=offers');
    // To the second: some of it may be over.
    expect(headers['cache-control']).toMatch(/max-age=(600|59\d)/);
    const again = await gateway.ask('/screen/o-1?fields=offers', {
      headers: { 'if-none-match': headers['etag'] ?? '' },
    });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  it('narrows what is delivered part by part, too', async () => {
    const { text } = await gateway.ask('/screen/o-1?fields=people.customer.name,order.lines.product.name', {
      headers: { accept: 'application/x-ndjson' },
    });
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly data?: object });
    const { people, order: shown } = Object.assign({}, ...events.map(({ data }) => data)) as Record<
      string,
      unknown
    >;
    expect(people).toEqual({ customer: { name: 'Ada' } });
    expect(shown).toEqual({ lines: [{ product: { name: 'A' } }, { product: { name: 'B' } }] });
    expect(called()).not.toContain('/stock');
  });

  it.each([
    ['custmer', /names 'custmer', .* Valid here: order, people, offers, stock\./],
    ['people.custmer', /Did you mean people\.customer\?/],
    ['product', /Valid here: order, people, offers, stock\./],
    ['', /names no field; expected fields of the response, such as customer,orders\.total\./],
    ['order..id', /names 'order\.\.id', which is no dotted path/],
  ])('is a problem as %j, and nothing is called', async (fields, detail) => {
    const { status, text, headers } = await gateway.ask(`/screen/o-1?fields=${fields}`);
    expect([status, headers['content-type']]).toEqual([
      400,
      expect.stringContaining('application/problem+json'),
    ]);
    expect((JSON.parse(text) as { detail: string }).detail).toMatch(detail);
    expect(shop.seen).toEqual([]);
  });

  it('means nothing to a composite that is not sparse, nor to one that is no GET', async () => {
    await gateway.ask('/whole/o-1?fields=offers');
    expect(called()).toContain('/stock');
    shop.seen.length = 0;
    await gateway.ask('/posted/o-1?fields=offers', { method: 'POST' });
    expect(called()).toContain('/stock');
  });
});

describe('a runner', () => {
  const { config, composites } = parseGateway(
    JSON.stringify({
      upstreams: { shop: { url: 'http://localhost:1' } },
      composites: { screen: { get: '/screen/{id}', parts } },
    }),
    { env: {} },
  );
  const registry = new UpstreamRegistry(config);

  it('is worked out once for each set of fields, however they are written', () => {
    const runner = new CompositeRunner(composites[0]!, registry);
    const narrowed = runner.narrowed('order.id,offers');
    expect(runner.narrowed([' offers', 'order.id,offers.title'])).toBe(narrowed);
    expect(runner.narrowed('order.id')).not.toBe(narrowed);
    expect(runner.narrowed(undefined)).toBe(runner);
  });

  it('declares its parts once, not for every run', () => {
    const runner = new CompositeRunner(composites[0]!, registry);
    const declared = jest.spyOn(CompositeRun.prototype, 'start').mockImplementation(function (this: object) {
      stages.push((this as { readonly stages: readonly unknown[] }).stages);
    });
    const stages: (readonly unknown[])[] = [];
    for (const id of ['o-1', 'o-2']) runner.run({ params: { id }, body: null }).subscribe();
    declared.mockRestore();
    expect(stages).toHaveLength(2);
    expect(stages[1]).toBe(stages[0]);
  });

  it('is worked out without reading an expression again', () => {
    const read = jest.mocked(parsedExpression);
    expect(read).toHaveBeenCalled();
    read.mockClear();
    const runner = new CompositeRunner(composites[0]!, registry);
    runner.narrowed('order.lines.product.name,people');
    expect(read).not.toHaveBeenCalled();
  });

  it('keeps the hundred that were asked for last', () => {
    const runner = new CompositeRunner(composites[0]!, registry);
    const first = runner.narrowed('order.id');
    for (let nth = 1; nth < 100; nth++) runner.narrowed(`order.field${nth}`);
    expect(runner.narrowed('order.id')).toBe(first);
    const second = runner.narrowed('order.field1');
    for (let nth = 100; nth < 200; nth++) runner.narrowed(`order.field${nth}`);
    expect(runner.narrowed('order.field1')).not.toBe(second);
  });
});
