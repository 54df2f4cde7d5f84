import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { HttpService } from '@nestjs/axios';
import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { type Observable } from 'rxjs';
import { recordingServer, type RecordingServer } from '../http/testing/recording-server.js';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { ConfigurationError } from './config/configuration-error.js';
import { configOf, failureOf, Opened, statuses, valueOf } from './testing/spec-support.js';
import { UpstreamClient } from './upstream-client.js';
import { UpstreamHttpService } from './upstream-http.service.js';
import { UpstreamRegistry } from './upstream-registry.js';
import { UpstreamModule, type UpstreamRootOptions } from './upstream.module.js';
import { Upstream } from './upstream.js';

const opened = new Opened();
afterEach(() => opened.close());

@Injectable()
class OrdersClient extends UpstreamClient {
  all(): Observable<unknown> {
    return this.get('/orders');
  }

  get behind(): Upstream {
    return this.upstream;
  }
}

class UndecoratedClient extends UpstreamClient {
  get behind(): Upstream {
    return this.upstream;
  }
}

@Injectable()
class Currency {
  readonly code = 'EUR';
}

@Module({ providers: [Currency], exports: [Currency] })
class CurrencyModule {}

@Injectable()
class CatalogClient extends UpstreamClient {
  constructor(
    upstream: Upstream,
    readonly currency: Currency,
  ) {
    super(upstream);
  }

  all(): Observable<unknown> {
    return this.get('/products{?currency}', { params: { currency: this.currency.code } });
  }
}

@Module({
  imports: [UpstreamModule.register({ name: 'orders', client: OrdersClient })],
  exports: [UpstreamModule],
})
class OrdersModule {}

@Module({
  imports: [UpstreamModule.register({ name: 'catalog', client: CatalogClient, imports: [CurrencyModule] })],
  exports: [UpstreamModule],
})
class CatalogModule {}

/** Code that knows nothing of upstreams. */
@Injectable()
class Reporting {
  constructor(readonly http: HttpService) {}
}

@Module({ imports: [UpstreamModule.register({ name: 'orders' })], providers: [Reporting] })
class ReportingModule {}

@Injectable()
class Screen {
  constructor(
    readonly orders: OrdersClient,
    readonly catalog: CatalogClient,
  ) {}
}

@Module({ imports: [OrdersModule, CatalogModule], providers: [Screen] })
class ScreenModule {}

const nowhere = 'http://127.0.0.1:1';
const config = configOf({ orders: { url: nowhere }, catalog: { url: nowhere } });

async function app(
  imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>,
  root: UpstreamRootOptions = { config },
): Promise<TestingModule> {
  const module = await Test.createTestingModule({
    imports: [UpstreamModule.forRoot(root), ...imports],
  }).compile();
  return opened.add(await module.init());
}

async function servers(): Promise<{
  readonly orders: RecordingServer;
  readonly catalog: RecordingServer;
  readonly root: UpstreamRootOptions;
}> {
  const orders = opened.add(await recordingServer(statuses(200)));
  const catalog = opened.add(await recordingServer(statuses(200)));
  return {
    orders,
    catalog,
    root: { config: configOf({ orders: { url: orders.origin }, catalog: { url: catalog.origin } }) },
  };
}

describe('an upstream module', () => {
  it('re-exported by two modules side by side gives whoever imports both the two clients', async () => {
    const { orders, catalog, root } = await servers();
    const screen = (await app([ScreenModule], root)).get(Screen);
    await valueOf(screen.orders.all());
    await valueOf(screen.catalog.all());
    expect(orders.seen.map(({ url }) => url)).toEqual(['/orders']);
    expect(catalog.seen.map(({ url }) => url)).toEqual(['/products?currency=EUR']);
  });

  it('gives an HttpService under the token of @nestjs/axios', async () => {
    const { orders, root } = await servers();
    const { http } = (await app([ReportingModule], root)).get(Reporting);
    expect(http).toBeInstanceOf(UpstreamHttpService);
    await valueOf(http.get('/orders'));
    expect(orders.seen).toHaveLength(1);
  });

  it('shares its upstream with every other module that names it: breaker, bulkhead and pool', async () => {
    const module = await app([OrdersModule, ReportingModule]);
    const { behind } = module.get(OrdersClient, { strict: false });
    expect(behind).toBe(module.get(UpstreamRegistry).get('orders'));
    expect(module.get(Reporting).http.axiosRef).toBe(behind.http.axiosRef);
    behind.breaker.setMode('force-open');
    await expect(valueOf(module.get(Reporting).http.get('/orders'))).rejects.toMatchObject({
      code: 'ERR_BREAKER_OPEN',
    });
  });

  it('gives two upstreams nothing in common', async () => {
    const screen = (await app([ScreenModule])).get(Screen);
    const { behind } = screen.orders;
    behind.breaker.setMode('force-open');
    expect(await failureOf(screen.orders.all())).toMatchObject({ upstream: 'orders', reason: 'open' });
    expect(await failureOf(screen.catalog.all())).toMatchObject({ upstream: 'catalog', reason: 'connect' });
  });

  it('injects a client without a constructor, decorated or not', async () => {
    const module = await app([
      UpstreamModule.register({ name: 'orders', client: OrdersClient }),
      UpstreamModule.register({ name: 'catalog', client: UndecoratedClient }),
    ]);
    expect(module.get(OrdersClient, { strict: false }).behind.name).toBe('orders');
    expect(module.get(UndecoratedClient, { strict: false }).behind.name).toBe('catalog');
  });

  it('injects a client with dependencies of its own', async () => {
    const module = await app([CatalogModule]);
    expect(module.get(CatalogClient, { strict: false }).currency.code).toBe('EUR');
  });

  it('can be tested with a client in its place', async () => {
    const stub = { all: () => 'stubbed' };
    const module = await Test.createTestingModule({
      imports: [UpstreamModule.forRoot({ config }), ScreenModule],
    })
      .overrideProvider(OrdersClient)
      .useValue(stub)
      .compile();
    expect(module.get(Screen).orders).toBe(stub);
  });
});

describe('a mistake', () => {
  const mistake = async (start: () => Promise<unknown>): Promise<string> => {
    const error: unknown = await start().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (error instanceof ConfigurationError) return error.message;
    throw new Error(`expected a ConfigurationError, and got ${String(error)}`);
  };

  it('in the name of an upstream stops the start, with the nearest name', async () => {
    expect(await mistake(() => app([UpstreamModule.register({ name: 'order' })]))).toBe(
      "UpstreamModule.register({ name: 'order' }): upstream 'order' is not in gateway.yaml; did you mean 'orders'?",
    );
  });

  it('in the name of an upstream that is like no other names them all', async () => {
    expect(
      await mistake(() => app([UpstreamModule.register({ name: 'payments', client: OrdersClient })])),
    ).toContain('upstreams there: orders, catalog');
  });

  it('of forgetting the root stops the start, and says what is missing', async () => {
    const start = (): Promise<unknown> => Test.createTestingModule({ imports: [OrdersModule] }).compile();
    expect(await mistake(start)).toBe(
      "UpstreamModule.register({ name: 'orders' }): needs UpstreamModule.forRoot() among the imports of the root module",
    );
  });

  it('in the file stops the start where it is loaded', () => {
    expect(() => UpstreamModule.forRoot({ file: '/no/such/gateway.yaml' })).toThrow(ConfigurationError);
  });
});

describe('the registry', () => {
  it('knows all upstreams in the order of the configuration, and takes the clock it is given', async () => {
    const clock = new VirtualClock();
    const random = (): number => 0;
    const registry = (await app([], { config, clock, random })).get(UpstreamRegistry);
    expect(registry.all().map(({ name }) => name)).toEqual(['orders', 'catalog']);
    expect(registry.get('orders').runtime).toEqual({ clock, random, events: registry.events });
    expect(registry.config).toBe(config);
  });

  it('closes every socket when the application shuts down', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((_request, response) => response.end('{}'));
    server.on('connection', (socket) => sockets.add(socket));
    // Nobody but the registry is to hang up.
    server.keepAliveTimeout = 0;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const connections = { keepAliveMs: '10m', keepAliveMaxMs: '10m' };
    const module = await app([OrdersModule], { config: configOf({ orders: { url, connections } }) });
    const orders = module.get(OrdersClient, { strict: false });
    await Promise.all([valueOf(orders.all()), valueOf(orders.all())]);
    expect(sockets.size).toBe(2);
    const closed = [...sockets].map((socket) => once(socket, 'close'));
    await module.close();
    await Promise.all(closed);
    server.close();
    expect(await failureOf(orders.all())).toMatchObject({ reason: 'cancelled' });
  });
});
