import { NARROW } from './humane-numbers.js';
import { clockTime, humaneCountdown, humaneDuration, humaneSpan } from './humane-times.js';

const plain = (text: string): string => text.replaceAll(NARROW, ' ');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('humane times', () => {
  it.each([
    [null, '–'],
    [0.04, '0 ms'],
    [0.42, '0.4 ms'],
    [9, '9 ms'],
    [12.4, '12 ms'],
    [999.6, '1.0 s'],
    [3_420, '3.4 s'],
    [12_900, '12 s'],
    [125_000, '2 min'],
  ])('tells a duration of %p ms as %s', (ms, text) => {
    expect(plain(humaneDuration(ms))).toBe(text);
  });

  it.each([
    [-400, '0 s'],
    [59_900, '59 s'],
    [4 * MINUTE, '4 min'],
    [3 * HOUR + 20 * MINUTE, '3 h 20 min'],
    [3 * HOUR, '3 h'],
    [51 * HOUR, '2 d'],
  ])('tells a span of %d ms as %s', (ms, text) => {
    expect(plain(humaneSpan(ms))).toBe(text);
  });

  it('counts down to 1 s, since at 0 it would have happened', () => {
    expect([4_001, 900, 1].map((ms) => plain(humaneCountdown(ms)))).toEqual(['5 s', '1 s', '1 s']);
  });

  it('tells the time of day in the time of whoever reads it', () => {
    expect(clockTime(new Date(2026, 1, 3, 9, 5, 7).getTime())).toBe('09:05:07');
  });
});
