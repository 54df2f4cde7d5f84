import { BEHAVIOURS, combinationsOf } from './combinations.js';

describe('the combinations', () => {
  it('are all there are, everything up first', () => {
    const { all, exhaustive } = combinationsOf(['a', 'b'], ['a', 'b'], 25);
    expect(exhaustive).toBe(true);
    expect(all[0]).toEqual({ a: 'up', b: 'up' });
    expect(new Set(all.map(({ a, b }) => `${a ?? ''} ${b ?? ''}`)).size).toBe(25);
  });

  it('leave up what is not to misbehave', () => {
    const { all } = combinationsOf(['a', 'b'], ['b'], 25);
    expect(all).toEqual(BEHAVIOURS.map((b) => ({ a: 'up', b })));
  });

  it('beyond the limit have one or two that misbehave', () => {
    const parts = ['a', 'b', 'c'];
    const { all, exhaustive } = combinationsOf(parts, parts, 124);
    expect(exhaustive).toBe(false);
    expect(all).toHaveLength(1 + 3 * 4 + 3 * 16);
    const misbehaving = all.map((one) => Object.values(one).filter((behaviour) => behaviour !== 'up').length);
    expect(Math.max(...misbehaving)).toBe(2);
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(all.length);
  });
});
