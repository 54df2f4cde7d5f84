import { Injectable, Logger, Optional } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Observable, Subject } from 'rxjs';
import { Admission, type AdmissionSnapshot, type AdmissionTransition } from '../resilience/admission.js';
import { systemClock } from '../resilience/clock.js';
import { LoopDelaySampler } from '../resilience/loop-delay.js';
import { systemRandom } from '../resilience/random.js';
import { type AdmissionConfig } from '../upstream/config/gateway-config.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { ConnectionPlaces } from './connection-places.js';
import { ExchangeWatch } from './exchange-watch.js';
import { plainProblem } from './problem.js';
import { sendProblem } from './problem.filter.js';
import { isUnder, RequestPriorities } from './request-priority.js';
import { isTabled, ServedRoutes } from './served-routes.js';
import { whenServed } from './when-served.js';

/** An orchestrator that hears 503 from here would restart the gateway, or take it out, for being busy. */
const EXEMPT = '/health';

const logger = new Logger('Admission');

/**
 * Refuses requests the gateway has no room for, with 503 and `Retry-After`, before their bodies are read and before
 * anything is called for them. What `server.admission` says; nothing at all in an application without a gateway
 * configuration, such as the management side. `/health` is neither refused nor counted.
 *
 * A request is in flight until its response is written, or its client has left and its calls are cancelled.
 */
@Injectable()
export class AdmissionControl {
  private readonly admission: Admission | undefined;
  private readonly told = new Subject<AdmissionTransition>();

  /** @param _watch is to see what is refused here as well: its hook comes first. */
  constructor(
    host: HttpAdapterHost,
    served: ServedRoutes,
    _watch: ExchangeWatch,
    @Optional() registry?: UpstreamRegistry,
  ) {
    const config = registry?.config.server.admission;
    if (config === undefined || (config.maxInFlight === null && config.maxLoopDelayMs === null)) return;
    const admission = new Admission(config, systemClock, systemRandom, (transition) => {
      logTransition(transition);
      this.told.next(transition);
    });
    this.admission = admission;
    whenServed(host, (fastify) => {
      guard(fastify, admission, config, served);
    });
  }

  /** When it has begun to refuse requests, and when there has been nothing to refuse for a while. */
  get transitions(): Observable<AdmissionTransition> {
    return this.told;
  }

  /** How busy the door is; undefined where there is none. */
  snapshot(): AdmissionSnapshot | undefined {
    return this.admission?.snapshot();
  }
}

function guard(
  fastify: FastifyInstance,
  admission: Admission,
  config: AdmissionConfig,
  served: ServedRoutes,
): void {
  const priorities = new RequestPriorities(config.priorities);
  const connections = new ConnectionPlaces(admission);
  if (Object.keys(config.priorities).length > 0) warnOfIdle(priorities, fastify, served);
  fastify.addHook('onRequest', (request, reply, done) => {
    // The route, not the path: a path can be written in many ways, some of them to look like another route.
    const route = served.of(request);
    if (isUnder(route, EXEMPT)) {
      done();
      return;
    }
    if (!admission.tryAdmit(priorities.of(route, request.headers['priority']))) {
      refuse(request, reply, admission.retryAfterSeconds());
      return;
    }
    connections.hold(request.raw.socket, reply.raw);
    done();
  });
  if (config.maxLoopDelayMs === null) return;
  const sampler = new LoopDelaySampler(systemClock, (delayMs) => {
    admission.observeLoopDelay(delayMs);
  });
  fastify.addHook('onListen', (done) => {
    sampler.start();
    done();
  });
  fastify.addHook('onClose', (_fastify, done) => {
    sampler.stop();
    done();
  });
}

/** Says which prefixes lie above no route: a misspelt one would give its priority to nothing, in silence. */
function warnOfIdle(priorities: RequestPriorities, fastify: FastifyInstance, served: ServedRoutes): void {
  const routes = new Set<string>();
  fastify.addHook('onRoute', ({ url, config }) => {
    if (!isTabled(config)) routes.add(url);
  });
  fastify.addHook('onReady', (done) => {
    for (const { prefix, meant } of priorities.idleAmong([
      ...routes,
      ...served.tabled.map(({ route }) => route),
    ])) {
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
      logger.warn(`server.admission.priorities.${prefix}: above no route of the API${hint}`);
    }
    done();
  });
}

function refuse(request: FastifyRequest, reply: FastifyReply, retryAfterSeconds: number): void {
  // Node reads what is left of a body and throws it away, to keep the connection; a large one is not worth that.
  const { 'content-length': length, 'transfer-encoding': encoding } = request.raw.headers;
  if (encoding !== undefined || Number(length ?? 0) > DISCARDED_BODY_BYTES)
    reply.header('connection', 'close');
  const detail = 'The gateway has more to do than it can. Please come back in a moment.';
  sendProblem(
    reply.header('retry-after', retryAfterSeconds.toString()),
    plainProblem(503, detail, request.id),
  );
}

const DISCARDED_BODY_BYTES = 64 * 1024;

function logTransition(transition: AdmissionTransition): void {
  if (transition.shedding) {
    const because =
      transition.because === 'in-flight' ? 'too many requests in flight' : 'the event loop is late';
    logger.warn(`refusing requests: ${because}`);
  } else {
    logger.warn(`no longer refusing requests; ${transition.refused} were refused`);
  }
}
