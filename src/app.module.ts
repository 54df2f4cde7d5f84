import { type DynamicModule, Module, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { AggregationModule } from './aggregation/aggregation.module.js';
import { HealthModule } from './health/health.module.js';
import { StorefrontModule } from './storefront/storefront.module.js';
import { type GatewayConfig } from './upstream/config/gateway-config.js';
import { UpstreamModule } from './upstream/upstream.module.js';

/** The API: the library's modules, and the reference gateway on top of them. */
@Module({})
export class AppModule {
  static with(config: GatewayConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [UpstreamModule.forRoot({ config }), AggregationModule, HealthModule, StorefrontModule],
      providers: [{ provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
    };
  }
}
