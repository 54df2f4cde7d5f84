import { HOLE, callOutline } from './call-outline.js';
import { matchingPath } from './operation-match.js';
import { UpstreamDocument } from './upstream-document.js';

const anyValue = (): undefined => undefined;

function documentOf(paths: readonly string[], servers: readonly string[] = []): UpstreamDocument {
  const items = paths.map((path) => [path, { get: { responses: {} } }] as const);
  const root = {
    openapi: '3.1.0',
    servers: servers.map((url) => ({ url })),
    paths: Object.fromEntries(items),
  };
  return new UpstreamDocument('x', 'x.yaml', root);
}

function matchOf(
  template: string,
  document: UpstreamDocument,
  values: (hole: number) => readonly string[] | undefined = anyValue,
) {
  const { path } = callOutline(template);
  return path === undefined ? undefined : matchingPath(document, [path], values);
}

describe('the outline of a call', () => {
  it.each([
    ['/orders', '/orders', []],
    ['/orders/{id}', '/orders/' + HOLE, ['id']],
    ['/orders/{id}.json', `/orders/${HOLE}.json`, ['id']],
    ['/orders{/id,line}', `/orders/${HOLE}/${HOLE}`, ['id', 'line']],
    ['/orders/{id}{.format}', `/orders/${HOLE}.${HOLE}`, ['id', 'format']],
    ['/orders/{+path}', undefined, ['path']],
    ['/orders{/path*}', undefined, ['path']],
  ])('has the path of %s', (template, path, variables) => {
    expect(callOutline(template)).toMatchObject({ path, pathVariables: variables });
  });

  it.each([
    [
      '/orders{?a,b*}',
      [
        ['a', 'a', undefined],
        ['b', 'b', undefined],
      ],
    ],
    [
      '/orders?a=1&b=x%20y',
      [
        ['a', undefined, '1'],
        ['b', undefined, 'x y'],
      ],
    ],
    ['/orders?a={x}', [['a', 'x', undefined]]],
    [
      '/orders?a={+x}{&b}',
      [
        ['b', 'b', undefined],
        ['a', 'x', undefined],
      ],
    ],
    ['/orders?a=x{y}', [['a', undefined, undefined]]],
    [
      '/orders/{id}{?a}{&b}',
      [
        ['a', 'a', undefined],
        ['b', 'b', undefined],
      ],
    ],
    ['/orders/{id}', []],
  ])('has the query of %s', (template, fields) => {
    const { query } = callOutline(template);
    expect(query.map(({ name, variable, value }) => [name, variable, value])).toEqual(fields);
  });
});

describe('a call', () => {
  it.each([
    ['/orders/{id}', '/orders/{orderId}', ['orderId']],
    ['/reviews/summary{?sku}', '/reviews/summary', []],
    ['/reviews/7', '/reviews/{id}', []],
    ['/orders/{id}/lines/{line}', '/orders/{orderId}/lines/{number}', ['orderId', 'number']],
    ['/files/{name}.json', '/files/{file}.json', [undefined]],
    ['/files/{name}.xml', '/files/{name}', [undefined]],
    ['/a%20b', '/a b', []],
  ])('of %s is for %s', (template, path, names) => {
    const document = documentOf([
      '/reviews/{id}',
      '/reviews/summary',
      '/orders/{orderId}',
      '/orders/{orderId}/lines/{number}',
      '/files/{name}',
      '/files/{file}.json',
      '/a b',
    ]);
    expect(matchOf(template, document)).toEqual({ path, names });
  });

  it.each(['/order/{id}', '/orders', '/orders/{id}/', '/orders/{id}/lines', '/orders//lines'])(
    'of %s is for none',
    (template) => {
      expect(matchOf(template, documentOf(['/orders/{id}']))).toBeUndefined();
    },
  );

  it('has a value where a path has text only if it can be that text', () => {
    const document = documentOf(['/reviews/summary', '/reviews/latest']);
    expect(matchOf('/reviews/{kind}', document)).toBeUndefined();
    expect(matchOf('/reviews/{kind}', document, () => ['latest'])?.path).toBe('/reviews/latest');
  });

  it.each([
    ['https://api.example.com/shop/v1', '/shop/v1/orders'],
    ['https://api.example.com/shop/v1/', '/orders'],
    ['/v2', '/v2/orders'],
  ])('may or may not have the base path of %s', (server, template) => {
    expect(matchOf(template, documentOf(['/orders'], [server]))?.path).toBe('/orders');
  });
});
