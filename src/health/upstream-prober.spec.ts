import { Logger } from '@nestjs/common';
import { AxiosError, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { firstValueFrom, Observable, type Subscriber } from 'rxjs';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { type Upstream } from '../upstream/upstream.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { HealthLog } from './health-log.js';
import { UpstreamHealth } from './upstream-health.js';
import { UpstreamProber } from './upstream-prober.js';
import { UpstreamStatistics } from './upstream-statistics.js';
import { UpstreamTraffic } from './upstream-traffic.js';

const ONE_ENDPOINT = `
upstreams:
  orders:
    url: http://orders.test/api
    headers: { X-Tenant: blue }
    health: { path: /healthz, intervalMs: 5000, timeoutMs: 1000 }
    retry: { maxAttempts: 1 }
`;

const TWO_ENDPOINTS = `
upstreams:
  orders:
    urls: [http://one.test, http://two.test]
    health: { intervalMs: 5000, timeoutMs: 1000 }
`;

class WireRequest {
  state: 'open' | 'answered' | 'cancelled' = 'open';

  constructor(
    readonly config: AxiosRequestConfig,
    private readonly subscriber: Subscriber<AxiosResponse<unknown>>,
  ) {
    subscriber.add(() => {
      if (this.state === 'open') this.state = 'cancelled';
    });
  }

  answer(status = 200): void {
    this.state = 'answered';
    const response = { status, data: '', headers: {} } as AxiosResponse<unknown>;
    if (status < 300) {
      this.subscriber.next(response);
      this.subscriber.complete();
    } else {
      this.subscriber.error(new AxiosError('refused', 'ERR_BAD_RESPONSE', undefined, {}, response));
    }
  }

  refuse(): void {
    this.state = 'answered';
    this.subscriber.error(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
  }
}

/** A prober on a clock that stands still, over a wire that does what the test says. `random` is the same each time. */
class Bench {
  readonly clock = new VirtualClock();
  readonly requests: WireRequest[] = [];
  readonly registry: UpstreamRegistry;
  readonly traffic: UpstreamTraffic;
  readonly prober: UpstreamProber;
  readonly health: UpstreamHealth;
  readonly log: HealthLog;
  readonly orders: Upstream;

  constructor(yaml = ONE_ENDPOINT, random = 0.5) {
    this.registry = new UpstreamRegistry(parseGatewayConfig(yaml), {
      clock: this.clock,
      random: () => random,
    });
    this.traffic = new UpstreamTraffic(this.registry);
    this.prober = new UpstreamProber(this.registry, this.traffic);
    this.health = new UpstreamHealth(
      this.registry,
      this.traffic,
      this.prober,
      new UpstreamStatistics(this.registry),
    );
    this.log = new HealthLog(this.registry, this.health, this.prober);
    this.orders = this.registry.get('orders');
    jest.spyOn(this.orders.http, 'request').mockImplementation(
      (config) =>
        new Observable<AxiosResponse>((subscriber) => {
          this.requests.push(new WireRequest(config, subscriber as Subscriber<AxiosResponse<unknown>>));
        }),
    );
    // The wire of real traffic is the same service's.
    jest.spyOn(this.orders.http, 'exchange').mockImplementation((config) => this.orders.http.request(config));
    for (const provider of this.providers) provider.onApplicationBootstrap();
  }

  get last(): WireRequest {
    return this.requests.at(-1)!;
  }

  get result() {
    return this.prober.lastOf(this.orders);
  }

  /** Runs the clock on to the next probe, and gives what it asks; nothing if there is none within 6 s. */
  nextProbe(): readonly WireRequest[] {
    this.requests.length = 0;
    for (let ms = 0; ms < 6_000 && this.requests.length === 0; ms += 100) this.clock.advance(100);
    return this.requests;
  }

  /** One real call, and how the upstream answers it. */
  call(respond: (request: WireRequest) => void): void {
    const call = firstValueFrom(this.orders.send({ method: 'GET', url: '/7' })).catch(() => undefined);
    respond(this.last);
    void call;
    this.requests.length = 0;
  }

  stop(): void {
    for (const provider of this.providers) provider.onModuleDestroy();
  }

  private get providers() {
    return [this.traffic, this.prober, this.log];
  }
}

const answer = (request: WireRequest): void => {
  request.answer();
};

const refuse = (request: WireRequest): void => {
  request.refuse();
};

const benches: Bench[] = [];

function bench(yaml?: string, random?: number): Bench {
  const made = new Bench(yaml, random);
  benches.push(made);
  return made;
}

let warned: jest.SpyInstance;
let logged: jest.SpyInstance;

beforeEach(() => {
  warned = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  logged = jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
});

afterEach(async () => {
  for (const { registry } of benches.splice(0)) await registry.onApplicationShutdown();
  jest.restoreAllMocks();
});

describe('a probe', () => {
  it("asks the upstream's own health path, with its own headers, and says who asks", () => {
    const { clock, requests } = bench();
    clock.advance(200);
    expect(requests.map(({ config }) => config)).toEqual([
      expect.objectContaining({
        method: 'GET',
        url: 'http://orders.test/api/healthz',
        headers: { 'x-tenant': 'blue', 'user-agent': 'tributary-health-probe' },
      }),
    ]);
  });

  it.each([
    [200, { ok: true, silentEndpoints: 0 }],
    [302, { ok: true, silentEndpoints: 0, reason: 'status 302' }],
    [404, { ok: true, silentEndpoints: 0, reason: 'status 404' }],
    [429, { ok: true, silentEndpoints: 0, reason: 'status 429' }],
    [500, { ok: false, silentEndpoints: 1, reason: 'status 500' }],
    [503, { ok: false, silentEndpoints: 1, reason: 'status 503' }],
  ])('that is answered with %d', (status, result) => {
    const { clock, requests, prober, orders } = bench();
    clock.advance(200);
    clock.advance(30);
    requests[0]!.answer(status);
    expect(prober.lastOf(orders)).toEqual({ at: 230, durationMs: 130, ...result });
  });

  it('that finds nobody', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.refuse();
    expect(given.result).toMatchObject({ ok: false, reason: 'connect' });
  });

  it('that is not answered in time is called back', () => {
    const given = bench();
    given.clock.advance(100 + 1_000);
    expect(given.last.state).toBe('cancelled');
    expect(given.result).toEqual({
      ok: false,
      at: 1_100,
      durationMs: 1_000,
      silentEndpoints: 1,
      reason: 'timeout',
    });
  });

  it('says nothing about the upstream when our own event loop was blocked', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.answer();
    const before = given.result;
    given.nextProbe();
    given.clock.block(3_000);
    // It gets its time once more.
    given.clock.advance(1_000);
    expect(given.last.state).toBe('cancelled');
    expect(given.result).toBe(before);
    expect(given.nextProbe()).toHaveLength(1);
  });

  it('asks all endpoints at once, and one answer is enough', () => {
    const given = bench(TWO_ENDPOINTS);
    given.clock.advance(200);
    expect(given.requests.map(({ config }) => config.url)).toEqual([
      'http://one.test/health',
      'http://two.test/health',
    ]);
    given.requests[0]!.refuse();
    given.requests[1]!.answer();
    expect(given.result).toMatchObject({ ok: true, silentEndpoints: 1, reason: 'connect' });
    expect(given.health.of(given.orders).status).toBe('degraded');
  });

  it('leaves breaker and bulkhead alone', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.refuse();
    expect(given.orders.breaker.snapshot()).toMatchObject({ calls: 0, failures: 0 });
    expect(given.orders.bulkhead.inUse).toBe(0);
  });
});

describe('the probe loop', () => {
  it.each([
    [0, 0, 4_000],
    [0.5, 100, 5_000],
    [0.75, 150, 5_500],
  ])('spreads its turns: random %d starts after %d ms and goes on after %d ms', (random, firstMs, nextMs) => {
    const { clock, requests } = bench(ONE_ENDPOINT, random);
    clock.advance(firstMs - 1);
    expect(requests).toHaveLength(0);
    clock.advance(1);
    expect(requests).toHaveLength(1);
    requests[0]!.answer();
    clock.advance(nextMs - 1);
    expect(requests).toHaveLength(1);
    clock.advance(1);
    expect(requests).toHaveLength(2);
  });

  it('never has two probes out', () => {
    const given = bench(`
upstreams:
  orders: { url: 'http://orders.test', health: { intervalMs: 1000, timeoutMs: 1000 } }
`);
    for (let ms = 0; ms < 20_000; ms += 50) {
      given.clock.advance(50);
      expect(given.requests.filter(({ state }) => state === 'open').length).toBeLessThanOrEqual(1);
    }
    expect(given.requests.length).toBeGreaterThan(5);
  });

  it('spreads its turns as far as it is told', () => {
    const yaml = (jitterPercent: number) =>
      `upstreams: { orders: { url: 'http://orders.test', health: { intervalMs: 5000, jitterPercent: ${jitterPercent} } } }`;
    for (const [jitterPercent, nextMs] of [
      [0, 5_000],
      [50, 7_500],
    ] as const) {
      const { clock, requests } = bench(yaml(jitterPercent), 1);
      clock.advance(200);
      requests[0]!.answer();
      clock.advance(nextMs - 1);
      expect(requests).toHaveLength(1);
      clock.advance(1);
      expect(requests).toHaveLength(2);
    }
  });

  it('says when its next turn is', () => {
    const { clock, last, prober, orders, requests } = bench();
    expect(last).toBeUndefined();
    expect(prober.nextOf(orders)).toBe(100);
    clock.advance(150);
    expect(prober.nextOf(orders)).toBeUndefined();
    requests[0]!.answer();
    expect(prober.nextOf(orders)).toBe(5_150);
  });

  it('asks nothing while real calls succeed', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.answer();
    for (let ms = 0; ms < 60_000; ms += 1_000) {
      given.clock.advance(1_000);
      given.call((request) => {
        request.answer();
      });
    }
    expect(given.requests).toHaveLength(0);
    expect(given.nextProbe()).toHaveLength(1);
  });

  it.each([
    [404, 0],
    [503, 1],
    [429, 1],
  ])('after a real call that was answered with %d asks %d times', (status, times) => {
    const given = bench();
    given.clock.advance(200);
    given.last.answer();
    given.clock.advance(4_000);
    given.call((request) => {
      request.answer(status);
    });
    given.clock.advance(1_000);
    expect(given.requests).toHaveLength(times);
  });

  it('asks again after a bad probe, though real calls succeed', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.refuse();
    expect(given.health.of(given.orders).status).toBe('down');
    given.call((request) => {
      request.answer();
    });
    expect(given.health.of(given.orders).status).toBe('degraded');
    given.nextProbe()[0]!.answer();
    expect(given.health.of(given.orders).status).toBe('up');
  });

  it('comes soon when calls do nothing but fail, and finds it down', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.answer();
    given.clock.advance(1_000);
    given.call(answer);
    given.call(refuse);
    given.call(refuse);
    given.clock.advance(500);
    expect(given.requests).toHaveLength(0);
    given.call(refuse);
    given.clock.advance(100);
    expect(given.requests).toHaveLength(1);
    refuse(given.last);
    expect(given.health.of(given.orders)).toMatchObject({ status: 'down', reason: 'probe failed: connect' });
    // It is known by now: more of the same makes no difference.
    given.call(refuse);
    given.clock.advance(2_000);
    expect(given.requests).toHaveLength(0);
  });

  it('is asked out of turn at most once a second', () => {
    const given = bench(ONE_ENDPOINT.replace('retry:', 'circuitBreaker: { mode: disabled }\n    retry:'));
    const asked: number[] = [];
    given.clock.advance(200);
    given.last.answer();
    for (let ms = 0; ms < 4_000; ms += 100) {
      given.call(answer);
      for (let calls = 0; calls < 3; calls++) given.call(refuse);
      given.clock.advance(100);
      if (given.requests.length === 0) continue;
      asked.push(given.clock.now());
      given.last.answer();
      given.requests.length = 0;
    }
    expect(asked.length).toBeGreaterThan(2);
    for (const [index, at] of asked.slice(1).entries())
      expect(at - asked[index]!).toBeGreaterThanOrEqual(1_000);
  });

  it('leaves an upstream without a health path alone', () => {
    const given = bench('upstreams: { orders: { url: "http://orders.test", health: null } }');
    expect(given.clock.pendingTimers).toBe(0);
    expect(given.health.of(given.orders).status).toBe('unknown');
  });

  it('ends with the application, and calls back the probe that is out', () => {
    const given = bench();
    given.clock.advance(200);
    expect(given.last.state).toBe('open');
    given.stop();
    expect(given.last.state).toBe('cancelled');
    expect(given.clock.pendingTimers).toBe(0);
    expect(given.registry.events.active).toBe(false);
  });
});

describe('probes that are paused', () => {
  it('are not made, and the one that is out is called back', () => {
    const given = bench();
    given.clock.advance(200);
    expect(given.prober.pause('orders')).toBe(true);
    expect(given.last.state).toBe('cancelled');
    expect(given.prober.isPaused('orders')).toBe(true);
    expect(given.clock.pendingTimers).toBe(0);
    expect(given.nextProbe()).toHaveLength(0);
    expect(given.prober.nextOf(given.orders)).toBeUndefined();
  });

  it('count for nothing: what they found turns no upstream down', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.refuse();
    expect(given.health.of(given.orders).status).toBe('down');
    given.prober.pause('orders');
    expect(given.health.of(given.orders).status).toBe('unknown');
    expect(logged.mock.calls).toEqual([["upstream 'orders' is back after 0.0 s"]]);
    given.call((request) => {
      request.answer();
    });
    expect(given.health.of(given.orders).status).toBe('up');
  });

  it('begin anew when they are resumed', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.refuse();
    given.prober.pause('orders');
    given.clock.advance(60_000);
    given.requests.length = 0;
    expect(given.prober.resume('orders')).toBe(true);
    expect(given.prober.resume('orders')).toBe(true);
    given.clock.advance(200);
    expect(given.requests).toHaveLength(1);
    given.last.answer();
    expect(given.health.of(given.orders).status).toBe('up');
    expect(given.nextProbe()).toHaveLength(1);
  });

  it('stay paused when a reload changes the upstream, and not when it takes it away', () => {
    const given = bench();
    given.prober.pause('orders');
    given.registry.replace(parseGatewayConfig(ONE_ENDPOINT.replace('/healthz', '/up')));
    expect(given.prober.isPaused('orders')).toBe(true);
    expect(given.clock.pendingTimers).toBe(0);
    given.registry.replace(parseGatewayConfig(ONE_ENDPOINT.replace('orders:', 'others:')));
    given.registry.replace(parseGatewayConfig(ONE_ENDPOINT));
    expect(given.prober.isPaused('orders')).toBe(false);
  });

  it('are those of an upstream there is', () => {
    const given = bench();
    expect([given.prober.pause('ordesr'), given.prober.resume('ordesr')]).toEqual([false, false]);
    expect(given.prober.isPaused('ordesr')).toBe(false);
  });

  it('do not begin after the end of the application', () => {
    const given = bench();
    given.prober.pause('orders');
    given.stop();
    given.prober.resume('orders');
    expect(given.clock.pendingTimers).toBe(0);
  });
});

describe('the health log', () => {
  it('tells once that an upstream is down, and once that it is back', () => {
    const given = bench();
    given.clock.advance(200);
    given.last.answer();
    expect(warned).not.toHaveBeenCalled();
    for (let round = 0; round < 3; round++) given.nextProbe()[0]!.refuse();
    expect(warned.mock.calls).toEqual([["upstream 'orders' is down: probe failed: connect"]]);
    for (let round = 0; round < 3; round++) given.nextProbe()[0]!.answer();
    expect(warned).toHaveBeenCalledTimes(1);
    expect(logged.mock.calls).toEqual([["upstream 'orders' is back after 15.0 s"]]);
  });

  it('tells at once when a breaker opens, and not when it lets a call through to see', () => {
    const given = bench(`
upstreams:
  orders:
    url: http://orders.test
    critical: true
    circuitBreaker: { minimumNumberOfCalls: 2, permittedCallsInHalfOpen: 1, openMs: 1000 }
    retry: { maxAttempts: 1 }
`);
    given.clock.advance(200);
    given.last.answer();
    const fail = (request: WireRequest): void => {
      request.refuse();
    };
    given.call(fail);
    given.call(fail);
    expect(warned.mock.calls).toEqual([
      ["upstream 'orders' is down: the breaker is open; the gateway is not ready"],
    ]);
    given.clock.advance(1_000);
    given.call(fail);
    given.clock.advance(2_000);
    expect(given.orders.breaker.stateName).toBe('open');
    expect(logged).not.toHaveBeenCalled();
    given.call((request) => {
      request.answer();
    });
    expect(given.orders.breaker.stateName).toBe('closed');
    expect(warned).toHaveBeenCalledTimes(1);
    expect(logged).toHaveBeenCalledTimes(1);
  });
});

describe('a critical upstream that recovered while nobody called it', () => {
  it('counts as there again when a probe says so, for only a call can close its breaker', () => {
    const given = bench(`
upstreams:
  orders:
    url: http://orders.test
    critical: true
    circuitBreaker: { minimumNumberOfCalls: 1, openMs: 1000 }
    retry: { maxAttempts: 1 }
`);
    given.clock.advance(200);
    given.last.answer();
    given.call((request) => {
      request.refuse();
    });
    given.clock.advance(1_500);
    expect(given.health.critical()).toEqual([{ name: 'orders', down: true }]);
    given.nextProbe()[0]!.answer();
    expect(given.health.critical()).toEqual([{ name: 'orders', down: false }]);
    expect(given.health.of(given.orders).status).toBe('degraded');
  });
});

describe('what another application shares', () => {
  it('is begun once, however often it is told to', () => {
    const given = bench();
    given.prober.onApplicationBootstrap();
    given.traffic.onApplicationBootstrap();
    given.clock.advance(200);
    expect(given.requests).toHaveLength(1);
    given.stop();
    expect(given.registry.events.active).toBe(false);
  });
});
