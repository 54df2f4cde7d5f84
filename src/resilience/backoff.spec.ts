import fc from 'fast-check';
import { fullJitter } from './backoff.js';
import { seededRandom } from './random.js';

const ALMOST_ONE = 1 - Number.EPSILON / 2;

describe('fullJitter', () => {
  it.each([
    [0, 25],
    [1, 50],
    [2, 100],
    [3, 200],
    [4, 250],
    [50, 250],
  ])('after %i retries stays below %i ms', (retries, boundMs) => {
    expect(fullJitter(() => ALMOST_ONE, 25, 250, retries)).toBeCloseTo(boundMs, 9);
    expect(fullJitter(() => 0, 25, 250, retries)).toBe(0);
    expect(fullJitter(() => 0.5, 25, 250, retries)).toBe(boundMs / 2);
  });

  it('is finite and within [0, cap] however many retries there were', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.double({ min: 0.001, max: 60_000, noNaN: true }),
        fc.double({ min: 0, max: 600_000, noNaN: true }),
        fc.nat(100_000),
        (seed, baseMs, capMs, retries) => {
          const delayMs = fullJitter(seededRandom(seed), baseMs, capMs, retries);
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThanOrEqual(capMs);
        },
      ),
    );
  });
});
