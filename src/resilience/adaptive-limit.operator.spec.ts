import { type AdaptiveLimit, adaptiveLimitOf, type LimitedAttempt } from './adaptive-limit.js';
import { withAdaptiveLimit } from './adaptive-limit.operator.js';
import { AimdLimit } from './aimd-limit.js';
import { Bulkhead } from './bulkhead.js';
import { withBulkhead } from './bulkhead.operator.js';
import { asObservable } from './call.js';
import { Gradient2Limit } from './gradient2-limit.js';
import { ScriptedWire, watch, type Watched, WireError } from './testing/spec-support.js';
import { VERDICTS } from './verdict.js';
import { VirtualClock } from './virtual-clock.js';

interface Settled extends LimitedAttempt {
  readonly endedAt: number;
  readonly dropped: boolean;
  readonly ceiling: number;
}

/** A limit that stands where the test puts it, and keeps what it is told. */
class RecordingLimit implements AdaptiveLimit {
  limit = 2;
  epoch = 0;
  readonly settled: Settled[] = [];

  settle(attempt: LimitedAttempt, endedAt: number, dropped: boolean, ceiling: number): void {
    const { epoch, startedAt, inFlight } = attempt;
    this.settled.push({ epoch, startedAt, inFlight, endedAt, dropped, ceiling });
  }
}

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new ScriptedWire<string>(this.clock);
  readonly bulkhead = new Bulkhead({ maxConcurrentCalls: 10, maxQueue: 10, maxQueueWaitMs: 100 });
  readonly limit = new RecordingLimit();
  private readonly handler = withBulkhead<string, string>(
    this.bulkhead,
    100,
    this.clock,
  )(withAdaptiveLimit<string, string>(this.limit, this.bulkhead, this.clock)(this.wire.handler));

  call(request = 'request'): Watched<string> {
    return watch(asObservable(this.handler, request));
  }
}

describe('withAdaptiveLimit', () => {
  it('makes the bulkhead as large as the limit from the start', () => {
    const bench = new Bench();
    for (let call = 0; call < 3; call++) bench.call();
    expect(bench.bulkhead.snapshot()).toEqual({ inUse: 2, queued: 1, limit: 2, ceiling: 10 });
  });

  it('measures from the permit on: the wait for it says nothing about the upstream', () => {
    const bench = new Bench();
    bench.limit.limit = 1;
    bench.bulkhead.adapt(1);
    bench.call('first');
    bench.limit.epoch = 1;
    bench.call('waits');
    bench.clock.advance(30);
    bench.wire.last.answer();
    bench.clock.advance(40);
    bench.wire.last.answer();
    expect(bench.limit.settled).toEqual([
      { epoch: 0, startedAt: 0, inFlight: 1, endedAt: 30, dropped: false, ceiling: 10 },
      { epoch: 1, startedAt: 30, inFlight: 1, endedAt: 70, dropped: false, ceiling: 10 },
    ]);
  });

  it('tells how many were in flight when it began, itself included', () => {
    const bench = new Bench();
    bench.call();
    bench.call();
    bench.wire.last.answer();
    expect(bench.limit.settled).toMatchObject([{ inFlight: 2 }]);
  });

  it('starts waiters at once when the limit grows, and none when it shrinks', () => {
    const bench = new Bench();
    for (let call = 0; call < 5; call++) bench.call(`${call}`);
    bench.limit.limit = 4;
    bench.wire.last.answer();
    expect(bench.wire.open.map(({ request }) => request)).toEqual(['0', '2', '3', '4']);
    bench.limit.limit = 1;
    bench.call('5');
    bench.wire.open[0]!.answer();
    expect(bench.bulkhead.snapshot()).toEqual({ inUse: 3, queued: 1, limit: 1, ceiling: 10 });
  });

  it.each(Object.entries(VERDICTS))('reads an error that says %s by its verdict', (_name, verdict) => {
    const bench = new Bench();
    bench.call();
    bench.wire.last.fail(new WireError(verdict));
    const told = { sample: [{ dropped: false }], drop: [{ dropped: true }], ignore: [] };
    expect(bench.limit.settled).toMatchObject(told[verdict.limit]);
  });

  it('learns nothing from a bug, or from a caller that leaves', () => {
    const bench = new Bench();
    bench.call();
    bench.wire.last.fail(new TypeError('a bug of ours'));
    bench.call().cancel();
    expect(bench.limit.settled).toEqual([]);
    expect(bench.bulkhead.inUse).toBe(0);
  });

  it('counts an attempt once, whatever comes after its answer', () => {
    const bench = new Bench();
    bench.call();
    bench.wire.last.emit('answer');
    bench.wire.last.fail(new WireError());
    expect(bench.limit.settled).toMatchObject([{ dropped: false }]);
  });

  it('heeds a ceiling that is moved while it runs', () => {
    const bench = new Bench();
    bench.call();
    bench.bulkhead.resize(5);
    bench.wire.last.answer();
    expect(bench.limit.settled).toMatchObject([{ ceiling: 5 }]);
  });
});

describe('adaptiveLimitOf', () => {
  const policy = {
    initialLimit: 7,
    minLimit: 1,
    latencyThresholdMs: 1_000,
    backoffRatioPercent: 90,
    rttTolerancePercent: 150,
    queueSize: 4,
    smoothingPercent: 20,
    longWindow: 600,
  };

  it('makes the algorithm of the policy', () => {
    expect(adaptiveLimitOf({ ...policy, algorithm: 'aimd' })).toBeInstanceOf(AimdLimit);
    expect(adaptiveLimitOf({ ...policy, algorithm: 'gradient2' })).toBeInstanceOf(Gradient2Limit);
    expect(adaptiveLimitOf({ ...policy, algorithm: 'gradient2' }).limit).toBe(7);
  });
});
