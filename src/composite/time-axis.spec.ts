import { msText, TimeAxis } from './time-axis.js';

describe('a time axis', () => {
  const axis = new TimeAxis(300, 30);

  it('draws a bar from when something began to when it ended', () => {
    expect(axis.bar(0, 300)).toBe('━'.repeat(30));
    expect(axis.bar(100, 100)).toBe(`${' '.repeat(10)}${'━'.repeat(10)}`);
  });

  it('shows what took no time at all', () => {
    expect(axis.bar(150, 0)).toBe(`${' '.repeat(15)}╸`);
    expect(axis.bar(300, 0)).toHaveLength(30);
  });

  it('names few round times, the last with its unit', () => {
    expect(axis.ruler).toBe('0         100       200       300 ms');
    expect(new TimeAxis(4_450, 40).ruler).toBe('0        1        2        3        4 s');
  });

  it('points at a moment', () => {
    expect(axis.mark(100)).toBe(`${' '.repeat(10)}▲`);
  });
});

describe('a time in words', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [2_225, '2.2 s'],
  ])('%d ms is %s', (ms, text) => {
    expect(msText(ms)).toBe(text);
  });
});
