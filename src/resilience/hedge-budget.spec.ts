import fc from 'fast-check';
import { HedgeBudget } from './hedge-budget.js';
import { RetryBudget } from './retry-budget.js';
import { VirtualClock } from './virtual-clock.js';

function budgets({ percent = 10, sharedPercent = 20, floor = 0 } = {}) {
  const clock = new VirtualClock();
  const shared = new RetryBudget(
    { percent: sharedPercent, windowMs: 10_000, minRetriesPerSecond: floor },
    clock,
  );
  return { clock, shared, budget: new HedgeBudget(percent, 10_000, shared, clock) };
}

describe('HedgeBudget', () => {
  it('lets one call in ten be hedged, and has no floor', () => {
    const { budget } = budgets({ floor: 100 });
    expect(budget.tryWithdrawHedge()).toBe(false);
    for (let call = 0; call < 9; call++) budget.deposit();
    expect(budget.tryWithdrawHedge()).toBe(false);
    budget.deposit();
    expect(budget.tryWithdrawHedge()).toBe(true);
    expect(budget.tryWithdrawHedge()).toBe(false);
  });

  it('counts each call once in the retry budget too, and takes each hedge out of it', () => {
    const { budget, shared } = budgets();
    for (let call = 0; call < 100; call++) budget.deposit();
    expect(shared.balance).toBe(20);
    while (budget.tryWithdrawHedge());
    expect(shared.balance).toBe(10);
  });

  it('takes nothing out of its own when the retry budget refuses', () => {
    const { budget, shared } = budgets();
    for (let call = 0; call < 100; call++) budget.deposit();
    while (shared.tryWithdraw());
    for (let refused = 0; refused < 50; refused++) expect(budget.tryWithdrawHedge()).toBe(false);
    for (let call = 0; call < 50; call++) shared.deposit();
    let granted = 0;
    while (budget.tryWithdrawHedge()) granted++;
    expect(granted).toBe(10);
  });

  it('takes nothing out of the retry budget when its own refuses', () => {
    const { budget, shared } = budgets({ floor: 1 });
    for (let call = 0; call < 9; call++) budget.deposit();
    const before = shared.balance;
    expect(budget.tryWithdrawHedge()).toBe(false);
    expect(shared.balance).toBe(before);
  });

  it('takes a retry out of the retry budget alone', () => {
    const { budget, shared } = budgets({ floor: 1 });
    expect(budget.tryWithdrawRetry()).toBe(true);
    expect(shared.balance).toBe(9);
  });

  it('forgets deposits with the window', () => {
    const { budget, clock } = budgets();
    for (let call = 0; call < 100; call++) budget.deposit();
    clock.advance(11_000);
    expect(budget.tryWithdrawHedge()).toBe(false);
  });

  it('never grants more than either share, in any order of calls, hedges and retries', () => {
    const step = fc.constantFrom('call', 'hedge', 'retry');
    const share = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), share, share, (steps, percent, sharedPercent) => {
        const { budget } = budgets({ percent, sharedPercent });
        const granted = { call: 0, hedge: 0, retry: 0 };
        for (const kind of steps) {
          if (kind === 'call') budget.deposit();
          else if (!(kind === 'hedge' ? budget.tryWithdrawHedge() : budget.tryWithdrawRetry())) continue;
          granted[kind]++;
          expect(granted.hedge).toBeLessThanOrEqual((granted.call * percent) / 100 + 1e-6);
          expect(granted.hedge + granted.retry).toBeLessThanOrEqual(
            (granted.call * sharedPercent) / 100 + 1e-6,
          );
        }
      }),
    );
  });
});
