import { LagAwareTimer } from './lag-aware-timer.js';
import { VirtualClock } from './virtual-clock.js';

class Bench {
  readonly clock = new VirtualClock();
  readonly said: (readonly [string, number])[] = [];

  timer(delayMs: number): LagAwareTimer<string> {
    return new LagAwareTimer(this.clock, delayMs, (word, lateMs) => this.said.push([word, lateMs]), 'over');
  }

  /** What happens in the poll after timers have run. */
  inPoll(task: () => void): void {
    this.clock.setTimeout(task, 0, undefined);
  }
}

describe('LagAwareTimer', () => {
  it('speaks once, when it is due', () => {
    const bench = new Bench();
    bench.timer(100);
    bench.clock.advance(99);
    expect(bench.said).toEqual([]);
    bench.clock.advance(1_000);
    expect(bench.said).toEqual([['over', 0]]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('says nothing once it is stopped, and leaves no timer behind', () => {
    const bench = new Bench();
    bench.timer(100).unsubscribe();
    expect(bench.clock.pendingTimers).toBe(0);
    bench.clock.advance(100);
    expect(bench.said).toEqual([]);
  });

  it.each([0, 1, 19, 121])(
    'lets the sockets speak first and then says how late it was, late by %i ms',
    (lateMs) => {
      const bench = new Bench();
      bench.timer(100);
      bench.clock.block(100 + lateMs);
      bench.inPoll(() => bench.said.push(['poll', 0]));
      bench.clock.advance(0);
      expect(bench.said).toEqual([
        ['poll', 0],
        ['over', lateMs],
      ]);
    },
  );

  it('says nothing when it is stopped during that poll', () => {
    const bench = new Bench();
    const timer = bench.timer(100);
    bench.clock.block(121);
    bench.inPoll(() => {
      timer.unsubscribe();
    });
    bench.clock.advance(0);
    expect(bench.said).toEqual([]);
    expect(bench.clock.pendingTimers).toBe(0);
  });
});
