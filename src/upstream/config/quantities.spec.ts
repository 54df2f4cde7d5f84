import { byteSize, count, duration, factor, percent } from './quantities.js';

describe('duration', () => {
  it.each([
    [1, 1],
    [2_500, 2_500],
    ['250ms', 250],
    ['250 ms', 250],
    ['1s', 1_000],
    ['1.5s', 1_500],
    ['0.25s', 250],
    ['1.001s', 1_001],
    ['2m', 120_000],
    ['1440m', 86_400_000],
  ])('reads %j as %d ms', (written, ms) => {
    expect(duration().parse(written)).toBe(ms);
  });

  it.each([
    0,
    -1,
    0.5,
    '0ms',
    '0.5ms',
    '1.0005s',
    '-1s',
    '1',
    '',
    's',
    '1h',
    '1S',
    '1s ',
    '1e3ms',
    '.5s',
    '1,5s',
  ])('refuses %j', (written) => {
    const { error } = duration().safeParse(written);
    expect(error?.issues[0]?.message).toBe(
      'a duration from 1 ms to 24 h: whole milliseconds, or text like 250ms, 1.5s, 2m',
    );
  });

  it.each([null, true, NaN, Infinity, [], {}, 86_400_001, '1441m'])('refuses %p', (written) => {
    expect(duration().safeParse(written).success).toBe(false);
  });

  it('allows 0 where that means never', () => {
    expect(duration(0).parse(0)).toBe(0);
    expect(duration(0).parse('0s')).toBe(0);
  });
});

describe('byteSize', () => {
  it.each([
    [1, 1],
    ['1B', 1],
    ['512KiB', 524_288],
    ['5MiB', 5_242_880],
    ['1.5 MiB', 1_572_864],
    ['1GiB', 1_073_741_824],
  ])('reads %j as %d bytes', (written, bytes) => {
    expect(byteSize().parse(written)).toBe(bytes);
  });

  it.each([0, -5, 1.5, '5', '5MB', '5M', '5mib', '0.3B', '', null, true])('refuses %p', (written) => {
    const { error } = byteSize().safeParse(written);
    expect(error?.issues[0]?.message).toBe(
      'a size of at least 1 byte: a whole number of bytes, or text like 512KiB, 5MiB',
    );
  });
});

describe('count and percent', () => {
  it('take what lies within their limits', () => {
    expect(count(1, 10).parse(10)).toBe(10);
    expect(percent({ zero: 'allowed' }).parse(0)).toBe(0);
    expect(percent({ zero: 'refused' }).parse(0.5)).toBe(0.5);
  });

  it.each([0, 11, 1.5, '1', NaN, null])('count(1, 10) refuses %p', (written) => {
    const { error } = count(1, 10).safeParse(written);
    expect(error?.issues[0]?.message).toBe('a whole number from 1 to 10');
  });

  it.each([0, 100.1, -1, '50'])('percent({ zero: refused }) refuses %p', (written) => {
    const { error } = percent({ zero: 'refused' }).safeParse(written);
    expect(error?.issues[0]?.message).toBe('a percentage above 0, up to 100');
  });

  it.each([0.09, 10.1, '1', NaN, null])('factor(0.1, 10) refuses %p', (written) => {
    const { error } = factor(0.1, 10).safeParse(written);
    expect(error?.issues[0]?.message).toBe('a number from 0.1 to 10');
    expect(factor(0.1, 10).parse(1.9)).toBe(1.9);
  });
});
