import fc from 'fast-check';
import { RetryBudget, type RetryBudgetPolicy } from './retry-budget.js';
import { BUDGET } from './testing/spec-support.js';
import { VirtualClock } from './virtual-clock.js';

const WITHOUT_FLOOR = { ...BUDGET, minRetriesPerSecond: 0 };

class Bench {
  readonly clock = new VirtualClock();
  readonly budget: RetryBudget;

  constructor(policy: RetryBudgetPolicy = BUDGET) {
    this.budget = new RetryBudget(policy, this.clock);
  }

  deposit(calls: number): void {
    for (let call = 0; call < calls; call++) this.budget.deposit();
  }

  /** How many retries are granted until one is refused. */
  drain(): number {
    let granted = 0;
    while (this.budget.tryWithdraw()) granted++;
    return granted;
  }
}

describe('RetryBudget', () => {
  it('grants the floor without any traffic', () => {
    expect(new Bench().drain()).toBe(100);
  });

  it('grants a fifth of the calls on top of the floor', () => {
    const bench = new Bench();
    bench.deposit(1_000);
    expect(bench.budget.balance).toBe(300);
    expect(bench.drain()).toBe(300);
    expect(bench.budget.balance).toBe(0);
  });

  it('grants nothing without calls or floor', () => {
    const bench = new Bench(WITHOUT_FLOOR);
    bench.deposit(4);
    expect(bench.budget.tryWithdraw()).toBe(false);
    bench.deposit(1);
    expect(bench.budget.tryWithdraw()).toBe(true);
    expect(bench.budget.tryWithdraw()).toBe(false);
  });

  it('does not lose a retry to rounding: ten tenths are one', () => {
    const bench = new Bench({ ...WITHOUT_FLOOR, percent: 10 });
    bench.deposit(10);
    expect(bench.drain()).toBe(1);
    bench.deposit(10_000);
    expect(bench.drain()).toBe(1_000);
  });

  it('takes nothing when it refuses', () => {
    const bench = new Bench(WITHOUT_FLOOR);
    for (let asked = 0; asked < 100; asked++) bench.budget.tryWithdraw();
    bench.deposit(5);
    expect(bench.drain()).toBe(1);
  });

  it('forgets a deposit when its slice has left the window', () => {
    const bench = new Bench(WITHOUT_FLOOR);
    bench.clock.advance(999);
    bench.deposit(5);
    bench.clock.advance(9_000);
    expect(bench.budget.balance).toBe(1);
    bench.clock.advance(1);
    expect(bench.budget.balance).toBe(0);
    expect(bench.budget.tryWithdraw()).toBe(false);
  });

  it('grants the floor anew in every window', () => {
    const bench = new Bench();
    const granted: number[] = [];
    for (let window = 0; window < 5; window++) {
      granted.push(bench.drain());
      bench.clock.advance(10_000);
    }
    expect(granted).toEqual([100, 100, 100, 100, 100]);
  });

  it('forgets a withdrawal with its slice, not before', () => {
    const bench = new Bench();
    bench.drain();
    bench.clock.advance(9_999);
    expect(bench.drain()).toBe(0);
    bench.clock.advance(1);
    expect(bench.drain()).toBe(100);
  });

  it('has forgotten everything after an hour of silence', () => {
    const bench = new Bench();
    bench.deposit(10_000);
    bench.clock.advance(3_600_000);
    expect(bench.budget.balance).toBe(100);
  });

  it('owes nothing for what has expired: a balance is never negative', () => {
    const bench = new Bench(WITHOUT_FLOOR);
    bench.deposit(500);
    bench.clock.advance(5_000);
    expect(bench.drain()).toBe(100);
    // The deposits leave the window before the withdrawals do.
    bench.clock.advance(5_000);
    expect(bench.budget.balance).toBe(0);
  });

  it('grants exactly what calls and floor of the window allow', () => {
    const step = fc.record({
      do: fc.constantFrom('deposit', 'deposit', 'withdraw', 'withdraw', 'advance'),
      times: fc.integer({ min: 1, max: 30 }),
      ms: fc.oneof(fc.nat(1_500), fc.constantFrom(1_000, 9_000, 10_000, 11_000)),
    });
    const policy = fc.record({
      percent: fc.constantFrom(0, 10, 20, 33, 100),
      windowMs: fc.constant(10_000),
      minRetriesPerSecond: fc.constantFrom(0, 0.5, 1),
    });
    fc.assert(
      fc.property(policy, fc.nat(100_000), fc.array(step, { maxLength: 60 }), (policy, start, steps) => {
        const bench = new Bench(policy);
        bench.clock.advance(start);
        const book: { readonly slice: number; readonly amount: number }[] = [];
        for (const { do: action, times, ms } of steps) {
          if (action === 'advance') bench.clock.advance(ms);
          const slice = Math.floor(bench.clock.now() / 1_000);
          for (let time = 0; action !== 'advance' && time < times; time++) {
            if (action === 'deposit') {
              bench.budget.deposit();
              book.push({ slice, amount: policy.percent / 100 });
              continue;
            }
            const reserve = policy.minRetriesPerSecond * 10;
            const balance = book.reduce(
              (sum, entry) => sum + (entry.slice > slice - 10 ? entry.amount : 0),
              reserve,
            );
            const granted = balance > 1 - 1e-6;
            expect(bench.budget.tryWithdraw()).toBe(granted);
            if (granted) book.push({ slice, amount: -1 });
          }
        }
      }),
    );
  });

  it('never grants more than reserve and percentage allow, whichever nine slices one looks at', () => {
    // Nine, and not the ten of the window: a stretch of ten slices that does not begin with one touches eleven.
    const step = fc.record({ calls: fc.nat(20), asked: fc.nat(20), ms: fc.nat(2_500) });
    const policy = fc.record({
      percent: fc.constantFrom(0, 10, 20, 33, 100),
      windowMs: fc.constant(10_000),
      minRetriesPerSecond: fc.constantFrom(0, 0.5, 1),
    });
    fc.assert(
      fc.property(policy, fc.array(step, { maxLength: 60 }), (policy, steps) => {
        const bench = new Bench(policy);
        const deposits: number[] = [];
        const grants: number[] = [];
        for (const { calls, asked, ms } of steps) {
          bench.clock.advance(ms);
          const now = bench.clock.now();
          for (let call = 0; call < calls; call++) deposits.push(now);
          bench.deposit(calls);
          for (let ask = 0; ask < asked; ask++) if (bench.budget.tryWithdraw()) grants.push(now);
          // What was granted earlier was granted on the calls of that time.
          if (grants.at(-1) !== now) continue;
          const granted = grants.filter((at) => at > now - 9_000).length;
          const earned = deposits.filter((at) => at > now - 10_000).length;
          const allowed = policy.minRetriesPerSecond * 10 + (policy.percent / 100) * earned;
          expect(granted).toBeLessThanOrEqual(allowed + 1e-6);
        }
      }),
    );
  });
});
