import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenAPIObject } from '@nestjs/swagger';
import { parseGateway } from '../config/gateway.js';
import { withComposites } from './composite-document.js';
import { type Schema } from './schema-reader.js';
import { documentFlaws } from './testing/document-flaws.js';

const EMPTY: OpenAPIObject = { openapi: '3.1.0', info: { title: 'T', version: '1' }, paths: {} };

const SHOP = `
openapi: 3.0.3
paths:
  /orders/{id}:
    get:
      responses: { '200': { content: { application/json: { schema: { $ref: '#/components/schemas/Order' } } } } }
  /products:
    get:
      parameters:
        - { name: skus, in: query, schema: { type: array, items: { type: string } } }
        - { name: lang, in: query, schema: { type: string, enum: [de, en] } }
      responses: { '200': { content: { application/json: { schema: { $ref: '#/components/schemas/Products' } } } } }
  /notes:
    post:
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } } }
      responses: { '201': { content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } } }, '202': {} }
components:
  schemas:
    Order:
      type: object
      required: [id, lines]
      additionalProperties: false
      properties:
        id: { type: string }
        lines: { type: array, items: { $ref: '#/components/schemas/Line' } }
        parent: { nullable: true, allOf: [{ $ref: '#/components/schemas/Order' }] }
    Line: { type: object, required: [sku], additionalProperties: false, properties: { sku: { type: string } } }
    Products:
      type: object
      required: [items]
      properties: { items: { type: array, items: { $ref: '#/components/schemas/Product' } } }
    Product:
      type: object
      required: [sku, name]
      additionalProperties: false
      properties: { sku: { type: string }, name: { type: string }, price: { type: integer } }
    Note: { type: object, properties: { text: { type: string } } }
`;

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-document-'));
  writeFileSync(join(directory, 'shop.yaml'), SHOP);
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** The document of a gateway with one composite, that has nothing wrong with it. */
function documentOf(composite: string): OpenAPIObject {
  const text = [
    "upstreams: { shop: { url: 'http://shop', openapi: shop.yaml }, plain: { url: 'http://plain' } }",
    'composites:',
    '  page:',
    ...composite.split('\n').map((line) => `    ${line}`),
  ].join('\n');
  const { composites } = parseGateway(text, { file: join(directory, 'gateway.yaml'), env: {} });
  const document = withComposites(EMPTY, composites);
  expect(documentFlaws(document)).toEqual([]);
  return document;
}

interface Operation {
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  readonly responses: Readonly<Record<string, Response>>;
  readonly requestBody?: object;
  readonly security?: unknown;
}

interface Response {
  readonly description: string;
  readonly headers: object;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

function operationOf(composite: string): Operation {
  const { paths } = documentOf(composite);
  const [item = {}] = Object.values(paths);
  return Object.values(item)[0] as Operation;
}

/** What the response of a composite holds, without the report. */
function responseOf(parts: string): { properties: Readonly<Record<string, Schema>> } & Schema {
  const document = documentOf(`get: /page\nparts:\n${parts.replaceAll(/^/gm, '  ')}`);
  const schema = document.components?.schemas?.['page.response'] as unknown as {
    properties: Readonly<Record<string, Schema>>;
  };
  const { _composite: report, ...properties } = schema.properties;
  expect(report).toEqual({ $ref: '#/components/schemas/CompositeReport' });
  return { ...schema, properties };
}

const $ref = (name: string): Schema => ({ $ref: `#/components/schemas/shop.${name}` });
const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
const product = { sku: { type: 'string' }, name: { type: 'string' } };
const ORDER = 'order: { upstream: shop, get: /orders/7, required: true';

describe('the operation of a composite', () => {
  it('has its name, its words and its tags', () => {
    const words = 'summary: A page\ndescription: All of it\ntags: [shop]';
    const operation = operationOf(`get: /page\n${words}\nparts: { a: { upstream: plain, get: /a } }`);
    expect(operation).toMatchObject({
      operationId: 'page',
      summary: 'A page',
      description: 'All of it',
      tags: ['shop'],
    });
  });

  it('has its parameters as they are declared, under the names of the request', () => {
    const params = [
      'get: /pages/{id}',
      'params:',
      "  id: { pattern: '^\\d+$', description: Which one }",
      '  size: { type: integer, minimum: 1, maximum: 50, default: 20, alias: page-size }',
      '  tenant: { in: header, alias: X-Tenant, required: true }',
      '  theme: { in: cookie, enum: [dark, light] }',
      'parts: { a: { upstream: plain, get: "/a/{id}{?size,tenant,theme}" } }',
    ].join('\n');
    expect(operationOf(params).parameters).toEqual([
      {
        name: 'id',
        in: 'path',
        required: true,
        description: 'Which one',
        schema: { type: 'string', pattern: '^\\d+$' },
      },
      {
        name: 'page-size',
        in: 'query',
        required: false,
        schema: { type: 'integer', minimum: 1, maximum: 50, default: 20 },
      },
      { name: 'x-tenant', in: 'header', required: true, schema: { type: 'string' } },
      { name: 'theme', in: 'cookie', required: false, schema: { type: 'string', enum: ['dark', 'light'] } },
      expect.objectContaining({ name: 'fields', in: 'query' }),
      { $ref: '#/components/parameters/Prefer' },
    ]);
  });

  it('has no fields where nothing may be left out', () => {
    const { parameters } = operationOf(
      'get: /page\nsparse: false\nparts: { a: { upstream: plain, get: /a } }',
    );
    expect(parameters).toEqual([{ $ref: '#/components/parameters/Prefer' }]);
  });

  it('has what is forwarded, as the upstream says it may be', () => {
    const forward = 'forward: { query: [lang, q], headers: [authorization, x-tenant], cookies: [theme] }';
    const { parameters } = operationOf(
      `get: /page\nsparse: false\n${forward}\nparts: { a: { upstream: shop, get: /products } }`,
    );
    expect(parameters.slice(0, -1)).toEqual([
      {
        name: 'lang',
        in: 'query',
        required: false,
        schema: { type: 'string', enum: ['de', 'en'] },
        description: 'Passed on as it is',
      },
      {
        name: 'q',
        in: 'query',
        required: false,
        schema: { type: 'string' },
        description: 'Passed on as it is',
      },
      {
        name: 'x-tenant',
        in: 'header',
        required: false,
        schema: { type: 'string' },
        description: 'Passed on as it is',
      },
      {
        name: 'theme',
        in: 'cookie',
        required: false,
        schema: { type: 'string' },
        description: 'Passed on as it is',
      },
    ]);
  });

  it('has the body that it must be sent', () => {
    const schema =
      "{ $defs: { Text: { type: string } }, type: object, properties: { text: { $ref: '#/$defs/Text' } } }";
    const composite = `post: /page\nbodySchema: ${schema}\nparts: { a: { upstream: plain, post: /a, body: { t: body.text } } }`;
    expect(operationOf(composite).requestBody).toEqual({
      required: true,
      content: {
        'application/json': {
          schema: { type: 'object', properties: { text: { $ref: '#/components/schemas/page.body.Text' } } },
        },
      },
    });
  });

  it('has the body that it passes on, as the upstream takes it', () => {
    const { requestBody } = operationOf(
      'post: /page\nforward: { body: true }\nparts: { a: { upstream: shop, post: /notes } }',
    );
    expect(requestBody).toEqual({
      required: false,
      content: { 'application/json': { schema: $ref('Note') } },
    });
  });

  it.each([
    [
      'bearer',
      '{ headers: [authorization] }',
      [{ bearer: [] }],
      { bearer: { type: 'http', scheme: 'bearer' } },
    ],
    ['basic', '{ headers: [authorization] }', [{ basic: [] }], { basic: { type: 'http', scheme: 'basic' } }],
    [
      'cookie',
      '{ cookies: [a, b] }',
      [{ 'cookie-a': [] }, { 'cookie-b': [] }],
      {
        'cookie-a': { type: 'apiKey', in: 'cookie', name: 'a' },
        'cookie-b': { type: 'apiKey', in: 'cookie', name: 'b' },
      },
    ],
  ])('has the credentials it asks for: %s', (auth, forward, security, schemes) => {
    const composite = `get: /page\nauth: ${auth}\nforward: ${forward}\nparts: { a: { upstream: plain, get: /a } }`;
    const document = documentOf(composite);
    expect(operationOf(composite).security).toEqual(security);
    expect(document.components?.securitySchemes).toEqual(schemes);
    const { headers } = operationOf(composite).responses['401']!;
    expect('WWW-Authenticate' in headers).toBe(auth !== 'cookie');
  });

  it('stands beside what the document has already', () => {
    const text =
      "upstreams: { plain: { url: 'http://plain' } }\ncomposites: { page: { get: '/a', parts: { a: { upstream: plain, get: /a } } } }";
    const { composites } = parseGateway(text, { env: {} });
    const other = { post: { operationId: 'other', responses: {} } };
    const document = withComposites({ ...EMPTY, paths: { '/a': other, '/b': other } }, composites);
    expect(Object.keys(document.paths)).toEqual(['/a', '/b']);
    expect(document.paths['/a']).toMatchObject({
      get: { operationId: 'page' },
      post: { operationId: 'other' },
    });
    expect(withComposites(EMPTY, [])).toBe(EMPTY);
  });
});

describe('the responses of a composite', () => {
  const part = 'parts: { a: { upstream: plain, get: /a } }';

  it('are its answer in each form, and every problem it may end in', () => {
    const { responses } = operationOf(`get: /page\n${part}`);
    expect(Object.keys(responses)).toEqual([
      '200',
      '304',
      '400',
      '401',
      '403',
      '404',
      '410',
      '502',
      '503',
      '504',
    ]);
    const { content = {}, headers } = responses['200']!;
    expect(Object.keys(content)).toEqual(['application/json', 'text/event-stream', 'application/x-ndjson']);
    expect(content['application/json']?.schema).toEqual({ $ref: '#/components/schemas/page.response' });
    expect(Object.keys(headers)).toEqual(
      expect.arrayContaining([
        'Composite-Complete',
        'Composite-Parts',
        'Server-Timing',
        'ETag',
        'X-Request-Id',
      ]),
    );
    expect(Object.keys(responses['503']!.headers)).toContain('Retry-After');
    for (const status of ['400', '404', '502', '503', '504']) {
      expect(Object.keys(responses[status]!.content!)).toEqual(['application/problem+json']);
    }
  });

  it('have the statuses it chooses', () => {
    const { responses } = operationOf(
      `get: /page\nstatus: 203\npartialStatus: 206\npassThrough: [409]\n${part}`,
    );
    expect(Object.keys(responses)).toEqual(['203', '206', '400', '409', '502', '503', '504']);
    expect(responses['206']?.content).toEqual(responses['203']?.content);
    expect(responses['409']?.description).toBe('A required part answered 409 Conflict');
  });

  it('say what becomes of writes, and what bodies are not taken', () => {
    const { responses } = operationOf(
      'post: /page\nstatus: 201\nforward: { body: true }\nparts: { a: { upstream: plain, post: /a, required: true } }',
    );
    expect(Object.keys(responses)).toEqual([
      '201',
      '400',
      '401',
      '403',
      '404',
      '410',
      '413',
      '415',
      '502',
      '503',
      '504',
    ]);
    expect(responses['502']?.content?.['application/problem+json']?.schema).toEqual({
      $ref: '#/components/schemas/WriteProblem',
    });
    expect(Object.keys(responses['201']!.headers)).not.toContain('ETag');
  });
});

describe('the answer of a composite', () => {
  it('has what each upstream answers at its place, and null where it may be missing', () => {
    const { properties, required } = responseOf(
      `${ORDER} }\nagain: { upstream: shop, get: /orders/8, as: more.order }`,
    );
    expect(properties).toEqual({
      order: $ref('Order'),
      more: {
        type: 'object',
        properties: { order: nullable($ref('Order')) },
        required: ['order'],
        additionalProperties: false,
      },
    });
    expect(required).toEqual(['order', 'more']);
  });

  it('brings along what is referred to, in the words of 3.1', () => {
    const { components } = documentOf(`get: /page\nparts: { ${ORDER} } }`);
    expect(Object.keys(components?.schemas ?? {})).toEqual([
      'CompositeProblem',
      'CompositeReport',
      'RequestProblem',
      'page.response',
      'shop.Line',
      'shop.Order',
    ]);
    expect(components?.schemas?.['shop.Order']).toMatchObject({
      properties: { parent: { anyOf: [{ allOf: [$ref('Order')] }, { type: 'null' }] } },
    });
  });

  it('has what is selected, and what stays of it under its new names', () => {
    const shaped = 'select: items, pick: [sku, price], rename: { sku: id }';
    const { properties } = responseOf(
      `products: { upstream: shop, get: /products, required: true, ${shaped} }`,
    );
    expect(properties['products']).toEqual({
      type: 'array',
      items: {
        type: 'object',
        properties: { id: { type: 'string' }, price: { type: 'integer' } },
        required: ['id'],
        additionalProperties: false,
      },
    });
  });

  it('has the schema of the part before that of the upstream, and anything where there is neither', () => {
    const { properties } = responseOf(
      "a: { upstream: shop, get: /orders/7, required: true, schema: { type: [integer, 'null'], exclusiveMinimum: 0 } }\n" +
        'b: { upstream: plain, get: /b, required: true }',
    );
    expect(properties).toEqual({ a: { type: ['integer', 'null'], exclusiveMinimum: 0 }, b: {} });
  });

  it.each([
    ['[]', 'select: items', { type: 'array', items: $ref('Product') }],
    ['{ items: [] }', 'omit: [nothing]', { $ref: true }],
    ['0', 'select: "length(items)"', { type: 'integer', minimum: 0 }],
    [
      'none',
      'select: "length(items)"',
      {
        anyOf: [
          { type: 'integer', minimum: 0 },
          { type: 'string', const: 'none' },
        ],
      },
    ],
  ])('may be the fallback %s', (fallback, select, schema) => {
    const { properties } = responseOf(
      `products: { upstream: shop, get: /products, fallback: ${fallback}, ${select} }`,
    );
    if ('$ref' in schema)
      expect(properties['products']).toMatchObject({ type: 'object', required: ['items'] });
    else expect(properties['products']).toEqual(schema);
  });

  it('may be the fallback of a required part that may be skipped', () => {
    const { properties } = responseOf(
      `${ORDER}, when: length(other) > \`0\` }` + '\nother: { upstream: plain, get: /b }',
    );
    expect(properties['order']).toEqual(nullable($ref('Order')));
  });

  it('has the keys of what is flattened, and any where these are not known', () => {
    const response = responseOf(`${ORDER}, flatten: true }`);
    expect(Object.keys(response.properties)).toEqual(['id', 'lines', 'parent']);
    expect(response['required']).toEqual(['id', 'lines']);
    expect(response['additionalProperties']).toBe(false);
    const open = responseOf('more: { upstream: plain, get: /m, flatten: true }');
    expect(open['additionalProperties']).toEqual({});
  });

  const batch =
    'upstream: shop, get: "/products{?skus}", values: { skus: keys }, select: items, required: true';
  const items = 'items: order.lines, key: sku, batch: { size: 50, key: sku }';

  it.each([
    ['collect: map', { type: 'object', additionalProperties: nullable($ref('Product')) }],
    ['collect: list', { type: 'array', items: nullable($ref('Product')) }],
    ["collect: list, missing: { sku: '?', name: '?' }", { type: 'array', items: $ref('Product') }],
  ])('has what a join finds: %s', (collect, schema) => {
    const { properties } = responseOf(
      `${ORDER} }\nproducts: { ${batch}, forEach: { ${items}, ${collect} } }`,
    );
    expect(properties['products']).toEqual(schema);
  });

  it('has what a join finds in each item it is stitched into, cut to size', () => {
    const { properties } = responseOf(
      `${ORDER}, pick: [lines] }\nproducts: { ${batch}, pick: [name], forEach: { ${items}, stitch: product } }`,
    );
    const found = {
      type: 'object',
      properties: { name: product.name },
      required: ['name'],
      additionalProperties: false,
    };
    const line = {
      type: 'object',
      properties: { sku: { type: 'string' }, product: { ...found, type: ['object', 'null'] } },
      required: ['sku', 'product'],
      additionalProperties: false,
    };
    expect(properties).toEqual({
      order: {
        type: 'object',
        properties: { lines: { type: 'array', items: line } },
        required: ['lines'],
        additionalProperties: false,
      },
    });
  });

  it('is one of all that is put to one place', () => {
    const { properties } = responseOf(
      'a: { upstream: shop, get: /orders/7, required: true, pick: [id], as: both }\n' +
        'b: { upstream: shop, get: /products, required: true, pick: [items], as: both, merge: deep }',
    );
    expect(properties['both']).toMatchObject({ type: 'object', required: ['id', 'items'] });
  });
});

it('sees what is wrong with a document', () => {
  const operation = {
    operationId: 'a',
    parameters: [{ name: 'x', in: 'path', schema: { type: 'strin' } }],
    responses: {
      '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Gone' } } } },
    },
    security: [{ key: [] }],
  };
  const flaws = documentFlaws({
    ...EMPTY,
    openapi: '3.0.3',
    paths: { '/a/{id}': { get: operation, put: operation } },
  });
  for (const flaw of [
    '3.1',
    'operationId of its own',
    'requires path x',
    'declares the parameters',
    'can be read',
    'has a description',
    'Gone',
    'asks for key',
  ]) {
    expect(flaws.join('\n')).toContain(flaw);
  }
});
