import fc from 'fast-check';
import { parseTemplate } from 'url-template';
import { recordingServer } from '../http/testing/recording-server.js';
import { UndiciHttpService } from '../http/undici-http.service.js';
import { type TemplateValue, type TemplateValues, UrlTemplateError } from './template-expression.js';
import { statuses, valueOf } from './testing/spec-support.js';
import { UrlTemplate } from './url-template.js';

const expand = (template: string, values: TemplateValues = {}): string =>
  new UrlTemplate(template).expand(values);

function refusalOf(act: () => unknown): string {
  try {
    return `nothing was refused, and came out as ${String(act())}`;
  } catch (error) {
    if (error instanceof UrlTemplateError) return error.message;
    throw error;
  }
}

const refusal = (template: string, values: TemplateValues = {}): string =>
  refusalOf(() => expand(template, values));

describe('a URL template', () => {
  it.each<[string, TemplateValues, string]>([
    ['/orders', {}, '/orders'],
    ['/orders/{id}', { id: 'o-7' }, '/orders/o-7'],
    ['/orders/{id}', { id: 7 }, '/orders/7'],
    ['/orders/{id}', { id: 'a/b?c#d e%2Ff' }, '/orders/a%2Fb%3Fc%23d%20e%252Ff'],
    ['/orders/{id}', { id: "!'()*" }, '/orders/%21%27%28%29%2A'],
    ['/orders/{id}', { id: 'ä€😀' }, '/orders/%C3%A4%E2%82%AC%F0%9F%98%80'],
    ['/orders/{id}', { id: 'a\r\nX-Evil: 1' }, '/orders/a%0D%0AX-Evil%3A%201'],
    ['/orders{?open}', { open: true }, '/orders?open=true'],
    ['/orders{?q}', { q: '' }, '/orders?q='],
    ['/orders{?q}', { q: 'a&b=c+d' }, '/orders?q=a%26b%3Dc%2Bd'],
    ['/orders?page=1{&q}', { q: 'x' }, '/orders?page=1&q=x'],
    ['/orders?q={q}', { q: '' }, '/orders?q='],
    ['/products{?skus}', { skus: ['a,b', 'c'] }, '/products?skus=a%2Cb,c'],
    ['/products{?skus*}', { skus: ['a', 'b'] }, '/products?skus=a&skus=b'],
    ['/products{?filter*}', { filter: { color: 'red', size: 4 } }, '/products?color=red&size=4'],
    [
      '/products{?page[size],page-number}',
      { 'page[size]': 5, 'page-number': 1 },
      '/products?page%5Bsize%5D=5&page-number=1',
    ],
    ['/files/{+path}', { path: 'a/b c/d.txt' }, '/files/a/b%20c/d.txt'],
    ['/files/{+path}', { path: 'a%20b%zz' }, '/files/a%20b%25zz'],
    ['/files{/parts*}', { parts: ['a/b', 'c'] }, '/files/a%2Fb/c'],
    ['/files/{name}{.ext}', { name: 'a', ext: 'txt' }, '/files/a.txt'],
    ['/files{;v}', { v: 2 }, '/files;v=2'],
    ['/initials/{name:1}', { name: '😀 et al.' }, '/initials/%F0%9F%98%80'],
    ['/käse/{id}', { id: 1 }, '/k%C3%A4se/1'],
  ])('%s with %j is %s', (template, values, url) => {
    expect(expand(template, values)).toBe(url);
  });

  // RFC 6570, 1.2 and 3.2, as far as they begin with a slash here.
  it.each<[string, string]>([
    ['/{count}', '/one,two,three'],
    ['/{count*}', '/one,two,three'],
    ['{/count}', '/one,two,three'],
    ['{/count*}', '/one/two/three'],
    ['/x{;count}', '/x;count=one,two,three'],
    ['/x{;count*}', '/x;count=one;count=two;count=three'],
    ['/x{?count}', '/x?count=one,two,three'],
    ['/x{?count*}', '/x?count=one&count=two&count=three'],
    ['/x?y=1{&count*}', '/x?y=1&count=one&count=two&count=three'],
    ['/{x,hello,y}', '/1024,Hello%20World%21,768'],
    ['/{+x,hello,y}', '/1024,Hello%20World!,768'],
    ['/here{+path}', '/here/foo/bar'],
    ['/{var:3}', '/val'],
    ['/{keys}', '/semi,%3B,dot,.,comma,%2C'],
    ['/{keys*}', '/semi=%3B,dot=.,comma=%2C'],
    ['/x{?keys*}', '/x?semi=%3B&dot=.&comma=%2C'],
    ['/X{.x,y}', '/X.1024.768'],
    ['{/var,x}/here', '/value/1024/here'],
    ['/{;x,y}', '/;x=1024;y=768'],
    ['/x{?x,y}', '/x?x=1024&y=768'],
  ])('%s of RFC 6570 is %s', (template, url) => {
    const values = {
      count: ['one', 'two', 'three'],
      hello: 'Hello World!',
      path: '/foo/bar',
      var: 'value',
      keys: { semi: ';', dot: '.', comma: ',' },
      x: '1024',
      y: '768',
    };
    // What begins with an expression begins with a slash only by its value.
    const rooted = template.startsWith('/') ? template : `/r${template}`;
    expect(expand(rooted, values)).toBe(template.startsWith('/') ? url : `/r${url}`);
  });

  it('leaves a query parameter out where its value is an explicit null', () => {
    expect(expand('/orders{?a,b,c}', { a: null, b: 1, c: null })).toBe('/orders?b=1');
    expect(expand('/orders{?a}', { a: null })).toBe('/orders');
    expect(expand('/orders?x=1{&a}', { a: null })).toBe('/orders?x=1');
  });

  it('keeps the query a query whichever parameter is left out', () => {
    expect(expand('/orders{?a}{&b}', { a: null, b: 1 })).toBe('/orders?b=1');
    expect(expand('/orders?x=1{?a}', { a: 1 })).toBe('/orders?x=1&a=1');
  });

  it('does not take a value from the prototype', () => {
    expect(refusal('/orders/{constructor}')).toContain("needs a value for 'constructor'");
    expect(refusal('/orders/{toString}')).toContain("needs a value for 'toString'");
  });

  describe('refuses', () => {
    const half = '\ud83d';

    it.each<[string, unknown, string]>([
      ['/a/{x}', undefined, "the URL template '/a/{x}' needs a value for 'x'"],
      ['/a/{x}', null, "needs a value for 'x'"],
      ['/a/{x}', '', "got an empty value for 'x'"],
      ['/a/{x}', [], "got an empty list for 'x'"],
      ['/a/{x}', {}, "got an empty record for 'x'"],
      ['/a/{x}', NaN, "got NaN for 'x'"],
      ['/a/{x}', -Infinity, "got -Infinity for 'x'"],
      ['/a/{x}', 7n, "got bigint for 'x'"],
      ['/a/{x}', Symbol('x'), "got symbol for 'x'"],
      ['/a/{x}', () => 7, "got function for 'x'"],
      ['/a/{x}', [''], "got an empty value for 'x'"],
      ['/a/{x}', ['a', null], "got null for 'x'"],
      ['/a/{x}', ['a', undefined], "got undefined for 'x'"],
      ['/a/{x}', ['a', NaN], "got NaN for 'x'"],
      ['/a/{x}', ['a', ['b']], "got object for 'x'"],
      ['/a/{x}', { a: undefined }, "got undefined for 'x'"],
      ['/a/{x}', half, "got half a surrogate pair for 'x'"],
      ['/a{/x*}', ['a', ''], "got an empty value for 'x'"],
      ['/a{?x}', undefined, "needs a value for 'x'"],
      ['/a{?x}', [], "got an empty list for 'x'"],
      ['/a{?x}', [null], "got null for 'x'"],
      ['/a{?x}', NaN, "got NaN for 'x'"],
      ['/a{?x*}', {}, "got an empty record for 'x'"],
      ['/a{?x}', half, "got half a surrogate pair for 'x'"],
      ['/a{?x:3}', ['abcdef'], "cannot shorten a list for 'x'"],
      ['/a?x={x}', null, "needs a value for 'x'"],
      ['/a/{+x}', 'b?admin=true', "got '?' or '#' for 'x'"],
      ['/a/{+x}', 'b#', "got '?' or '#' for 'x'"],
      ['/a/{+x}', '/b', 'would have an empty segment in its path'],
      ['/a/{+x}', 'b//c', 'would have an empty segment in its path'],
    ])('%s with %p', (template, value, message) => {
      expect(refusal(template, { x: value as TemplateValue })).toContain(message);
    });

    it.each<[string, TemplateValue]>([
      ['/a/{x}', '.'],
      ['/a/{x}', '..'],
      ['/a/{x}/b', '..'],
      ['/a/{x}?y=1', '..'],
      ['/a{/x*}', ['b', '..', 'c']],
      ['/a{/x*}', ['b', '..']],
      ['/a/{+x}', '..'],
      ['/a/{+x}', 'b/../c'],
      ['/a/{+x}', '%2e%2E/c'],
      ['/a/{+x}', '.%2e'],
      ['/a/{+x}', '..;/c'],
      ['/a/{+x}', '..%2fc'],
      ['/a/{x}', '../c'],
      ['/a/{x}', 'b/..'],
      ['/a/{x}', '..\\c'],
      ['/a/{x}', '..;'],
      ['/a/.{x}', '.'],
      ['/a/{.x}', '.'],
      ['/a/{x:2}', '...'],
      ['/a/../{x}', 'b'],
    ])('the dot segment of %s with %j', (template, x) => {
      expect(refusal(template, { x })).toContain("would leave its path: a value has a segment '.' or '..'");
    });

    it.each(['/a/...', '/a/..b', '/a/b..', '/a/.well-known', '/a/b?up=../..'])(
      'and lets %s be',
      (template) => {
        expect(expand(template)).toBe(template);
      },
    );

    it.each([
      ['orders/{id}', "must start with '/'"],
      ['', "must start with '/'"],
      ['/a#b', 'has a fragment'],
      ['/a{#x}', "cannot have '{#x}'"],
      ['/a/{x', 'has a brace that stands alone'],
      ['/a/x}', 'has a brace that stands alone'],
      ['/a/{{x}}', 'has a brace that stands alone'],
      ['/a/{}', "cannot have '{}'"],
      ['/a/{ x }', "cannot have '{ x }'"],
      ['/a/{=x}', "cannot have '{=x}'"],
      ['/a/{?}', "cannot have '{?}'"],
      ['/a/{x,}', "cannot have the variable ''"],
      ['/a/{x:0}', "cannot have the variable 'x:0'"],
      ['/a/{x:y}', "cannot have the variable 'x:y'"],
      ['/a/{x**}', "cannot have the variable 'x**'"],
    ])('the template %j itself', (template, message) => {
      expect(refusalOf(() => new UrlTemplate(template))).toContain(message);
    });
  });
});

const nasty = fc.constantFrom(
  ...[
    '/',
    '.',
    '..',
    '?',
    '#',
    '%2e',
    '%2F',
    '%',
    '\r\n',
    '\0',
    '{',
    '}',
    '{x}',
    '\ud800',
    '\udc00',
    '😀',
    'é',
    '&',
  ],
  ...[
    '=',
    ';',
    '\\',
    ' ',
    '+',
    ',',
    ':',
    '@',
    '//',
    '*',
    '[',
    ']',
    '~',
    'a',
    'Z',
    '9',
    '\t',
    '\u2028',
    '\u202e',
  ],
);
const anyText = fc.oneof(
  fc.string({ unit: nasty, maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ maxLength: 12 }),
);

/** What must be refused in a path, in other words than the code's. */
function leadsElsewhere(text: string): boolean {
  return text.split(/[/\\]/).some((segment) => /^\.\.?(?:;|$)/.test(segment));
}

/** Triplets of the caller's own go through as they are, whether they are UTF-8 or not. */
const decodedAsFarAsItGoes = (path: string): string =>
  path.replace(/%([0-7][0-9a-f])/gi, (_triplet, code: string) => String.fromCharCode(parseInt(code, 16)));

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

describe('what a URL template says of the values it refuses', () => {
  const fault = (template: string, values: TemplateValues): unknown => {
    try {
      expand(template, values);
    } catch (error) {
      if (error instanceof UrlTemplateError) return error.fault;
      throw error;
    }
    return 'nothing was refused';
  };

  it.each<[string, TemplateValues, readonly string[]]>([
    ['/{a}/{b}', { a: 'x', b: '' }, ['b']],
    ['/{a}{?b}', { a: 'x', b: [] }, ['b']],
    ['/{a}/{b}', { a: 'v1.2', b: '..' }, ['b']],
    ['/{a}/{b}', { a: '.', b: '..' }, ['a', 'b']],
    ['/{a}{b}/{c}', { a: '.', b: '.', c: 'x' }, ['a', 'b', 'c']],
    ['/.{a}{?b}', { a: '.', b: '..' }, ['a']],
    ['/{+a}/{+b}', { a: 'x', b: '/y' }, ['b']],
  ])('names the variables that are to blame: %s of %j', (template, values, variables) => {
    expect(fault(template, values)).toEqual({ variables, detail: expect.any(String) as string });
  });

  it('is nothing where the template itself is wrong', () => {
    expect(() => new UrlTemplate('/{')).toThrow(expect.objectContaining({ fault: undefined }) as Error);
  });
});

describe('whatever the values, a URL template', () => {
  const template = new UrlTemplate('/a/{x}/b{?y}');
  const base = 'http://user-service.internal:8080/v1';

  it('keeps host, path depth and the names of the query parameters, or is refused', () => {
    fc.assert(
      fc.property(anyText, anyText, (x, y) => {
        const refused = x === '' || leadsElsewhere(x) || !isWellFormed(x) || !isWellFormed(y);
        if (refused) {
          expect(() => template.expand({ x, y })).toThrow(UrlTemplateError);
          return;
        }
        const url = new URL(base + template.expand({ x, y }));
        expect(url.host).toBe('user-service.internal:8080');
        expect([url.username, url.password, url.hash]).toEqual(['', '', '']);
        expect(url.pathname.split('/')).toEqual(['', 'v1', 'a', expect.any(String), 'b']);
        expect(decodeURIComponent(url.pathname.split('/')[3] ?? '')).toBe(x);
        expect([...url.searchParams]).toEqual([['y', y]]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps the host and what stands before it, even where slashes are let through', () => {
    const open = new UrlTemplate('/files/{+path}{?y}');
    fc.assert(
      fc.property(anyText, anyText, (path, y) => {
        let url: URL;
        try {
          url = new URL(base + open.expand({ path, y }));
        } catch (error) {
          expect(error).toBeInstanceOf(UrlTemplateError);
          return;
        }
        expect(url.host).toBe('user-service.internal:8080');
        expect(url.hash).toBe('');
        expect(url.pathname).toMatch(/^\/v1\/files\/[^/]/);
        expect(decodedAsFarAsItGoes(url.pathname)).not.toMatch(/[/\\]\.\.?(?:[/\\;]|$)/);
        expect([...url.searchParams]).toEqual([['y', y]]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('writes what the package url-template writes, where it writes anything', () => {
    // Of two texts it makes no URL: of numbers in a list, and of '%' with one digit, which it takes for encoded.
    const text = anyText.filter((text) => !/%[0-9a-f](?![0-9a-f])/i.test(text));
    const scalar = fc.oneof(text, fc.integer(), fc.boolean());
    const value = fc.oneof(
      scalar,
      fc.array(text, { minLength: 1, maxLength: 3 }),
      fc.dictionary(
        fc.string({ unit: nasty, minLength: 1, maxLength: 2 }).filter((key) => !key.includes('%')),
        text,
        { minKeys: 1, maxKeys: 3, noNullPrototype: true },
      ),
    );
    const expression = fc
      .tuple(
        fc.constantFrom('', '+', '.', '/', ';', '?', '&'),
        fc.constantFrom('x', 'x*', 'x,y', 'x*,y*', 'y'),
      )
      .map(([operator, list]) => `/lit${operator === '&' ? '?q=1' : ''}{${operator}${list}}`);
    let compared = 0;
    fc.assert(
      fc.property(expression, value, value, (source, x, y) => {
        let url: string;
        try {
          url = expand(source, { x, y });
        } catch (error) {
          expect(error).toBeInstanceOf(UrlTemplateError);
          return;
        }
        compared++;
        expect(url).toBe(parseTemplate(source).expand({ x, y }));
      }),
      { numRuns: 3_000 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });

  it('is decoded by a real server to what was given', async () => {
    const server = await recordingServer(statuses(200));
    const http = new UndiciHttpService();
    try {
      await fc.assert(
        fc.asyncProperty(anyText, anyText, async (x, y) => {
          fc.pre(x !== '' && !leadsElsewhere(x) && isWellFormed(x) && isWellFormed(y));
          await valueOf(http.request({ url: server.origin + template.expand({ x, y }) }));
          const [path = '', query = ''] = server.seen.at(-1)?.url.split('?') ?? [];
          expect(path.split('/').map(decodeURIComponent)).toEqual(['', 'a', x, 'b']);
          expect([...new URLSearchParams(query)]).toEqual([['y', y]]);
        }),
        { numRuns: 300 },
      );
    } finally {
      await http.close();
      await server.close();
    }
  });
});
