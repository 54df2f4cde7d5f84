import { Injectable, Optional } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock } from '../resilience/clock.js';
import { type Trace } from '../upstream/tracing/trace.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { withCaching } from './composite-caching.js';
import { CallerHintReader, TRUST_NOBODY } from './caller-hints.js';
import { ExchangeContext, type FinishedComposite } from './exchange-context.js';
import { compositePartsField, type CompositeReport, reportBody, serverTimingField } from './part-report.js';
import { NO_PREFERENCES, parsePrefer, preferenceApplied } from './preferences.js';
import { plainProblem } from './problem.js';
import { sendProblem } from './problem.filter.js';
import { RequestTracing } from './request-tracing.js';
import { ServedRoutes } from './served-routes.js';
import { whenServed } from './when-served.js';

declare module 'fastify' {
  interface FastifyRequest {
    exchange: ExchangeContext | undefined;
    /** The trace that was begun for it; undefined where tracing is off. */
    trace: Trace | undefined;
  }
}

/**
 * Ties the HTTP exchange to the composites that run in it: opens the request context before the handler, tells it
 * when the client leaves, and writes the part reports into the response.
 *
 * Hooks rather than a Nest interceptor: one would wrap each handler in two more promises and Observables.
 */
@Injectable()
export class CompositeResponse {
  constructor(host: HttpAdapterHost, served: ServedRoutes, @Optional() registry?: UpstreamRegistry) {
    const hints = new CallerHintReader(registry?.config.server ?? TRUST_NOBODY);
    const tracing = new RequestTracing(registry?.tracer, hints, served);
    whenServed(host, (fastify) => {
      addHooks(fastify, hints, tracing);
    });
  }
}

function addHooks(fastify: FastifyInstance, hints: CallerHintReader, tracing: RequestTracing): void {
  fastify.decorateRequest('exchange', undefined);
  fastify.decorateRequest('trace', undefined);
  if (tracing.isOn) {
    fastify.addHook('onRequest', (request, reply, done) => {
      request.trace = tracing.begin(request, reply);
      done();
    });
  }
  // Not earlier: the parser of a body answers in a context of its own, and would lose ours.
  fastify.addHook('preHandler', (request, reply, done) => {
    const exchange = openExchange(request, reply, hints, tracing);
    // Not waited for any more when it arrived: nothing is called for it.
    if (exchange.deadlineAt <= systemClock.now()) {
      sendProblem(reply, plainProblem(504, 'The deadline of the request has passed.', request.id));
    } else exchange.run(done, undefined);
  });
  fastify.addHook('preSerialization', (request, _reply, payload: unknown, done) => {
    done(null, withReports(payload, request.exchange));
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    writeHeaders(request, reply);
    done(null, withCaching(request, reply, payload));
  });
}

function openExchange(
  request: FastifyRequest,
  reply: FastifyReply,
  hints: CallerHintReader,
  tracing: RequestTracing,
): ExchangeContext {
  const { prefer } = request.headers;
  const preferences = prefer === undefined ? NO_PREFERENCES : parsePrefer(String(prefer));
  const { waitSeconds = Infinity } = preferences;
  const { remoteAddress } = request.raw.socket;
  const { waitMs = Infinity, retriedAbove } = hints.read(request.headers, remoteAddress);
  const patienceMs = Math.min(waitSeconds * 1000, waitMs);
  const deadlineAt = patienceMs === Infinity ? Infinity : systemClock.now() + patienceMs;
  const origin = { deadlineFromClient: true, retriedAbove };
  const trace = request.trace ?? tracing.passedOn(request.headers, remoteAddress);
  const exchange = new ExchangeContext(request.id, deadlineAt, request.headers, preferences, origin, trace);
  request.exchange = exchange;
  // A hook before ours may have taken longer than the client's patience.
  if (reply.raw.destroyed) exchange.clientLeft();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) exchange.clientLeft();
  });
  return exchange;
}

/** The body with its report, where the composite or the client asked for it and the body can hold it. */
function withReports(payload: unknown, exchange: ExchangeContext | undefined): unknown {
  if (exchange === undefined) return payload;
  const { composites, preferences } = exchange;
  if (composites.length === 0 || !canHoldReport(payload)) return payload;
  if (!preferences.reportInBody && !composites.some(({ reportInBody }) => reportInBody)) return payload;
  exchange.reportedInBody = true;
  return { ...payload, _composite: reportBody(merged(composites)) };
}

function canHoldReport(payload: unknown): payload is object {
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload) && !('toJSON' in payload);
}

function writeHeaders({ id, exchange }: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', id);
  if (exchange === undefined) return;
  const { composites, preferences } = exchange;
  if (composites.length === 0) return;

  const { complete, parts } = merged(composites);
  reply.header('composite-complete', complete ? '?1' : '?0');
  if (parts.length > 0) {
    reply.header('composite-parts', compositePartsField(parts));
    reply.header('server-timing', serverTimingField(parts));
  }
  const applied = preferenceApplied(preferences, preferences.reportInBody && exchange.reportedInBody);
  if (applied !== '') reply.header('preference-applied', applied);
  if (!complete) {
    reply.header('cache-control', 'no-store');
    const partialStatus = partialStatusOf(composites);
    if (partialStatus !== undefined && reply.statusCode < 300) reply.status(partialStatus);
  }
}

function partialStatusOf(composites: readonly FinishedComposite[]): number | undefined {
  return composites.find(({ report, partialStatus }) => !report.complete && partialStatus !== undefined)
    ?.partialStatus;
}

/** Several composites in one exchange read as one. */
function merged(composites: readonly FinishedComposite[]): CompositeReport {
  const [first] = composites;
  if (first !== undefined && composites.length === 1) return first.report;
  return {
    complete: composites.every(({ report }) => report.complete),
    parts: composites.flatMap(({ report }) => report.parts),
  };
}
