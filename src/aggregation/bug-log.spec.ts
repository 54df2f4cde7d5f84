import { Logger } from '@nestjs/common';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { BugLog } from './bug-log.js';

it('logs ten bugs a second in full, and then how many there were besides', () => {
  const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  const clock = new VirtualClock();
  const log = new BugLog(clock);
  const bug = new TypeError('a bug');
  for (let n = 0; n < 100; n++) log.say('it fell back', bug);
  clock.advance(999);
  log.say('it fell back', bug);
  expect(error.mock.calls).toEqual(Array.from({ length: 10 }, () => ['it fell back', bug]));
  clock.advance(1);
  log.say('it fell back', bug);
  log.say('it fell back', bug);
  expect(error.mock.calls.slice(10)).toEqual([
    ['it fell back (91 more before)', bug],
    ['it fell back', bug],
  ]);
  expect(clock.pendingTimers).toBe(0);
  error.mockRestore();
});
