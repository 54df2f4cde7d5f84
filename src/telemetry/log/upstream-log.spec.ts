import { Logger } from '@nestjs/common';
import { RequestContext } from '../../upstream/request-context.js';
import { type UpstreamEvent, UpstreamEvents } from '../../upstream/upstream-events.js';
import { keptLogger } from './testing/kept-stream.js';
import { UpstreamLog } from './upstream-log.js';

afterEach(() => {
  Logger.overrideLogger(false);
});

const CALL: UpstreamEvent = {
  type: 'call',
  upstream: 'orders',
  method: 'GET',
  outcome: 'status',
  status: 503,
  attempts: 2,
  durationMs: 31.4,
};

describe('the log of calls', () => {
  it('has each with its outcome and the request it was made for, at debug', () => {
    const { logger, written } = keptLogger({ nodeEnv: 'production' });
    Logger.overrideLogger(logger);
    const events = new UpstreamEvents(() => undefined);
    const log = new UpstreamLog(events, logger.levels);
    log.follow();
    expect(events.active).toBe(false);

    logger.levels.set('Upstream', 'debug');
    log.follow();
    new RequestContext('r-1', Infinity, {}).run(() => {
      events.emit(CALL);
    }, undefined);
    events.emit({ type: 'breaker-notice', upstream: 'orders', notice: 'not-permitted' });
    const lines = written()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'debug',
        context: 'Upstream',
        message: 'orders: GET 503 status in 31 ms, 2 attempts',
        requestId: 'r-1',
        event: 'call',
        upstream: 'orders',
        outcome: 'status',
        attempts: 2,
      }),
      expect.objectContaining({
        message: 'orders: the breaker notes: not-permitted',
        event: 'breaker-notice',
      }),
    ]);

    logger.levels.reset('Upstream');
    log.follow();
    expect(events.active).toBe(false);
  });

  it.each([
    [
      {
        type: 'attempt',
        upstream: 'a',
        method: 'GET',
        number: 1,
        outcome: 'timeout',
        status: undefined,
        durationMs: 250,
      },
      'attempt 1 timeout in 250 ms',
    ],
    [{ type: 'retry', upstream: 'a', number: 2, delayMs: 12.5, free: false }, 'attempt 2 follows in 13 ms'],
    [{ type: 'cache', upstream: 'a', result: 'hit', ageMs: 40, reason: undefined }, 'cache hit, 40 ms old'],
    [{ type: 'coalesced', upstream: 'a' }, 'waits for the answer to an equal call'],
    [
      { type: 'configured', upstream: 'a', change: 'changed', settings: ['urls', 'retry'] },
      'changed: urls, retry',
    ],
  ] as const)('says of %j what happened', (event, text) => {
    const { logger, written } = keptLogger();
    Logger.overrideLogger(logger);
    const events = new UpstreamEvents(() => undefined);
    logger.levels.configure('debug');
    new UpstreamLog(events, logger.levels).follow();
    events.emit(event);
    expect(written()).toMatch(new RegExp(`DEBUG \\[Upstream\\] a: ${text.replace(/[().]/g, '\\$&')}\n$`));
  });
});
