import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AdmissionControl } from './admission-control.js';
import { AllowedMethods } from './allowed-methods.js';
import { CompositeResponse } from './composite-response.js';
import { ConnectionDraining } from './connection-draining.js';
import { ExchangeEvents } from './exchange-events.js';
import { ExchangeWatch } from './exchange-watch.js';
import { FailureLog } from './failure-log.js';
import { ProblemFilter } from './problem.filter.js';
import { ServedRoutes } from './served-routes.js';

/**
 * Turns composites into HTTP responses and errors into problem documents. Import it once, in the root module of an
 * application on Fastify.
 */
@Global()
@Module({
  providers: [
    AdmissionControl,
    AllowedMethods,
    CompositeResponse,
    ConnectionDraining,
    ExchangeEvents,
    ExchangeWatch,
    FailureLog,
    ServedRoutes,
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
  exports: [AllowedMethods, ExchangeEvents, FailureLog, ServedRoutes],
})
export class AggregationModule {}
