import { Logger } from '@nestjs/common';
import { eventually } from '../aggregation/testing/eventually.js';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { failureOf, Opened, statuses, valueOf } from '../upstream/testing/spec-support.js';
import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { HealthLog } from './health-log.js';
import { UpstreamHealth } from './upstream-health.js';
import { UpstreamProber } from './upstream-prober.js';
import { UpstreamStatistics } from './upstream-statistics.js';
import { UpstreamTraffic } from './upstream-traffic.js';

const opened = new Opened();
let warned: jest.SpyInstance;
let logged: jest.SpyInstance;

beforeEach(() => {
  warned = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  logged = jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
});

afterEach(async () => {
  await opened.close();
  jest.restoreAllMocks();
});

async function serving(...answers: readonly number[]): Promise<RecordingServer> {
  return opened.add(await recordingServer(statuses(...answers)));
}

const PROBED = { path: '/up', intervalMs: 100, timeoutMs: 100 };
/** In the time of a test. */
const PROBED_ONCE = { path: '/up', intervalMs: 600_000, timeoutMs: 5_000 };

interface Written {
  readonly url: string;
  readonly health?: object | null;
  readonly critical?: boolean;
  readonly retry?: object;
}

function configOf(upstreams: Readonly<Record<string, Written>>): ReturnType<typeof parseGatewayConfig> {
  return parseGatewayConfig(JSON.stringify({ upstreams }), { env: {} });
}

class Watched {
  readonly registry: UpstreamRegistry;
  readonly traffic: UpstreamTraffic;
  readonly prober: UpstreamProber;
  readonly health: UpstreamHealth;

  constructor(upstreams: Readonly<Record<string, Written>>) {
    this.registry = new UpstreamRegistry(configOf(upstreams));
    this.traffic = new UpstreamTraffic(this.registry);
    this.prober = new UpstreamProber(this.registry, this.traffic);
    this.health = new UpstreamHealth(
      this.registry,
      this.traffic,
      this.prober,
      new UpstreamStatistics(this.registry),
    );
    const providers = [this.traffic, this.prober, new HealthLog(this.registry, this.health, this.prober)];
    for (const provider of providers) provider.onApplicationBootstrap();
    opened.add({
      close: async () => {
        for (const provider of providers) provider.onModuleDestroy();
        await this.registry.onApplicationShutdown();
      },
    });
  }

  become(upstreams: Readonly<Record<string, Written>>): void {
    this.registry.replace(configOf(upstreams));
  }

  statusOf(name: string): string | undefined {
    return this.health.reports().find((report) => report.name === name)?.status;
  }
}

const pathsOf = ({ seen }: RecordingServer): readonly string[] => [...new Set(seen.map(({ url }) => url))];

describe('the health of upstreams after a reload', () => {
  it('is that of the ones there are', async () => {
    const [old, added] = [await serving(200), await serving(200)];
    const watched = new Watched({ old: { url: old.origin, health: PROBED } });
    await eventually(() => watched.statusOf('old') === 'up');
    watched.become({ added: { url: added.origin, health: PROBED } });
    expect(watched.health.reports().map(({ name }) => name)).toEqual(['added']);
    await eventually(() => watched.statusOf('added') === 'up');
    const asked = old.seen.length;
    const turns = added.seen.length;
    await eventually(() => added.seen.length >= turns + 3);
    // One may have been on its way.
    expect(old.seen.length).toBeLessThanOrEqual(asked + 1);
  });

  it('is asked for at the new path and address', async () => {
    const [one, two] = [await serving(200), await serving(200)];
    const watched = new Watched({ orders: { url: one.origin, health: PROBED } });
    await eventually(() => one.seen.length > 0);
    watched.become({ orders: { url: two.origin, health: { ...PROBED, path: '/well' } } });
    await eventually(() => two.seen.length > 0);
    expect([pathsOf(one), pathsOf(two)]).toEqual([['/up'], ['/well']]);
  });

  it('is not asked for any more where nobody wants it', async () => {
    const server = await serving(200);
    const watched = new Watched({ orders: { url: server.origin, health: PROBED } });
    await eventually(() => watched.statusOf('orders') === 'up');
    watched.become({ orders: { url: server.origin, health: null } });
    expect(watched.statusOf('orders')).toBe('unknown');
    expect(watched.prober.lastOf(watched.registry.get('orders'))).toBeUndefined();
  });

  it('goes on where what it goes by is the same', async () => {
    const server = await serving(200);
    const written = { url: server.origin, health: PROBED_ONCE };
    const watched = new Watched({ orders: written });
    await eventually(() => watched.statusOf('orders') === 'up');
    watched.become({ orders: { ...written, retry: { maxAttempts: 1 } } });
    expect(watched.statusOf('orders')).toBe('up');
  });

  it('knows nothing yet of an upstream that has moved', async () => {
    const [down, up] = [await serving(503), await serving(200)];
    const watched = new Watched({ orders: { url: down.origin, health: PROBED } });
    await eventually(() => watched.statusOf('orders') === 'down');
    await failureOf(watched.registry.get('orders').send({ method: 'GET', url: '/' }));
    expect(watched.health.reports()).toMatchObject([{ lastFailure: { reason: 'status 503' } }]);
    watched.become({ orders: { url: up.origin, health: PROBED_ONCE } });
    expect(watched.health.reports()).toMatchObject([{ status: 'unknown', probe: null, lastFailure: null }]);
    await eventually(() => watched.statusOf('orders') === 'up');
    expect(warned).toHaveBeenCalledTimes(1);
    expect(logged).not.toHaveBeenCalled();
  });

  it('is not confused by the last call of an upstream that is gone', async () => {
    const server = await serving(200);
    const watched = new Watched({ orders: { url: server.origin, health: null } });
    const orders = watched.registry.get('orders');
    watched.become({ others: { url: server.origin, health: null } });
    const failed = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    await valueOf(orders.send({ method: 'GET', url: '/' }));
    expect(failed).not.toHaveBeenCalled();
  });
});
