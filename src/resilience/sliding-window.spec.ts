import fc from 'fast-check';
import { SlidingWindow } from './sliding-window.js';

const WINDOW_MS = 10_000;
const BUCKET_MS = 1_000;

describe('SlidingWindow', () => {
  it('counts calls, failures and slow calls', () => {
    const window = new SlidingWindow(WINDOW_MS);
    window.record(0, false, false);
    window.record(1, true, false);
    window.record(2, false, true);
    window.record(3, true, true);
    expect(window.read(3)).toEqual({ calls: 4, failures: 2, slow: 2 });
    expect(window).toMatchObject({ calls: 4, failures: 2, slow: 2 });
  });

  it('forgets a bucket at the very moment the window has moved past it', () => {
    const window = new SlidingWindow(WINDOW_MS);
    window.record(0, true, false);
    window.record(999.999, true, false);
    window.record(1_000, true, false);
    expect(window.read(9_999.999).calls).toBe(3);
    expect(window.read(10_000).calls).toBe(1);
    expect(window.read(10_999.999).calls).toBe(1);
    expect(window.read(11_000).calls).toBe(0);
  });

  it('forgets everything after an hour of silence, without having been asked meanwhile', () => {
    const window = new SlidingWindow(WINDOW_MS);
    for (let second = 0; second < 10; second++) window.record(second * BUCKET_MS, true, true);
    window.record(3_600_000, false, false);
    expect(window.read(3_600_000)).toEqual({ calls: 1, failures: 0, slow: 0 });
  });

  it('forgets on reading as well as on recording', () => {
    const window = new SlidingWindow(WINDOW_MS);
    window.record(0, true, true);
    expect(window.read(3_600_000)).toEqual({ calls: 0, failures: 0, slow: 0 });
  });

  it('does not mistake a bucket for the one of a round before', () => {
    const window = new SlidingWindow(WINDOW_MS);
    window.record(500, true, false);
    // Exactly one round later the same slot is written again.
    window.record(10_500, false, false);
    expect(window.read(10_500)).toEqual({ calls: 1, failures: 0, slow: 0 });
  });

  it('starts anywhere on the clock', () => {
    const window = new SlidingWindow(WINDOW_MS);
    window.record(123_456_789.5, true, false);
    expect(window.read(123_456_789.5).calls).toBe(1);
  });

  it('is empty once it has been cleared', () => {
    const window = new SlidingWindow(WINDOW_MS);
    window.record(5_000, true, true);
    window.clear();
    expect(window.read(5_000)).toEqual({ calls: 0, failures: 0, slow: 0 });
    window.record(5_001, true, false);
    expect(window.read(14_999).calls).toBe(1);
    expect(window.read(15_000).calls).toBe(0);
  });

  it('equals a list of time stamps, cut at bucket granularity', () => {
    const pause = fc.oneof(
      { weight: 6, arbitrary: fc.double({ min: 0, max: 700, noNaN: true }) },
      { weight: 3, arbitrary: fc.constantFrom(0, BUCKET_MS, 9 * BUCKET_MS, WINDOW_MS, 11 * BUCKET_MS) },
      { weight: 1, arbitrary: fc.nat(3_600_000) },
    );
    const step = fc.record({ pause, failed: fc.boolean(), slow: fc.boolean(), record: fc.boolean() });
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(step, { maxLength: 150 }), (start, steps) => {
        const window = new SlidingWindow(WINDOW_MS);
        const list: { bucket: number; failed: boolean; slow: boolean }[] = [];
        let now = start;
        for (const { pause, failed, slow, record } of steps) {
          now += pause;
          const bucket = Math.floor(now / BUCKET_MS);
          if (record) {
            window.record(now, failed, slow);
            list.push({ bucket, failed, slow });
          }
          const inside = list.filter((call) => call.bucket > bucket - 10);
          const expected = {
            calls: inside.length,
            failures: inside.filter((call) => call.failed).length,
            slow: inside.filter((call) => call.slow).length,
          };
          if (record)
            expect({ calls: window.calls, failures: window.failures, slow: window.slow }).toEqual(expected);
          else expect(window.read(now)).toEqual(expected);
        }
      }),
    );
  });
});
