import { type DynamicModule, Module, type Type, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { type Tracer } from '@opentelemetry/api';
import { AggregationModule } from './aggregation/aggregation.module.js';
import { CompositeModule } from './composite/composite.module.js';
import { type GatewayDefinition } from './composite/config/gateway.js';
import { AffectedComposites } from './health/affected-composites.js';
import { HealthModule } from './health/health.module.js';
import { UpstreamModule } from './upstream/upstream.module.js';

/** The API: the library's modules, and on top of them what a gateway adds in code. */
@Module({})
export class AppModule {
  static with(
    { config, composites, source }: GatewayDefinition,
    features: readonly Type[] = [],
    tracer?: Tracer,
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        UpstreamModule.forRoot({ config, tracer }),
        AggregationModule,
        HealthModule,
        ...features,
        CompositeModule.forRoot(composites, source),
      ],
      providers: [AffectedComposites, { provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
    };
  }
}
