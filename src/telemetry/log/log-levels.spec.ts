import { VirtualClock } from '../../resilience/virtual-clock.js';
import { LogLevels } from './log-levels.js';

let clock: VirtualClock;
let ended: (string | undefined)[];
let levels: LogLevels;

beforeEach(() => {
  clock = new VirtualClock();
  ended = [];
  levels = new LogLevels(
    'info',
    (context) => ended.push(context),
    clock,
    () => 1_000_000 + clock.now(),
  );
});

describe('the levels of the log', () => {
  it('are one for all, and one for each context that has its own', () => {
    levels.set('Request', 'debug');
    expect(levels.isEnabled('Request', 'debug')).toBe(true);
    expect(levels.isEnabled('Reload', 'debug')).toBe(false);
    levels.set(undefined, 'error');
    expect(levels.isEnabled('Request', 'debug')).toBe(true);
    expect(levels.isEnabled('Reload', 'warn')).toBe(false);
    levels.reset('Request');
    expect(levels.isEnabled('Request', 'warn')).toBe(false);
    levels.reset(undefined);
    expect(levels.isEnabled('Request', 'info')).toBe(true);
    expect(levels.contexts).toEqual(['Reload', 'Request']);
  });

  it('end when their time is over, and say so', () => {
    levels.set(undefined, 'debug', 60_000);
    levels.set('Request', 'off', 30_000);
    expect(levels.setFor('Request')).toEqual({ level: 'off', until: 1_030_000 });
    clock.advance(30_000);
    expect(levels.of('Request')).toBe('debug');
    clock.advance(29_999);
    expect(levels.of('Request')).toBe('debug');
    clock.advance(1);
    expect(levels.of('Request')).toBe('info');
    expect(levels.setFor(undefined)).toBeUndefined();
    expect(ended).toEqual(['Request', undefined]);
  });

  it('are not ended by the time of one that was set before', () => {
    levels.set('Request', 'debug', 1_000);
    levels.set('Request', 'warn');
    levels.set('Reload', 'debug', 1_000);
    levels.reset('Reload');
    clock.advance(10_000);
    expect(levels.of('Request')).toBe('warn');
    expect(ended).toEqual([]);
    levels.set('Request', 'debug', 1_000);
    levels.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('outlive another configuration where they were set', () => {
    levels.set('Request', 'debug');
    levels.configure('error');
    expect(levels.of('Request')).toBe('debug');
    expect(levels.ofAll).toBe('error');
    expect(levels.isEnabled('Reload', 'warn')).toBe(false);
  });

  it('hide nothing that operators do', () => {
    levels.configure('off');
    expect(levels.isEnabled('Audit', 'info')).toBe(true);
    expect(levels.isEnabled('Other', 'error')).toBe(false);
    expect(levels.isEnabled('Other', 'fatal')).toBe(true);
  });

  it('tell who asked of each change', () => {
    const listener = jest.fn();
    const stop = levels.onChange(listener);
    levels.configure('debug');
    levels.set('A', 'warn', 1_000);
    clock.advance(1_000);
    expect(listener).toHaveBeenCalledTimes(3);
    stop();
    levels.configure('info');
    expect(listener).toHaveBeenCalledTimes(3);
  });
});
