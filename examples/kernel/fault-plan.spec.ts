import { FaultPlan } from './fault-plan.js';
import { type Faults } from './faults.js';

function kinds(faults: Faults, count: number): string[] {
  const plan = new FaultPlan(faults);
  return Array.from({ length: count }, () => plan.decide(false).fault.kind);
}

describe('FaultPlan', () => {
  it('does nothing when nothing is switched on', () => {
    expect(new FaultPlan().decide(false)).toEqual({ delayMs: 0, fault: { kind: 'none' } });
    expect(kinds({ hang: false, seed: 3 }, 1)).toEqual(['none']);
  });

  it('hits every request with a status that comes without a rate', () => {
    const plan = new FaultPlan({ status: 418 });
    expect(plan.decide(false).fault).toEqual({ kind: 'status', status: 418 });
    expect(plan.decide(true).fault).toEqual({ kind: 'status', status: 418 });
  });

  it('answers 503 where only a rate is given', () => {
    expect(new FaultPlan({ errorRate: 1 }).decide(false).fault).toEqual({ kind: 'status', status: 503 });
  });

  it('decides the same for the same seed, and otherwise for another', () => {
    expect(kinds({ errorRate: 0.6, seed: 42 }, 200)).toEqual(kinds({ errorRate: 0.6, seed: 42 }, 200));
    expect(kinds({ errorRate: 0.6, seed: 42 }, 200)).not.toEqual(kinds({ errorRate: 0.6, seed: 43 }, 200));
  });

  it.each([0, 0.1, 0.6, 1])('hits a share of %d, within four standard errors', (errorRate) => {
    const count = 20_000;
    const share = kinds({ errorRate, seed: 42 }, count).filter((kind) => kind === 'status').length / count;
    const standardError = Math.sqrt((errorRate * (1 - errorRate)) / count);
    expect(Math.abs(share - errorRate)).toBeLessThanOrEqual(4 * standardError);
  });

  it('gives the rate to whichever fault is switched on', () => {
    expect(new Set(kinds({ errorRate: 0.5, hang: true, seed: 7 }, 100))).toEqual(new Set(['hang', 'none']));
  });

  it('is not moved by probes or jitter: the nth request fails with them and without', () => {
    const quiet = kinds({ errorRate: 0.6, seed: 42 }, 50);
    const plan = new FaultPlan({ errorRate: 0.6, seed: 42, jitterMs: 5 });
    const probed = quiet.map(() => {
      plan.decide(true);
      return plan.decide(false).fault.kind;
    });
    expect(probed).toEqual(quiet);
  });

  it('spreads the latency over the jitter on both sides, and never below nothing', () => {
    const plan = new FaultPlan({ latencyMs: 200, jitterMs: 50 });
    const delays = Array.from({ length: 1_000 }, () => plan.decide(false).delayMs);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(150);
    expect(Math.min(...delays)).toBeLessThan(155);
    expect(Math.max(...delays)).toBeLessThanOrEqual(250);
    expect(Math.max(...delays)).toBeGreaterThan(245);
    const eager = new FaultPlan({ jitterMs: 50 });
    expect(Math.min(...Array.from({ length: 100 }, () => eager.decide(false).delayMs))).toBe(0);
  });

  it('lets those who wait for its end go, even those who come late', async () => {
    const plan = new FaultPlan({ hang: true });
    const early = new Promise<void>((resolve) => plan.whenOver(resolve));
    plan.end();
    await early;
    await new Promise<void>((resolve) => plan.whenOver(resolve));
    expect(plan.isOver).toBe(true);
  });
});
