import { type DynamicModule, Inject, Injectable, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { whenServed } from '../aggregation/when-served.js';
import { type CompositeMatch, CompositeTable } from './composite-table.js';
import { CompositeController } from './composite.controller.js';
import { type CompositePlan } from './plan.js';

declare module 'fastify' {
  interface FastifyRequest {
    composite: CompositeMatch | undefined;
  }
}

const PLANS = Symbol('plans');

/** Finds the composite of each request that reached the route of all of them, before its body is read. */
@Injectable()
export class CompositeRoutes {
  constructor(host: HttpAdapterHost, table: CompositeTable, @Inject(PLANS) plans: readonly CompositePlan[]) {
    table.replace(plans);
    whenServed(host, (fastify) => {
      fastify.decorateRequest('composite', undefined);
      fastify.addHook('onRequest', (request, reply, done) => {
        if (request.routeOptions.url === '/*') {
          const { url } = request;
          const query = url.indexOf('?');
          request.composite = table.find(request.method, query < 0 ? url : url.slice(0, query));
          if (request.composite === undefined) {
            reply.callNotFound();
            return;
          }
        }
        done();
      });
    });
  }
}

/** Serves the composites of a gateway file. Import it once, behind every module with controllers. */
@Module({})
export class CompositeModule {
  static forRoot(plans: readonly CompositePlan[]): DynamicModule {
    return {
      module: CompositeModule,
      controllers: [CompositeController],
      providers: [{ provide: PLANS, useValue: plans }, CompositeTable, CompositeRoutes],
      exports: [CompositeTable],
    };
  }
}
