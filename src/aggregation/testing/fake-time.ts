import { systemClock } from '../../resilience/clock.js';

/** Time stands still from here on, until the test moves it with Jest's timers. */
export function fakeTime(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  // There are no sockets to poll, and Jest would give the turn it takes a millisecond of its own.
  jest.spyOn(systemClock, 'afterPoll').mockImplementation((task, argument) => {
    task(argument);
  });
}

/** Ends {@link fakeTime}. Answers how many timers were left behind. */
export function realTime(): number {
  jest.restoreAllMocks();
  const timersLeft = jest.getTimerCount();
  jest.useRealTimers();
  return timersLeft;
}
