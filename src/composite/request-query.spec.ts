import fc from 'fast-check';
import { decodedQuery, RequestQuery } from './request-query.js';

const names = (...all: string[]): ReadonlySet<string> => new Set(all);

/** What the platform makes of it. */
function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a part of a query', () => {
  it('is decoded as the platform does it, whatever it holds', () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((value) => `%${value.toString(16).padStart(2, '0')}`);
    const lead = fc.constantFrom('%c2', '%C1', '%df', '%e0', '%ED', '%ef', '%f0', '%F4', '%f5');
    const trail = fc.constantFrom('%80', '%8f', '%90', '%9F', '%a0', '%bf', '%c0');
    const plain = fc.constantFrom('%', '%%', '%zz', '%4', '+', 'a', '=', ' ', '\n', 'é');
    const real = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 2 })
      .map((text) => encodeURIComponent(text));
    const pieces = fc.array(fc.oneof(byte, lead, trail, plain, real), { maxLength: 6 });
    fc.assert(
      fc.property(pieces, (written) => {
        expect(decodedQuery(written.join(''))).toBe(decoded(written.join('')));
      }),
      { numRuns: 5_000 },
    );
    for (let high = 0; high < 256; high++) {
      for (let low = 0; low < 256; low++) {
        const pair = Buffer.from([high, low]).toString('hex').replace(/../g, '%$&');
        for (const text of [pair, `${pair}%80`, `${pair}%80%80`]) {
          if (decodedQuery(text) !== decoded(text))
            expect([text, decodedQuery(text)]).toEqual([text, decoded(text)]);
        }
      }
    }
  });

  it('is not given to the platform unless that can decode it', () => {
    const platform = jest.spyOn(globalThis, 'decodeURIComponent');
    const query = new RequestQuery(`/?${'%&%ff=1&%e0%80&'.repeat(1_000)}p=%41`, names('p'));
    expect(query.encoded('p')).toEqual(['%41']);
    expect(decodedQuery('%ff')).toBeUndefined();
    expect(platform).not.toHaveBeenCalled();
    expect(decodedQuery('a b%41')).toBe('a bA');
    expect(platform).toHaveBeenCalledTimes(1);
  });
});

describe('a query', () => {
  it('has the parameters of the given names, in order, still encoded', () => {
    const query = new RequestQuery('/x?a=1&b=%20&%61=2&&c=3&b&a=x=y', names('a', 'b'));
    expect(query.encoded('a')).toEqual(['1', '2', 'x=y']);
    expect(query.encoded('b')).toEqual(['%20', '']);
    expect(query.encoded('c')).toEqual([]);
    expect(query.among(names('b', 'c'))).toEqual([
      ['b', '%20'],
      ['b', ''],
    ]);
  });

  it('is none without a question mark, or with nothing behind it', () => {
    for (const url of ['/x', '/x?', '/x?&&', '/a=1']) {
      expect(new RequestQuery(url, names('a')).encoded('a')).toEqual([]);
    }
  });

  it('is not read before it is asked, and then once', () => {
    const url = '/x?a=1';
    const found = jest.spyOn(String.prototype, 'indexOf');
    const query = new RequestQuery(url, names('a'));
    expect(found).not.toHaveBeenCalled();
    query.encoded('a');
    const { length } = found.mock.calls;
    query.encoded('a');
    query.among(names('a'));
    expect(found.mock.calls).toHaveLength(length);
  });
});
