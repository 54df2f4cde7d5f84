import { Logger } from '@nestjs/common';
import { type RecordingServer, recordingServer, type Serve } from '../http/testing/recording-server.js';
import {
  Fixture,
  Opened,
  outcomeOf,
  refusingOrigin,
  statuses,
  type WrittenUpstream,
} from '../upstream/testing/spec-support.js';
import { HealthLog } from './health-log.js';
import { UpstreamHealth } from './upstream-health.js';
import { UpstreamProber } from './upstream-prober.js';
import { type UpstreamReport } from './upstream-report.js';
import { UpstreamStatistics } from './upstream-statistics.js';
import { UpstreamTraffic } from './upstream-traffic.js';

const opened = new Opened();
let log: HealthLog | undefined;
let warn: jest.SpyInstance;
let info: jest.SpyInstance;

beforeEach(() => {
  warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
  info = jest.spyOn(Logger.prototype, 'log').mockImplementation();
});

afterEach(async () => {
  log?.onModuleDestroy();
  jest.restoreAllMocks();
  await opened.close();
});

const WELL = statuses(200);
const BADLY = statuses(500);
const FRESH = {
  state: 'available',
  consecutiveFailures: 0,
  successRatePercent: null,
  timesEjected: 0,
  returnsInMs: 0,
};

async function origins(servers: readonly Serve[]): Promise<readonly string[]> {
  const started: RecordingServer[] = [];
  for (const serve of servers) started.push(opened.add(await recordingServer(serve)));
  return started.map(({ origin }) => origin);
}

/** An upstream with these endpoints, on a clock that stands still. */
function among(urls: readonly string[], policy: WrittenUpstream = {}) {
  const written: WrittenUpstream = {
    urls,
    retry: { maxAttempts: 1 },
    circuitBreaker: { mode: 'disabled' },
    ...policy,
  };
  const { orders, registry, clock } = opened.add(new Fixture(written, { random: () => 0 }));
  const traffic = new UpstreamTraffic(registry);
  const prober = new UpstreamProber(registry, traffic);
  const health = new UpstreamHealth(registry, traffic, prober, new UpstreamStatistics(registry));
  log = new HealthLog(registry, health, prober);
  log.onApplicationBootstrap();
  const call = async (calls: number): Promise<void> => {
    for (let made = 0; made < calls; made++) await outcomeOf(orders.send({ method: 'GET', url: '/' }));
  };
  const report = (): Partial<UpstreamReport> => health.reports()[0] ?? {};
  return { clock, call, report };
}

describe('the report of an upstream with several endpoints', () => {
  it('describes each', async () => {
    const [well = '', badly = ''] = await origins([WELL, BADLY]);
    const { call, report } = among([well, badly]);
    await call(4);
    expect(report().endpoints).toEqual([
      { origin: well, ...FRESH },
      { origin: badly, ...FRESH, consecutiveFailures: 2 },
    ]);
    expect(report()).not.toHaveProperty('panicking');
  });

  it('says for how long one is ejected, and that it starts slowly afterwards', async () => {
    const { call, report, clock } = among(await origins([WELL, BADLY]), { slowStart: { windowMs: 10_000 } });
    await call(10);
    clock.advance(12_000);
    expect(report().endpoints).toMatchObject([
      { state: 'available' },
      { state: 'ejected', timesEjected: 1, returnsInMs: 18_000 },
    ]);
    clock.advance(18_000);
    expect(report().endpoints).toMatchObject([FRESH, { state: 'slow-start', returnsInMs: 0 }]);
    clock.advance(10_000);
    expect(report().endpoints).toMatchObject([{ state: 'available' }, { state: 'available' }]);
  });

  it('says which has just refused a connection', async () => {
    const { call, report, clock } = among([...(await origins([WELL])), await refusingOrigin()]);
    await call(2);
    expect(report().endpoints).toMatchObject([{ state: 'available' }, { state: 'refused' }]);
    clock.advance(1_000);
    expect(report().endpoints).toMatchObject([{ state: 'available' }, { state: 'available' }]);
  });

  it('gives the success rate of the last interval to one decimal', async () => {
    let requests = 0;
    const often: Serve = (_request, response) => {
      response.statusCode = ++requests % 3 === 0 ? 500 : 200;
      response.end();
    };
    const { call, report, clock } = among(await origins([WELL, often]));
    await call(6);
    clock.advance(10_000);
    expect(report().endpoints).toMatchObject([{ successRatePercent: 100 }, { successRatePercent: 66.7 }]);
  });

  it('says when so few are left that all are used', async () => {
    const { call, report } = among(await origins([BADLY, BADLY]), {
      outlierDetection: { maxEjectionPercent: 100 },
    });
    await call(10);
    expect(report()).toMatchObject({ panicking: true, endpoints: [{ state: 'ejected' }, {}] });
  });

  it('has nothing to say of a lone one', async () => {
    const { call, report } = among(await origins([BADLY]));
    await call(10);
    expect(report()).not.toHaveProperty('endpoints');
  });
});

describe('the health log', () => {
  it('says once that an endpoint is ejected, why and for how long, and once that it is back', async () => {
    const [well = '', badly = ''] = await origins([WELL, BADLY]);
    const { call, clock } = among([well, badly]);
    await call(8);
    expect(warn).not.toHaveBeenCalled();
    await call(12);
    const endpoint = `endpoint ${badly} of upstream 'orders'`;
    expect(warn.mock.calls).toEqual([[`${endpoint} is ejected for 30.0 s: too many failures in a row`]]);
    expect(info).not.toHaveBeenCalled();
    clock.advance(30_000);
    await call(4);
    expect(info.mock.calls).toEqual([[`${endpoint} is back`]]);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
