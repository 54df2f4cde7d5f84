import { ConfigurationError } from '../../upstream/config/configuration-error.js';
import { parseGateway } from './gateway.js';

/** Stands right before the place that the error must name. */
const MARK = '»';

/** What is wrong, the lines it is wrong in, and what the error says. */
type Broken = readonly [what: string, lines: string, says: string];

const UPSTREAMS = `
upstreams:
  orders: { url: http://orders }
  catalog: { url: http://catalog }
`;

const indented = (lines: string, by: number): string =>
  lines.replace(/^\n+|\s+$/g, '').replace(/^(?=.)/gm, ' '.repeat(by));

/** A file with these composites. */
const withComposites = (lines: string): string => `${UPSTREAMS}composites:\n${indented(lines, 2)}\n`;

/** A file with one composite, of which these are the keys. */
const withComposite = (lines: string): string => withComposites(`details:\n${indented(lines, 2)}`);

/** A file with one composite of these parts, whose route has an id. */
const withParts = (lines: string): string =>
  withComposite(`get: /details/{id}\nparts:\n${indented(lines, 2)}`);

/** A file with one part, of which these are keys, behind an order that it may refer to. */
const withPart = (lines: string): string =>
  withParts(`order: { upstream: orders, get: '/orders/{id}' }\nproducts:\n${indented(lines, 2)}`);

function problemsOf(
  text: string,
  env: Readonly<Record<string, string>> = {},
): ConfigurationError['problems'] {
  try {
    parseGateway(text, { env });
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

function placeOf(marked: string): { readonly line: number; readonly column: number } {
  const [before = '', ...rest] = marked.split(MARK);
  if (rest.length !== 1) throw new Error(`one ${MARK} has to mark the place`);
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

function expectOneProblem(marked: string, says: string): void {
  const problems = problemsOf(marked.replace(MARK, ''));
  expect(problems).toEqual([
    {
      file: 'gateway.yaml',
      ...placeOf(marked),
      path: expect.any(String) as string,
      message: expect.stringContaining(says) as string,
    },
  ]);
}

describe('a gateway file with one mistake in', () => {
  describe('its composites', () => {
    const broken: readonly Broken[] = [
      [
        'a name',
        `»order details: { get: /a, parts: { order: { upstream: orders, get: /orders } } }`,
        'found "order details" as the name of a composite; expected a name of letters, digits, - and _',
      ],
      [
        'a route that another one answers',
        `
one: { get: '/a/{x}', parts: { order: { upstream: orders, get: '/orders/{x}' } } }
two: { get: »'/a/{y}', parts: { order: { upstream: orders, get: '/orders/{y}' } } }`,
        "expected another route: one answers GET '/a/{x}' already",
      ],
      ['an empty composite', `»details:`, 'found nothing; expected a group of keys'],
    ];
    it.each(broken)('%s', (_, lines, says) => {
      expectOneProblem(withComposites(lines), says);
    });

    it('a list instead of a group', () => {
      expectOneProblem(
        `${UPSTREAMS}composites: »[details]`,
        'found a list; expected a group of composites by name',
      );
    });
  });

  describe('a composite', () => {
    const parts = `parts: { order: { upstream: orders, get: /orders } }`;
    const withId = `parts: { order: { upstream: orders, get: '/orders/{id}' } }`;
    const broken: readonly Broken[] = [
      ['an unknown key', `get: /a\n»deadlineMs: 3s\n${parts}`, 'unknown key; did you mean deadline?'],
      ['a verb in capitals', `»GET: /a\n${parts}`, 'unknown key; did you mean get?'],
      ['two verbs', `get: /a\n»post: /a\n${parts}`, 'found it next to get; expected one verb'],
      ['no parts', `get: /a\nparts: »{}`, 'is missing; expected at least one part'],
      ['a deadline', `get: /a\ndeadline: »3 sec\n${parts}`, 'expected a duration from 1 ms to 24 h'],
      [
        'a status without a body',
        `get: /a\nstatus: »204\n${parts}`,
        'expected a status whose response has a body',
      ],
      [
        'a status for partial answers',
        `get: /a\npartialStatus: »20\n${parts}`,
        'expected a status from 200 to 299, or 502, 503 or 504',
      ],
      [
        'a status that passes through',
        `get: /a\npassThrough: [404, »301]\n${parts}`,
        'expected a whole number from 400 to 599',
      ],
      [
        'a status that blames the gateway for partial answers',
        `get: /a\npartialStatus: »500\n${parts}`,
        'expected a status from 200 to 299, or 502, 503 or 504',
      ],
      ['its limit in the words of others', `get: /a\n»timeout: 3s\n${parts}`, 'did you mean deadline?'],
      [
        'a key like no other',
        `get: /a\n»zzzzzzzz: 1\n${parts}`,
        'valid keys here: a verb and parts, what is asked (params',
      ],
      [
        'headers by wildcard',
        `get: /a\nforward: { headers: [»'*'] }\n${parts}`,
        'expected names one by one; there is no wildcard',
      ],
      [
        'some headers by wildcard',
        `get: /a\nforward: { headers: [x-a, »'x-*'] }\n${parts}`,
        'expected names one by one; there is no wildcard',
      ],
      [
        'query parameters by wildcard',
        `get: /a\nforward: { query: [»'*'] }\n${parts}`,
        'expected names one by one; there is no wildcard',
      ],
      [
        'cookies by wildcard',
        `get: /a\nforward: { cookies: [»'*'] }\n${parts}`,
        'expected names one by one; there is no wildcard',
      ],
      [
        'a query parameter with its value',
        `get: /a\nforward: { query: [»'x=y'] }\n${parts}`,
        'expected the name of a query parameter',
      ],
      [
        'a cookie with a space',
        `get: /a\nforward: { cookies: [»'a b'] }\n${parts}`,
        'expected the name of a cookie, without spaces or separators',
      ],
      [
        'a cookie with its value',
        `get: /a\nforward: { cookies: [»'x=y'] }\n${parts}`,
        'expected the name of a cookie, without spaces or separators',
      ],
      [
        'where the report goes',
        `get: /a\nreport: »boddy\n${parts}`,
        'expected one of headers, body; did you mean body?',
      ],
      [
        'a scheme of authentication',
        `get: /a\nauth: »barer\n${parts}`,
        'one of bearer, basic, cookie; did you mean bearer?',
      ],
      [
        'credentials that no part forwards',
        `get: /a\nauth: »bearer\n${parts}`,
        'forward: { headers: [authorization] }',
      ],
      ['cookies that no part forwards', `get: /a\nauth: »cookie\n${parts}`, 'forward: { cookies: [...] }'],
      ['a body schema on a GET', `get: /a\n»bodySchema: { type: object }\n${parts}`, 'a GET has no body'],
      [
        'a body schema with an unknown type',
        `post: /a\nbodySchema: { type: »objekt }\n${parts}`,
        'must be one of array, boolean',
      ],
      [
        'a body schema with a misspelt word',
        `post: /a\nbodySchema: { type: object, »propertis: {} }\n${parts}`,
        'did you mean properties?',
      ],
      [
        'a body schema with a bad limit',
        `post: /a\nbodySchema:\n  properties:\n    sku: { minLength: »x }\n${parts}`,
        'must be integer',
      ],
      [
        'a body schema with a bad pattern',
        `post: /a\nbodySchema: { properties: { sku: { pattern: »'[' } } }\n${parts}`,
        'expected a regular expression',
      ],
      [
        'a body schema with a reference to nothing',
        `post: /a\nbodySchema: { properties: { sku: { $ref: »'#/nope' } } }\n${parts}`,
        "can't resolve reference",
      ],
      [
        'a body that is forwarded by a GET',
        `get: /a\nforward: { »body: true }\n${parts}`,
        'a GET has no body',
      ],
      [
        'a body that no part sends',
        `post: /a\nforward: { »body: true }\n${parts}`,
        'without a part that sends it',
      ],
      [
        'a header that is forwarded twice',
        `get: /a\nforward: { headers: [x-a, »X-A] }\n${parts}`,
        'expected each name once',
      ],
      [
        'a header of the connection',
        `get: /a\nforward: { headers: [»host] }\n${parts}`,
        'it names the gateway',
      ],
      [
        'a query parameter that is sent twice',
        `get: /a\nforward: { query: [limit] }\nparts:\n  order: { upstream: orders, get: »'/orders?limit=5' }`,
        'the query parameter limit once',
      ],
      [
        'a line that is indented otherwise',
        `get: /a\n ${parts.replace('parts', '»parts')}`,
        'found parts further in than the key above',
      ],
      ['a route without a slash', `get: »a\n${parts}`, 'expected a path beginning with /'],
      ['a route with a space', `get: »/a b\n${parts}`, 'expected a path without spaces'],
      [
        'a route of the gateway itself',
        `get: »/health/orders\n${parts}`,
        'the gateway serves /health itself',
      ],
      [
        'a route with an Express parameter',
        `get: /orders/»:id\n${parts}`,
        'expected {id}: parameters stand in braces',
      ],
      [
        'a route with half a segment',
        `get: /orders/»o-{id}\n${withId}`,
        'a parameter that is a whole segment',
      ],
      ['a route with a parameter twice', `get: /orders/{id}/»{id}\n${withId}`, 'each parameter once'],
      ['a route with a query', `get: /»orders{?id}\n${parts}`, 'query parameters are declared under params'],
      ['a route with a slash at its end', `get: /orders/»\n${parts}`, 'none behind the last'],
      ['a route with a wildcard', `get: /orders/»*\n${parts}`, 'expected letters, digits'],
      [
        'a parameter that nothing uses',
        `get: /a\nparams:\n  »limit: { type: integer }\n${parts}`,
        'a parameter that nothing uses; expected params.limit in an expression',
      ],
    ];
    it.each(broken)('%s', (_, lines, says) => {
      expectOneProblem(withComposite(lines), says);
    });

    it('no verb', () => {
      const lines = `»details:\n  parts: { order: { upstream: orders, get: /orders } }`;
      expectOneProblem(
        withComposites(lines),
        'is missing; expected a route, such as /orders/{id}, under one of get, post',
      );
    });

    it('no parts at all', () => {
      expectOneProblem(withComposites(`»details:\n  get: /a`), 'is missing; expected at least one part');
    });
  });

  describe('a parameter', () => {
    const broken: readonly Broken[] = [
      ['an unknown key', `q: { »pattrn: '^a' }`, 'unknown key; did you mean pattern?'],
      ['its place', `q: { in: »querry }`, 'expected one of path, query, header, cookie; did you mean query?'],
      [
        'its place, which the route does not have',
        `q: { in: »path }`,
        'found path; expected {q} in the route; here: id',
      ],
      ['its place, which the route does have', `q: {}\nid: { in: »query }`, '{id} stands in the route'],
      ['its name', `q: {}\n»page size: {}`, 'expected letters, digits, _ and -'],
      ['a name that no object can hold', `q: {}\n»__proto__: {}`, 'expected another name'],
      ['its header', `q: { in: header, alias: »'x y' }`, 'expected the name of a header'],
      ['the name another one has already', `q: { alias: s }\nr: { »alias: s }`, 'q has it already'],
      ['a name that is taken', `q: { »alias: fields }`, '?fields= asks for some of the answer'],
      ['its type', `q: { type: »int }`, 'expected one of string, integer'],
      ['a range on a text', `q: { »minimum: 1 }`, 'expected it only with type: integer or number'],
      [
        'a range the wrong way round',
        `q: { type: integer, minimum: »9, maximum: 3 }`,
        'expected at most maximum, which is 3',
      ],
      ['a pattern', `q: { pattern: »'(' }`, 'expected a regular expression'],
      ['a format', `q: { format: »datetime }`, 'did you mean date-time?'],
      ['a default out of range', `q: { type: integer, maximum: 50, default: »100 }`, 'must be <= 50'],
      ['a default of another type', `q: { type: integer, default: »many }`, 'must be integer'],
      ['a default without a value', `q: { »default: }`, 'expected a value, such as null'],
      [
        'a value that is not of its type',
        `q: { type: integer, enum: [1, »two] }`,
        'expected a value of type integer',
      ],
      [
        'a default though it is required',
        `q: { required: true, »default: a }`,
        'a required parameter is always there',
      ],
      [
        'a default though it is in the route',
        `q: {}\nid: { »default: a }`,
        'a parameter of the route is always there',
      ],
      [
        'its items',
        `q: { type: array, items: { type: integer, »maxLength: 3 } }`,
        'expected it only with type: string',
      ],
    ];
    it.each(broken)('%s', (_, lines, says) => {
      const params = `params:\n${indented(lines, 2)}\n`;
      const values = `{ q: params.q, r: params${lines.includes('r:') ? '.r' : '.id'} }`;
      const part = `order: { upstream: orders, get: '/orders/{id}{?q,r}', values: ${values} }`;
      expectOneProblem(withComposite(`get: /a/{id}\n${params}parts:\n  ${part}`), says);
    });
  });

  describe('parts', () => {
    const order = `order: { upstream: orders, get: '/orders/{id}' }`;
    const broken: readonly Broken[] = [
      ['a name', `»order.1: { upstream: orders, get: /orders }`, 'found "order.1" as the name of a part'],
      [
        'a name that means something else',
        `»params: { upstream: orders, get: /orders }`,
        'expressions know something else as params',
      ],
      ['no upstream', `»order: { get: /orders }`, 'is missing; expected the name of an upstream'],
      ['no verb', `»order: { upstream: orders }`, 'is missing; expected a URL template'],
      ['two verbs', `order: { upstream: orders, get: /orders, »head: /orders }`, 'found it next to get'],
      ['an unknown upstream', `order: { upstream: »order, get: /orders }`, 'did you mean orders?'],
      ['a write in a GET', `order: { upstream: orders, »post: /orders }`, 'must change nothing'],
      [
        'a cycle',
        `
a: { upstream: orders, get: '/a{?x}', values: { x: »b.x } }
b: { upstream: orders, get: '/b{?x}', values: { x: c.x } }
c: { upstream: orders, get: '/c', when: a.x }`,
        'found a cycle: a -> b -> c -> a; expected parts that do not wait for each other',
      ],
      [
        'a cycle by needs',
        `
a: { upstream: orders, get: /a, needs: [»b] }
b: { upstream: orders, get: /b, needs: [a] }`,
        'found a cycle: a -> b -> a',
      ],
      ['one that needs itself', `a: { upstream: orders, get: /a, needs: [»a] }`, 'none waits for itself'],
      [
        'one that refers to itself',
        `a: { upstream: orders, get: /a, when: length(»a.x) > \`0\` }`,
        'found a, the part itself',
      ],
      [
        'two at one place',
        `${order}\nb: { upstream: orders, get: /b, as: »order }`,
        'the part order stands already',
      ],
      [
        'two at one name',
        `a: { upstream: orders, get: /b, as: order }\n»${order}`,
        'merge to say what happens where the part a stands already',
      ],
      [
        'one within another',
        `${order}\nb: { upstream: orders, get: /b, as: »order.lines }`,
        'order.lines a second time',
      ],
      [
        'one around another',
        `a: { upstream: orders, get: /b, as: order.lines }\n»${order}`,
        'the part a stands already',
      ],
      [
        'keys at the place of another',
        `${order}\nb: { upstream: orders, get: /b, »flatten: true, pick: [order] }`,
        'the part order stands already',
      ],
      [
        'keys of two in the root',
        `
a: { upstream: orders, get: /a, flatten: true, select: '{ id: id, name: name }' }
b: { upstream: orders, get: /b, »flatten: true, schema: { properties: { name: {} } } }`,
        'found name a second time',
      ],
      [
        'unknown keys of two in the root',
        `
a: { upstream: orders, get: /a, flatten: true, pick: [id] }
b: { upstream: orders, get: /b, »flatten: true }`,
        'expected pick to name them, or merge',
      ],
      [
        'one at the place of the report',
        `a: { upstream: orders, get: /a, as: »_composite }`,
        'this one is kept for the part report',
      ],
      [
        'one that merges with nothing',
        `${order}\nb: { upstream: orders, get: /b, »merge: deep }`,
        'found it where no earlier part stands',
      ],
      [
        'a URL without quotes in a line',
        `order: { upstream: orders, get: »/orders/{id}, required: true }`,
        "found /orders/{id}; expected '/orders/{id}': a value with { } or [ ] in it stands in quotes",
      ],
      [
        'a query without quotes in a line',
        `order: { upstream: orders, get: »/orders{?id} }`,
        "expected '/orders{?id}'",
      ],
      [
        'items without quotes in a line',
        `${order}\nb: { upstream: orders, get: '/b/{key}', forEach: { items: »order.lines[].sku, maxItems: 3 } }`,
        "expected 'order.lines[].sku'",
      ],
      [
        'a comma without quotes in a line',
        `${order}\nb: { upstream: orders, get: /b, when: contains(order.tags, »order.tag) }`,
        'within { } a value with a comma in it stands in quotes',
      ],
      ['a value that is no group', `order: »3`, 'found 3; expected a group of keys (upstream, get, ...)'],
      [
        'a stitch into what its host does not show',
        `order: { upstream: orders, get: '/orders/{id}', pick: [id] }
b: { upstream: orders, get: '/b/{key}', forEach: { items: order.lines, key: sku, »stitch: product } }`,
        'found it into order.lines, where order drops product (pick, omit)',
      ],
      [
        'a stitch into items of which its host picks other fields',
        `order: { upstream: orders, get: '/orders/{id}', pick: [lines.sku] }
b: { upstream: orders, get: '/b/{key}', forEach: { items: order.lines, key: sku, »stitch: product } }`,
        'expected a field that the response shows, or collect',
      ],
      [
        'one that is hidden for nothing',
        `${order}\nb: { upstream: orders, get: /b, »hidden: true }`,
        'no other one refers to',
      ],
    ];
    it.each(broken)('%s', (_, lines, says) => {
      expectOneProblem(withComposite(`get: /details/{id}\nparts:\n${indented(lines, 2)}`), says);
    });
  });

  describe('a part', () => {
    const call = 'upstream: catalog\nget: /products';
    const broken: readonly Broken[] = [
      ['its limit in the words of others', `${call}\n»timeout: 3s`, 'unknown key; did you mean within?'],
      [
        'an unknown key',
        `${call}\n»zzzzzzzz: 3s`,
        'unknown key; valid keys here: upstream and a verb, what is sent (values',
      ],
      [
        'its URL, with braces of other languages',
        "upstream: catalog\nget: '»/products/{{id}}'",
        'expected single braces, as in /products/{id}',
      ],
      ['a selection without quotes', `${call}\nselect: »[].id`, "expected '[].id'"],
      ['an element without quotes', `${call}\nselect: »[0].id`, "expected '[0].id'"],
      [
        'a selection that YAML takes for a group',
        `${call}\nselect: »{id: id}`,
        "found a group of keys; expected a JMESPath expression; as text it stands in quotes: '{id: id}'",
      ],
      [
        'a URL that YAML takes for a group',
        `upstream: catalog\nget: »{id}`,
        "expected a path beginning with /; as text it stands in quotes: '{id}'",
      ],
      [
        'the answer itself without quotes',
        `${call}\nselect: »@`,
        'a value that begins with @ stands in quotes',
      ],
      ['a literal without quotes', `${call}\nwhen: »\`true\``, "expected '`true`'"],
      ['a negation without quotes', `${call}\nwhen: »!order.paid`, "expected '!order.paid'"],
      [
        'a text that reads as a difference',
        `${call}\nheaders: { x-api-key: »my-secret-key }`,
        `for the text itself write "'my-secret-key'"`,
      ],
      [
        'a text that reads as a quotient',
        `${call}\nheaders: { accept: »application/json }`,
        `for the text itself write "'application/json'"`,
      ],
      [
        'a text of two words',
        `${call}\nheaders: { x-note: »hello world }`,
        `found hello world; expected JMESPath over params, body or a part; for the text itself write "'hello world'"`,
      ],
      [
        'a text with a number',
        `upstream: catalog\nget: /products{?customerId}\nvalues: { customerId: »c-42 }`,
        `for the text itself write "'c-42'"`,
      ],
      [
        'a text with a name in it',
        `${call}\nheaders: { x-a: »order-date }`,
        `and date is none; for the text itself write "'order-date'"`,
      ],
      [
        'a value in braces',
        `${call}\nheaders: { x-a: »'{params.id}' }`,
        'expected params.id, without braces',
      ],
      [
        'a value in double braces',
        `${call}\nheaders: { x-a: »'{{order.id}}' }`,
        'expected order.id, without braces',
      ],
      [
        'a text with a value in braces',
        `${call}\nheaders: { x-a: »'o-{params.id}' }`,
        "text is put together by join('', ['o-', params.id])",
      ],
      [
        'a text in double quotes',
        `${call}\nwhen: order.tier == "»gold"`,
        "text stands in single quotes: 'gold'",
      ],
      [
        'a picked path with brackets',
        `${call}\npick: [name, »'lines[].sku']`,
        'gone through by themselves: lines.sku',
      ],
      [
        'a picked path from the root of a list',
        `${call}\npick: [»'[].id']`,
        'gone through by themselves: id',
      ],
      ['everything picked', `${call}\npick: [»'*']`, 'lists are gone through by themselves'],
      ['an omitted path with an index', `${call}\nomit: [»'x[0].b']`, 'gone through by themselves: x.b'],
      [
        'a renamed path with brackets',
        `${call}\nrename: { »'lines[].sku': id }`,
        'gone through by themselves: lines.sku',
      ],
      [
        'a place with brackets',
        `${call}\nas: »'catalog[0]'`,
        'expected a dotted path, such as customer.address: names only',
      ],
      [
        'its URL',
        'upstream: catalog\nget: »/products/{id',
        'has a brace that stands alone; expected an RFC 6570 template',
      ],
      ['its URL, which has a fragment', 'upstream: catalog\nget: »/products#top', 'has a fragment'],
      [
        'a variable of its URL',
        'upstream: catalog\nget: /products/{»sku}',
        'expected a value for it under values',
      ],
      [
        'a variable of its URL, nearly',
        'upstream: catalog\nget: /products/{»ordr.sku}',
        'did you mean order?',
      ],
      [
        'a value that the URL lacks',
        `upstream: catalog\nget: /products{?skus}\nvalues: { »sku: order.skus }`,
        'expected a variable of the URL template; did you mean skus?',
      ],
      [
        'a value without a value',
        `upstream: catalog\nget: /products{?skus}\nvalues: { »skus: }`,
        'found nothing; expected a value',
      ],
      [
        'an expression',
        `upstream: catalog\nget: /products{?skus}\nvalues: { skus: 'order.lines[].»)' }`,
        "cannot have ')' here",
      ],
      ['an expression that breaks off', `${call}\nwhen: 'order.total >»'`, 'ends where more was expected'],
      ['a negation without parentheses', `${call}\nwhen: '»!order.paid'`, "write '!(order.paid)'"],
      ['a function', `${call}\nwhen: »lenght(order.lines)`, 'did you mean length()?'],
      [
        'arguments of a function',
        `${call}\nwhen: »length(order.lines, order.id)`,
        'length() with 2 arguments; expected 1',
      ],
      [
        'a part it refers to',
        `${call}\nwhen: »oder.total`,
        'found oder; expected params, body or a part; did you mean order?',
      ],
      [
        'a parameter it refers to',
        `${call}\nwhen: params.»di`,
        'found params.di; expected a parameter of the composite; did you mean id?',
      ],
      ['a parameter named without params', `${call}\nwhen: »id`, 'did you mean params.id?'],
      [
        'a text without its own quotes',
        `${call}\nheaders: { x-tier: »gold }`,
        `and gold is none; for the text itself write "'gold'"`,
      ],
      ['the body of a request that has none', `${call}\nwhen: »body.total`, 'a GET has no body'],
      ['the scope as a whole', `${call}\nwhen: »length(@)`, 'the scope as a whole'],
      ['a part it needs', `${call}\nneeds: [»ordr]`, 'did you mean order?'],
      ['a header it sends', `${call}\nheaders: { »content-length: '\`3\`' }`, 'are not set here'],
      [
        'a header it sends twice',
        `${call}\nheaders: { X-A: order.a, »x-a: order.b }`,
        'expected each header once',
      ],
      ['a header of several values', `${call}\nheaders: { x-a: »[order.a] }`, 'expected one value'],
      [
        'a header it forwards too',
        `${call}\nheaders: { »x-a: order.a }\nforward: { headers: [x-a] }`,
        'found x-a, which forward passes on as well',
      ],
      [
        'a query parameter it forwards too',
        `upstream: catalog\nget: /products{?q}\nvalues: { q: order.q }\nforward: { query: [»q] }`,
        'the query parameter q once',
      ],
      ['a body on a GET', `${call}\n»body: { a: order.a }`, 'a GET sends no body'],
      ['a text as the body of a GET', `${call}\n»body: hello-there`, 'a GET sends no body'],
      ['a forwarded body on a GET', `${call}\nforward: { »body: true }`, 'a GET sends no body'],
      [
        'an idempotency key on a GET',
        `${call}\n»idempotencyKey: params.id`,
        'a GET is safe to repeat as it is',
      ],
      ['a post that reads, as a get', `${call}\n»reads: true`, 'expected it on a post only'],
      [
        'a fallback that is never used',
        `${call}\nrequired: true\n»fallback: {}`,
        'one of the two: its failure ends the composite',
      ],
      [
        'a limit beyond the deadline',
        `${call}\nwithin: »5s`,
        'expected less than the deadline of the composite, which is 3s by default',
      ],
      ['a condition that never holds', `${call}\nwhen: »'\`false\`'`, 'this one never does'],
      ['a condition that is no text', `${call}\nwhen: »false`, 'found false; expected a JMESPath expression'],
      ['its schema', `${call}\nschema: { type: object, required: »name }`, 'must be array'],
      ['paths picked twice', `${call}\npick: [name, »name]`, 'each path once'],
      ['paths picked below others', `${call}\npick: [maker, »maker.name]`, 'maker is picked as a whole'],
      [
        'a path both picked and omitted',
        `${call}\npick: [sku, name]\nomit: [»name]`,
        'pick says that it stays',
      ],
      ['an omitted path that is not picked', `${call}\npick: [sku]\nomit: [»name]`, 'the others go anyway'],
      [
        'a renamed path that is not picked',
        `${call}\npick: [sku]\nrename: { »name: title }`,
        'expected a path that is picked',
      ],
      [
        'a renamed path that is omitted',
        `${call}\nomit: [maker]\nrename: { »maker.name: title }`,
        'maker is omitted',
      ],
      [
        'a new name that is there',
        `${call}\npick: [sku, name]\nrename: { sku: »name }`,
        'expected another name: name is picked as well',
      ],
      ['a new name twice', `${call}\nrename: { name: title, sku: »title }`, 'name is renamed to it as well'],
      ['a new name with a dot', `${call}\nrename: { name: »maker.name }`, 'without dots'],
      ['its place', `${call}\nas: »catalog..products`, 'expected a dotted path'],
      ['a place though it is flattened', `${call}\n»as: catalog\nflatten: true`, 'one of the two'],
      [
        'a shape though it is hidden',
        `${call}\nrequired: true\nhidden: true\n»pick: [name]`,
        'the response does not show it',
      ],
      [
        'a fallback that cannot be flattened',
        `${call}\nflatten: true\nfallback: »[]`,
        'expected a group of keys or null',
      ],
      ['how it merges', `${call}\nmerge: »shallow`, 'expected one of deep, concat, or a group with byKey'],
      ['the key by which it merges', `${call}\nmerge: { »bykey: sku }`, 'did you mean byKey?'],
    ];
    it.each(broken)('%s', (_, lines, says) => {
      expectOneProblem(withPart(lines), says);
    });

    it('the deadline it must keep', () => {
      const lines = `get: /a\ndeadline: 300ms\nparts: { order: { upstream: orders, get: /orders, within: »300ms } }`;
      expectOneProblem(
        withComposite(lines),
        'expected less than the deadline of the composite, which is 300ms',
      );
    });

    it('the deadline it must keep, without a unit', () => {
      const lines = `get: /a\ndeadline: 3\nparts: { order: { upstream: orders, get: /orders, within: »5s } }`;
      expectOneProblem(withComposite(lines), 'less than the deadline of the composite, which is 3 ms');
    });

    it('a text from the environment, which is not shown', () => {
      const lines = `${call}\nheaders: { x-api-key: »\${API_KEY} }`;
      const marked = withPart(lines);
      const problems = problemsOf(marked.replace(MARK, ''), { API_KEY: 'my-secret-key' });
      expect(problems).toEqual([
        {
          file: 'gateway.yaml',
          ...placeOf(marked),
          path: 'composites.details.parts.products.headers.x-api-key',
          message:
            'found ${API_KEY} (value not shown); expected JMESPath; for the text itself write "\'${API_KEY}\'"',
        },
      ]);
    });
  });

  describe('a list join', () => {
    const call = 'upstream: catalog\nget: /products/{key}';
    const batch = 'upstream: catalog\nget: /products{?skus}\nvalues: { skus: keys }';
    const broken: readonly Broken[] = [
      [
        'an unknown key',
        `${call}\nforEach: { items: order.skus, »concurency: 3 }`,
        'did you mean concurrency?',
      ],
      ['no items', `${call}\n»forEach: { concurrency: 3 }`, 'is missing; expected JMESPath over the scope'],
      ['its items', `${call}\nforEach: »ordr.skus`, 'did you mean order?'],
      ['items that are always empty', `${call}\nforEach: »'\`[]\`'`, 'this list is always empty'],
      [
        'how many at once',
        `${call}\nforEach: { items: order.skus, concurrency: »0 }`,
        'expected a whole number from 1 to 1000',
      ],
      [
        'where the values go',
        `${call}\nforEach: { items: order.skus, collect: »lists }`,
        'did you mean list?',
      ],
      [
        'the key of an item',
        `${call}\nforEach: { items: order.lines, key: 'sku»]' }`,
        "cannot have ']' here",
      ],
      [
        'a stitch without a key',
        `${call}\nforEach: { items: order.lines, »stitch: product }`,
        'key next to it',
      ],
      [
        'a stitch that is collected',
        `${call}\nforEach: { items: order.lines, key: sku, stitch: product, »collect: map }`,
        'found it next to stitch',
      ],
      [
        'a stitch into no part',
        `${call}\nforEach: { items: »'[{ sku: params.id }]', key: sku, stitch: product }`,
        'expected a path to items of',
      ],
      [
        'a stitch with a place',
        `${call}\n»as: product\nforEach: { items: order.lines, key: sku, stitch: product }`,
        'the values stand in the items',
      ],
      [
        'a list that is flattened',
        `${call}\n»flatten: true\nforEach: { items: order.skus, collect: list }`,
        'a list has no keys',
      ],
      [
        'calls that are all the same',
        `upstream: catalog\nget: /products\n»forEach: order.skus`,
        'key or item in its URL',
      ],
      [
        'a key by the name of its field',
        `upstream: catalog\nget: /products/{»sku}\nforEach: { items: order.lines, key: sku }`,
        '{key} is the key of each item, and {item.sku} a field of it',
      ],
      [
        'keys by the name of their field',
        `upstream: catalog\nget: /products{?»sku}\nforEach: { items: order.lines, key: sku, batch: { size: 5, key: sku } }`,
        'for the keys of a batch, values: { sku: keys }',
      ],
      [
        'a batch without size',
        `${batch}\nforEach: { items: order.skus, »batch: { key: sku } }`,
        'expected the number of keys a call',
      ],
      [
        'a batch that sends no keys',
        `upstream: catalog\nget: /products\nforEach: { items: order.skus, »batch: { size: 9, key: sku } }`,
        'a batch that sends no keys',
      ],
      [
        'a batch that sends one key',
        `upstream: catalog\nget: /products{?skus}\nvalues: { skus: »key }\nforEach: { items: order.skus, batch: { size: 9, key: sku } }`,
        'found key; expected keys',
      ],
      [
        'a call that sends several keys',
        `upstream: catalog\nget: /products{?skus}\nvalues: { skus: »keys }\nforEach: order.skus`,
        'found keys; expected item or key',
      ],
      [
        'an item outside of a join',
        `upstream: catalog\nget: /products{?skus}\nvalues: { skus: »item.sku }`,
        'in what a part with forEach sends',
      ],
      [
        'a condition about an item',
        `${call}\nforEach: order.skus\nwhen: »item.sku`,
        'in what a part with forEach sends',
      ],
    ];
    it.each(broken)('%s', (_, lines, says) => {
      expectOneProblem(withPart(lines), says);
    });
  });

  it('names lines that others before them do not displace', () => {
    const lines = `get: /a
forward:
  headers: [connection, »cookie]
  query: [a, '', b, a, 3, q]
parts:
  order: { upstream: orders, get: /orders, needs: ['', ordr] }`;
    const places = problemsOf(withComposite(lines).replace(MARK, '')).map(({ path, message }) => [
      path,
      message.replace(/;? expected.*/, ''),
    ]);
    const at = 'composites.details';
    expect(places).toEqual([
      [`${at}.forward.headers[0]`, 'found connection'],
      [`${at}.forward.headers[1]`, 'found cookie'],
      [`${at}.forward.query[1]`, "found ''"],
      [`${at}.forward.query[3]`, 'found a'],
      [`${at}.forward.query[4]`, 'found 3'],
      [`${at}.parts.order.needs[0]`, "found ''"],
      [`${at}.parts.order.needs[1]`, 'found ordr'],
    ]);
  });

  it.each(['', '# nothing but a comment\n', '~'])('nothing at all: %j', (text) => {
    expect(problemsOf(text).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^found (?:nothing|~); expected a group of keys \(server, cache/),
    ]);
  });
});
