import { counted, humaneCount, humanePercent, humaneRate, listed, NARROW } from './humane-numbers.js';

const plain = (text: string): string => text.replaceAll(NARROW, ' ');

describe('humane numbers', () => {
  it.each([
    [0, '0'],
    [42, '42'],
    [999, '999'],
    [1_200, '1.2 k'],
    [9_960, '10 k'],
    [52_300, '52 k'],
    [999_600, '1.0 M'],
    [3_400_000, '3.4 M'],
  ])('counts %d as %s', (count, text) => {
    expect(plain(humaneCount(count))).toBe(text);
  });

  it.each([
    [0, '0/s'],
    [0.02, '<0.1/s'],
    [0.3, '0.3/s'],
    [9.96, '10/s'],
    [412.4, '412/s'],
    [1_234, '1.2 k/s'],
  ])('tells a rate of %d as %s', (rate, text) => {
    expect(plain(humaneRate(rate))).toBe(text);
  });

  it.each([
    [null, '–'],
    [0, '0 %'],
    [0.02, '<0.1 %'],
    [0.42, '0.4 %'],
    [12.3, '12 %'],
    [94.24, '94.2 %'],
    [99.97, '>99.9 %'],
    [100, '100 %'],
  ])('tells a share of %p as %s: nothing but 0 and 100 reads as if it were', (percent, text) => {
    expect(plain(humanePercent(percent))).toBe(text);
  });

  it('counts one thing as one', () => {
    expect([counted(1, 'call'), counted(2, 'call'), counted(0, 'retry', 'retries')]).toEqual([
      '1 call',
      '2 calls',
      '0 retries',
    ]);
  });

  it('lists as one speaks', () => {
    expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
  });
});
