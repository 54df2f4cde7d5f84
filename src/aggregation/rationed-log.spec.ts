import { VirtualClock } from '../resilience/virtual-clock.js';
import { RationedLog } from './rationed-log.js';

let clock: VirtualClock;
let log: RationedLog<string>;
let lines: string[];

beforeEach(() => {
  clock = new VirtualClock();
  lines = [];
  log = rationed();
});

function rationed(atOnce?: number): RationedLog<string> {
  const write = (said: string, more: number): void => {
    lines.push(more === 0 ? said : `${said} (${more} more)`);
  };
  return new RationedLog({ write, clock, ...(atOnce === undefined ? {} : { atOnce }) });
}

function say(kind: string, ...texts: readonly string[]): void {
  for (const text of texts) log.say(kind, text);
}

describe('RationedLog', () => {
  it('says the first at once, and after a second the latest with how many more there were', () => {
    say('a', 'one', 'two', 'three', 'four');
    expect(lines.splice(0)).toEqual(['one']);
    clock.advance(999);
    expect(lines).toEqual([]);
    clock.advance(1);
    expect(lines).toEqual(['four (2 more)']);
  });

  it('counts nothing where one came', () => {
    say('a', 'one', 'two');
    clock.advance(1000);
    expect(lines).toEqual(['one', 'two']);
  });

  it('says a line a second of what goes on, and forgets what does not', () => {
    for (let ms = 0; ms < 5000; ms += 100) {
      say('a', `at ${ms}`);
      clock.advance(100);
    }
    expect(lines.length).toBe(6);
    lines.splice(0);
    clock.advance(2000);
    say('a', 'again');
    expect(lines).toEqual(['again']);
  });

  it('says each kind for itself', () => {
    say('a', 'one', 'two');
    say('b', 'three');
    expect(lines).toEqual(['one', 'three']);
  });

  it('says as many at once as it may, and sums up only beyond that', () => {
    log = rationed(3);
    say('a', 'one', 'two', 'three');
    clock.advance(1000);
    say('a', 'four', 'five', 'six');
    expect(lines.splice(0)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
    say('a', 'seven', 'eight');
    clock.advance(1000);
    expect(lines.splice(0)).toEqual(['eight (1 more)']);
    say('a', 'nine', 'ten');
    clock.advance(1000);
    expect(lines).toEqual(['ten (1 more)']);
  });

  it('keeps nothing to itself at the end', () => {
    say('a', 'one', 'two');
    log.flush();
    expect(lines).toEqual(['one', 'two']);
    clock.advance(5000);
    expect(lines).toHaveLength(2);
  });
});
