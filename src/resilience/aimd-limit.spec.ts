import fc from 'fast-check';
import { type AimdLimitPolicy, AimdLimit } from './aimd-limit.js';

const CEILING = 100;

function aimd(policy: Partial<AimdLimitPolicy> = {}): AimdLimit {
  return new AimdLimit({
    initialLimit: 10,
    minLimit: 1,
    latencyThresholdMs: 1_000,
    backoffRatioPercent: 90,
    ...policy,
  });
}

interface Sample {
  readonly rttMs?: number;
  readonly inFlight?: number;
  readonly dropped?: boolean;
  readonly epoch?: number;
  readonly ceiling?: number;
}

function settle(
  limit: AimdLimit,
  {
    rttMs = 10,
    inFlight = limit.limit,
    dropped = false,
    epoch = limit.epoch,
    ceiling = CEILING,
  }: Sample = {},
): void {
  limit.settle({ epoch, startedAt: 0, inFlight }, rttMs, dropped, ceiling);
}

function times(count: number, run: () => void): void {
  for (let done = 0; done < count; done++) run();
}

describe('AimdLimit', () => {
  it('grows by one after an attempt that went well', () => {
    const limit = aimd();
    settle(limit);
    expect(limit.limit).toBe(11);
  });

  it('keeps 90 % after a drop', () => {
    const limit = aimd();
    settle(limit, { dropped: true });
    expect(limit.limit).toBe(9);
  });

  it('takes an attempt that was slower than the threshold for a drop, and one that was as slow for none', () => {
    const limit = aimd();
    settle(limit, { rttMs: 1_000 });
    expect(limit.limit).toBe(11);
    settle(limit, { rttMs: 1_000.1 });
    expect(limit.limit).toBe(9);
  });

  it.each([
    [5, 11],
    [4, 10],
  ])(
    'with %i of 10 in flight, comes to %i: nobody knows whether a limit that is not used holds',
    (inFlight, to) => {
      const limit = aimd();
      settle(limit, { inFlight });
      expect(limit.limit).toBe(to);
    },
  );

  it('falls once for a burst of drops, whose attempts all began under the same limit', () => {
    const limit = aimd({ initialLimit: 64 });
    const { epoch } = limit;
    times(60, () => {
      settle(limit, { dropped: true, epoch });
    });
    expect(limit.limit).toBe(57);
  });

  it('learns nothing good either from attempts begun before it fell', () => {
    const limit = aimd();
    const { epoch } = limit;
    settle(limit, { dropped: true });
    settle(limit, { epoch });
    expect(limit.limit).toBe(9);
  });

  it('falls again for a drop begun after it fell', () => {
    const limit = aimd({ initialLimit: 100 });
    settle(limit, { dropped: true });
    settle(limit, { dropped: true });
    expect(limit.limit).toBe(81);
  });

  it('grows by one a round trip once it has fallen', () => {
    const limit = aimd({ initialLimit: 20 });
    settle(limit, { dropped: true });
    expect(limit.limit).toBe(18);
    times(18, () => {
      settle(limit);
    });
    expect(limit.limit).toBe(18);
    settle(limit);
    expect(limit.limit).toBe(19);
  });

  it('never falls below its minimum, nor grows above the ceiling of the moment', () => {
    const limit = aimd({ minLimit: 3 });
    times(100, () => {
      settle(limit, { dropped: true });
    });
    expect(limit.limit).toBe(3);
    times(10_000, () => {
      settle(limit, { ceiling: 12 });
    });
    expect(limit.limit).toBe(12);
    settle(limit, { ceiling: 8 });
    expect(limit.limit).toBe(8);
  });

  it('grows again from a minimum of 1, one attempt at a time', () => {
    const limit = aimd({ minLimit: 1 });
    times(100, () => {
      settle(limit, { dropped: true });
    });
    expect(limit.limit).toBe(1);
    let roundTrips = 0;
    for (; limit.limit < 64; roundTrips++) {
      times(limit.limit, () => {
        settle(limit);
      });
    }
    expect(roundTrips).toBeLessThan(70);
  });

  it('is whole, and between its minimum and the ceiling, whatever happens', () => {
    const sample = fc.record({
      rttMs: fc.integer({ min: 0, max: 2_000 }),
      inFlight: fc.integer({ min: 1, max: 100 }),
      dropped: fc.boolean(),
      late: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.array(sample, { maxLength: 200 }),
        (minLimit, samples) => {
          const limit = aimd({ minLimit });
          for (const { late, ...rest } of samples) {
            const before = { limit: limit.limit, epoch: limit.epoch };
            settle(limit, { ...rest, epoch: limit.epoch - Number(late) });
            if (late) expect(limit).toMatchObject(before);
            expect(Number.isInteger(limit.limit)).toBe(true);
            expect(limit.limit).toBeGreaterThanOrEqual(minLimit);
            expect(limit.limit).toBeLessThanOrEqual(CEILING);
          }
        },
      ),
    );
  });
});
