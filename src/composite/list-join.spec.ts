import { type ServerResponse } from 'node:http';
import { eventually } from '../aggregation/testing/eventually.js';
import { parseList } from '../aggregation/testing/structured-field.js';
import { type TestGateway } from '../aggregation/testing/test-gateway.js';
import { clientGone, recordingServer, type RecordingServer } from '../http/testing/recording-server.js';
import { serveComposites } from './testing/serve-composites.js';

/** What the upstreams know; a test may change it. */
let order: unknown;
/** How many products are being answered right now, and were at most. */
let [now, most] = [0, 0];
let answerProduct: (sku: string, response: ServerResponse) => void;
let answerProducts: (skus: readonly string[], response: ServerResponse) => void;

let upstream: RecordingServer;
let gateway: TestGateway;

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function product(sku: unknown): object {
  return { sku, name: `product ${String(sku)}`, stock: 3 };
}

function lines(...skus: readonly unknown[]): object[] {
  return skus.map((sku, index) => ({ sku, quantity: index + 1 }));
}

const ORDER = { upstream: 'shop', get: '/orders/{id}' };
const ONE = { upstream: 'shop', get: '/products/{key}' };
const MANY = { upstream: 'shop', get: '/products{?keys}' };
const LINES = { items: 'order.lines', key: 'sku' };

function join(part: object, order: object = ORDER): object {
  return { get: '/orders/{id}/details', parts: { order, products: part } };
}

async function serve(composite: object): Promise<void> {
  gateway = await serveComposites({
    upstreams: { shop: { url: upstream.origin, attemptTimeoutMs: 2500, retry: { maxAttempts: 1 } } },
    composites: { details: composite },
  });
}

async function ask(headers: Record<string, string> = {}, path = '/orders/o-1/details') {
  const { status, headers: received, text } = await gateway.ask(path, { headers });
  const parts = received['composite-parts'];
  const report = parts === undefined ? [] : parseList(parts);
  const of = (part: string) => report.find(({ value }) => value === part)?.parameters;
  return {
    status,
    complete: received['composite-complete'],
    report: of,
    document: JSON.parse(text) as { readonly order?: unknown; readonly products?: unknown },
  };
}

/** The products that were asked for, call by call, in order of arrival. */
function asked(): string[] {
  return upstream.seen.filter(({ url }) => url.startsWith('/products')).map(({ url }) => url);
}

beforeEach(async () => {
  [now, most] = [0, 0];
  order = { id: 'o-1', lines: lines('a', 'b', 'a', 'c') };
  answerProduct = (sku, response) => {
    json(response, product(sku));
  };
  answerProducts = (skus, response) => {
    json(response, [...skus].reverse().map(product));
  };
  upstream = await recordingServer((_request, response, { url }) => {
    const { pathname, searchParams } = new URL(url, 'http://upstream');
    const [, kind, sku] = pathname.split('/');
    if (kind === 'orders') {
      json(response, order);
      return;
    }
    most = Math.max(most, ++now);
    response.once('close', () => now--);
    if (sku === undefined) answerProducts((searchParams.get('keys') ?? '').split(','), response);
    else answerProduct(decodeURIComponent(sku), response);
  });
});

afterEach(async () => {
  expect(gateway.log.errors).toEqual([]);
  await gateway.stop();
  await upstream.close();
});

describe('forEach', () => {
  it('asks once for each distinct key and answers an object by key', async () => {
    await serve(join({ ...ONE, forEach: LINES, pick: ['name'] }));
    const { document, complete, report } = await ask();
    expect(asked().sort()).toEqual(['/products/a', '/products/b', '/products/c']);
    expect(document.products).toEqual({
      a: { name: 'product a' },
      b: { name: 'product b' },
      c: { name: 'product c' },
    });
    expect(complete).toBe('?1');
    expect(report('products')).toMatchObject({ state: 'ok', items: '3/3' });
  });

  it('may be a list of keys, written as an expression alone', async () => {
    await serve(join({ ...ONE, forEach: 'order.lines[].sku' }));
    expect((await ask()).document.products).toEqual({ a: product('a'), b: product('b'), c: product('c') });
  });

  it('answers a list in order of first appearance', async () => {
    order = { lines: lines('c', 'a', 'c', 'b') };
    await serve(join({ ...ONE, forEach: { ...LINES, collect: 'list' }, select: 'name' }));
    expect((await ask()).document.products).toEqual(['product c', 'product a', 'product b']);
  });

  it('sends what it makes of the item and its key', async () => {
    const values = { sku: 'key', amount: 'item.quantity', of: 'params.id' };
    await serve(join({ upstream: 'shop', get: '/products/{sku}{?amount,of}', values, forEach: LINES }));
    await ask();
    expect(asked().sort()).toEqual([
      '/products/a?amount=1&of=o-1',
      '/products/b?amount=2&of=o-1',
      '/products/c?amount=4&of=o-1',
    ]);
  });

  it('makes 50 calls for 50 lines at the declared concurrency, and no more at once', async () => {
    const skus = Array.from({ length: 50 }, (_, index) => `sku-${index}`);
    order = { lines: lines(...skus) };
    const waiting: (() => void)[] = [];
    answerProduct = (sku, response) => {
      waiting.push(() => {
        json(response, product(sku));
      });
    };
    await serve(join({ ...ONE, forEach: { ...LINES, concurrency: 7 } }));
    const answer = ask();
    for (let answered = 0; answered < 50; answered++) {
      const underWay = Math.min(7, 50 - answered);
      await eventually(() => waiting.length === underWay);
      waiting.shift()?.();
    }
    expect(Object.keys((await answer).document.products as object)).toEqual(skus);
    expect([asked().length, most]).toEqual([50, 7]);
  });

  it('makes 1 call for 50 lines over a batch endpoint', async () => {
    const skus = Array.from({ length: 50 }, (_, index) => `sku-${index}`);
    order = { lines: lines(...skus) };
    await serve(join({ ...MANY, forEach: { ...LINES, batch: { size: 50, key: 'sku' } } }));
    expect((await ask()).document.products).toEqual(
      Object.fromEntries(skus.map((sku) => [sku, product(sku)])),
    );
    expect(asked()).toEqual([`/products?keys=${skus.join(',')}`]);
  });

  it('asks in batches of so many, whose answers are matched by key', async () => {
    const part = { ...MANY, values: { keys: 'keys' }, select: 'items' };
    answerProducts = (skus, response) => {
      const others = [{ sku: 'stranger' }, { name: 'without key' }, null];
      json(response, { items: [...others, ...[...skus].reverse().map(product)] });
    };
    await serve(join({ ...part, forEach: { ...LINES, batch: { size: 2, key: 'sku' }, collect: 'list' } }));
    expect((await ask()).document.products).toEqual([product('a'), product('b'), product('c')]);
    expect(asked().sort()).toEqual(['/products?keys=a,b', '/products?keys=c']);
  });

  it('sends the keys of a batch in the body of a POST that only reads', async () => {
    const part = { upstream: 'shop', post: '/products', reads: true, body: { skus: 'keys' } };
    await serve(join({ ...part, forEach: { ...LINES, batch: { size: 50, key: 'sku' } } }));
    answerProducts = (_skus, response) => {
      json(response, { a: product('a') });
    };
    expect((await ask()).document.products).toEqual({ a: product('a'), b: null, c: null });
    expect(upstream.seen.at(-1)).toMatchObject({ method: 'POST', body: '{"skus":["a","b","c"]}' });
  });

  it('matches numbers among the items with texts in the answer', async () => {
    order = { lines: lines(1, '2', 2) };
    await serve(join({ ...MANY, forEach: { ...LINES, batch: { size: 50, key: 'sku' }, collect: 'list' } }));
    expect((await ask()).document.products).toEqual([product('1'), product('2')]);
    expect(asked()).toEqual(['/products?keys=1,2']);
  });

  it('asks nothing for items without a key, and nothing at all for none', async () => {
    await serve(join({ ...ONE, forEach: LINES }));
    order = { lines: [...lines(null, '', 'a'), null, { quantity: 1 }] };
    expect((await ask()).document.products).toEqual({ a: product('a') });
    for (const nothing of [[], null, lines(null)]) {
      order = { lines: nothing };
      const { document, complete, report } = await ask();
      expect([document.products, complete]).toEqual([{}, '?1']);
      expect(report('products')).toEqual({ state: 'skipped', dur: 0 });
    }
    expect(asked()).toEqual(['/products/a']);
  });

  it('answers an empty list where a list is asked of nothing', async () => {
    order = { lines: [] };
    await serve(join({ ...ONE, forEach: { ...LINES, collect: 'list' } }));
    expect((await ask()).document.products).toEqual([]);
  });

  it('is skipped where its condition does not hold', async () => {
    await serve(join({ ...ONE, forEach: LINES, when: 'length(order.lines) > `9`', fallback: {} }));
    expect((await ask()).document.products).toEqual({});
    expect(asked()).toEqual([]);
  });

  it('gives what the upstream does not have the declared value, which is no failure', async () => {
    answerProduct = (sku, response) => {
      if (sku === 'b') json(response, {}, 404);
      else if (sku === 'c') json(response, {}, 410);
      else json(response, product(sku));
    };
    await serve(join({ ...ONE, forEach: { ...LINES, missing: { name: 'unknown' } } }));
    const { document, complete, report } = await ask();
    expect(document.products).toEqual({ a: product('a'), b: { name: 'unknown' }, c: { name: 'unknown' } });
    expect(complete).toBe('?1');
    expect(report('products')).toMatchObject({ state: 'ok', items: '1/3' });
  });

  it('leaves the others when an item fails, and says so', async () => {
    answerProduct = (sku, response) => {
      if (sku === 'b') json(response, {}, 500);
      else json(response, product(sku));
    };
    await serve({ ...join({ ...ONE, forEach: LINES }), report: 'body', partialStatus: 206 });
    const { status, document, complete, report } = await ask();
    expect([status, complete]).toEqual([206, '?0']);
    expect(document).toMatchObject({
      products: { a: product('a'), b: null, c: product('c') },
      _composite: { parts: { products: { state: 'fallback', reason: 'status', items: { done: 2, of: 3 } } } },
    });
    expect(report('products')).toMatchObject({ state: 'fallback', reason: 'status', items: '2/3' });
  });

  it('leaves the others when a batch fails', async () => {
    answerProducts = (skus, response) => {
      if (skus.includes('a')) response.destroy();
      else json(response, skus.map(product));
    };
    await serve(join({ ...MANY, forEach: { ...LINES, batch: { size: 2, key: 'sku' } } }));
    const { document, report } = await ask();
    expect(document.products).toEqual({ a: null, b: null, c: product('c') });
    expect(report('products')).toMatchObject({ state: 'fallback', reason: 'reset', items: '1/3' });
  });

  it('answers its fallback when nothing could be had', async () => {
    answerProduct = (_sku, response) => {
      json(response, {}, 500);
    };
    await serve(join({ ...ONE, forEach: LINES, fallback: { none: true } }));
    const { document, report } = await ask();
    expect(document.products).toEqual({ none: true });
    expect(report('products')).toMatchObject({ state: 'fallback', items: '0/3' });
  });

  it.each([
    ['map', { a: 'none', b: 'none', c: 'none' }],
    ['list', ['none', 'none', 'none']],
  ])(
    'keeps its shape when nothing could be had and no fallback was written: a %s',
    async (collect, expected) => {
      answerProduct = (_sku, response) => {
        json(response, {}, 500);
      };
      await serve(join({ ...ONE, forEach: { ...LINES, collect, missing: 'none' } }));
      const { document, report } = await ask();
      expect(document.products).toEqual(expected);
      expect(report('products')).toMatchObject({ state: 'fallback', reason: 'status', items: '0/3' });
    },
  );

  it('answers the null that was written as its fallback when nothing could be had', async () => {
    answerProduct = (_sku, response) => {
      json(response, {}, 500);
    };
    await serve(join({ ...ONE, forEach: LINES, fallback: null }));
    expect((await ask()).document.products).toBeNull();
  });

  it('fails an item whose URL would lack what its item does not have', async () => {
    order = { lines: [{ sku: 'a', shop: 's-1' }, { sku: 'b' }] };
    await serve(join({ ...ONE, get: '/products/{key}{?item.shop}', forEach: LINES }));
    const { document, report } = await ask();
    expect(asked()).toEqual(['/products/a?item.shop=s-1']);
    expect(document.products).toEqual({ a: product('a'), b: null });
    expect(report('products')).toMatchObject({ state: 'fallback', reason: 'invalid', items: '1/2' });
  });

  it('keeps what has landed when its time is up, and ends the calls that run', async () => {
    const gone: Promise<void>[] = [];
    answerProduct = (sku, response) => {
      if (sku === 'b') gone.push(clientGone(response));
      else json(response, product(sku));
    };
    await serve(join({ ...ONE, forEach: LINES, within: 1500 }));
    const { document, report } = await ask();
    expect(document.products).toEqual({ a: product('a'), b: null, c: product('c') });
    expect(report('products')).toMatchObject({ state: 'fallback', reason: 'timeout', items: '2/3' });
    expect(gone).toHaveLength(1);
    await Promise.all(gone);
  });

  it('fails its composite where it is required, with the status of what failed', async () => {
    answerProduct = (sku, response) => {
      json(response, product(sku), sku === 'b' ? 403 : 200);
    };
    await serve(join({ ...ONE, forEach: LINES, required: true }));
    const { status, document, report } = await ask();
    expect(status).toBe(403);
    expect(document).toMatchObject({ part: 'products', reason: 'status' });
    expect(report('products')).toMatchObject({ state: 'failed' });
  });

  it('fails its composite under handling=strict', async () => {
    answerProduct = (sku, response) => {
      json(response, product(sku), sku === 'b' ? 500 : 200);
    };
    await serve(join({ ...ONE, forEach: LINES }));
    expect((await ask({ prefer: 'handling=strict' })).status).toBe(502);
  });

  it('asks for no more than maxItems of 1,000 items, and says what is missing', async () => {
    order = { lines: lines(...Array.from({ length: 1000 }, (_, index) => `sku-${index}`)) };
    await serve(join({ ...MANY, forEach: { ...LINES, maxItems: 200, batch: { size: 50, key: 'sku' } } }));
    const { document, complete, report } = await ask();
    expect(asked()).toHaveLength(4);
    expect(
      asked()
        .join(',')
        .match(/sku-\d+/g),
    ).toHaveLength(200);
    expect(complete).toBe('?0');
    expect(report('products')).toMatchObject({ state: 'fallback', reason: 'too-large', items: '200/1000' });
    expect(Object.keys(document.products as object)).toHaveLength(1000);
  });

  it.each([
    ['text', 'lines'],
    ['an object', { a: 1 }],
    ['a number', 7],
  ])('is invalid where its items are %s', async (_, found) => {
    order = { lines: found };
    await serve(join({ ...ONE, forEach: LINES, fallback: 'fallback' }));
    const { document, report } = await ask();
    expect(document.products).toBe('fallback');
    expect(report('products')).toMatchObject({ state: 'fallback', reason: 'invalid' });
    expect(asked()).toEqual([]);
  });

  it.each([
    ['the key of an item', { items: 'order.lines', key: 'length(quantity)' }],
    ['the items', 'sort(order.lines)'],
  ])('is invalid where the expression of %s cannot take what it gets', async (_, forEach) => {
    await serve(join({ ...ONE, forEach }));
    expect((await ask()).report('products')).toMatchObject({ state: 'fallback', reason: 'invalid' });
  });

  it('is invalid where a batch’s answer has no keys: the key was meant otherwise', async () => {
    await serve(join({ ...MANY, forEach: { ...LINES, batch: { size: 50, key: 'id' } } }));
    expect((await ask()).report('products')).toMatchObject({ reason: 'invalid', items: '0/3' });
  });

  it('is safe with keys that objects have of their own', async () => {
    order = { lines: lines('__proto__', 'constructor') };
    await serve(join({ ...ONE, forEach: LINES, select: 'name', pick: ['name'] }));
    const { text } = await gateway.ask('/orders/o-1/details');
    expect(text).toContain('"products":{"__proto__":null,"constructor":null}');
    await gateway.stop();
    await serve(join({ ...ONE, forEach: LINES, select: 'name' }));
    expect((await gateway.ask('/orders/o-1/details')).text).toContain(
      '"products":{"__proto__":"product __proto__","constructor":"product constructor"}',
    );
  });

  it('never lets a key leave its place in the URL', async () => {
    order = { lines: lines('x/y?z=1#%2e', '..') };
    await serve(join({ ...ONE, forEach: LINES }));
    const { document, report } = await ask();
    expect(asked()).toEqual(['/products/x%2Fy%3Fz%3D1%23%252e']);
    expect(document.products).toEqual({ 'x/y?z=1#%2e': product('x/y?z=1#%2e'), '..': null });
    expect(report('products')).toMatchObject({ state: 'fallback', reason: 'invalid', items: '1/2' });
  });

  it('hands its values on to other parts', async () => {
    await serve({
      get: '/orders/{id}/details',
      parts: {
        order: ORDER,
        products: { ...ONE, forEach: LINES },
        again: { ...ONE, forEach: 'values(products)[].name' },
      },
    });
    const { document } = await ask();
    expect(Object.keys((document as { again: object }).again)).toEqual([
      'product a',
      'product b',
      'product c',
    ]);
  });
});
