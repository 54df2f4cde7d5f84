import { HedgeDelay, type HedgeDelayPolicy } from './hedge-delay.js';

const POLICY: HedgeDelayPolicy = {
  mode: 'percentile',
  percentile: 95,
  delayMs: 500,
  minDelayMs: 1,
  maxDelayMs: 500,
};

function delayAfter(
  durations: readonly number[],
  policy: Partial<HedgeDelayPolicy> = {},
  answered = true,
): HedgeDelay {
  const delay = new HedgeDelay({ ...POLICY, ...policy });
  for (const duration of durations) delay.record(duration, answered, 0);
  return delay;
}

// A duration of 10 ms is counted as at most 10.5, one of 100 as at most 104: the edges of the histogram's buckets.
const times = (count: number, duration: number): number[] => new Array<number>(count).fill(duration);

describe('HedgeDelay', () => {
  it('that is fixed is known from the start, and never moves', () => {
    const delay = delayAfter(times(100, 10), { mode: 'fixed', delayMs: 40 });
    expect(new HedgeDelay({ ...POLICY, mode: 'fixed', delayMs: 40 }).at(0)).toBe(40);
    expect(delay.at(10_000)).toBe(40);
  });

  it('that is a percentile is unknown until there are samples for it', () => {
    const delay = delayAfter(times(19, 10));
    expect(delay.at(0)).toBeUndefined();
    delay.record(10, true, 0);
    expect(delay.at(0)).toBe(10.5);
  });

  it.each([
    ['minDelayMs', 0.2, 1],
    ['maxDelayMs', 900, 500],
  ])('never leaves %s', (_bound, duration, delayMs) => {
    expect(delayAfter(times(40, duration)).at(0)).toBe(delayMs);
  });

  it('does not count fast failures: a broken upstream is not a quick one', () => {
    const delay = delayAfter(times(40, 10));
    for (let failure = 0; failure < 1_000; failure++) delay.record(1, false, 1);
    expect(delay.at(5_000)).toBe(10.5);
  });

  it('knows nothing from failures alone, not even slow ones', () => {
    expect(delayAfter(times(100, 1_000), {}, false).at(5_000)).toBeUndefined();
  });

  it('counts what was cut off or failed at the delay or later as what it lasted', () => {
    const delay = delayAfter(times(40, 10));
    for (let timeout = 0; timeout < 40; timeout++) delay.record(200, false, 1);
    expect(delay.at(5_000)).toBe(208);
  });

  it('counts it at the longest delay too, where the percentile lies above', () => {
    const delay = delayAfter(times(40, 800), { maxDelayMs: 300 });
    for (let superseded = 0; superseded < 400; superseded++) delay.record(310, false, 1);
    for (let fast = 0; fast < 400; fast++) delay.record(5, true, 1);
    expect(delay.at(5_000)).toBe(300);
  });

  it('leaves out what was cut off before the delay: it might have been anything', () => {
    const delay = delayAfter(times(40, 100));
    for (let left = 0; left < 1_000; left++) delay.record(50, false, 1);
    expect(delay.at(5_000)).toBe(104);
  });

  /** What hedging makes of its own statistics: the slow twentieth is cut off soon after the delay, again and again. */
  it('stays where it is when all that is slower is superseded', () => {
    const delay = delayAfter(times(100, 50));
    let now = 0;
    for (let round = 0; round < 100; round++) {
      for (let call = 0; call < 100; call++) {
        const duration = call + 1;
        const delayMs = delay.at(now)!;
        const superseded = duration > delayMs;
        delay.record(superseded ? delayMs + 2 : duration, !superseded, now);
        now += 10;
      }
    }
    expect(delay.at(now)).toBeGreaterThanOrEqual(95);
    expect(delay.at(now)).toBeLessThan(102);
  });
});
