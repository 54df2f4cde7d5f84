import { parseProcStat } from './proc-stat.js';

// The fields of proc(5) from the third on: state, parent, ..., utime (14) and stime (15), ..., rss (24).
const AFTER_THE_NAME =
  'S 4711 1 1 0 -1 4194624 1187 0 0 0 250 150 0 0 20 0 1 0 123456 25702400 1024 18446744073709551615';

describe('parseProcStat', () => {
  it('adds up user and system time, and counts pages', () => {
    expect(parseProcStat(`4712 (nginx) ${AFTER_THE_NAME}`)).toEqual({
      parent: 4711,
      cpuMicros: 4_000_000,
      rssBytes: 1024 * 4_096,
    });
  });

  it('is not fooled by a name with brackets and spaces', () => {
    expect(parseProcStat(`4712 (nginx: worker) S 9 (x)) ${AFTER_THE_NAME}`).parent).toBe(4711);
  });
});
