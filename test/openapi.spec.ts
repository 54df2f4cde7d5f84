import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type RunningService, startService } from '../examples/kernel/service.js';
import { SIX_SERVICES } from '../examples/services/six-services.js';
import { ask } from '../examples/testing/ask.js';
import { CompositeTable } from '../src/composite/composite-table.js';
import { loadGateway, parseGateway } from '../src/composite/config/gateway.js';
import { absolute, documentFlaws, schemaValidator } from '../src/composite/openapi/testing/document-flaws.js';
import { createApi } from '../src/gateway.js';
import { openApiDocument, serveOpenApi } from '../src/openapi.js';
import { StorefrontModule } from '../src/storefront/storefront.module.js';

// The files of the page at /docs are not what this is about, and Jest cannot load what serves them.
jest.mock('@fastify/static', () => ({ default: () => Promise.resolve() }));

const root = join(__dirname, '..');

describe('openapi.json', () => {
  let api: NestFastifyApplication;

  beforeAll(async () => {
    api = await createApi(loadGateway({ file: join(root, 'gateway.yaml'), env: {} }), {
      features: [StorefrontModule],
      logger: false,
    });
  });

  afterAll(async () => {
    await api.close();
  });

  it('is what the code says; after a change, npm run openapi writes it anew', () => {
    const committed = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8')) as unknown;

    expect(JSON.parse(JSON.stringify(openApiDocument(api)))).toEqual(committed);
  });

  it('is valid', () => {
    expect(documentFlaws(openApiDocument(api))).toEqual([]);
  });

  it('documents the report headers and the problem documents of every composite', () => {
    const { paths } = openApiDocument(api);
    for (const path of ['/customers/{id}/overview', '/products/{sku}/page']) {
      const { responses } = paths[path]?.get ?? {};

      expect(
        Object.keys(
          responses?.['200'] && 'headers' in responses['200'] ? (responses['200'].headers ?? {}) : {},
        ),
      ).toEqual(
        expect.arrayContaining([
          'Composite-Complete',
          'Composite-Parts',
          'Server-Timing',
          'Preference-Applied',
        ]),
      );
      for (const status of ['400', '404', '502', '503', '504']) {
        expect(responses?.[status]).toMatchObject({ content: { 'application/problem+json': {} } });
      }
    }
  });
});

describe('the document of composites without code', () => {
  const services = new Map<string, RunningService>();
  let api: NestFastifyApplication;

  beforeAll(async () => {
    for (const definition of SIX_SERVICES) {
      services.set(definition.name, await startService(definition, { port: 0 }));
    }
    const env = Object.fromEntries(
      [...services].map(([name, { url }]) => [`${name.toUpperCase()}_URL`, url] as const),
    );
    api = await createApi(loadGateway({ file: join(root, 'examples/storefront.yaml'), env }), {
      logger: false,
    });
    serveOpenApi(api);
    await api.init();
    await api.getHttpAdapter().getInstance().ready();
  });

  afterAll(async () => {
    await api.close();
    await Promise.all([...services.values()].map((service) => service.close()));
  });

  async function served(): Promise<Document> {
    const { body } = await api.inject({ url: '/openapi.json' });
    return JSON.parse(body) as Document;
  }

  it('is valid as it is served', async () => {
    const document = await served();
    expect(documentFlaws(document)).toEqual([]);
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/customers/{id}/overview', '/products/{sku}/page']),
    );
  });

  it.each<Exchange>([
    { path: '/customers/{id}/overview', url: '/customers/c-42/overview' },
    { path: '/customers/{id}/overview', url: '/customers/c-999999/overview' },
    { path: '/customers/{id}/overview', url: '/customers/x/overview' },
    { path: '/products/{sku}/page', url: '/products/p-7/page' },
    ...SIX_SERVICES.flatMap(({ name }) => [
      { path: '/customers/{id}/overview', url: '/customers/c-43/overview', broken: name },
      { path: '/products/{sku}/page', url: '/products/p-8/page', broken: name },
    ]),
  ])('promises what is answered: $url, broken: $broken', async ({ path, url, broken }) => {
    const { responses = {} } = (await served()).paths[path]?.get ?? {};
    const faults = `${services.get(broken ?? '')?.url ?? ''}/faults`;
    if (broken !== undefined) await ask(faults, { method: 'PUT', body: { status: 500 } });
    const { statusCode, body, headers } = await api
      .inject({ url, headers: { prefer: 'report=body' } })
      .finally(() => (broken === undefined ? undefined : ask(faults, { method: 'DELETE' })));

    const type = String(headers['content-type']).replace(/;.*/, '');
    const schema = responses[statusCode]?.content?.[type]?.schema;
    const validate = schemaValidator(await served()).compile(absolute(schema));
    expect(validate(JSON.parse(body)) ? [] : validate.errors).toEqual([]);
    const promised = Object.keys(responses[statusCode]?.headers ?? {}).map((name) => name.toLowerCase());
    const known = statusCode < 400 ? OF_EVERY_MESSAGE : new Set([...OF_EVERY_MESSAGE, ...OF_EVERY_FAILURE]);
    const sent = Object.keys(headers).filter((name) => !known.has(name));
    expect(sent.filter((name) => !promised.includes(name))).toEqual([]);
  });

  it('is another one once other composites are served', async () => {
    const before = await served();
    const table = api.get(CompositeTable);
    const plans = table.runners.map(({ plan }) => plan);
    const other = parseGateway(
      "upstreams: { offers: { url: 'http://offers' } }\n" +
        'composites: { deals: { get: /deals, parts: { offers: { upstream: offers, get: /offers } } } }',
      { env: {} },
    );
    table.replace(other.composites);
    const after = await served();
    const page = await api.inject({ url: '/docs/swagger-ui-init.js' });
    table.replace(plans);

    expect(before.paths).not.toHaveProperty('/deals');
    expect(after.paths).toHaveProperty('/deals');
    expect(after.paths).not.toHaveProperty(['/products/{sku}/page']);
    expect(page.body).toContain('/deals');
    expect(await served()).toEqual(before);
  });
});

/** What an answer has because it is HTTP. */
const OF_EVERY_MESSAGE = new Set(['content-type', 'content-length', 'date', 'connection', 'keep-alive']);
const OF_EVERY_FAILURE = ['cache-control', 'vary'];

/** A request, the path of the document it is for, and the service that is broken meanwhile. */
interface Exchange {
  readonly path: string;
  readonly url: string;
  readonly broken?: string;
}

interface Document {
  readonly paths: Readonly<Record<string, { readonly get?: { readonly responses: Responses } }>>;
}

type Responses = Readonly<Record<string, Response>>;

interface Response {
  readonly headers?: object;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}
