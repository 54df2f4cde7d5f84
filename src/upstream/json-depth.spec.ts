import { isTooDeep, MAX_DEPTH } from './json-depth.js';

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}

describe('the depth of JSON', () => {
  it.each([
    ['lists', 1, (inner: unknown) => [0, inner, 0]],
    ['objects', 1, (inner: unknown) => ({ a: 0, b: inner, c: null })],
    ['both', 2, (inner: unknown) => [{ a: 1 }, { b: inner }]],
  ])('is bounded for %s', (_, levels, wrap) => {
    expect(isTooDeep(nested(MAX_DEPTH / levels, wrap))).toBe(false);
    expect(isTooDeep([nested(MAX_DEPTH / levels, wrap)])).toBe(true);
  });

  it('is told of what is nested far deeper than the stack is high', () => {
    expect(isTooDeep(nested(400_000, (inner) => [inner]))).toBe(true);
    expect(isTooDeep(nested(400_000, (inner) => ({ a: inner })))).toBe(true);
  });

  it.each([null, 1, 'text', true, undefined, [], {}])('is none, or little, of %j', (value) => {
    expect(isTooDeep(value)).toBe(false);
  });
});
