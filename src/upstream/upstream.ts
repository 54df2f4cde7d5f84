import { type AxiosRequestConfig } from 'axios';
import { Observable, type Subscriber } from 'rxjs';
import { type UndiciHttpService } from '../http/undici-http.service.js';
import { Bulkhead } from '../resilience/bulkhead.js';
import { type Attempt, type Handler } from '../resilience/call.js';
import { CircuitBreaker } from '../resilience/circuit-breaker.js';
import { type Clock } from '../resilience/clock.js';
import { LayerSubscriber } from '../resilience/layer-subscriber.js';
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
        new Observable((subscriber) => {
          // Interceptors are code of others, and run in the call's own context.
          attempt.call.runInAsyncScope(startWire, this, attempt, subscriber);
        }),
    );
  }

  /**
   * Sends one request under the upstream's policy. Cold: each subscription is a call of its own, with the
   * deadline and the headers of the request context it is subscribed in; the answer arrives in that context too.
   * Emits {@link UpstreamError} and nothing else. A status that is a failure to the policy is one here as well,
   * even where the request's own `validateStatus` accepts it.
   *
   * @param read what to make of the answer; what it throws is emitted. Default: the answer itself.
   */
  send(request: UpstreamRequest): Observable<UpstreamResponse>;
  send<T>(request: UpstreamRequest, read: (response: UpstreamResponse) => T): Observable<T>;
  send(
    request: UpstreamRequest,
    read: (response: UpstreamResponse) => unknown = itself,
  ): Observable<unknown> {
    return new Observable((subscriber) => {
      if (subscriber.closed) return;
      const { policy, config, runtime } = this;
      const call = new UpstreamCall(request, runtime.clock.now(), policy.deadlineMs, config.forwardHeaders);
      const { context } = call;
      const caller = new CallSubscriber(subscriber, this, call, read);
      if (context.clientGone) {
        caller.clientLeft();
        return;
      }
      // Anything else would be appended to the host: `@elsewhere/` makes the host a user name.
      if (!request.url.startsWith('/')) {
        caller.error(new TypeError(`the URL of a request to an upstream must start with '/'`));
        return;
      }
      context.onClientLeave(caller.clientLeft);
      this.answer(call).subscribe(caller);
    });
  }

  /** The innermost step: one request to one endpoint. */
  wire(attempt: Attempt<UpstreamCall>, subscriber: Subscriber<UpstreamResponse>): void {
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
    this.http.exchange(config).subscribe(new WireSubscriber(subscriber, this, endpoint, request));
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

function startWire(
  this: Upstream,
  attempt: Attempt<UpstreamCall>,
  subscriber: Subscriber<UpstreamResponse>,
): void {
  this.wire(attempt, subscriber);
}

function itself(response: UpstreamResponse): UpstreamResponse {
  return response;
}

/** Reads what comes from the wire, and says what it means. */
class WireSubscriber extends LayerSubscriber<UpstreamResponse> {
  constructor(
    behind: Subscriber<UpstreamResponse>,
    private readonly upstream: Upstream,
    private readonly endpoint: Endpoint,
    private readonly request: UpstreamRequest,
  ) {
    super(behind);
  }

  protected override _next(response: UpstreamResponse): void {
    const { name, policy } = this.upstream;
    const { retryOn500 } = policy.retry;
    if (verdictOfStatus(response.status, retryOn500) === VERDICTS.answered) this.behind.next(response);
    else this.fail(statusError(name, response, retryOn500, new AcceptedFailure(response)));
  }

  protected override _error(error: unknown): void {
    const failure = classify(this.upstream.name, error, this.upstream.policy.retry.retryOn500);
    if (failure.reason === 'connect') this.upstream.endpointRefused(this.endpoint);
    this.fail(failure);
  }

  private fail(failure: UpstreamError): void {
    super._error(isOneShot(this.request.data) ? failure.withoutRetry() : failure);
  }
}

/** The edge between a caller and the pipeline: one error type, one event a call, and the caller's own async context. */
class CallSubscriber extends LayerSubscriber<UpstreamResponse> {
  private ended = false;
  private failed = false;

  constructor(
    behind: Subscriber<unknown>,
    private readonly upstream: Upstream,
    private readonly call: UpstreamCall,
    private readonly read: (response: UpstreamResponse) => unknown,
  ) {
    super(behind);
  }

  /** Nobody waits for the answer any more. */
  readonly clientLeft = (): void => {
    const { name: upstream } = this.upstream;
    this.error(new UpstreamError({ upstream, reason: 'cancelled', verdict: VERDICTS.neutral }));
  };

  protected override _next(response: UpstreamResponse): void {
    this.end('ok', response.status);
    this.call.runInAsyncScope(deliver, this.behind, this.read, response);
  }

  protected override _error(error: unknown): void {
    const failure = UpstreamError.from(this.upstream.name, error);
    this.failed = true;
    // What goes on beneath ends before anybody hears of it: what they start next finds the permit back.
    this.unsubscribe();
    this.end(failure.reason, failure.status);
    this.call.runInAsyncScope(fail, this.behind, failure);
  }

  protected override _complete(): void {
    this.call.runInAsyncScope(complete, this.behind);
    this.unsubscribe();
  }

  override unsubscribe(): void {
    if (this.closed) return;
    this.call.context.offClientLeave(this.clientLeft);
    super.unsubscribe();
    if (!this.failed) this.end('cancelled');
  }

  private end(outcome: CallEvent['outcome'], status?: number): void {
    if (this.ended) return;
    this.ended = true;
    const { name: upstream, runtime } = this.upstream;
    const { events, clock } = runtime;
    if (!events.active) return;
    const { request, attempts, startedAt } = this.call;
    const { method } = request;
    const durationMs = clock.now() - startedAt;
    const event: CallEvent = { type: 'call', upstream, method, outcome, status, attempts, durationMs };
    this.call.runInAsyncScope(emit, events, event);
  }
}

function deliver(
  this: Subscriber<unknown>,
  read: (response: UpstreamResponse) => unknown,
  response: UpstreamResponse,
): void {
  let value: unknown;
  try {
    value = read(response);
  } catch (error) {
    this.error(error);
    return;
  }
  this.next(value);
}

function fail(this: Subscriber<unknown>, failure: UpstreamError): void {
  this.error(failure);
}

function complete(this: Subscriber<unknown>): void {
  this.complete();
}

function emit(this: UpstreamEvents, event: CallEvent): void {
  this.emit(event);
}
