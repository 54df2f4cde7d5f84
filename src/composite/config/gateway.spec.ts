import { ConfigurationError } from '../../upstream/config/configuration-error.js';
import { parseGateway } from './gateway.js';

const UPSTREAMS = `
upstreams:
  orders: { url: http://orders, forwardHeaders: [x-tenant] }
  catalog: { url: http://catalog }
  customers: { url: http://customers }
`;

function messagesOf(text: string, env: Record<string, string> = {}): readonly string[] {
  try {
    parseGateway(text, { env });
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split('\n');
    throw error;
  }
  return [];
}

/** The plan of a file with one composite: of each part, what it needs. */
function needsOf(text: string): Readonly<Record<string, readonly string[]>> {
  const [plan] = parseGateway(text, { env: {} }).composites;
  return Object.fromEntries((plan?.parts ?? []).map(({ config, needs }) => [config.name, needs]));
}

/** Every key there is, as it may stand. */
const KITCHEN_SINK = `${UPSTREAMS}
composites:
  order-details:
    get: /orders/{id}/details
    summary: An order with everything around it
    description: Its lines, their products, and who pays.
    tags: [orders]
    params:
      id: { pattern: '^o-\\d+$', description: The order }
      limit: { type: integer, minimum: 1, maximum: 50, default: 20 }
      tag: { type: array, items: { type: string, enum: [new, sale] }, minItems: 1, maxItems: 5 }
      lang: { in: header, alias: Accept-Language, minLength: 2, maxLength: 20 }
      session: { in: cookie, required: true, format: uuid }
      tenant: { in: header, alias: x-tenant }
      q: { in: query, alias: search }
    auth: bearer
    forward: { headers: [authorization], query: [search], cookies: [session] }
    deadline: 3s
    status: 200
    partialStatus: 206
    passThrough: [401, 404]
    report: body
    sparse: true
    parts:
      order:
        upstream: orders
        get: /orders/{id}
        required: true
        pick: [id, total, lines.sku, lines.quantity, lines.product]
        rename: { lines.quantity: pieces, total: totalCents }
      customer:
        upstream: customers
        get: /customers/{order.customerId}
        forward: { headers: [authorization] }
        hidden: true
      account:
        upstream: customers
        get: /accounts{?customer,limit}
        values: { customer: order.customerId }
        headers: { Accept-Language: params.lang, x-tier: customer.tier, x-page: 1, x-kind: "'gold'" }
        when: customer.tier != 'bronze'
        needs: [order]
        within: 300ms
        fallback: { balance: 0 }
        select: '{ balance: balance, currency: currency }'
        schema: { type: object, required: [balance], properties: { balance: { type: integer } } }
        omit: [currency]
        flatten: true
      products:
        upstream: catalog
        get: /products{?skus,tag*}
        values: { skus: keys, tag: params.tag }
        forEach:
          items: order.lines
          key: sku
          batch: { size: 50, key: sku }
          concurrency: 4
          maxItems: 100
          missing: { name: unknown }
          stitch: product
      stock:
        upstream: catalog
        get: /stock/{key}
        forEach: order.lines[].sku
        as: warehouse.stock
      reserve:
        upstream: catalog
        head: /reserve
        as: warehouse
        merge: deep
      alternatives:
        upstream: catalog
        get: /alternatives
        as: products
      more:
        upstream: catalog
        get: /more
        as: products
        merge: { byKey: sku }
      search:
        upstream: catalog
        post: /search
        reads: true
        body: { filter: { q: params.q, exact: true, sizes: [1, 2] }, order: order.id }
        fallback: []
  place-order:
    post: /orders
    params:
      key: { in: header, alias: idempotency-key, required: true }
    bodySchema: { type: object, required: [sku], properties: { sku: { type: string } } }
    forward: { body: true }
    status: 201
    parts:
      stock: { upstream: catalog, get: '/stock/{body.sku}', required: true }
      order: { upstream: orders, post: /orders, idempotencyKey: params.key, required: true }
      audit: { upstream: customers, put: '/audit/{order.id}', body: null, hidden: true }
`;

describe('the composites of a gateway file', () => {
  it('may say everything', () => {
    const { composites } = parseGateway(KITCHEN_SINK, { env: {} });
    expect(composites.map(({ config }) => config.name)).toEqual(['order-details', 'place-order']);
  });

  it('need no more than a route and a part', () => {
    const [plan] = parseGateway(
      `${UPSTREAMS}composites: { details: { get: '/a/{id}', parts: { order: { upstream: orders, get: '/orders/{id}' } } } }`,
    ).composites;
    expect(plan?.config).toMatchObject({
      name: 'details',
      method: 'GET',
      route: '/a/{id}',
      params: [{ name: 'id', in: 'path', alias: 'id', required: true, schema: { type: 'string' } }],
      forward: { headers: [], query: [], cookies: [], body: false },
      deadline: 3_000,
      status: 200,
      passThrough: [401, 403, 404, 410],
      reportInBody: false,
      sparse: true,
      parts: [
        { name: 'order', method: 'GET', required: false, fallback: null, as: ['order'], flatten: false },
      ],
    });
  });

  it('may be none', () => {
    expect(parseGateway(UPSTREAMS, { env: {} }).composites).toEqual([]);
  });

  it('call a parameter of the route by another name', () => {
    const [plan] = parseGateway(
      `${UPSTREAMS}composites: { details: { get: '/a/{id}', params: { order: { in: path, alias: id, pattern: '^o' } }, parts: { o: { upstream: orders, get: '/orders/{order}' } } } }`,
    ).composites;
    expect(plan?.config.params).toMatchObject([{ name: 'order', in: 'path', alias: 'id', required: true }]);
  });
});

describe('a plan', () => {
  const needs = needsOf(`${UPSTREAMS}composites:
  details:
    post: /details/{id}
    parts:
      a: { upstream: orders, get: '/a/{id}' }
      byUrl: { upstream: orders, get: '/b/{a.id}' }
      byValue: { upstream: orders, get: '/b{?x}', values: { x: 'a.x || byUrl.x' } }
      byHeader: { upstream: orders, get: /b, headers: { x-a: a.id } }
      byBody: { upstream: orders, post: /b, reads: true, body: { deep: [{ er: a.id }, "'a.id'"] } }
      byKey: { upstream: orders, post: /b, reads: true, idempotencyKey: a.id }
      byCondition: { upstream: orders, get: /b, when: a.id }
      byItems: { upstream: orders, get: '/b/{key}', forEach: 'a.ids' }
      byWill: { upstream: orders, get: /b, needs: [a] }
      bySelect: { upstream: orders, get: /b, select: a.id }
      byItemKey: { upstream: orders, get: '/b/{key}', forEach: { items: byUrl.ids, key: a } }
      forward: { upstream: orders, get: '/b/{later.id}' }
      later: { upstream: orders, get: /b }
`);

  it.each(['byUrl', 'byHeader', 'byBody', 'byKey', 'byCondition', 'byItems', 'byWill'])(
    'has a part wait for what it refers to: %s',
    (part) => {
      expect(needs[part]).toEqual(['a']);
    },
  );

  it('has a part wait for all it refers to', () => {
    expect(needs['byValue']).toEqual(['a', 'byUrl']);
  });

  it('has a part wait for one that is declared behind it', () => {
    expect(needs['forward']).toEqual(['later']);
  });

  it('takes nothing for a part that is looked for in an answer or an item', () => {
    expect(needs['bySelect']).toEqual([]);
    expect(needs['byItemKey']).toEqual(['byUrl']);
  });
});

describe('mistakes in a gateway file', () => {
  it('are all said at once, in the order of the file', () => {
    const text = `upstreams:
  orders: { url: orders }
composites:
  details:
    get: /details/:id
    status: 7
    params: { limit: { type: integer, minimum: 9, maximum: 3 } }
    parts:
      order: { upstream: order, get: '/orders/{id}', within: 9s }
      lines: { upstream: orders, get: '/lines', when: 'order.total >' }
  second: { get: /second }
`;
    expect(messagesOf(text).map((line) => line.replace(/: (?:found|unknown|is missing).*/, ''))).toEqual([
      'gateway.yaml:2:18  upstreams.orders.url',
      'gateway.yaml:5:19  composites.details.get',
      'gateway.yaml:6:13  composites.details.status',
      'gateway.yaml:7:48  composites.details.params.limit.minimum',
      'gateway.yaml:9:26  composites.details.parts.order.upstream',
      'gateway.yaml:9:62  composites.details.parts.order.within',
      expect.stringContaining('gateway.yaml:10:69  composites.details.parts.lines.when') as string,
      'gateway.yaml:11:3  composites.second.parts',
    ]);
  });

  it('are not said of what only refers to what is broken', () => {
    const text = `${UPSTREAMS}  billing: 5
composites:
  details:
    get: \${ROUTE}
    params: { q: 7 }
    parts:
      order: []
      customer: { upstream: customers, get: '/customers/{order.customerId}{?q,id}' }
      account: { upstream: billing, get: /account, when: params.other }
`;
    expect(messagesOf(text)).toEqual([
      expect.stringContaining('upstreams.billing: found 5') as string,
      expect.stringContaining('composites.details.get: the environment variable ROUTE is not set') as string,
      expect.stringContaining('composites.details.params.q: found 7') as string,
      expect.stringContaining('composites.details.parts.order: found a list') as string,
    ]);
  });

  it('are named where an anchor has them', () => {
    const text = `${UPSTREAMS}composites:
  details:
    get: /details
    parts:
      order: &defaults { upstream: orders, get: /orders, when: 'length(' }
      lines: { <<: *defaults, get: /lines, when: order.id }
      items: { <<: *defaults, get: /items }
`;
    expect(messagesOf(text).map((line) => /^\S+ +\S+:/.exec(line)?.[0])).toEqual([
      'gateway.yaml:10:72  composites.details.parts.order.when:',
      'gateway.yaml:10:72  composites.details.parts.items.when:',
    ]);
  });

  it('are counted by line in a text of several', () => {
    const text = `${UPSTREAMS}composites:
  details:
    get: /details
    parts:
      order:
        upstream: orders
        get: /orders
        select: |
          {
            id: id,
            name: lenght(name)
          }
`;
    const [message] = messagesOf(text);
    expect(message).toMatch(/^gateway\.yaml:16:19 .* has the unknown function lenght\(\)/);
  });

  it('in a condition name the parts that never run because of it', () => {
    const text = `${UPSTREAMS}composites:
  details:
    get: /details
    parts:
      a: { upstream: orders, get: /a, when: '\`1\` > \`2\`' }
      b: { upstream: orders, get: /b, when: a.found }
      c: { upstream: orders, get: '/c/{key}', forEach: b.list }
      d: { upstream: orders, get: /d, when: '!(a.found)' }
`;
    expect(messagesOf(text)).toEqual([
      expect.stringMatching(
        /:10:45 .*this one never does, and the part never runs; then neither do b, c$/,
      ) as string,
    ]);
  });

  it('in two cycles are two', () => {
    const part = (name: string, when: string): string =>
      `      ${name}: { upstream: orders, get: /x, when: ${when} }\n`;
    const text = `${UPSTREAMS}composites:\n  details:\n    get: /details\n    parts:\n${
      part('a', 'b.x && c.x') + part('b', 'a.x') + part('c', 'd.x') + part('d', 'c.x')
    }`;
    expect(messagesOf(text).map((line) => /cycle: ([^;]*)/.exec(line)?.[1])).toEqual([
      'a -> b -> a',
      'c -> d -> c',
    ]);
  });

  it('never show what a variable holds', () => {
    const text = `${UPSTREAMS}composites: { details: { get: /a, parts: { order: { upstream: '\${SECRET}', get: /a, when: '\${SECRET}.x(' } } } }`;
    const [first, ...more] = messagesOf(text, { SECRET: 'hush' });
    expect(first).toContain("found '${SECRET}' (value not shown); expected the name of an upstream");
    expect(more.join()).toContain('composites.details.parts.order.when');
    expect([first, ...more].join()).not.toContain('hush');
  });
});

describe('a slip in a key of a composite', () => {
  const KEYS =
    /(?<=[\s{,])(get|summary|description|tags|params|auth|forward|deadline|status|partialStatus|passThrough|report|sparse|parts|bodySchema|upstream|head|post|put|required|pick|omit|rename|hidden|values|headers|cookies|query|when|needs|within|fallback|select|schema|flatten|forEach|items|batch|size|concurrency|maxItems|missing|stitch|as|merge|byKey|reads|body|idempotencyKey|in|alias|type|pattern|minimum|maximum|default|enum|minItems|minLength|maxLength|format)(?=:[ \n])/g;
  const places = [...KITCHEN_SINK.matchAll(KEYS)].map(({ 0: key, index }) => ({ key, index }));

  it.each(places)('is one mistake: $key at $index', ({ key, index }) => {
    const [before, behind] = [KITCHEN_SINK.slice(0, index), KITCHEN_SINK.slice(index + key.length)];
    const lines = before.split('\n');
    const problems = messagesOf(`${before}${key}${key.at(-1) ?? ''}${behind}`);
    expect(problems).toEqual([expect.stringContaining(`did you mean ${key}?`) as string]);
    expect(problems[0]).toContain(`gateway.yaml:${lines.length}:${(lines.at(-1) ?? '').length + 1} `);
  });
});
