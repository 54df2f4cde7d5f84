import { MAX_TIMER_MS, systemClock } from './clock.js';

describe('systemClock', () => {
  afterEach(() => jest.restoreAllMocks());

  it('never hands Node a delay that would fire at once because it is too long', () => {
    const setTimeout = jest.spyOn(globalThis, 'setTimeout');
    const timers = [2 ** 31, 1e15, Infinity].map((delayMs) =>
      systemClock.setTimeout(() => {}, delayMs, undefined),
    );
    for (const timer of timers) systemClock.clearTimeout(timer);
    expect(setTimeout.mock.calls.map(([, delayMs]) => delayMs)).toEqual([
      MAX_TIMER_MS,
      MAX_TIMER_MS,
      MAX_TIMER_MS,
    ]);
  });

  it('is not set back when the wall clock is', () => {
    const before = systemClock.now();
    jest.spyOn(Date, 'now').mockReturnValue(0);
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
  });

  it('hands the argument to a timer and to a task after the poll', async () => {
    await expect(
      new Promise((resolve) => {
        systemClock.setTimeout(resolve, 0, 'timer');
      }),
    ).resolves.toBe('timer');
    await expect(
      new Promise((resolve) => {
        systemClock.afterPoll(resolve, 'task');
      }),
    ).resolves.toBe('task');
  });

  it('cancels a timer', async () => {
    const task = jest.fn();
    systemClock.clearTimeout(systemClock.setTimeout(task, 0, undefined));
    await new Promise((resolve) => {
      systemClock.setTimeout(resolve, 2, undefined);
    });
    expect(task).not.toHaveBeenCalled();
  });
});
