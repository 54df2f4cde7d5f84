import { type AxiosRequestConfig } from 'axios';
import { Observable } from 'rxjs';
import { type UndiciHttpService } from '../http/undici-http.service.js';
import { adaptiveLimitOf } from '../resilience/adaptive-limit.js';
import { Bulkhead } from '../resilience/bulkhead.js';
import { type Attempt, type Handler } from '../resilience/call.js';
import { CircuitBreaker } from '../resilience/circuit-breaker.js';
import { type Clock } from '../resilience/clock.js';
import { type Link } from '../resilience/link.js';
import { type Random } from '../resilience/random.js';
import { RetryBudget } from '../resilience/retry-budget.js';
import { noteOf } from './answer-note.js';
import { type KeptAnswers } from './cache/kept-answers.js';
import { CallLink } from './call-link.js';
import { type UpstreamConfig } from './config/gateway-config.js';
import { type UpstreamPolicy } from './config/policy-schema.js';
import { DnsDiscovery, type ResolveHost, systemResolve } from './dns-discovery.js';
import { type PlacedAttempt, withEndpointChoice } from './endpoint-choice.js';
import { type Endpoint, Endpoints } from './endpoints.js';
import { observeAttempts, observeBreaker } from './observe.js';
import { pipeline } from './pipeline.js';
import { NAMING_HEADERS, sendsCredentials } from './shared-request.js';
import { sharingLayers } from './sharing.js';
import { discardAnswer } from './streamed-body.js';
import { UpstreamCall, type UpstreamRequest, type UpstreamResponse } from './upstream-call.js';
import { UpstreamError } from './upstream-error.js';
import { type UpstreamEvents } from './upstream-events.js';
import { WireSubscriber } from './wire-subscriber.js';

/** What all upstreams of a gateway share. */
export interface UpstreamRuntime {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: UpstreamEvents;
  /** Where answers are kept; undefined where no upstream keeps any. */
  readonly answers?: KeptAnswers | undefined;
  /** How `strict-dns` resolves. Default: the system's resolver. */
  readonly resolve?: ResolveHost | undefined;
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
  /** Headers of a client's request on which an answer may depend. */
  private readonly variesBy: readonly string[];

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
    const discovery = config.discovery.type === 'strict-dns' ? this.discovery() : undefined;
    this.endpoints = new Endpoints(config.endpoints, {
      ...policy,
      random,
      now: clock.now(),
      discovered: discovery !== undefined,
      onEjection: ({ origin }, change) => {
        if (events.active) events.emit({ type: 'ejection', upstream: name, origin, ...change });
      },
    });
    this.breaker = new CircuitBreaker(policy.circuitBreaker, clock, random, observeBreaker(name, events));
    this.variesBy = config.forwardHeaders.filter((header) => !NAMING_HEADERS.has(header));
    this.bulkhead = new Bulkhead(policy.bulkhead);
    const adaptiveLimit = policy.adaptiveLimit.enabled ? adaptiveLimitOf(policy.adaptiveLimit) : undefined;
    this.budget = new RetryBudget(policy.retryBudget, clock);
    this.answer = pipeline<UpstreamResponse, UpstreamCall>(
      {
        policy,
        breaker: this.breaker,
        bulkhead: this.bulkhead,
        adaptiveLimit,
        budget: this.budget,
        clock,
        random,
        ...sharingLayers(this),
        onRetry: (call, number, delayMs, error, free) => {
          if (error instanceof UpstreamError) discardAnswer(error);
          if (!events.active) return;
          call.runInAsyncScope(() => {
            events.emit({ type: 'retry', upstream: name, number, delayMs, free });
          });
        },
        onHedge: (call, number, delayMs) => {
          if (!events.active) return;
          call.runInAsyncScope(() => {
            events.emit({ type: 'hedge', upstream: name, number, delayMs });
          });
        },
        onHedgeWon: (call, number) => {
          if (!events.active) return;
          call.runInAsyncScope(() => {
            events.emit({ type: 'hedge-won', upstream: name, number });
          });
        },
        observe: observeAttempts(name, events, clock),
        endpointChoice: this.endpoints.isChoice
          ? withEndpointChoice({
              endpoints: this.endpoints,
              clock,
              discovery,
              slowCallDurationMs: policy.circuitBreaker.slowCallDurationMs,
              onRefused: ({ origin }) => {
                if (events.active) events.emit({ type: 'endpoint-refused', upstream: name, origin });
              },
            })
          : undefined,
      },
      (attempt, answer) => {
        // Interceptors are code of others, and run in the call's own context.
        attempt.call.runInAsyncScope(startWire, this, attempt, answer);
      },
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
      const caller = new CallLink(subscriber, this, call, read);
      // Before anything starts: its caller may leave meanwhile.
      subscriber.add(caller);
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
      try {
        this.answer(call, caller);
      } catch (error) {
        // Here and not by RxJS, which would hand it on as it is.
        caller.error(error);
      }
    });
  }

  /** Tells whoever makes a response of it what an answer, or one that is missing, means for that. */
  noteAnswer({ context, request, stale }: UpstreamCall, response: UpstreamResponse | undefined): void {
    const { notes } = context;
    if (notes === undefined) return;
    const isPrivate = sendsCredentials(this.variesBy, context.headers, request.headers);
    const headers = response?.headers as Readonly<Record<string, unknown>> | undefined;
    notes.answered(noteOf(headers, stale, isPrivate, this.variesBy, this.runtime.clock.now()));
  }

  /** The innermost step: one request to one endpoint. */
  wire(attempt: WireAttempt, answer: Link<UpstreamResponse>): void {
    const { call, endpoint = this.endpoints.first } = attempt;
    const { request } = call;
    call.attemptStarted();
    const now = this.runtime.clock.now();
    const config: AxiosRequestConfig & { deadlineMs: undefined } = {
      maxRedirects: 0,
      ...request,
      url: endpoint.baseUrl + request.url,
      headers: this.headersFor(attempt, endpoint, now),
      // Ours alone. To leave it out of the copy would double the price of the copy (0.5 us).
      deadlineMs: undefined,
    };
    const wire = new WireSubscriber(answer, this, request);
    answer.worksWith(wire);
    this.http.exchange(config).subscribe(wire);
  }

  /** What finds the addresses of the hosts; undefined where the URLs name none. */
  private discovery(): DnsDiscovery | undefined {
    const { config, name } = this;
    const { clock, random, events, resolve = systemResolve } = this.runtime;
    const discovery = new DnsDiscovery({
      urls: config.endpoints,
      refreshMs: config.discovery.refreshMs,
      resolve,
      clock,
      random,
      onChange: (found) => {
        this.endpoints.replace(found, clock.now());
        if (!events.active) return;
        const origins = found.map(({ baseUrl }) => new URL(baseUrl).origin);
        events.emit({ type: 'discovery', upstream: name, outcome: 'changed', origins });
      },
      onFailure: (hostname, error) => {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
        if (events.active)
          events.emit({ type: 'discovery', upstream: name, outcome: 'failed', hostname, code });
      },
    });
    return discovery.isNeeded ? discovery : undefined;
  }

  private headersFor(
    { call, number }: Attempt<UpstreamCall>,
    { host }: Endpoint,
    now: number,
  ): Record<string, string> {
    const { headers: fixed, forwardHeaders, deadlineHeader, attemptCountHeader } = this.config;
    const { context } = call;
    const headers: Record<string, string> = host === undefined ? { ...fixed } : { host, ...fixed };
    if (context.id !== '') headers['x-request-id'] = context.id;
    for (const name of forwardHeaders) {
      const value = context.headers[name];
      if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
    }
    if (deadlineHeader !== null) {
      const leftMs = Math.min(call.deadlineAt - now, this.policy.attemptTimeoutMs);
      headers[deadlineHeader] = Math.max(1, Math.floor(leftMs)).toString();
    }
    if (attemptCountHeader !== null) {
      // What is repeated above is a repetition to the upstream too, however often this gateway has tried.
      headers[attemptCountHeader] = (call.retriedAbove ? number + 1 : number).toString();
    }
    return Object.assign(headers, call.request.headers);
  }
}

/** An attempt that was given an endpoint, where there was a choice. */
type WireAttempt = Attempt<UpstreamCall> & Partial<PlacedAttempt>;

function startWire(this: Upstream, attempt: WireAttempt, answer: Link<UpstreamResponse>): void {
  this.wire(attempt, answer);
}

function itself(response: UpstreamResponse): UpstreamResponse {
  return response;
}
