import { directivesOf, fieldOf, secondsOf } from './cache-control.js';

describe('Cache-Control', () => {
  it.each([
    ['max-age=60', { 'max-age': '60' }],
    ['No-Store , MAX-AGE = 60', { 'no-store': '', 'max-age': '60' }],
    ['private="set-cookie, x-a", max-age="5"', { private: 'set-cookie, x-a', 'max-age': '5' }],
    ['max-age=60, max-age=5', { 'max-age': '5' }],
    ['max-age=5, max-age=60', { 'max-age': '5' }],
    ['', {}],
    [',,;= "', {}],
  ])('%j is read', (field, directives) => {
    expect(Object.fromEntries(directivesOf(field))).toEqual(directives);
  });

  it.each([
    ['60', 60],
    [' 60 ', 60],
    ['0', 0],
    ['-1', 0],
    ['1.5', 0],
    ['soon', 0],
    ['', 0],
    ['99999999999999999999', 2 ** 31],
  ])('%j are %d seconds', (text, seconds) => {
    expect(secondsOf(text)).toBe(seconds);
  });

  it('is written with each directive once, in lower case, and without a field that is named', () => {
    expect(fieldOf(directivesOf('Public, MAX-AGE="60", private="a, b", max-age=70, no-cache=x'))).toBe(
      'public, max-age=60, private, no-cache',
    );
  });

  it('takes time in proportion to its length', () => {
    const startedAt = performance.now();
    for (const piece of ['a', '"', 'a=', 'a="', '\\', ' ', 'a ', '="\\']) directivesOf(piece.repeat(20_000));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
