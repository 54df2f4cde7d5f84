import { type CompositeReport, type PartReport } from '../aggregation/part-report.js';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { type CompositeOutcome, CompositeStatistics } from './composite-statistics.js';

const OK: PartReport = { part: 'order', state: 'ok', reason: undefined, durationMs: 5 };

function fellBack(part: string, reason: 'timeout' | 'open'): PartReport {
  return { part, state: 'fallback', reason, durationMs: 5 };
}

function report(...parts: readonly PartReport[]): CompositeReport {
  return { complete: parts.every(({ state }) => state === 'ok'), parts };
}

class World {
  readonly clock = new VirtualClock();
  readonly statistics = new CompositeStatistics(this.clock);

  /** Answers whether it was worth a look. */
  request(outcome: Partial<CompositeOutcome> = {}): boolean {
    return this.statistics.add({
      durationMs: 10,
      status: 200,
      clientLeft: false,
      report: report(OK),
      ...outcome,
    });
  }

  requests(count: number, outcome: Partial<CompositeOutcome> = {}): void {
    for (let each = 0; each < count; each++) this.request(outcome);
  }
}

describe('statistics of a composite', () => {
  it('know nothing before there was a request', () => {
    const { statistics } = new World();
    expect(statistics.read()).toEqual({
      requestsPerSecond: 0,
      requests: 0,
      completePercent: null,
      failedPercent: null,
      p50Ms: null,
      p95Ms: null,
    });
    expect(statistics.degradedBy()).toEqual([]);
  });

  it('tell complete, partial and failed apart', () => {
    const world = new World();
    world.requests(6);
    world.requests(3, { report: report(OK, fellBack('offers', 'timeout')) });
    world.request({ status: 502, report: report({ ...OK, state: 'failed', reason: 'connect' }) });
    expect(world.statistics.read()).toMatchObject({ requests: 10, completePercent: 60, failedPercent: 10 });
  });

  it('counts no composite incomplete for an answer its client is to blame for, or has not waited for', () => {
    const world = new World();
    world.request();
    const missing = { status: 404, report: report({ ...OK, state: 'failed', reason: 'status' }) } as const;
    expect(world.request(missing)).toBe(false);
    expect(
      world.request({ clientLeft: true, status: undefined, report: report(fellBack('a', 'open')) }),
    ).toBe(false);
    expect(world.statistics.read()).toMatchObject({ requests: 3, completePercent: 100, failedPercent: 0 });
    expect(world.statistics.degradedBy()).toEqual([]);
  });

  it('names what was missing, the most frequent first, for a minute', () => {
    const world = new World();
    world.request({ report: report(OK, fellBack('offers', 'timeout')) });
    world.requests(2, { report: report(OK, fellBack('offers', 'open'), fellBack('reviews', 'timeout')) });
    world.request({ report: report(OK, fellBack('reviews', 'timeout')) });
    expect(world.statistics.degradedBy()).toEqual([
      { part: 'reviews', reason: 'timeout', count: 3 },
      { part: 'offers', reason: 'open', count: 2 },
      { part: 'offers', reason: 'timeout', count: 1 },
    ]);
    world.clock.advance(60_000);
    expect(world.statistics.degradedBy()).toEqual([]);
    expect(world.statistics.read()).toMatchObject({ requests: 0, completePercent: null });
  });

  it('finds slow what takes half as long again as 95 % of the last five minutes, once there were enough', () => {
    const world = new World();
    world.requests(19);
    expect(world.request({ durationMs: 1_000 })).toBe(false);
    world.requests(180);
    world.clock.advance(5_000);
    expect(world.request({ durationMs: 14 })).toBe(false);
    expect(world.request({ durationMs: 17 })).toBe(true);
    expect(world.request({ durationMs: 17, status: 404 })).toBe(true);
    world.clock.advance(301_000);
    expect(world.request({ durationMs: 1_000 })).toBe(false);
  });

  it('finds worth a look what is partial or failed, however fast', () => {
    const world = new World();
    expect(world.request()).toBe(false);
    expect(world.request({ report: report(fellBack('a', 'open')) })).toBe(true);
    expect(world.request({ status: 500 })).toBe(true);
  });
});
