import { type DynamicModule, Inject, Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AllowedMethods } from '../aggregation/allowed-methods.js';
import { ServedRoutes } from '../aggregation/served-routes.js';
import { whenServed } from '../aggregation/when-served.js';
import { ConfigurationReport } from '../upstream/config/configuration-report.js';
import { CodeSource, type ConfigurationSource } from '../upstream/config/configuration-source.js';
import { type CompositeMatch, CompositeTable } from './composite-table.js';
import { CompositeController } from './composite.controller.js';
import { type CompositePlan } from './plan.js';
import { checkHiddenRoutes } from './hidden-routes.js';
import { letUnreadBodiesThrough } from './unread-bodies.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What serves the request, in the handler of the composites. */
    readonly composite: CompositeMatch | undefined;
  }
}

const STARTED_WITH = Symbol('started with');

interface StartedWith {
  readonly plans: readonly CompositePlan[];
  readonly source: ConfigurationSource;
}

/** Puts composites beside the routes of the server. */
@Injectable()
export class CompositeRoutes implements OnApplicationBootstrap {
  constructor(
    host: HttpAdapterHost,
    served: ServedRoutes,
    private readonly allowed: AllowedMethods,
    private readonly table: CompositeTable,
    @Inject(STARTED_WITH) private readonly startedWith: StartedWith,
  ) {
    table.replace(startedWith.plans);
    served.serve(table);
    whenServed(host, (fastify) => {
      fastify.decorateRequest('composite', {
        getter() {
          return served.foundFor(this) as CompositeMatch | undefined;
        },
      });
      letUnreadBodiesThrough(fastify);
    });
  }

  /** Once every controller has its routes. */
  onApplicationBootstrap(): void {
    const { plans, source } = this.startedWith;
    const report = new ConfigurationReport(source);
    this.check(plans, report);
    report.throwIfAny();
  }

  /** Reports composites that no request would ever reach. */
  check(plans: readonly CompositePlan[], report: ConfigurationReport): void {
    checkHiddenRoutes(plans, this.allowed, report);
  }

  /** Serves these composites in place of those there are; requests in flight go on as they began. */
  replace(plans: readonly CompositePlan[]): void {
    this.table.replace(plans);
  }
}

/** Serves the composites of a gateway file. */
@Module({})
export class CompositeModule {
  /** @param source where they were written, for errors. */
  static forRoot(
    plans: readonly CompositePlan[],
    source: ConfigurationSource = new CodeSource('', undefined),
  ): DynamicModule {
    const startedWith: StartedWith = { plans, source };
    return {
      module: CompositeModule,
      controllers: [CompositeController],
      providers: [{ provide: STARTED_WITH, useValue: startedWith }, CompositeTable, CompositeRoutes],
      exports: [CompositeTable, CompositeRoutes],
    };
  }
}
