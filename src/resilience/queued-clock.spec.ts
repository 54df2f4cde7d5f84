import fc from 'fast-check';
import { queuedClock } from './queued-clock.js';

describe('queuedClock', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('runs each timer at its time, with its argument, once', () => {
    const clock = queuedClock();
    const ran: [string, number][] = [];
    const note = (name: string): void => {
      ran.push([name, Math.round(clock.now())]);
    };
    const start = Math.round(clock.now());
    clock.setTimeout(note, 100, 'a');
    jest.advanceTimersByTime(30);
    clock.setTimeout(note, 100, 'b');
    clock.setTimeout(note, 20, 'c');
    jest.advanceTimersByTime(500);

    expect(ran.map(([name, at]) => [name, at - start])).toEqual([
      ['c', 50],
      ['a', 100],
      ['b', 130],
    ]);
  });

  it('never runs a timer that was cleared, from either end of its queue or the middle', () => {
    const clock = queuedClock();
    const ran: string[] = [];
    const timers = ['a', 'b', 'c', 'd'].map((name) =>
      clock.setTimeout((it: string) => ran.push(it), 50, name),
    );
    for (const index of [0, 2, 3, 3]) clock.clearTimeout(timers[index]);
    clock.clearTimeout(undefined);
    jest.advanceTimersByTime(60);

    expect(ran).toEqual(['b']);
  });

  it('uses one timer of Node’s for all of a duration', () => {
    const clock = queuedClock();
    for (let n = 0; n < 1000; n++) clock.setTimeout(() => undefined, 1000, n);

    expect(jest.getTimerCount()).toBe(1);
  });

  it('leaves nothing behind once it has fired', () => {
    const clock = queuedClock();
    clock.clearTimeout(clock.setTimeout(() => undefined, 10, 0));
    jest.advanceTimersByTime(10);

    expect(jest.getTimerCount()).toBe(0);
  });

  it('goes on after a task that throws', () => {
    const clock = queuedClock();
    const ran: number[] = [];
    clock.setTimeout(
      () => {
        throw new Error('a bug');
      },
      10,
      0,
    );
    clock.setTimeout((n: number) => ran.push(n), 10, 1);
    expect(() => {
      jest.advanceTimersByTime(10);
    }).toThrow('a bug');
    jest.advanceTimersByTime(10);

    expect(ran).toEqual([1]);
  });

  it('lets a task set and clear timers of its own queue', () => {
    const clock = queuedClock();
    const ran: string[] = [];
    clock.setTimeout(
      () => {
        ran.push('first');
        clock.clearTimeout(second);
        clock.setTimeout(() => ran.push('third'), 10, 0);
      },
      10,
      0,
    );
    const second = clock.setTimeout(() => ran.push('second'), 10, 0);
    jest.advanceTimersByTime(30);

    expect(ran).toEqual(['first', 'third']);
  });

  it('runs and clears exactly as Node’s own timers do, whatever the order', () => {
    const step = fc.record({
      wait: fc.nat(5),
      delay: fc.integer({ min: 1, max: 12 }),
      clear: fc.option(fc.nat(20)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const clock = queuedClock();
        const [ours, nodes]: [string[], string[]] = [[], []];
        const timers: [unknown, NodeJS.Timeout][] = [];
        steps.forEach(({ wait, delay, clear }, n) => {
          jest.advanceTimersByTime(wait);
          timers.push([
            clock.setTimeout(() => ours.push(`${n}@${Math.round(clock.now())}`), delay, 0),
            setTimeout(() => nodes.push(`${n}@${Math.round(performance.now())}`), delay),
          ]);
          const victim = clear === null ? undefined : timers[clear];
          if (victim !== undefined) {
            clock.clearTimeout(victim[0]);
            clearTimeout(victim[1]);
          }
        });
        jest.advanceTimersByTime(50);
        expect(ours.toSorted()).toEqual(nodes.toSorted());
      }),
    );
  });
});
