import { Logger } from '@nestjs/common';
import {
  type ExchangeEvent,
  ExchangeEvents,
  type NamedComposite,
} from '../../aggregation/exchange-events.js';
import { type FailureLog } from '../../aggregation/failure-log.js';
import { type PartReport } from '../../aggregation/part-report.js';
import { VirtualClock } from '../../resilience/virtual-clock.js';
import { seededRandom } from '../../resilience/random.js';
import { GatewayLog } from './gateway-log.js';
import { RequestLog } from './request-log.js';
import { keptLogger } from './testing/kept-stream.js';

let kept: ReturnType<typeof keptLogger>;
let clock: VirtualClock;
let exchanges: ExchangeEvents;
let handOvers: number;
let log: RequestLog;

beforeEach(() => {
  kept = keptLogger({ nodeEnv: 'production' });
  Logger.overrideLogger(kept.logger);
  clock = new VirtualClock();
  exchanges = new ExchangeEvents();
  handOvers = 0;
  const failures = {
    leaveToOthers: () => {
      handOvers++;
      return () => handOvers--;
    },
  } as unknown as FailureLog;
  log = new RequestLog({ exchanges, failures, levels: kept.logger.levels }, clock, seededRandom(1));
  log.configure({ requests: true, successPercent: 100 });
});

afterEach(() => {
  log.stop();
  Logger.overrideLogger(false);
});

const part = (name: string, rest: Partial<PartReport> = {}): PartReport => ({
  part: name,
  state: 'ok',
  reason: undefined,
  durationMs: 5,
  ...rest,
});

function composite(complete: boolean, ...parts: readonly PartReport[]): NamedComposite {
  return {
    report: { complete, parts },
    partialStatus: undefined,
    reportInBody: false,
    faults: complete ? [] : [{ part: 'b', detail: "upstream 'b' answered 500", attempts: 2 }],
    name: 'screen',
    durationMs: 10,
    outline: () => [],
  };
}

function ended(rest: Partial<ExchangeEvent> = {}): void {
  exchanges.emit({
    requestId: 'r-1',
    method: 'GET',
    route: '/orders/{id}',
    status: 200,
    clientLeft: false,
    startedAt: 0,
    durationMs: 12.345,
    composites: [],
    exchange: undefined,
    ...rest,
  });
}

type Line = Readonly<Record<string, unknown>>;

const lines = (): readonly Line[] =>
  kept
    .written()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

const PARTIAL = composite(
  false,
  part('a'),
  part('b', { state: 'fallback', reason: 'status', durationMs: 7 }),
);

describe('the line of a request', () => {
  it('says what was asked, what became of it, and how long that took', () => {
    ended({ composites: [composite(true, part('a'))], bytes: 1234 });
    const [line] = lines();
    expect(line).toEqual({
      timestamp: expect.any(String) as string,
      level: 'info',
      context: 'Request',
      message: 'GET /orders/{id} 200 in 12 ms',
      requestId: 'r-1',
      method: 'GET',
      route: '/orders/{id}',
      status: 200,
      durationMs: 12.3,
      bytes: 1234,
      composites: ['screen'],
      complete: true,
    });
  });

  it('names the parts that are not ok, with what they ran into', () => {
    ended({ composites: [PARTIAL] });
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: "GET /orders/{id} 200 partial in 12 ms: b fallback (status: upstream 'b' answered 500)",
        complete: false,
        parts: [
          {
            part: 'b',
            state: 'fallback',
            reason: 'status',
            detail: "upstream 'b' answered 500",
            attempts: 2,
            durationMs: 7,
          },
        ],
      }),
    ]);
  });

  it('names all parts at debug, and says of which of several composites they are', () => {
    kept.logger.levels.set('Request', 'debug');
    log.follow();
    ended({ composites: [composite(true, part('a')), { ...PARTIAL, name: 'GET /orders/{id}' }] });
    const [line] = lines();
    expect(line).toMatchObject({
      composites: ['screen', 'GET /orders/{id}'],
      complete: false,
      parts: [
        { composite: 'screen', part: 'a', state: 'ok' },
        { composite: 'GET /orders/{id}', part: 'a', state: 'ok' },
        { composite: 'GET /orders/{id}', part: 'b', state: 'fallback' },
      ],
    });
    expect(line!['message']).toContain(': a ok 5 ms, a ok 5 ms, b fallback (');
  });

  it.each([
    [{ status: 404, route: undefined }, 'info', 'GET (no route) 404 in 12 ms'],
    [{ status: 503 }, 'warn', 'GET /orders/{id} 503 in 12 ms'],
    [{ status: undefined, clientLeft: true }, 'info', 'GET /orders/{id} client left in 12 ms'],
    [{ status: 200, clientLeft: true }, 'info', 'GET /orders/{id} 200 client left in 12 ms'],
    [
      {
        status: 502,
        failure: { part: undefined, reason: 'status', detail: 'it answered 500', unexpected: undefined },
      },
      'warn',
      'GET /orders/{id} 502 in 12 ms: it answered 500',
    ],
  ] as const)('of %j is %s', (event, level, message) => {
    ended(event);
    expect(lines()).toEqual([expect.objectContaining({ level, message })]);
  });

  it('has what nobody expected, with its stack', () => {
    const unexpected = new TypeError('a bug');
    ended({
      status: 500,
      failure: { part: undefined, reason: undefined, detail: 'unexpected TypeError', unexpected },
    });
    const [line] = lines();
    expect(line).toMatchObject({
      level: 'error',
      message: 'GET /orders/{id} 500 in 12 ms: unexpected TypeError',
      error: { name: 'TypeError', message: 'a bug', stack: expect.stringContaining('at ') as string },
    });
  });

  it('has what was thrown and is no error, without its secrets', () => {
    const unexpected = { url: 'http://a/?key=hunter2', password: 'hunter2' };
    ended({
      status: 500,
      failure: { part: undefined, reason: undefined, detail: 'unexpected object', unexpected },
    });
    const [line] = lines();
    expect(line).toMatchObject({ thrown: { url: 'http://a/?[redacted]', password: '[redacted]' } });
  });
});

describe('the log of requests', () => {
  it('has of the successes as many as it is to', () => {
    log.configure({ requests: true, successPercent: 10 });
    for (let n = 0; n < 1_000; n++) ended();
    expect(lines().length).toBeGreaterThan(60);
    expect(lines().length).toBeLessThan(140);
    log.configure({ requests: true, successPercent: 0 });
    const before = lines().length;
    ended();
    ended({ composites: [PARTIAL] });
    ended({ status: 404 });
    expect(lines()).toHaveLength(before + 2);
  });

  it('has ten a second of those that end badly in the same way, and counts the others', () => {
    for (let n = 0; n < 100; n++) ended({ requestId: `r-${n}`, composites: [PARTIAL] });
    ended({ status: 404 });
    expect(lines()).toHaveLength(11);
    clock.advance(1_000);
    expect(lines()).toHaveLength(12);
    const last = lines().at(-1)!;
    expect(last).toMatchObject({ requestId: 'r-99', more: 89 });
    expect(last['message']).toContain('(89 more like it)');
    for (let n = 0; n < 5; n++) ended({ composites: [PARTIAL] });
    log.stop();
    expect(lines()).toHaveLength(13);
  });

  it('has health checks at debug only, unless they fail', () => {
    ended({ route: '/health/ready' });
    ended({ route: '/health/ready', status: 503 });
    ended({ route: '/healthy' });
    expect(lines().map(({ route }) => route)).toEqual(['/healthy']);
    kept.logger.levels.set(undefined, 'debug');
    log.follow();
    ended({ route: '/health/ready' });
    expect(lines().at(-1)).toMatchObject({ level: 'debug', route: '/health/ready' });
  });

  it('leaves out what its level does', () => {
    kept.logger.levels.set('Request', 'warn');
    log.follow();
    ended();
    ended({ status: 404 });
    ended({ status: 503 });
    expect(lines().map(({ status }) => status)).toEqual([503]);
  });

  it('listens to nothing where nothing would be written, and leaves failures to who logs them then', () => {
    expect([exchanges.active, handOvers]).toEqual([true, 1]);
    log.configure({ requests: false, successPercent: 100 });
    expect([exchanges.active, handOvers]).toEqual([false, 0]);
    log.configure({ requests: true, successPercent: 100 });
    expect([exchanges.active, handOvers]).toEqual([true, 1]);
    kept.logger.levels.set('Request', 'off');
    log.follow();
    expect([exchanges.active, handOvers]).toEqual([false, 0]);
  });

  it('follows the levels of the moment', () => {
    const upstreams = { subscribe: jest.fn(() => () => undefined) };
    const { levels } = kept.logger;
    log.stop();
    const whole = new GatewayLog(
      {
        exchanges,
        failures: { leaveToOthers: () => () => undefined } as never,
        upstreams: upstreams as never,
      },
      levels,
    );
    whole.configure({ level: 'off', format: 'auto', requests: true, successPercent: 100 });
    expect(exchanges.active).toBe(false);
    levels.set(undefined, 'info');
    expect(exchanges.active).toBe(true);
    expect(upstreams.subscribe).not.toHaveBeenCalled();
    levels.set('Upstream', 'debug');
    expect(upstreams.subscribe).toHaveBeenCalledTimes(1);
    whole.stop();
    expect(exchanges.active).toBe(false);
  });
});
