import { VirtualClock } from './virtual-clock.js';

describe('VirtualClock', () => {
  it('runs timers at their own moment, in order of due time and then of birth', () => {
    const clock = new VirtualClock();
    const ran: [string, number][] = [];
    const note = (name: string): void => {
      ran.push([name, clock.now()]);
    };
    clock.setTimeout(note, 20, 'late');
    clock.setTimeout(note, 10, 'first');
    clock.setTimeout(note, 10, 'second');
    clock.advance(100);
    expect(ran).toEqual([
      ['first', 10],
      ['second', 10],
      ['late', 20],
    ]);
    expect(clock.now()).toBe(100);
  });

  it('runs timers that are set on the way, and none beyond', () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    const again = (): void => {
      ran.push(clock.now());
      clock.setTimeout(again, 10, undefined);
    };
    again();
    clock.advance(25);
    expect(ran).toEqual([0, 10, 20]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('forgets a timer that is cleared', () => {
    const clock = new VirtualClock();
    const task = jest.fn();
    clock.clearTimeout(clock.setTimeout(task, 10, undefined));
    expect(clock.pendingTimers).toBe(0);
    clock.advance(10);
    expect(task).not.toHaveBeenCalled();
  });

  it('runs timers late after a block, and tasks after the poll behind them', () => {
    const clock = new VirtualClock();
    const ran: [string, number][] = [];
    const note = (name: string): void => {
      ran.push([name, clock.now()]);
    };
    clock.setTimeout(
      (name) => {
        note(name);
        clock.afterPoll(note, 'polled');
      },
      10,
      'late',
    );
    clock.setTimeout(note, 50, 'later');
    clock.block(80);
    expect(ran).toEqual([]);
    clock.advance(0);
    expect(ran).toEqual([
      ['late', 80],
      ['later', 80],
      ['polled', 80],
    ]);
  });
});
