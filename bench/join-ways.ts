import { lastValueFrom } from 'rxjs';
import { Pool } from 'undici';
import { CompositeRunner } from '../src/composite/composite-runner.js';
import { parseGateway } from '../src/composite/config/gateway.js';
import { UpstreamRegistry } from '../src/upstream/upstream-registry.js';

/** What a join answers: the products by their key. */
export type Products = Readonly<Record<string, unknown>>;

/** The same join as everybody may write it: as a composite, and by hand. */
export interface JoinWay {
  readonly name: string;
  /** Calls at once; undefined for one call for all. */
  readonly concurrency: number | undefined;
  readonly composite: (skus: readonly string[]) => Promise<Products>;
  readonly byHand: (skus: readonly string[]) => Promise<Products>;
}

const CONCURRENCIES = [8, 25, 50];

/** All ways to ask this upstream, and how to be done with it. */
export function joinWays(origin: string): { readonly ways: readonly JoinWay[]; close(): Promise<void> } {
  const single = { upstream: 'catalog', get: '/products/{key}', required: true };
  const many = { ...single, get: '/products{?skus}', values: { skus: 'keys' } };
  const composites = Object.fromEntries([
    ['batch', composite('batch', many, { batch: { size: 50, key: 'sku' } })],
    ...CONCURRENCIES.map((concurrency) => {
      const name = `at-${concurrency}`;
      return [name, composite(name, single, { concurrency })] as const;
    }),
  ]);
  const gateway = parseGateway(JSON.stringify({ upstreams: { catalog: { url: origin } }, composites }), {
    env: {},
  });
  const registry = new UpstreamRegistry(gateway.config);
  const [batch, ...singles] = gateway.composites.map((plan) => new CompositeRunner(plan, registry));
  const pool = new Pool(origin, { connections: 64 });
  const run = (runner: CompositeRunner | undefined) => async (skus: readonly string[]) => {
    if (runner === undefined) throw new Error('there is no such composite');
    const { products } = await lastValueFrom(runner.run({ params: { skus }, body: null }));
    return products as Products;
  };
  const ways: JoinWay[] = [
    {
      name: 'in one batch',
      concurrency: undefined,
      composite: run(batch),
      byHand: (skus) => inOneCall(pool, skus),
    },
    ...CONCURRENCIES.map((concurrency, index) => ({
      name: `one by one, ${concurrency} at once`,
      concurrency,
      composite: run(singles[index]),
      byHand: (skus: readonly string[]) => oneByOne(pool, skus, concurrency),
    })),
  ];
  return {
    ways,
    close: async () => {
      await Promise.all([pool.close(), registry.onApplicationShutdown()]);
    },
  };
}

function composite(name: string, part: object, forEach: object): object {
  return {
    get: `/${name}`,
    params: { skus: { type: 'array', items: { type: 'string' } } },
    parts: { products: { ...part, forEach: { items: 'params.skus', ...forEach } } },
  };
}

async function inOneCall(pool: Pool, skus: readonly string[]): Promise<Products> {
  const products = (await asked(pool, `/products?skus=${skus.join(',')}`)) as readonly {
    readonly sku: string;
  }[];
  return Object.fromEntries(products.map((product) => [product.sku, product]));
}

async function oneByOne(pool: Pool, skus: readonly string[], concurrency: number): Promise<Products> {
  const rest = skus.values();
  const products = new Map<string, unknown>();
  const worker = async (): Promise<void> => {
    for (const sku of rest) products.set(sku, await asked(pool, `/products/${sku}`));
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return Object.fromEntries(products);
}

async function asked(pool: Pool, path: string): Promise<unknown> {
  const { body } = await pool.request({ path, method: 'GET' });
  return body.json();
}
