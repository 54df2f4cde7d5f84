import { parseRetryAfter, parseRetryAfterMs } from './retry-after.js';

const NOW = Date.UTC(1994, 10, 6, 8, 49, 7);
const HALF_A_MINUTE = 30_000;
const A_DAY = 86_400_000;

describe('Retry-After', () => {
  it.each<[string, number]>([
    ['0', 0],
    ['3', 3_000],
    [' 120 ', 120_000],
    ['007', 7_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', HALF_A_MINUTE],
    ['Sunday, 06-Nov-94 08:49:37 GMT', HALF_A_MINUTE],
    ['Sun Nov  6 08:49:37 1994', HALF_A_MINUTE],
    ['Sun, 06 Nov 1994 08:49:07 GMT', 0],
    ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('%j is %i ms', (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms);
  });

  it.each(['86401', '9'.repeat(400), 'Sat, 06 Nov 9999 08:49:37 GMT'])('%j is a day', (value) => {
    expect(parseRetryAfter(value, NOW)).toBe(A_DAY);
  });

  it.each([
    undefined,
    null,
    3,
    ['3'],
    '',
    ' ',
    '-3',
    '+3',
    '1.5',
    '1e3',
    '0x10',
    '3, 5',
    'soon',
    'soon 5',
    'Foo 2020',
    '06 Nov 1994',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 06 Nov 1994 48:99:99 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
  ])('%j is no hint', (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined();
  });
});

describe('retry-after-ms', () => {
  it.each<[string, number]>([
    ['0', 0],
    ['250', 250],
    [' 12.5 ', 12.5],
    ['86400001', A_DAY],
    ['9'.repeat(400), A_DAY],
  ])('%j is %d ms', (value, ms) => {
    expect(parseRetryAfterMs(value)).toBe(ms);
  });

  it.each([
    undefined,
    null,
    250,
    ['250'],
    '',
    ' ',
    '-1',
    '+1',
    '1e3',
    '.5',
    '5.',
    '0x10',
    '2, 3',
    'soon',
    'NaN',
  ])('%j is no hint', (value) => {
    expect(parseRetryAfterMs(value)).toBeUndefined();
  });
});
