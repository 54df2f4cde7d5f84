import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseGateway } from '../composite/config/gateway.js';
import { failureMatrix, type FailureMatrix, type FailureMatrixOptions } from './failure-matrix.js';

jest.setTimeout(60_000);

/** The matrix of a composite, written as in the file; each part is one of the upstream `shop`. */
function matrixOf(
  composite: object,
  parts: Readonly<Record<string, object>>,
  options: Partial<FailureMatrixOptions> = {},
): Promise<FailureMatrix> {
  const written = Object.entries(parts).map(
    ([name, part]) => [name, { upstream: 'shop', get: `/${name}`, ...part }] as const,
  );
  const text = JSON.stringify({
    upstreams: { shop: { url: 'http://localhost:1' } },
    composites: { screen: { ...composite, parts: Object.fromEntries(written) } },
  });
  return failureMatrix({ config: parseGateway(text, { env: {} }), composite: 'screen', ...options });
}

describe('the failure matrix of a composite', () => {
  let matrix: FailureMatrix;

  beforeAll(async () => {
    matrix = await matrixOf(
      { get: '/customers/{id}', params: { id: { pattern: String.raw`^c-\d+$` } }, partialStatus: 206 },
      {
        customer: { get: '/customers/{id}', required: true },
        orders: { get: '/orders{?id}', fallback: [] },
        offers: { get: '/offers{?tier}', values: { tier: 'customer.tier' }, within: '300ms' },
      },
    );
  });

  it('has an answer for every combination', () => {
    expect(matrix).toMatchObject({ exhaustive: true, parts: ['customer', 'orders', 'offers'], notes: [] });
    expect(matrix.answers).toHaveLength(125);
    expect(matrix.answerWhen({})).toMatchObject({
      status: 200,
      complete: true,
      shape: '{customer: {tier: string}, orders: [{id: string}], offers: {id: string}}',
    });
  });

  it.each([
    ['down', 'connect'],
    ['slow', 'timeout'],
    ['garbage', 'invalid'],
  ] as const)('tells what an optional part that is %s falls back for', (behaviour, reason) => {
    const { status, complete, parts, body, headers } = matrix.answerWhen({ orders: behaviour });
    expect({ status, complete, orders: parts['orders'] }).toEqual({
      status: 206,
      complete: false,
      orders: { state: 'fallback', reason },
    });
    expect(body).toMatchObject({ orders: [] });
    expect(headers).toEqual({ 'cache-control': 'no-store' });
  });

  it.each([
    ['down', 502, 'connect'],
    ['slow', 504, 'timeout'],
    ['garbage', 502, 'invalid'],
  ] as const)(
    'tells what a required part that is %s fails with, whatever the others do',
    (behaviour, status, reason) => {
      const answers = matrix.answers.filter(({ when }) => when['customer'] === behaviour);
      expect(answers).toHaveLength(25);
      for (const answer of answers) {
        expect(answer).toMatchObject({ status, failed: { part: 'customer', reason }, parts: {} });
      }
    },
  );

  it('knows an empty answer as null, and not as a failure', () => {
    expect(matrix.answerWhen({ orders: 'empty' })).toMatchObject({
      status: 200,
      complete: true,
      body: { orders: null },
    });
  });

  it('folds what is answered alike, and finds nothing that one failure alone does not explain', () => {
    expect(matrix.table).toMatchInlineSnapshot(`
      "screen: GET /customers/{id}

      All 125 combinations of up, down, slow, garbage, empty.

      One at a time

        part      is       status  answer                   body            cache-control
        ────────  ───────  ──────  ───────────────────────  ──────────────  ─────────────
        all       up       200     complete                 A               no-cache
        customer  down     502     customer failed connect  problem         no-store
                  slow     504     customer failed timeout  problem         no-store
                  garbage  502     customer failed invalid  problem         no-store
                  empty    206     offers fallback invalid  customer: null  no-store
                                                            offers: null
        orders    down     206     orders fallback connect  orders: []      no-store
                  slow     206     orders fallback timeout  orders: []      no-store
                  garbage  206     orders fallback invalid  orders: []      no-store
                  empty    200     complete                 orders: null    no-cache
        offers    down     206     offers fallback connect  offers: null    no-store
                  slow     206     offers fallback timeout  offers: null    no-store
                  garbage  206     offers fallback invalid  offers: null    no-store
                  empty    200     complete                 offers: null    no-cache

      Several at a time (· is any)

        customer  orders   offers   status  answer                   cache-control
        ────────  ───────  ───────  ──────  ───────────────────────  ─────────────
        up        up       up       200     complete                 no-cache
                  empty    empty
        up        up       down     206     partial                  no-store
                  empty    slow
                           garbage
        up        down     ·        206     partial                  no-store
                  slow
                  garbage
        empty     ·        ·        206     partial                  no-store
        down      ·        ·        502     customer failed connect  no-store
        garbage                             customer failed invalid
        slow      ·        ·        504     customer failed timeout  no-store

      Whatever several do, it is what one of them does alone.

      Bodies

        A        {customer: {tier: string}, orders: [{id: string}], offers: {id: string}}
        problem  {type: string, title: string, status: number, detail: string, part: string, reason:
                 string, requestId: string}
      "
    `);
    expect(matrix.table.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('is Markdown as well', () => {
    expect(matrix.markdown).toContain(
      '| offers | down | 206 | offers fallback connect | offers: null | no-store |',
    );
  });

  it('knows no combination of parts it does not have', () => {
    expect(() => matrix.answerWhen({ ordres: 'down' })).toThrow('unknown part ordres; did you mean orders?');
  });
});

describe('the stubs of a failure matrix', () => {
  it('answer a batch by the keys it asks for, and a call of one key with one value', async () => {
    const matrix = await matrixOf(
      { get: '/screen' },
      {
        order: { required: true },
        products: {
          get: '/products{?skus}',
          forEach: { items: 'order.lines', key: 'sku', batch: { size: 50, key: 'sku' }, stitch: 'product' },
          values: { skus: 'keys' },
          select: 'data.items',
          pick: ['sku', 'name'],
        },
        stock: { get: '/stock/{sku}', forEach: { items: 'order.lines', key: 'sku' }, values: { sku: 'key' } },
      },
      { only: ['products'] },
    );
    expect(matrix.notes).toEqual([]);
    expect(matrix.answerWhen({}).body).toEqual({
      order: {
        lines: [
          { sku: 'sku-1', product: { sku: 'sku-1', name: 'name-1' } },
          { sku: 'sku-2', product: { sku: 'sku-2', name: 'name-2' } },
        ],
      },
      stock: { 'sku-1': { id: 'id' }, 'sku-2': { id: 'id' } },
    });
    expect(matrix.answerWhen({ products: 'down' })).toMatchObject({
      complete: false,
      shape: expect.stringContaining('product: null') as string,
    });
  });

  it('fit the schema of the part, and let its condition hold', async () => {
    const schema = {
      type: 'object',
      required: ['tier', 'visits'],
      properties: { tier: { enum: ['silver', 'gold'] }, visits: { type: 'integer', minimum: 5 } },
      additionalProperties: false,
    };
    const matrix = await matrixOf(
      { get: '/screen' },
      {
        customer: { required: true, schema },
        gift: { when: `customer.tier == 'gold' && customer.visits >= \`5\`` },
      },
      { only: [] },
    );
    expect(matrix.answers).toMatchObject([
      { complete: true, body: { customer: { tier: 'gold', visits: 5 }, gift: { id: 'id' } } },
    ]);
  });

  it('say what they are told to, and tell where that is not what is needed', async () => {
    const parts = { a: { required: true }, b: { get: '/b/{a.id}' }, c: { when: 'a.flag' } };
    const matrix = await matrixOf({ get: '/screen' }, parts, { answers: { a: { name: 'mine' } }, only: [] });
    expect(matrix.answerWhen({})).toMatchObject({ complete: false, body: { a: { name: 'mine' } } });
    expect(matrix.notes).toEqual([
      expect.stringMatching(/^c is never asked: `when: a.flag` does not hold/),
      expect.stringMatching(/^with everything up it is not complete \(b fallback invalid/),
    ]);
  });
});

describe('a failure matrix', () => {
  it('tells which writes have happened', async () => {
    const matrix = await matrixOf(
      { post: '/checkout', bodySchema: { type: 'object', properties: { sku: { type: 'string' } } } },
      {
        order: { get: undefined, post: '/orders', body: 'body', required: true },
        payment: { get: undefined, post: '/orders/{order.id}/payments', required: true },
      },
    );
    expect(matrix.notes).toEqual([]);
    expect(matrix.answerWhen({ payment: 'slow' })).toMatchObject({
      status: 504,
      writes: { order: 'done', payment: 'unknown' },
    });
    expect(matrix.answerWhen({ order: 'down' }).writes).toMatchObject({ payment: 'not-tried' });
  });

  it('has slow parts add up against the deadline, and says that this is more than one of them does alone', async () => {
    const matrix = await matrixOf({ get: '/screen' }, { a: {}, b: { needs: ['a'] } });
    expect(matrix.answerWhen({ a: 'slow' }).parts).toMatchObject({
      a: { reason: 'timeout' },
      b: { state: 'ok' },
    });
    expect(matrix.answerWhen({ b: 'slow' }).parts).toMatchObject({ b: { reason: 'timeout' } });
    expect(matrix.answerWhen({ a: 'slow', b: 'slow' }).parts).toMatchObject({
      a: { reason: 'timeout' },
      b: { reason: 'deadline' },
    });
    expect(matrix.table).toMatch(
      /More than one of them does alone:\n\n.*\n.*\n {2}a slow +200 +a fallback timeout/,
    );
  });

  it('is of one or two failures at a time where there are too many combinations', async () => {
    const parts = { a: {}, b: {}, c: {} };
    const matrix = await matrixOf({ get: '/screen' }, parts, { maxCombinations: 100, only: ['a', 'b', 'c'] });
    expect(matrix).toMatchObject({ exhaustive: false, answers: { length: 61 } });
    expect(matrix.table).toContain(
      '61 of 5^3 combinations: one or two parts at a time are down, slow, garbage, empty.',
    );
  });

  it('needs values for what nothing can be made up for', async () => {
    const params = { id: { pattern: '^(?=.*z)(?=.*1).+$' } };
    const parts = { a: { get: '/a/{id}' } };
    await expect(matrixOf({ get: '/a/{id}', params }, parts)).rejects.toThrow(
      'no value could be made up for id (^(?=.*z)(?=.*1).+$): give one',
    );
    const matrix = await matrixOf({ get: '/a/{id}', params }, parts, { params: { id: 'z1' } });
    expect(matrix.answerWhen({})).toMatchObject({ status: 200 });
  });

  it('sends credentials of the kind that is asked for', async () => {
    const composite = { get: '/mine', auth: 'bearer', forward: { headers: ['authorization'] } };
    const matrix = await matrixOf(composite, { a: {} }, { only: [] });
    expect(matrix.answerWhen({})).toMatchObject({ status: 200, complete: true });
  });

  it('reads the file of its name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-matrix-'));
    const config = join(folder, 'gateway.yaml');
    await writeFile(
      config,
      'upstreams: { shop: { url: "${SHOP_URL}" } }\n' +
        'composites: { one: { get: /one, parts: { a: { upstream: shop, get: /a } } } }\n',
    );
    const env = { SHOP_URL: 'http://shop.example' };
    const matrix = await failureMatrix({ config, env, composite: 'one', only: [] });
    expect(matrix.answerWhen({})).toMatchObject({ status: 200, shape: '{a: {id: string}}' });
    await expect(failureMatrix({ config, env, composite: 'on' })).rejects.toThrow('did you mean one?');
    await rm(folder, { recursive: true });
  });
});
