import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock } from '../resilience/clock.js';
import { type FinishedComposite } from './exchange-context.js';
import { type ExchangeFailure, ExchangeEvents, type NamedComposite } from './exchange-events.js';
import { ServedRoutes } from './served-routes.js';
import { whenServed } from './when-served.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Why it was answered with a 5xx. */
    failure: ExchangeFailure | undefined;
  }
}

/** Tells {@link ExchangeEvents} of each request once it is over, whatever became of it. */
@Injectable()
export class ExchangeWatch {
  private watched = 0;

  constructor(
    host: HttpAdapterHost,
    private readonly served: ServedRoutes,
    private readonly events: ExchangeEvents,
  ) {
    whenServed(host, (fastify) => {
      fastify.decorateRequest('failure', undefined);
      fastify.addHook('onRequest', (request, reply, done) => {
        if (events.active) this.watch(request, reply);
        done();
      });
    });
  }

  /** Requests that are being answered; of those that came in while nobody listened it knows nothing. */
  get inFlight(): number {
    return this.watched;
  }

  private watch(request: FastifyRequest, reply: FastifyReply): void {
    const startedAt = Date.now();
    const begin = systemClock.now();
    this.watched++;
    reply.raw.once('close', () => {
      this.watched--;
      const { id: requestId, method, exchange, failure } = request;
      const { headersSent, statusCode, writableFinished } = reply.raw;
      // What runs for it ends now, and is to be told of as it ended.
      if (!writableFinished) exchange?.clientLeft();
      const route = asDeclared(this.served.of(request));
      this.events.emit({
        requestId,
        method,
        route,
        status: headersSent ? statusCode : undefined,
        clientLeft: !writableFinished,
        startedAt,
        durationMs: systemClock.now() - begin,
        composites: exchange?.composites.map((composite) => named(composite, method, route)) ?? NONE,
        exchange,
        bytes: writableFinished ? announcedBytes(reply) : undefined,
        failure,
      });
    });
  }
}

const NONE: readonly NamedComposite[] = [];

function named(composite: FinishedComposite, method: string, route: string | undefined): NamedComposite {
  // HEAD is GET without the body, and the same composite.
  const { name = `${method === 'HEAD' ? 'GET' : method} ${route ?? ''}` } = composite;
  return { ...composite, name };
}

function announcedBytes(reply: FastifyReply): number | undefined {
  const length = reply.getHeader('content-length');
  return length === undefined ? undefined : Number(length);
}

const declared = new Map<string, string>();

/** A route of the server's in the way of OpenAPI: `/orders/:id` as `/orders/{id}`. */
export function asDeclared(route: string): string | undefined {
  if (route === '') return undefined;
  let written = declared.get(route);
  if (written === undefined) {
    written = route.replace(/:([A-Za-z0-9_]+)/g, '{$1}');
    // There are as many as there are routes, now and after every reload.
    if (declared.size < 10_000) declared.set(route, written);
  }
  return written;
}
