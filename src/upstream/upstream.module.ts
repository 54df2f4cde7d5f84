import { HttpService } from '@nestjs/axios';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { ConfigurationError } from './config/configuration-error.js';
import { type GatewayConfig, type GatewayConfigOptions, loadGatewayConfig } from './config/gateway-config.js';
import { Upstream } from './upstream.js';
import { type UpstreamClient } from './upstream-client.js';
import { UpstreamHttpService } from './upstream-http.service.js';
import { UpstreamRegistry, type UpstreamRegistryOptions } from './upstream-registry.js';

export interface UpstreamRootOptions extends GatewayConfigOptions, UpstreamRegistryOptions {
  /** A configuration that has been loaded already; then `file` and `env` are not read. */
  readonly config?: GatewayConfig;
}

export interface UpstreamOptions<C extends UpstreamClient = UpstreamClient> {
  /** The upstream's name in `gateway.yaml`. */
  readonly name: string;
  /** The service's own client; injectable wherever the module is imported. Default: none, just {@link HttpService}. */
  readonly client?: Type<C>;
  /** Modules whose providers the client injects besides its upstream. */
  readonly imports?: DynamicModule['imports'];
}

/**
 * One upstream as a Nest module. It exports the service's client and an `HttpService` of @nestjs/axios that is bound
 * to the upstream: relative URLs, its pool, its policy. Modules that name the same upstream share it. Whoever imports
 * several upstreams injects their clients: which one's `HttpService` it got would depend on the order of its imports.
 *
 * ```ts
 * @Module({
 *   imports: [UpstreamModule.register({ name: 'orders', client: OrdersClient })],
 *   exports: [UpstreamModule],
 * })
 * export class OrdersModule {}
 * ```
 */
@Module({})
export class UpstreamModule {
  /**
   * Loads the configuration and sets up every upstream in it. Once, in the root module.
   *
   * @throws ConfigurationError with everything that is wrong with it.
   */
  static forRoot(options: UpstreamRootOptions = {}): DynamicModule {
    const config = options.config ?? loadGatewayConfig(options);
    const { clock, random, tracer } = options;
    return {
      module: UpstreamRootModule,
      global: true,
      providers: [
        {
          provide: UpstreamRegistry,
          useFactory: () => new UpstreamRegistry(config, { clock, random, tracer }),
        },
      ],
      exports: [UpstreamRegistry],
    };
  }

  static register<C extends UpstreamClient>({
    name,
    client,
    imports = [],
  }: UpstreamOptions<C>): DynamicModule {
    const where = `UpstreamModule.register({ name: '${name}' })`;
    const clients = client === undefined ? [] : [client];
    return {
      module: UpstreamModule,
      imports,
      providers: [
        {
          provide: Upstream,
          inject: [{ token: UpstreamRegistry, optional: true }],
          useFactory: (registry?: UpstreamRegistry) => {
            if (registry !== undefined) return registry.get(name, where);
            throw new ConfigurationError([
              { path: where, message: 'needs UpstreamModule.forRoot() among the imports of the root module' },
            ]);
          },
        },
        {
          provide: HttpService,
          inject: [Upstream],
          useFactory: (upstream: Upstream) => new UpstreamHttpService(upstream),
        },
        ...clients,
      ],
      exports: [HttpService, ...clients],
    };
  }
}

/** Holds the registry. A class of its own, so that a module re-exporting {@link UpstreamModule} means its upstream. */
@Module({})
class UpstreamRootModule {}
