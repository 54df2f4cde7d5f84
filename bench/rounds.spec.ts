import { measured, orderOfRound } from './rounds.js';

describe('orderOfRound', () => {
  it('turns around with every round', () => {
    const letters = ['a', 'b', 'c', 'd'];
    expect([0, 1, 2].map((round) => orderOfRound(letters, round).join(''))).toEqual(['abcd', 'dcba', 'abcd']);
  });
});

describe('measured', () => {
  it('divides what was used in the round by the requests of the round', () => {
    const before = { usage: { cpuMicros: 5_000_000, rssBytes: 1 }, upstreamCalls: 300 };
    const after = { usage: { cpuMicros: 6_000_000, rssBytes: 2 }, upstreamCalls: 30_300 };
    const load = { requests: 10_000, non2xx: 0, wrongBodies: 0, errors: 0, seconds: 2, p50Ms: 3, p99Ms: 9 };
    expect(measured(before, load, after)).toEqual({
      cpuMicrosPerComposite: 100,
      requestsPerSecond: 5_000,
      p50Ms: 3,
      p99Ms: 9,
      rssBytes: 2,
      busy: 0.5,
      upstreamCallsPerComposite: 3,
      composites: 10_000,
    });
  });
});
