import { slowStartWeight } from './slow-start.js';

const policy = { windowMs: 10_000, aggression: 1, minWeightPercent: 10 };

describe('the weight of a host that starts slowly', () => {
  it.each([
    [0, 0.1],
    [500, 0.1],
    [1_000, 0.1],
    [2_500, 0.25],
    [9_000, 0.9],
    [10_000, 1],
    [Infinity, 1],
  ])('after %i ms of 10,000 is %f: a straight line above its minimum', (sinceMs, weight) => {
    expect(slowStartWeight(policy, sinceMs)).toBeCloseTo(weight, 9);
  });

  it('grows fast at first with an aggression above 1, and slowly below it', () => {
    expect(slowStartWeight({ ...policy, aggression: 2 }, 2_500)).toBeCloseTo(0.5, 9);
    expect(slowStartWeight({ ...policy, aggression: 0.5 }, 5_000)).toBeCloseTo(0.25, 9);
  });

  it('is whole where there is no window', () => {
    expect(slowStartWeight({ ...policy, windowMs: 0 }, 0)).toBe(1);
  });
});
