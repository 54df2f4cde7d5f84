import { AsyncLocalStorage } from 'node:async_hooks';
import { Observable, type Subscriber } from 'rxjs';
import { type UndiciHttpService } from '../http/undici-http.service.js';
import { Bulkhead } from '../resilience/bulkhead.js';
import { type Attempt, type Handler } from '../resilience/call.js';
import { CircuitBreaker } from '../resilience/circuit-breaker.js';
import { type Clock } from '../resilience/clock.js';
import { type Random } from '../resilience/random.js';
import { RetryBudget } from '../resilience/retry-budget.js';
import { VERDICTS } from '../resilience/verdict.js';
import { classify } from './classify.js';
import { type UpstreamConfig } from './config/gateway-config.js';
import { type UpstreamPolicy } from './config/policy-schema.js';
import { type Endpoint, Endpoints } from './endpoints.js';
import { observeAttempts } from './observe.js';
import { pipeline } from './pipeline.js';
import { RequestContext } from './request-context.js';
import {
  isReplaySafe,
  type UpstreamCall,
  type UpstreamRequest,
  type UpstreamResponse,
} from './upstream-call.js';
import { UpstreamError } from './upstream-error.js';
import { type CallEvent, type UpstreamEvents } from './upstream-events.js';

/** What all upstreams of a gateway share. */
export interface UpstreamRuntime {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: UpstreamEvents;
}

/**
 * A downstream service as the gateway knows it: its endpoints, its policy, and the breaker, bulkhead, budget and
 * connection pool that all calls to it share.
 */
export class Upstream {
  readonly name: string;
  readonly critical: boolean;
  readonly policy: UpstreamPolicy;
  readonly breaker: CircuitBreaker;
  readonly bulkhead: Bulkhead;
  readonly budget: RetryBudget;
  readonly endpoints: Endpoints;
  private readonly answer: Handler<UpstreamCall, UpstreamResponse>;

  constructor(
    readonly config: UpstreamConfig,
    /** The bare wire: no policy, endpoint or forwarded header. */
    readonly http: UndiciHttpService,
    readonly runtime: UpstreamRuntime,
  ) {
    const { clock, random, events } = runtime;
    const { name, policy } = config;
    this.name = name;
    this.critical = config.critical;
    this.policy = policy;
    this.endpoints = new Endpoints(config.endpoints);
    this.breaker = new CircuitBreaker(policy.circuitBreaker, clock, random, (transition) => {
      events.emit({ type: 'breaker', upstream: name, ...transition });
    });
    this.bulkhead = new Bulkhead(policy.bulkhead);
    this.budget = new RetryBudget(policy.retryBudget, clock);
    this.answer = pipeline<UpstreamResponse, UpstreamCall>(
      {
        policy,
        breaker: this.breaker,
        bulkhead: this.bulkhead,
        budget: this.budget,
        clock,
        random,
        onRetry: (_call, number, delayMs) => {
          events.emit({ type: 'retry', upstream: name, number, delayMs });
        },
        observe: observeAttempts(name, events, clock),
      },
      (attempt) => this.wire(attempt),
    );
  }

  /**
   * Sends one request under the upstream's policy. Cold: each subscription is a call of its own, with the
   * deadline and the headers of the request context it is subscribed in; the answer arrives in that context too.
   * Emits {@link UpstreamError} and nothing else.
   */
  send(request: UpstreamRequest): Observable<UpstreamResponse> {
    return new Observable((subscriber) => {
      const call = this.callFor(request);
      const { context } = call;
      const boundary = new CallBoundary(this, call, subscriber);
      if (context.clientGone) {
        boundary.clientLeft();
        return;
      }
      context.onClientLeave(boundary.clientLeft);
      subscriber.add(() => {
        context.offClientLeave(boundary.clientLeft);
        boundary.ended('cancelled');
      });
      return this.answer(call).subscribe(boundary);
    });
  }

  private callFor(request: UpstreamRequest): UpstreamCall {
    const context = RequestContext.current();
    const startedAt = this.runtime.clock.now();
    const ownMs = Math.min(request.deadlineMs ?? Infinity, this.policy.deadlineMs);
    return {
      request,
      context,
      startedAt,
      deadlineAt: Math.min(context.deadlineAt, startedAt + ownMs),
      replaySafe: isReplaySafe(request),
      attempts: 0,
    };
  }

  /** The innermost step: one request to one endpoint. */
  private wire(attempt: Attempt<UpstreamCall>): Observable<UpstreamResponse> {
    const { call } = attempt;
    return new Observable((subscriber) => {
      call.attempts = attempt.number;
      const now = this.runtime.clock.now();
      const endpoint = this.endpoints.next(now);
      const { deadlineMs: _, ...request } = call.request;
      return this.http
        .exchange({
          maxRedirects: 0,
          ...request,
          url: endpoint.baseUrl + request.url,
          headers: this.headersFor(call, now),
        })
        .subscribe(new WireObserver(this, endpoint, subscriber));
    });
  }

  private headersFor(call: UpstreamCall, now: number): Record<string, string> {
    const { headers: fixed, forwardHeaders, deadlineHeader } = this.config;
    const { context } = call;
    const headers: Record<string, string> = { ...fixed };
    if (context.id !== '') headers['x-request-id'] = context.id;
    for (const name of forwardHeaders) {
      const value = context.headers[name];
      if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
    }
    if (deadlineHeader !== null) {
      const leftMs = Math.min(call.deadlineAt - now, this.policy.attemptTimeoutMs);
      headers[deadlineHeader] = Math.max(1, Math.floor(leftMs)).toString();
    }
    return Object.assign(headers, call.request.headers);
  }

  /** An endpoint did not take a connection. */
  endpointRefused(endpoint: Endpoint): void {
    const { clock, events } = this.runtime;
    this.endpoints.refused(endpoint, clock.now());
    if (events.active) {
      const { origin } = new URL(endpoint.baseUrl);
      events.emit({ type: 'endpoint-refused', upstream: this.name, origin });
    }
  }
}

/** Reads what comes from the wire, and says what it means. */
class WireObserver {
  constructor(
    private readonly upstream: Upstream,
    private readonly endpoint: Endpoint,
    private readonly subscriber: Subscriber<UpstreamResponse>,
  ) {}

  next(response: UpstreamResponse): void {
    this.subscriber.next(response);
  }

  error(error: unknown): void {
    const failure = classify(this.upstream.name, error, this.upstream.policy.retry.retryOn500);
    if (failure.reason === 'connect') this.upstream.endpointRefused(this.endpoint);
    this.subscriber.error(failure);
  }

  complete(): void {
    this.subscriber.complete();
  }
}

type InContext = <A>(
  deliver: (subscriber: Subscriber<UpstreamResponse>, argument: A) => void,
  subscriber: Subscriber<UpstreamResponse>,
  argument: A,
) => void;

/**
 * The edge between a caller and the pipeline: one error type, one event a call, and the caller's own async context.
 * Sockets, timers and queues beneath answer in whichever context they were made or woken in, often another request's.
 */
class CallBoundary {
  private readonly inCallersContext: InContext = AsyncLocalStorage.snapshot();
  private settled = false;

  constructor(
    private readonly upstream: Upstream,
    private readonly call: UpstreamCall,
    private readonly subscriber: Subscriber<UpstreamResponse>,
  ) {}

  next(response: UpstreamResponse): void {
    this.ended('ok', response.status);
    this.inCallersContext(deliver, this.subscriber, response);
  }

  error(error: unknown): void {
    const failure = UpstreamError.from(this.upstream.name, error);
    this.ended(failure.reason, failure.status);
    this.inCallersContext(fail, this.subscriber, failure);
  }

  complete(): void {
    this.inCallersContext(complete, this.subscriber, undefined);
  }

  readonly clientLeft = (): void => {
    this.error(
      new UpstreamError({ upstream: this.upstream.name, reason: 'cancelled', verdict: VERDICTS.neutral }),
    );
  };

  ended(outcome: CallEvent['outcome'], status?: number): void {
    if (this.settled) return;
    this.settled = true;
    const { events, clock } = this.upstream.runtime;
    if (!events.active) return;
    const { request, attempts, startedAt } = this.call;
    const durationMs = clock.now() - startedAt;
    events.emit({
      type: 'call',
      upstream: this.upstream.name,
      method: request.method,
      outcome,
      status,
      attempts,
      durationMs,
    });
  }
}

function deliver(subscriber: Subscriber<UpstreamResponse>, response: UpstreamResponse): void {
  subscriber.next(response);
}

function fail(subscriber: Subscriber<UpstreamResponse>, error: UpstreamError): void {
  subscriber.error(error);
}

function complete(subscriber: Subscriber<UpstreamResponse>): void {
  subscriber.complete();
}
