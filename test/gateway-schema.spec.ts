import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { gatewayJsonSchema } from '../src/composite/config/gateway-json-schema.js';

const root = join(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('gateway.schema.json', () => {
  const ajv = new Ajv2020({ strict: true, allErrors: true, strictRequired: false, allowUnionTypes: true });
  const fits = ajv.compile(gatewayJsonSchema());

  /** Where a file does not fit, as an editor would show it: the YAML as it is written, variables and all. */
  const flaws = (yaml: string): readonly string[] => {
    if (fits(parse(yaml, { merge: true }))) return [];
    return (fits.errors ?? [])
      .filter(({ keyword }) => keyword !== 'anyOf')
      .map(({ instancePath, params }) => `${instancePath} ${JSON.stringify(params)}`);
  };

  it('is what the code says; after a change, npx tributary schema writes it anew', () => {
    expect(JSON.parse(read('gateway.schema.json'))).toEqual(JSON.parse(JSON.stringify(gatewayJsonSchema())));
  });

  it.each(['gateway.yaml', 'examples/storefront.yaml'])('has nothing against %s', (file) => {
    expect(flaws(read(file))).toEqual([]);
  });

  it('is named by gateway.yaml, for editors', () => {
    expect(read('gateway.yaml')).toMatch(/^# yaml-language-server: \$schema=\.\/gateway\.schema\.json\n/);
  });

  it('describes the keys of composites and parts', () => {
    const describedIn = (schema: unknown): readonly string[] =>
      Object.values((schema as { properties: Record<string, { description?: string }> }).properties).map(
        ({ description = '' }) => description,
      );
    const { properties } = gatewayJsonSchema() as {
      properties: {
        composites: { additionalProperties: { properties: { parts: { additionalProperties: unknown } } } };
      };
    };
    const composite = properties.composites.additionalProperties;
    expect(describedIn(composite)).not.toContain('');
    expect(describedIn(composite.properties.parts.additionalProperties)).not.toContain('');
  });

  describe('warns of', () => {
    const file = (composite: string): string =>
      `upstreams: { orders: { url: http://orders } }\ncomposites:\n  details: ${composite}`;
    const parts = `parts: { order: { upstream: orders, get: /orders } }`;

    it.each([
      ['an unknown key', `{ get: /a, timeout: 3s, ${parts} }`],
      ['a route without a slash', `{ get: a, ${parts} }`],
      ['no verb', `{ ${parts} }`],
      ['two verbs', `{ get: /a, post: /a, ${parts} }`],
      ['no parts', `{ get: /a }`],
      ['a duration', `{ get: /a, deadline: 3 sec, ${parts} }`],
      ['a duration that is too long', `{ get: /a, deadline: 86400001, ${parts} }`],
      ['a part without upstream', `{ get: /a, parts: { order: { get: /orders } } }`],
      ['a part without verb', `{ get: /a, parts: { order: { upstream: orders } } }`],
      ['the name of a part', `{ get: /a, parts: { a.b: { upstream: orders, get: /orders } } }`],
      [
        'how a part merges',
        `{ get: /a, parts: { order: { upstream: orders, get: /orders, merge: { by: x } } } }`,
      ],
      [
        'a batch without size',
        `{ get: /a, parts: { order: { upstream: orders, get: /orders, forEach: { items: a, batch: { key: b } } } } }`,
      ],
      ['a parameter', `{ get: /a, params: { q: { type: int } }, ${parts} }`],
    ])('%s', (_, composite) => {
      expect(flaws(file(`{ get: /a, ${parts} }`))).toEqual([]);
      expect(flaws(file(composite))).not.toEqual([]);
    });

    it('misspelt keys of upstreams, policies and the server', () => {
      expect(flaws('upstreams: { a: { url: http://a, retry: { maxAttemps: 3 } } }')).toEqual([
        '/upstreams/a/retry {"additionalProperty":"maxAttemps"}',
      ]);
      expect(flaws('server: { prot: 3000 }')).toEqual(['/server {"additionalProperty":"prot"}']);
    });

    it('nothing where a variable stands for the value', () => {
      expect(flaws('server: { port: "${PORT:-3000}", shutdownGraceMs: "${GRACE}" }')).toEqual([]);
      expect(flaws('server: { port: "many" }')).not.toEqual([]);
    });
  });
});
