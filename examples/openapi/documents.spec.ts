import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { parse } from 'yaml';
import { type RunningService, startService } from '../kernel/service.js';
import { type Route } from '../kernel/route.js';
import { SIX_SERVICES } from '../services/six-services.js';
import { ask } from '../testing/ask.js';

// CommonJS: what is its default export depends on who loads it.
const addFormats = ajvFormats as unknown as typeof ajvFormats.default;

interface Operation {
  readonly parameters?: readonly Readonly<Record<string, unknown>>[];
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly parameters: object; readonly responses: object; readonly schemas: object };
}

/** One of the documents, with a validator for each answer that it promises. */
class Promised {
  readonly document: Document;
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(private readonly name: string) {
    this.document = parse(readFileSync(join(__dirname, `${name}.yaml`), 'utf8')) as Document;
    addFormats(this.ajv);
    this.ajv.addSchema(translated(this.document) as object, name);
  }

  /** Of the JSON that an operation answers with a status. */
  validator(path: string, verb: string, status: string): ValidateFunction {
    const response = this.document.paths[path]?.[verb]?.responses[status] as
      { readonly $ref?: string } | undefined;
    const at = response?.$ref ?? `#/paths/${path.replaceAll('/', '~1')}/${verb}/responses/${status}`;
    return this.ajv.compile({ $ref: `${this.name}${encodeURI(at)}/content/application~1json/schema` });
  }

  parameters(path: string, verb: string): readonly string[] {
    const { parameters = [] } = this.document.paths[path]?.[verb] ?? { responses: {} };
    return parameters.flatMap(({ $ref, in: place, name }) => {
      if (typeof $ref === 'string') return [$ref.replace('#/components/parameters/', '')];
      return place === 'query' ? [String(name)] : [];
    });
  }
}

/** What OpenAPI 3.0 calls nullable, JSON Schema calls a type. */
function translated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(translated);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, translated(one)] as const);
  const { nullable, ...rest } = Object.fromEntries(entries) as Record<string, unknown>;
  return nullable === true ? { ...rest, type: [rest['type'], 'null'] } : rest;
}

const running = new Map<string, RunningService>();

beforeAll(async () => {
  for (const definition of SIX_SERVICES) {
    running.set(definition.name, await startService(definition, { port: 0 }));
  }
});

afterAll(() => Promise.all([...running.values()].map((service) => service.close())));

const order = { customerId: 'c-42', lines: [{ sku: 'p-7', quantity: 2 }] };

/** Service, path of its document, verb, and a request with the status it is answered with. */
const EXCHANGES: readonly (readonly [string, string, string, string, number, unknown?])[] = [
  ...SIX_SERVICES.map(({ name }) => [name, '/health', 'get', '/health', 200] as const),
  ['customers', '/customers', 'get', '/customers?limit=1000', 200],
  ['customers', '/customers', 'get', '/customers?tier=gold&offset=3', 200],
  ['customers', '/customers', 'get', '/customers?tier=tin', 400],
  ['customers', '/customers/{id}', 'get', '/customers/c-42', 200],
  ['customers', '/customers/{id}', 'get', '/customers/c-0', 404],
  ['orders', '/orders', 'get', '/orders?limit=5000', 200],
  ['orders', '/orders', 'get', '/orders?customerId=c-1', 200],
  ['orders', '/orders', 'get', '/orders?customerId=1', 400],
  ['orders', '/orders', 'post', '/orders', 201, order],
  ['orders', '/orders', 'post', '/orders', 400, { ...order, lines: [] }],
  ['orders', '/orders/{id}', 'get', '/orders/o-7', 200],
  ['orders', '/orders/{id}', 'get', '/orders/o-0', 404],
  ['catalog', '/products', 'get', '/products?limit=500', 200],
  ['catalog', '/products', 'get', '/products?skus=p-1,p-2&skus=p-3&category=office', 200],
  ['catalog', '/products', 'get', '/products?skus=1', 400],
  ['catalog', '/products/{id}', 'get', '/products/p-7', 200],
  ['catalog', '/products/{id}', 'get', '/products/p-0', 404],
  ['inventory', '/inventory', 'get', '/inventory?limit=500', 200],
  ['inventory', '/inventory', 'get', '/inventory?skus=', 200],
  ['inventory', '/inventory', 'get', '/inventory?limit=5001', 400],
  ['inventory', '/inventory/{id}', 'get', '/inventory/p-7', 200],
  ['inventory', '/inventory/{id}', 'get', '/inventory/p-0', 404],
  ['reviews', '/reviews', 'get', '/reviews?limit=3000', 200],
  ['reviews', '/reviews', 'get', '/reviews?sku=p-7', 200],
  ['reviews', '/reviews', 'get', '/reviews?sku=7', 400],
  ['reviews', '/reviews/summary', 'get', '/reviews/summary?sku=p-7', 200],
  ['reviews', '/reviews/summary', 'get', '/reviews/summary?sku=p-9999', 200],
  ['reviews', '/reviews/summary', 'get', '/reviews/summary', 400],
  ['reviews', '/reviews/{id}', 'get', '/reviews/r-7', 200],
  ['reviews', '/reviews/{id}', 'get', '/reviews/r-0', 404],
  ['offers', '/offers', 'get', '/offers', 200],
  ['offers', '/offers', 'get', '/offers?tier=gold&sku=p-7', 200],
  ['offers', '/offers', 'get', '/offers?tier=tin', 400],
  ['offers', '/offers/{id}', 'get', '/offers/of-1', 200],
  ['offers', '/offers/{id}', 'get', '/offers/of-0', 404],
];

describe.each(SIX_SERVICES)('the OpenAPI document of $name', ({ name, routes }) => {
  const promised = new Promised(name);
  const own: readonly Route[] = routes();

  it('has the routes of the service, and no others', () => {
    const documented = Object.entries(promised.document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    const there = ['GET /health', ...own.map(({ method, path }) => `${method} ${path}`)];
    expect(documented.sort()).toEqual(there.sort());
  });

  it('has the query parameters of each route, and no others', () => {
    for (const { method, path, query = [] } of own) {
      expect(promised.parameters(path, method.toLowerCase()).toSorted()).toEqual(query.toSorted());
    }
  });

  const exchanges = EXCHANGES.filter(([service]) => service === name);
  it.each(exchanges.map((exchange) => ({ exchange, request: exchange.slice(2, 5).join(' ') })))(
    'promises what the service answers: $request',
    async ({ exchange: [service, path, verb, url, status, body] }) => {
      const { status: answered, bytes } = await ask(`${running.get(service)?.url ?? ''}${url}`, {
        method: verb.toUpperCase(),
        body,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' } }),
      });
      const validate = promised.validator(path, verb, String(status));

      expect(answered).toBe(status);
      expect(validate(JSON.parse(bytes.toString())) ? [] : validate.errors?.slice(0, 3)).toEqual([]);
    },
  );
});
