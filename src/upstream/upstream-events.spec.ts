import { type UpstreamEvent, UpstreamEvents } from './upstream-events.js';

const retry = (number: number): UpstreamEvent => ({
  type: 'retry',
  upstream: 'orders',
  number,
  delayMs: 0,
  free: false,
});

/** Events, and a log in which a listener's own lines and its errors stand in order. */
function events(): { readonly events: UpstreamEvents; readonly log: string[] } {
  const log: string[] = [];
  return { events: new UpstreamEvents((error) => log.push(`failed: ${String(error)}`)), log };
}

describe('upstream events', () => {
  it('reach every listener in order of subscription', () => {
    const { events: source, log } = events();
    source.subscribe(({ type }) => log.push(`one: ${type}`));
    source.subscribe(({ type }) => log.push(`two: ${type}`));
    source.emit(retry(2));
    expect(log).toEqual(['one: retry', 'two: retry']);
  });

  it('need not be made where nobody listens', () => {
    const { events: source } = events();
    expect(source.active).toBe(false);
    const stop = source.subscribe(() => undefined);
    expect(source.active).toBe(true);
    stop();
    stop();
    expect(source.active).toBe(false);
  });

  it('survive a listener that throws', () => {
    const { events: source, log } = events();
    source.subscribe(() => {
      throw new Error('oops');
    });
    source.subscribe(({ type }) => log.push(`two: ${type}`));
    source.emit(retry(2));
    source.emit(retry(3));
    expect(log).toEqual(['failed: Error: oops', 'two: retry', 'failed: Error: oops', 'two: retry']);
  });

  it('are told to nobody who has stopped, not even by another listener of the same event', () => {
    const { events: source, log } = events();
    source.subscribe(() => {
      log.push('one');
      stopTwo();
    });
    const stopTwo = source.subscribe(() => log.push('two'));
    source.subscribe(() => log.push('three'));
    source.emit(retry(2));
    source.emit(retry(3));
    expect(log).toEqual(['one', 'three', 'one', 'three']);
  });

  it('are told to a listener that stops itself once', () => {
    const { events: source, log } = events();
    const stop = source.subscribe(() => {
      log.push('once');
      stop();
    });
    source.subscribe(() => log.push('always'));
    source.emit(retry(2));
    source.emit(retry(3));
    expect(log).toEqual(['once', 'always', 'always']);
  });

  it('begin for a new listener with the next event', () => {
    const { events: source, log } = events();
    const stop = source.subscribe(() => {
      log.push('old');
      stop();
      source.subscribe(() => log.push('new'));
    });
    source.emit(retry(2));
    source.emit(retry(3));
    expect(log).toEqual(['old', 'new']);
  });

  it('keep two subscriptions of one function apart', () => {
    const { events: source, log } = events();
    const listener = (): void => {
      log.push('heard');
    };
    const stop = source.subscribe(listener);
    source.subscribe(listener);
    stop();
    source.emit(retry(2));
    expect(log).toEqual(['heard']);
  });
});
