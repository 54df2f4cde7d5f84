import { VirtualClock } from '../resilience/virtual-clock.js';
import { RollingStatistics } from './rolling-statistics.js';

const clock = (): VirtualClock => new VirtualClock();

/** A power of ten, within 5 %. */
function near(ms: number): unknown {
  return expect.closeTo(ms, 1 - Math.log10(ms)) as unknown;
}

/** Within 5 %. */
function expectAbout(actual: number | null | undefined, ms: number): void {
  expect(Math.abs((actual ?? NaN) - ms)).toBeLessThanOrEqual(ms * 0.05);
}

describe('RollingStatistics', () => {
  it('has nothing before anything was added', () => {
    const statistics = new RollingStatistics(clock(), { steps: 3 });
    expect(statistics.over(60_000)).toEqual({
      count: 0,
      failed: 0,
      counted: {},
      p50Ms: null,
      p95Ms: null,
      p99Ms: null,
    });
    expect(statistics.perSecond(10_000)).toBe(0);
    expect(statistics.series()).toEqual({
      stepMs: 5_000,
      count: [0, 0, 0],
      failed: [0, 0, 0],
      p50Ms: [null, null, null],
      p95Ms: [null, null, null],
      p99Ms: [null, null, null],
    });
  });

  it('counts what was added, what failed of it, and how long it took', () => {
    const statistics = new RollingStatistics(clock());
    for (let ms = 1; ms <= 100; ms++) statistics.add(ms, ms > 97);
    const { count, failed, p50Ms, p95Ms, p99Ms } = statistics.over(60_000);
    expect([count, failed]).toEqual([100, 3]);
    expectAbout(p50Ms, 50);
    expectAbout(p95Ms, 95);
    expectAbout(p99Ms, 99);
  });

  it('counts what took no time without a duration', () => {
    const statistics = new RollingStatistics(clock());
    statistics.add(null, true);
    expect(statistics.over(60_000)).toMatchObject({ count: 1, failed: 1, p50Ms: null });
    statistics.add(40, false);
    const { count, p50Ms } = statistics.over(60_000);
    expect(count).toBe(2);
    expectAbout(p50Ms, 40);
  });

  it('counts other things by their names', () => {
    const time = clock();
    const statistics = new RollingStatistics(time, { counters: ['retries', 'hedges'] });
    statistics.count('retries');
    time.advance(5_000);
    statistics.count('retries');
    statistics.count('hedges');
    expect(statistics.over(5_000).counted).toEqual({ retries: 1, hedges: 1 });
    expect(statistics.over(60_000)).toMatchObject({ count: 0, counted: { retries: 2, hedges: 1 } });
  });

  it('looks back no further than it is asked to', () => {
    const time = clock();
    const statistics = new RollingStatistics(time);
    statistics.add(10, true);
    time.advance(59_999);
    statistics.add(1_000, false);
    expect(statistics.over(60_000)).toMatchObject({ count: 2, failed: 1 });
    time.advance(1);
    expect(statistics.over(60_000)).toMatchObject({ count: 1, failed: 0 });
    expectAbout(statistics.over(60_000).p50Ms, 1_000);
    expect(statistics.over(120_000).count).toBe(2);
    expect(statistics.over(1).count).toBe(0);
  });

  it('shows each step in its place, the one that runs last', () => {
    const time = clock();
    time.advance(12_000);
    const statistics = new RollingStatistics(time, { steps: 4 });
    statistics.add(10, false);
    time.advance(10_000);
    statistics.add(100, true);
    statistics.add(100, true);
    const { count, failed, p50Ms, p99Ms } = statistics.series();
    expect(count).toEqual([0, 1, 0, 2]);
    expect(failed).toEqual([0, 0, 0, 2]);
    expect(p50Ms).toEqual([null, near(10), null, near(100)]);
    expect(p99Ms).toEqual([null, near(10), null, near(100)]);
    time.advance(5_000);
    expect(statistics.series().count).toEqual([1, 0, 2, 0]);
    time.advance(10_000);
    expect(statistics.series().count).toEqual([2, 0, 0, 0]);
  });

  it.each([20_000, 20_001, 3_600_000])('has forgotten everything after %i ms of silence', (ms) => {
    const time = clock();
    const statistics = new RollingStatistics(time, { steps: 4, counters: ['retries'] });
    for (let step = 0; step < 4; step++) {
      statistics.add(10, true);
      statistics.count('retries');
      time.advance(5_000);
    }
    time.advance(ms - 5_000);
    expect(statistics.over(20_000)).toMatchObject({ count: 0, counted: { retries: 0 }, p50Ms: null });
    expect(statistics.series()).toMatchObject({ count: [0, 0, 0, 0], p50Ms: [null, null, null, null] });
    expect(time.pendingTimers).toBe(0);
  });

  it('gives the rate of the time there was', () => {
    const time = clock();
    time.advance(3_000);
    const statistics = new RollingStatistics(time);
    statistics.add(1, false);
    // Not a thousand a second.
    expect(statistics.perSecond(10_000)).toBe(1);
    for (let second = 0; second < 4; second++) {
      time.advance(1_000);
      for (let call = 0; call < 10; call++) statistics.add(1, false);
    }
    expect(statistics.perSecond(10_000)).toBeCloseTo(41 / 4);
    time.advance(10_000);
    expect(statistics.perSecond(10_000)).toBe(0);
  });
});
