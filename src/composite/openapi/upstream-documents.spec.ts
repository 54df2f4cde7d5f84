import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, type ConfigurationProblem } from '../../upstream/config/configuration-error.js';
import { parseGateway } from '../config/gateway.js';
import { forecastOf } from '../forecast.js';

const CATALOG = `
openapi: 3.1.0
info: { title: Catalog, version: 1.0.0 }
servers: [{ url: 'https://api.example.com/shop' }]
paths:
  /products:
    parameters:
      - { name: skus, in: query, schema: { type: array, items: { type: string } } }
    get:
      parameters:
        - { name: limit, in: query, schema: { $ref: '#/components/schemas/Limit' } }
        - { name: tier, in: query, schema: { enum: [gold, silver] } }
        - { name: paging, in: query, schema: { type: object, properties: { offset: { type: integer } }, additionalProperties: false } }
        - { name: filter, in: query, style: deepObject, schema: { type: object } }
      responses:
        '200': { content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Product' } } } } }
    post:
      requestBody: { $ref: '#/components/requestBodies/NewProduct' }
      responses: { '201': { description: Made } }
  /products/{id}:
    get:
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer } }
      responses:
        '200': { content: { application/json: { schema: { $ref: '#/components/schemas/Product' } } } }
    delete: { parameters: [{ name: id, in: path, required: true, schema: { type: integer } }], responses: {} }
  /search:
    get:
      parameters:
        - { name: q, in: query, required: true, schema: { type: string } }
        - { name: X-Tenant, in: header, required: true, schema: { type: string } }
        - { name: session, in: cookie, required: true, schema: { type: string } }
      responses: {}
components:
  requestBodies:
    NewProduct:
      required: true
      content:
        application/json:
          schema:
            type: object
            required: [sku, name]
            properties: { sku: { type: string }, name: { type: string } }
            additionalProperties: false
  schemas:
    Limit: { type: integer, maximum: 100 }
    Product:
      type: object
      required: [sku, price]
      additionalProperties: false
      properties:
        sku: { type: string }
        price: { type: integer }
        maker: { type: object, additionalProperties: false, properties: { name: { type: string } } }
  securitySchemes:
    key: { type: apiKey, in: query, name: api_key }
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-openapi-'));
  writeFileSync(join(directory, 'catalog.yaml'), CATALOG);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** A gateway file with one composite, whose part is what is given. */
function gateway(
  part: string,
  { route = 'get: /page', more = '', openapi = './catalog.yaml', url = 'http://catalog' } = {},
): string {
  return [
    'upstreams:',
    `  catalog: { url: '${url}', openapi: ${openapi} }`,
    'composites:',
    '  page:',
    `    ${route}`,
    ...(more === '' ? [] : [`    ${more}`]),
    '    parts:',
    '      things:',
    ...['upstream: catalog', ...part.split('\n')].map((line) => `        ${line}`),
  ].join('\n');
}

function load(text: string) {
  return parseGateway(text, { file: join(directory, 'gateway.yaml'), env: {} });
}

function problemsOf(text: string): readonly ConfigurationProblem[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

/** Path and message of everything that is wrong, without the directory. */
function flawsOf(text: string): readonly string[] {
  return problemsOf(text).map(({ path, message }) => `${path}: ${message}`.replaceAll(`${directory}/`, ''));
}

const AT = 'composites.page.parts.things';

describe('a call of an upstream with an OpenAPI document', () => {
  it('is a load error where the path does not exist, with the place and the nearest one', () => {
    const text = gateway('get: /prodcts{?skus}\nvalues: { skus: "`[]`" }');
    expect(flawsOf(text)).toEqual([
      `${AT}.get: found /prodcts{?skus}; expected a path of catalog.yaml; did you mean /products?`,
    ]);
    expect(problemsOf(text)[0]).toMatchObject({ line: 9, column: 14 });
  });

  it('is told which paths there are where none is near', () => {
    expect(flawsOf(gateway('get: /customers/by-tier'))).toEqual([
      `${AT}.get: found /customers/by-tier; expected a path of catalog.yaml; it has /products, /products/{id}, /search`,
    ]);
  });

  it('is a load error where the verb does not exist', () => {
    expect(flawsOf(gateway("put: /products/{id}\nvalues: { id: '`7`' }", { route: 'put: /page' }))).toEqual([
      `${AT}.put: found put; expected one of get, delete: /products/{id} in catalog.yaml has no other`,
    ]);
  });

  it('may be a HEAD of what can be got', () => {
    expect(flawsOf(gateway('head: /products'))).toEqual([]);
  });

  it.each([
    ['get: /products{?sku}\nvalues: { sku: "\'a\'" }', 'get', 'sku', 'did you mean skus?'],
    ['get: /products?colour=red', 'get', 'colour', 'it takes skus, limit, tier, paging, filter'],
    ['get: /products/{id}?deep=1\nvalues: { id: 7 }', 'get', 'deep', 'it takes none'],
    ['get: /products\nforward: { query: [limmit] }', 'forward.query[0]', 'limmit', 'did you mean limit?'],
  ])('is a load error with a query parameter that does not exist: %s', (part, key, name, hint) => {
    const path = part.includes('{id}') ? '/products/{id}' : '/products';
    expect(flawsOf(gateway(part))).toEqual([
      `${AT}.${key}: found the query parameter ${name}; expected one of GET ${path} (catalog.yaml); ${hint}`,
    ]);
  });

  it.each([
    'get: /products{?skus*}\nvalues: { skus: "`[1]`" }',
    'get: /products?filter[maker]=x&offset=3&api_key=k',
    'get: /products{?all*}\nvalues: { all: \'`{"limit": 1}`\' }',
    'get: /products\nforward: { query: [limit, api_key] }',
    'get: /shop/products/7',
    'get: /products{/rest*}\nvalues: { rest: "`[7]`" }',
  ])('may have what is a parameter in another way, or cannot be known: %s', (part) => {
    expect(flawsOf(gateway(part))).toEqual([]);
  });

  it('finds its path below the base path of its upstream', () => {
    expect(flawsOf(gateway('get: /products', { url: 'http://catalog/shop' }))).toEqual([]);
    expect(flawsOf(gateway('get: /products', { url: 'http://catalog/v7' }))).toEqual([]);
  });

  it('is a load error without what it requires, and says how to send it', () => {
    expect(flawsOf(gateway('get: /search'))).toEqual([
      `${AT}.get: is missing the query parameter q, which GET /search (catalog.yaml) needs: add {?q} to the URL, or q to forward.query`,
      `${AT}.get: is missing the header x-tenant, which GET /search (catalog.yaml) needs: add it to headers, or to forward.headers`,
      `${AT}.get: is missing the cookie session, which GET /search (catalog.yaml) needs: add it to forward.cookies`,
    ]);
    expect(
      flawsOf(
        gateway('get: /search\nheaders: { x-tenant: "\'t\'" }\nforward: { query: [q], cookies: [session] }'),
      ),
    ).toEqual([]);
  });

  it.each([
    [
      'get: /products/{id}\nvalues: { id: "\'seven\'" }',
      'values.id',
      '"seven" for id; expected a value of type integer',
      '/products/{id}',
    ],
    [
      'get: /products/{id}\nvalues: { id: true }',
      'values.id',
      'true for id; expected a value of type integer',
      '/products/{id}',
    ],
    [
      'get: /products?limit=1000',
      'get',
      '"1000" for limit; expected a value of type integer up to 100',
      '/products',
    ],
    ['get: /products?tier=bronze', 'get', '"bronze" for tier; expected one of gold, silver', '/products'],
    [
      'get: /products{?limit}',
      'get',
      'a value of type boolean for limit; expected a value of type integer up to 100',
      '/products',
    ],
    ['get: /products{?tier}', 'get', '"bronze" for tier; expected one of gold, silver', '/products'],
  ])('is a load error with a value that cannot be right: %s', (part, key, found, path) => {
    const params = 'params: { limit: { type: boolean }, tier: { enum: [gold, bronze] } }';
    const isUsed = part.includes('{?');
    const only = part.includes('limit')
      ? 'params: { limit: { type: boolean } }'
      : params.replace('limit: { type: boolean }, ', '');
    expect(flawsOf(gateway(part, isUsed ? { more: only } : {}))).toEqual([
      `${AT}.${key}: found ${found}, as GET ${path} (catalog.yaml) takes`,
    ]);
  });

  it.each([
    ['get: /products/{id}\nvalues: { id: "\'7\'" }', ''],
    ['get: /products/{id}', 'params: { id: { in: query, required: true } }'],
    ['get: /products{?limit}', 'params: { limit: { type: number } }'],
    ['get: /products{?tier}', 'params: { tier: { enum: [gold] } }'],
    ['get: /products{?skus}', 'params: { skus: { type: array, items: { type: integer } } }'],
    ['get: /products{?skus}\nvalues: { skus: 7 }', ''],
    [
      'get: /products{?limit}\nvalues: { limit: "params.all ? \'all\' : `7`" }',
      'params: { all: { type: boolean } }',
    ],
  ])('may have a value that can be right: %s', (part, more) => {
    expect(flawsOf(gateway(part, { more }))).toEqual([]);
  });

  it('is a load error with a body that is not taken, and without one that is needed', () => {
    const route = 'post: /page';
    expect(flawsOf(gateway('post: /products', { route }))).toEqual([
      `${AT}.body: is missing; expected the body that POST /products (catalog.yaml) needs, or forward: { body: true }`,
    ]);
    expect(flawsOf(gateway('post: /products\nforward: { body: true }', { route }))).toEqual([]);
    expect(
      flawsOf(
        gateway('delete: /products/{id}\nvalues: { id: 7 }\nbody: { a: 1 }', { route: 'delete: /page' }),
      ),
    ).toEqual([`${AT}.body: found a body; expected none: DELETE /products/{id} (catalog.yaml) takes none`]);
  });

  it('is a load error with a body that lacks a field, or has one that does not exist', () => {
    const text = gateway('post: /products\nbody: { sku: "\'a\'", nam: "\'b\'" }', { route: 'post: /page' });
    expect(flawsOf(text)).toEqual([
      `${AT}.body: is missing; expected the field name: POST /products (catalog.yaml) needs it`,
      `${AT}.body.nam: unknown key; did you mean name?`,
    ]);
  });
});

describe('a call that has something else wrong with it', () => {
  it('is told of its path all the same', () => {
    expect(flawsOf(gateway('get: /prodcts\nwihtin: 3s'))).toEqual([
      `${AT}.get: found /prodcts; expected a path of catalog.yaml; did you mean /products?`,
      `${AT}.wihtin: unknown key; did you mean within?`,
    ]);
  });

  it('is not said to lack what could not be read', () => {
    expect(flawsOf(gateway('get: /search\nforwrd: { query: [q] }'))).toEqual([
      `${AT}.forwrd: unknown key; did you mean forward?`,
    ]);
    expect(flawsOf(gateway('get: /search', { more: 'forward: { quer: [q] }' }))).toEqual([
      'composites.page.forward.quer: unknown key; did you mean query?',
    ]);
  });

  it('is not looked for if its URL is no template', () => {
    const flaws = flawsOf(gateway('get: /prodcts/{id'));
    expect(flaws).toHaveLength(1);
    expect(flaws[0]).not.toContain('catalog.yaml');
  });
});

describe('an expression over an answer whose fields are all known', () => {
  it.each([
    [
      'get: /products\nselect: "[].skuu"',
      'select: found skuu; expected a field of an element of the answer; did you mean sku?',
    ],
    [
      'get: /products\nselect: "[].maker.{n: nam}"',
      'select: found nam; expected a field of maker in the answer; did you mean name?',
    ],
  ])('is a load error where it looks for another one: %s', (part, flaw) => {
    expect(flawsOf(gateway(part))).toEqual([`${AT}.${flaw}`]);
  });

  it('is one where another part looks for it', () => {
    const more = (expression: string): string =>
      `${gateway('get: /products/7\nselect: "{made: maker}"')}\n      more: { upstream: catalog, get: '/products{?limit}', values: { limit: ${expression} } }`;
    expect(flawsOf(more('things.made.nmae'))).toEqual([
      'composites.page.parts.more.values.limit: found nmae; expected a field of made in the answer of things; did you mean name?',
    ]);
    expect(flawsOf(more('things.made.name'))).toEqual([]);
    expect(flawsOf(more('length(things)'))).toEqual([]);
  });

  it('is said the type of what it takes from there', () => {
    const text = `${gateway('get: /products/7')}\n      more: { upstream: catalog, get: '/products{?tier}', values: { tier: things.price } }`;
    // A whole number is never one of them, but what it is is not known before.
    expect(flawsOf(text)).toEqual([]);
  });
});

describe('a field that a part names', () => {
  it.each([
    [
      'get: /products/7\npick: [sku, pricee]',
      'pick[1]: found pricee; expected a field of the answer; did you mean price?',
    ],
    [
      'get: /products/7\nomit: [maker.nam]',
      'omit[0]: found nam; expected a field of the answer; did you mean name?',
    ],
    [
      'get: /products/7\nrename: { prise: cost }',
      'rename.prise: found prise; expected a field of the answer; did you mean price?',
    ],
    [
      'get: /products\npick: [skuu]',
      'pick[0]: found skuu; expected a field of the answer; did you mean sku?',
    ],
    [
      'get: /products{?skus}\nvalues: { skus: keys }\nforEach: { items: "`[1]`", batch: { size: 5, key: skuu } }',
      'forEach.batch.key: found skuu; expected a field of the answer; did you mean sku?',
    ],
  ])('is a load error where the answer cannot have it: %s', (part, flaw) => {
    expect(flawsOf(gateway(part))).toEqual([`${AT}.${flaw}`]);
  });

  it('may be one that the answer has, or is given', () => {
    const part = 'get: /products\npick: [sku, maker.name, stock]';
    const join = `more: { upstream: catalog, get: '/products/{key}', forEach: { items: things, key: price, stitch: stock } }`;
    expect(flawsOf(`${gateway(part)}\n      ${join}`)).toEqual([]);
  });

  it('is a warning where the schema lists others and lets any through', () => {
    const open = CATALOG.replaceAll('additionalProperties: false', 'description: Open');
    writeFileSync(join(directory, 'catalog.yaml'), open);
    const { composites, config } = load(gateway('get: /products/7\npick: [sku, pricee]\nrequired: true'));
    const notes = composites.flatMap((plan) => forecastOf(plan, config).notes);
    expect(notes).toContainEqual({
      level: 'warning',
      part: 'things',
      message:
        'pick names pricee, which the schema of its answer does not list; ' +
        'expected a field of the answer; did you mean price?',
    });
  });
});

describe('the OpenAPI document of an upstream', () => {
  it('is not read if nothing uses its upstream', () => {
    const text = `upstreams:\n  catalog: { url: 'http://catalog', openapi: ./gone.yaml }\n  other: { url: 'http://other' }\ncomposites:\n  page: { get: /page, parts: { a: { upstream: other, get: /a } } }`;
    expect(flawsOf(text)).toEqual([]);
  });

  it('may be JSON, and is found from where the gateway file is, or by an absolute path', () => {
    writeFileSync(
      join(directory, 'catalog.json'),
      '{\t"openapi": "3.0.3", "paths": {\t"/a": { "get": {} } } }',
    );
    for (const openapi of ['catalog.json', './catalog.json', join(directory, 'catalog.json')]) {
      expect(flawsOf(gateway('get: /b', { openapi }))).toEqual([
        `${AT}.get: found /b; expected a path of catalog.json; did you mean /a?`,
      ]);
    }
  });

  it('is a load error, once and with its place, where it is missing', () => {
    const text =
      gateway('get: /a', { openapi: './gone.yaml' }) + '\n      more: { upstream: catalog, get: /b }';
    const [problem, ...others] = problemsOf(text);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ line: 2, path: 'upstreams.catalog.openapi' });
    expect(problem?.message).toMatch(
      /^found \.\/gone\.yaml, which cannot be used: there is no such file; looked for .*; expected OpenAPI 3\.0 or 3\.1$/,
    );
  });

  it.each([
    ['openapi: 3.1.0\npaths:\n  /a: [', 'which cannot be read: bad.yaml:3:8  '],
    ['{"openapi": "3.1.0",\n "paths": {"/a": }', 'which cannot be read: bad.yaml:2:'],
    ['swagger: "2.0"\npaths: {}', 'which is Swagger 2.0 (bad.yaml)'],
    ['openapi: 4.0.0', 'which is OpenAPI 4.0.0 (bad.yaml)'],
    ['just text', "which has no 'openapi: 3.1.0' at its top (bad.yaml)"],
    ['openapi: 3.1.0\npaths: []', 'which has no group of paths (bad.yaml)'],
  ])('is a load error where it is none: %j', (document, flaw) => {
    writeFileSync(join(directory, 'bad.yaml'), document);
    const [found, ...others] = flawsOf(gateway('get: /a', { openapi: './bad.yaml' }));
    expect(others).toEqual([]);
    expect(found).toContain(`upstreams.catalog.openapi: found ./bad.yaml, ${flaw}`);
  });

  it('must be a local file', () => {
    expect(flawsOf(gateway('get: /a', { openapi: 'https://example.com/openapi.json' }))).toEqual([
      'upstreams.catalog.openapi: found https://example.com/openapi.json; expected the path of a local file: an OpenAPI document, in YAML or JSON',
    ]);
  });

  it('may leave things to other files: what these say is not known', () => {
    writeFileSync(
      join(directory, 'split.yaml'),
      "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters: [{ $ref: './common.yaml#/limit' }]\n      responses: {}",
    );
    expect(flawsOf(gateway('get: /a?limit=3', { openapi: './split.yaml' }))).toEqual([]);
  });
});
