import { parseFaults } from './faults.js';

describe('parseFaults', () => {
  it('takes every switch there is', () => {
    const all = {
      latencyMs: 200,
      jitterMs: 50,
      errorRate: 0.6,
      status: 503,
      hang: true,
      drip: true,
      garbage: true,
      reset: true,
      huge: true,
      seed: 42,
    };
    expect(parseFaults(all)).toEqual(all);
    expect(parseFaults({})).toEqual({});
  });

  it.each([
    [{ latency: 5 }, 'Unknown fault "latency". Did you mean "latencyMs"? Known: latencyMs, jitterMs,'],
    [{ zzz: 5 }, 'Unknown fault "zzz". Known: latencyMs, jitterMs,'],
    [{ toString: 5 }, 'Unknown fault "toString". Known:'],
    [{ latencyMs: -1 }, '"latencyMs" must be a number from 0 to 600000, not -1.'],
    [{ errorRate: 60 }, '"errorRate" must be a number from 0 to 1, not 60.'],
    [{ errorRate: '0.6' }, '"errorRate" must be a number from 0 to 1, not "0.6".'],
    [{ status: 99 }, '"status" must be a whole number from 200 to 599, not 99.'],
    [{ status: 503.5 }, '"status" must be a whole number from 200 to 599, not 503.5.'],
    [{ hang: 1 }, '"hang" must be true or false, not 1.'],
    [{ seed: null }, '"seed" must be a whole number'],
    [['hang'], 'Faults must be a JSON object with any of latencyMs, jitterMs,'],
    [null, 'Faults must be a JSON object'],
  ])('refuses %j and says why', (faults, message) => {
    expect(() => parseFaults(faults)).toThrow(message);
  });
});
