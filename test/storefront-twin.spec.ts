import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type RunningService, startService } from '../examples/kernel/service.js';
import { SIX_SERVICES } from '../examples/services/six-services.js';
import { ask } from '../examples/testing/ask.js';
import { loadGateway } from '../src/composite/config/gateway.js';
import { createApi } from '../src/gateway.js';
import { StorefrontModule } from '../src/storefront/storefront.module.js';

const root = join(__dirname, '..');

/** What a client can tell answers apart by. */
interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

describe('the storefront in gateway.yaml', () => {
  const services = new Map<string, RunningService>();
  let controllers: NestFastifyApplication;
  let composites: NestFastifyApplication;

  beforeAll(async () => {
    for (const definition of SIX_SERVICES) {
      services.set(definition.name, await startService(definition, { port: 0 }));
    }
    const env = Object.fromEntries(
      [...services].map(([name, { url }]) => [`${name.toUpperCase()}_URL`, url] as const),
    );
    controllers = await served('gateway.yaml', env, [StorefrontModule]);
    composites = await served('examples/storefront.yaml', env, []);
  });

  afterAll(async () => {
    await Promise.all([controllers, composites].map((app) => app.close()));
    await Promise.all([...services.values()].map((service) => service.close()));
  });

  it.each([1, 7, 42, 137, 500, 999])(
    'answers the overview of customer %i byte for byte the same',
    async (n) => {
      await expectTwins(`/customers/c-${n}/overview`);
    },
  );

  it.each([1, 7, 42, 137, 499])('answers the page of product %i byte for byte the same', async (n) => {
    await expectTwins(`/products/p-${n}/page`);
  });

  it('knows the same customers and products not to be there', async () => {
    expect((await expectTwins('/customers/c-999999/overview')).status).toBe(404);
    expect((await expectTwins('/products/p-999999/page')).status).toBe(404);
  });

  it.each(['orders', 'catalog', 'offers', 'inventory', 'reviews', 'customers'])(
    'makes the same of a broken %s',
    async (service) => {
      const faults = `${services.get(service)?.url ?? ''}/faults`;
      await ask(faults, { method: 'PUT', body: { status: 500 } });
      try {
        await expectTwins('/customers/c-43/overview');
        await expectTwins('/products/p-43/page');
      } finally {
        await ask(faults, { method: 'DELETE' });
      }
    },
  );

  /** Asks both, and hands over what they agree on. */
  async function expectTwins(path: string): Promise<Answer> {
    const [written, declared] = await Promise.all([answerOf(controllers, path), answerOf(composites, path)]);
    expect(declared).toEqual(written);
    return declared;
  }
});

function served(
  file: string,
  env: Record<string, string>,
  features: readonly (typeof StorefrontModule)[],
): Promise<NestFastifyApplication> {
  const definition = loadGateway({ file: join(root, file), env });
  return createApi(definition, { features, logger: false }).then(async (app) => {
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    return app;
  });
}

async function answerOf(app: NestFastifyApplication, path: string): Promise<Answer> {
  const { statusCode, body, headers } = await app.inject({ url: path, headers: { 'x-request-id': 'twin' } });
  // Every answer has durations of its own, and the report of a join says how many of its items are there.
  const { 'server-timing': _timing, date: _date, ...kept } = headers;
  const parts = String(kept['composite-parts']).replaceAll(/;(?:dur=\d+|items="[^"]*")/g, '');
  // A composite of the file can also be had as a stream, so its answer varies with what the client accepts.
  const vary = String(kept.vary).replace('accept, ', '');
  return { status: statusCode, body, headers: { ...kept, vary, 'composite-parts': parts } };
}

it('keeps the upstreams of both files alike', () => {
  const policies = (file: string) =>
    Object.values(loadGateway({ file: join(root, file), env: {} }).config.upstreams).map(
      ({ name, policy, endpoints, critical }) => ({ name, policy, endpoints, critical }),
    );
  expect(policies('examples/storefront.yaml')).toEqual(policies('gateway.yaml'));
});
