import { LearnedPlan } from './learned-plan.js';

describe('a plan learned from runs', () => {
  it('is what the runs have shown together', () => {
    const plan = new LearnedPlan();
    const customer = { part: 'customer', required: true, needs: [], upstreams: ['customers'] };
    const offers = { part: 'offers', required: false, needs: ['customer'] };
    plan.learn(1, () => [customer]);
    plan.learn(2, () => [customer, { ...offers, upstreams: [] }]);
    plan.learn(2, () => [customer, { ...offers, needs: ['customer', 'orders'], upstreams: ['offers'] }]);
    expect(plan.parts).toEqual([
      customer,
      { part: 'offers', required: false, needs: ['customer', 'orders'], upstreams: ['offers'] },
    ]);
  });

  it('looks at the first runs, at some of those behind, and at whatever has a part more', () => {
    const plan = new LearnedPlan();
    let looks = 0;
    const parts = (names: readonly string[]) => () => {
      looks++;
      return names.map((part) => ({ part, required: false, needs: [], upstreams: [] }));
    };
    for (let run = 0; run < 160; run++) plan.learn(1, parts(['a']));
    expect(looks).toBe(16 + 9);
    plan.learn(1, parts(['a']));
    plan.learn(2, parts(['a', 'b']));
    expect(looks).toBe(16 + 9 + 2);
    expect(plan.parts.map(({ part }) => part)).toEqual(['a', 'b']);
  });

  it('does not grow for ever with names that are made up', () => {
    const plan = new LearnedPlan();
    for (let run = 0; run < 10_000; run++) {
      plan.learn(1, () => [{ part: `p${run}`, required: false, needs: [], upstreams: [] }]);
    }
    expect(plan.parts.length).toBeLessThanOrEqual(200);
  });
});
