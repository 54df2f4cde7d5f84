import { median, medianRatio, quantile } from './statistics.js';

describe('median', () => {
  it('is the value in the middle, whatever the order', () => {
    expect(median([9, 1, 10])).toBe(9);
  });

  it('is the mean of the two in the middle of an even number', () => {
    expect(median([4, 100, 1, 2])).toBe(3);
  });

  it('refuses to summarise nothing', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  it.each([
    [0.5, 50],
    [0.99, 99],
    [0.991, 100],
    [1, 100],
  ])('of 1 to 100 at %d is %d', (q, expected) => {
    expect(quantile(hundred, q)).toBe(expected);
  });

  it('sorts by size, not by spelling', () => {
    expect(quantile([9, 10, 100], 0.5)).toBe(10);
  });

  it('of one value is that value', () => {
    expect(quantile([7], 0.01)).toBe(7);
  });

  it('refuses to summarise nothing', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});

describe('medianRatio', () => {
  it('pairs the values of one round', () => {
    // Twice as much in each round, on a machine that slows down: the ratio of the medians says 2 as well ...
    expect(medianRatio([2, 20, 200], [1, 10, 100])).toBe(2);
    // ... but not here, where it would say 10 / 10.
    expect(medianRatio([2, 10, 40], [1, 10, 10])).toBe(2);
  });

  it('refuses values without a baseline', () => {
    expect(() => medianRatio([1, 2], [1])).toThrow(RangeError);
  });
});
