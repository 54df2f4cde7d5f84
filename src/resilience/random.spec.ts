import { seededRandom } from './random.js';

describe('seededRandom', () => {
  it('repeats itself for the same seed', () => {
    const first = seededRandom(42);
    const second = seededRandom(42);
    const numbers = Array.from({ length: 100 }, first);
    expect(Array.from({ length: 100 }, second)).toEqual(numbers);
    expect(new Set(numbers).size).toBe(100);
  });

  it('differs from seed to seed', () => {
    expect(seededRandom(1)()).not.toBe(seededRandom(2)());
  });

  it('is uniform in [0, 1)', () => {
    const random = seededRandom(7);
    const tenths = new Array<number>(10).fill(0);
    for (let drawn = 0; drawn < 100_000; drawn++) tenths[Math.floor(random() * 10)]! += 1;
    expect(tenths).toHaveLength(10);
    // 10,000 in each, give or take four standard deviations of a binomial (95 apiece).
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(380);
  });
});
