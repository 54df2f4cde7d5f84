import { Axios, AxiosError } from 'axios';
import fc from 'fast-check';
import { fullUrl, targetOf, withParams } from './axios-url.js';

const reference = new Axios({});

describe('the target of a URL', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '/./',
      '/../',
      '%2e',
      '%2E%2e',
      '?',
      '#',
      '&',
      "'",
      '"',
      ' ',
      '\\',
      '\t',
      '[',
      ']',
      '|',
      '^',
      '{',
      'é',
      '🌊',
      '%',
      '%zz',
      ':',
      '@',
      'a',
      'b1',
      '~',
    ),
    fc.string({ maxLength: 4 }),
  );
  const tail = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const host = fc.constantFrom(
    'http://host',
    'https://Host.example',
    'http://127.0.0.1:3000',
    'http://[::1]:80',
    'https://h:443',
    'http://ada:p%40ss@host:8080',
  );

  it('is what new URL() reads', () => {
    fc.assert(
      fc.property(host, tail, (prefix, rest) => {
        const url = `${prefix}/${rest}`;
        const { origin, pathname, search } = new URL(url);
        expect(targetOf(url)).toMatchObject({ origin, path: pathname + search });
      }),
      { numRuns: 1_000 },
    );
  });

  it('is the same for a path that is glued to the host', () => {
    expect(targetOf('http://host')).toEqual({ origin: 'http://host', path: '/' });
    expect(targetOf('http://host?a=1')).toEqual({ origin: 'http://host', path: '/?a=1' });
    expect(targetOf('http://host#a')).toEqual({ origin: 'http://host', path: '/' });
  });

  it('carries decoded credentials, and never as a part of the origin', () => {
    expect(targetOf('http://ada:p%40ss@host/x')).toEqual({
      origin: 'http://host',
      path: '/x',
      credentials: 'ada:p@ss',
    });
  });

  it.each(['', '/x', '//host/x', 'http://', 'http://host:99999/', 'nonsense'])('refuses %j', (url) => {
    expect(() => targetOf(url)).toThrow(new AxiosError('Invalid URL', 'ERR_INVALID_URL'));
  });
});

describe('a URL and its base', () => {
  it('join as in axios', () => {
    const base = fc.constantFrom(
      undefined,
      '',
      'http://h',
      'http://h/',
      'http://h/v1',
      'http://h/v1//',
      '/v1',
      'http://h?x=1',
    );
    const url = fc.oneof(
      fc.constantFrom(
        undefined,
        '',
        '/',
        '/a',
        'a',
        'a/b',
        '//a',
        '///a',
        '?a=1',
        '#a',
        'a:b',
        'http://x/y',
        'https://x',
        'HTTP://x',
        'ftp://x',
        'a?t=10:30',
        '-',
        ' http://x',
      ),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(base, url, fc.constantFrom(undefined, true, false), (baseURL, path, allowAbsoluteUrls) => {
        const config = Object.fromEntries(
          Object.entries({ baseURL, url: path, allowAbsoluteUrls }).filter(
            ([, value]) => value !== undefined,
          ),
        );
        expect(fullUrl(baseURL, path, allowAbsoluteUrls)).toBe(
          (reference.getUri(config) as string | undefined) ?? '',
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('params', () => {
  it('are written as axios writes them', () => {
    const key = fc.oneof(
      fc.constantFrom('a', 'a[]', 'a{}', ' a ', 'a b', '__proto__', 'constructor'),
      fc.string({ maxLength: 5 }),
    );
    const value = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, undefined, new Date(0), new Map([['a', 1]])),
      fc.array(
        fc.oneof(fc.string({ maxLength: 3 }), fc.integer(), fc.constantFrom(null, undefined, { x: 1 }, [1])),
        { maxLength: 3 },
      ),
      fc.dictionary(fc.constantFrom('x', 'y'), fc.integer()),
    );
    fc.assert(
      fc.property(
        fc.dictionary(key, value, { noNullPrototype: false }),
        fc.constantFrom('/p', '/p?q=1'),
        (params, path) => {
          expect(withParams(path, params)).toBe(reference.getUri({ url: path, params }));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('that cannot be encoded are an AxiosError', () => {
    expect(() => withParams('/', { a: '\ud800' })).toThrow(AxiosError);
  });
});
