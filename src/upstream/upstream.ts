import { type AxiosRequestConfig } from 'axios';
import { Observable, type Subscriber, Subscription } from 'rxjs';
import { type UndiciHttpService } from '../http/undici-http.service.js';
import { Bulkhead } from '../resilience/bulkhead.js';
import { type Attempt, type Handler } from '../resilience/call.js';
import { CircuitBreaker } from '../resilience/circuit-breaker.js';
import { type Clock } from '../resilience/clock.js';
import { type Random } from '../resilience/random.js';
import { RetryBudget } from '../resilience/retry-budget.js';
import { VERDICTS } from '../resilience/verdict.js';
import { AcceptedFailure } from './accepted-failure.js';
import { classify, statusError, verdictOfStatus } from './classify.js';
import { type UpstreamConfig } from './config/gateway-config.js';
import { type UpstreamPolicy } from './config/policy-schema.js';
import { type Endpoint, Endpoints } from './endpoints.js';
import { observeAttempts } from './observe.js';
import { pipeline } from './pipeline.js';
import { discardAnswer, isOneShot } from './streamed-body.js';
import { UpstreamCall, type UpstreamRequest, type UpstreamResponse } from './upstream-call.js';
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
        onRetry: (call, number, delayMs, error) => {
          if (error instanceof UpstreamError) discardAnswer(error);
          if (!events.active) return;
          call.runInAsyncScope(() => {
            events.emit({ type: 'retry', upstream: name, number, delayMs });
          });
        },
        observe: observeAttempts(name, events, clock),
      },
      (attempt) =>
        new Observable((subscriber) => attempt.call.runInAsyncScope(() => this.wire(attempt, subscriber))),
    );
  }

  /**
   * Sends one request under the upstream's policy. Cold: each subscription is a call of its own, with the
   * deadline and the headers of the request context it is subscribed in; the answer arrives in that context too.
   * Emits {@link UpstreamError} and nothing else. A status that is a failure to the policy is one here as well,
   * even where the request's own `validateStatus` accepts it.
   */
  send(request: UpstreamRequest): Observable<UpstreamResponse> {
    return new Observable((subscriber) => {
      const { policy, config, runtime } = this;
      const call = new UpstreamCall(request, runtime.clock.now(), policy.deadlineMs, config.forwardHeaders);
      const { context } = call;
      const boundary = new CallBoundary(this, call, subscriber);
      if (context.clientGone) {
        boundary.clientLeft();
        return;
      }
      // Anything else would be appended to the host: `@elsewhere/` makes the host a user name.
      if (!request.url.startsWith('/')) {
        boundary.error(new TypeError(`the URL of a request to an upstream must start with '/'`));
        return;
      }
      context.onClientLeave(boundary.clientLeft);
      boundary.running.add(this.answer(call).subscribe(boundary));
      return () => {
        context.offClientLeave(boundary.clientLeft);
        boundary.running.unsubscribe();
        boundary.ended('cancelled');
      };
    });
  }

  /** The innermost step: one request to one endpoint. To be run in the call's own async context: interceptors are. */
  private wire(attempt: Attempt<UpstreamCall>, subscriber: Subscriber<UpstreamResponse>): Subscription {
    const { call } = attempt;
    const { request } = call;
    call.attempts = attempt.number;
    const now = this.runtime.clock.now();
    const endpoint = this.endpoints.next(now);
    const config: AxiosRequestConfig & { deadlineMs: undefined } = {
      maxRedirects: 0,
      ...request,
      url: endpoint.baseUrl + request.url,
      headers: this.headersFor(call, now),
      // Ours alone. To leave it out of the copy would double the price of the copy (0.5 us).
      deadlineMs: undefined,
    };
    return this.http.exchange(config).subscribe(new WireObserver(this, endpoint, request, subscriber));
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
    private readonly request: UpstreamRequest,
    private readonly subscriber: Subscriber<UpstreamResponse>,
  ) {}

  next(response: UpstreamResponse): void {
    const { name, policy } = this.upstream;
    const { retryOn500 } = policy.retry;
    if (verdictOfStatus(response.status, retryOn500) === VERDICTS.answered) this.subscriber.next(response);
    else this.fail(statusError(name, response, retryOn500, new AcceptedFailure(response)));
  }

  error(error: unknown): void {
    const failure = classify(this.upstream.name, error, this.upstream.policy.retry.retryOn500);
    if (failure.reason === 'connect') this.upstream.endpointRefused(this.endpoint);
    this.fail(failure);
  }

  complete(): void {
    this.subscriber.complete();
  }

  private fail(failure: UpstreamError): void {
    this.subscriber.error(isOneShot(this.request.data) ? failure.withoutRetry() : failure);
  }
}

/** The edge between a caller and the pipeline: one error type, one event a call, and the caller's own async context. */
class CallBoundary {
  /** What goes on beneath. It ends before the caller hears of a failure: what that starts next finds the permit back. */
  readonly running = new Subscription();
  private settled = false;

  constructor(
    private readonly upstream: Upstream,
    private readonly call: UpstreamCall,
    private readonly subscriber: Subscriber<UpstreamResponse>,
  ) {}

  next(response: UpstreamResponse): void {
    this.ended('ok', response.status);
    this.call.runInAsyncScope(() => {
      this.subscriber.next(response);
    });
  }

  error(error: unknown): void {
    const failure = UpstreamError.from(this.upstream.name, error);
    this.running.unsubscribe();
    this.ended(failure.reason, failure.status);
    this.call.runInAsyncScope(() => {
      this.subscriber.error(failure);
    });
  }

  complete(): void {
    this.call.runInAsyncScope(() => {
      this.subscriber.complete();
    });
  }

  readonly clientLeft = (): void => {
    this.error(
      new UpstreamError({ upstream: this.upstream.name, reason: 'cancelled', verdict: VERDICTS.neutral }),
    );
  };

  ended(outcome: CallEvent['outcome'], status?: number): void {
    if (this.settled) return;
    this.settled = true;
    const { name: upstream, runtime } = this.upstream;
    const { events, clock } = runtime;
    if (!events.active) return;
    const { request, attempts, startedAt } = this.call;
    const { method } = request;
    const durationMs = clock.now() - startedAt;
    const event: CallEvent = { type: 'call', upstream, method, outcome, status, attempts, durationMs };
    this.call.runInAsyncScope(() => {
      events.emit(event);
    });
  }
}
