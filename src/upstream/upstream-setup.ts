import { isDeepStrictEqual } from 'node:util';
import { type AxiosRequestConfig } from 'axios';
import { type Subscriber } from 'rxjs';
import { type UndiciHttpService } from '../http/undici-http.service.js';
import { type AdaptiveLimit, adaptiveLimitOf } from '../resilience/adaptive-limit.js';
import { Bulkhead } from '../resilience/bulkhead.js';
import { type Handler } from '../resilience/call.js';
import { CircuitBreaker } from '../resilience/circuit-breaker.js';
import { type Link } from '../resilience/link.js';
import { RetryBudget } from '../resilience/retry-budget.js';
import { noteOf } from './answer-note.js';
import { CallLink } from './call-link.js';
import { type UpstreamConfig } from './config/gateway-config.js';
import { type UpstreamPolicy } from './config/policy-schema.js';
import { DnsDiscovery, systemResolve } from './dns-discovery.js';
import { type PlacedAttempt, withEndpointChoice } from './endpoint-choice.js';
import { type Endpoint, Endpoints } from './endpoints.js';
import { BreakerObserver, observeAttempts } from './observe.js';
import { pipeline } from './pipeline.js';
import { NAMING_HEADERS, sendsCredentials } from './shared-request.js';
import { sharingLayers } from './sharing.js';
import { discardAnswer } from './streamed-body.js';
import { recordPlace, traceAttempts, type TracedAttempt } from './tracing/traced-attempt.js';
import { UpstreamCall, type UpstreamRequest, type UpstreamResponse } from './upstream-call.js';
import { UpstreamError } from './upstream-error.js';
import { type UpstreamRuntime } from './upstream-runtime.js';
import { WireSubscriber } from './wire-subscriber.js';

/**
 * What an upstream is made of, from one configuration to the next. A call ends with the setup it began with: its permit,
 * its breaker token and its share of the budget go back to where they came from, whatever is configured meanwhile.
 */
export class UpstreamSetup {
  readonly name: string;
  readonly policy: UpstreamPolicy;
  readonly breaker: CircuitBreaker;
  readonly bulkhead: Bulkhead;
  readonly budget: RetryBudget;
  readonly endpoints: Endpoints;
  private readonly breakerObserver: BreakerObserver;
  private readonly adaptiveLimit: AdaptiveLimit | undefined;
  private readonly discovery: DnsDiscovery | undefined;
  private readonly answer: Handler<UpstreamCall, UpstreamResponse>;
  /** Headers of a client's request on which an answer may depend. */
  private readonly variesBy: readonly string[];

  /** @param before what it takes the place of: what that has learned stays, as far as it still holds. */
  constructor(
    readonly config: UpstreamConfig,
    readonly http: UndiciHttpService,
    readonly runtime: UpstreamRuntime,
    before?: UpstreamSetup,
  ) {
    const { clock, events } = runtime;
    const { name, policy } = config;
    this.name = name;
    this.policy = policy;
    this.variesBy = config.forwardHeaders.filter((header) => !NAMING_HEADERS.has(header));

    const kept = keptBy(config, before);
    this.discovery = kept.endpoints === undefined ? this.newDiscovery() : kept.endpoints.discovery;
    this.endpoints = kept.endpoints?.endpoints ?? this.newEndpoints();
    this.breakerObserver = kept.breaker?.breakerObserver ?? new BreakerObserver(name, events);
    this.breaker = kept.breaker?.breaker ?? this.newBreaker(before);
    this.bulkhead = kept.bulkhead?.bulkhead ?? new Bulkhead(policy.bulkhead);
    this.adaptiveLimit = kept.bulkhead === undefined ? adaptiveLimitBy(policy) : kept.bulkhead.adaptiveLimit;
    this.budget = kept.budget?.budget ?? new RetryBudget(policy.retryBudget, clock);
    this.answer = this.pipeline();
  }

  /** Sends one request for `subscriber`, who has not gone yet. */
  begin(
    request: UpstreamRequest,
    read: (response: UpstreamResponse) => unknown,
    subscriber: Subscriber<unknown>,
  ): void {
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
    context.notes?.called?.(this.name);
    try {
      this.answer(call, caller);
    } catch (error) {
      // Here and not by RxJS, which would hand it on as it is.
      caller.error(error);
    }
  }

  /** Another setup has taken its place: what it still learns is its own, and is not told as the upstream's. */
  supersededBy(next: UpstreamSetup): void {
    if (this.breakerObserver !== next.breakerObserver) this.breakerObserver.stop();
    if (this.bulkhead !== next.bulkhead) return;
    const { maxConcurrentCalls, maxQueue } = next.policy.bulkhead;
    // An operator may have resized it: that holds until the file says something else than it did.
    if (maxConcurrentCalls !== this.policy.bulkhead.maxConcurrentCalls)
      this.bulkhead.resize(maxConcurrentCalls);
    this.bulkhead.queueUpTo(maxQueue);
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
    call.context.notes?.attemptStarted?.();
    const now = this.runtime.clock.now();
    if (attempt.span !== undefined) recordPlace(attempt.span, endpoint);
    const config: AxiosRequestConfig & { deadlineMs: undefined; urlTemplate: undefined } = {
      maxRedirects: 0,
      ...request,
      url: endpoint.baseUrl + request.url,
      headers: this.headersFor(attempt, endpoint, now),
      // Ours alone. To leave them out of the copy would double the price of the copy (0.5 us).
      deadlineMs: undefined,
      urlTemplate: undefined,
    };
    const wire = new WireSubscriber(answer, this, call);
    answer.worksWith(wire);
    this.http.exchange(config).subscribe(wire);
  }

  private pipeline(): Handler<UpstreamCall, UpstreamResponse> {
    const { name, policy, runtime, endpoints, discovery } = this;
    const { clock, random, events } = runtime;
    const tracing = traceAttempts(name, this.breaker);
    const observing = observeAttempts(name, events, clock);
    return pipeline<UpstreamResponse, UpstreamCall>(
      {
        policy,
        breaker: this.breaker,
        bulkhead: this.bulkhead,
        adaptiveLimit: this.adaptiveLimit,
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
        observe: (next) => tracing(observing(next)),
        endpointChoice: endpoints.isChoice
          ? withEndpointChoice({
              endpoints,
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

  private newBreaker(before: UpstreamSetup | undefined): CircuitBreaker {
    const { policy, runtime, breakerObserver } = this;
    const { circuitBreaker } = policy;
    // An operator may have forced it open: that holds until the file says something else than it did.
    const isAsked = before !== undefined && before.policy.circuitBreaker.mode !== circuitBreaker.mode;
    const mode = isAsked ? undefined : before?.breaker.chosenMode;
    return new CircuitBreaker(circuitBreaker, runtime.clock, runtime.random, breakerObserver, mode);
  }

  private newEndpoints(): Endpoints {
    const { name, config, policy, runtime, discovery } = this;
    const { clock, random, events } = runtime;
    return new Endpoints(config.endpoints, {
      ...policy,
      random,
      now: clock.now(),
      discovered: discovery !== undefined,
      onEjection: ({ origin }, change) => {
        if (events.active) events.emit({ type: 'ejection', upstream: name, origin, ...change });
      },
    });
  }

  /** What finds the addresses of the hosts; undefined where the URLs name none. */
  private newDiscovery(): DnsDiscovery | undefined {
    const { config, name } = this;
    if (config.discovery.type !== 'strict-dns') return undefined;
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
    { call, number, span }: WireAttempt,
    { host }: Endpoint,
    now: number,
  ): Record<string, string | false> {
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
    Object.assign(headers, call.request.headers);
    const trace = span ?? context.trace;
    // Last: a span is the parent of what is done for it, whatever else was to be passed on.
    if (trace !== undefined) trace.addTo(headers);
    return headers;
  }
}

/** An attempt that was given an endpoint, where there was a choice. */
type WireAttempt = TracedAttempt & Partial<PlacedAttempt>;

function startWire(this: UpstreamSetup, attempt: WireAttempt, answer: Link<UpstreamResponse>): void {
  this.wire(attempt, answer);
}

/** For each thing that learns: the setup it is taken over from; undefined where it begins anew. */
interface Kept {
  /** With all that is known of each, and of their addresses. */
  readonly endpoints: UpstreamSetup | undefined;
  /** With its state and its window. */
  readonly breaker: UpstreamSetup | undefined;
  /** With the permits that are out, so that old and new calls together keep to its size; and the adaptive limit. */
  readonly bulkhead: UpstreamSetup | undefined;
  readonly budget: UpstreamSetup | undefined;
}

function keptBy(config: UpstreamConfig, before: UpstreamSetup | undefined): Kept {
  // What was learned of another place says nothing about this one: an open breaker would only keep calls from it.
  const stays = before?.config.endpoints.some((url) => config.endpoints.includes(url));
  if (before === undefined || stays !== true) {
    return { endpoints: undefined, breaker: undefined, bulkhead: undefined, budget: undefined };
  }
  const { policy: was } = before;
  const { policy } = config;
  const has = (isSame: boolean): UpstreamSetup | undefined => (isSame ? before : undefined);
  const isFixed = !policy.adaptiveLimit.enabled && !was.adaptiveLimit.enabled;
  return {
    endpoints: has(isDeepStrictEqual(choiceBy(config), choiceBy(before.config))),
    breaker: has(isDeepStrictEqual(policy.circuitBreaker, was.circuitBreaker)),
    bulkhead: has(isFixed || isDeepStrictEqual(policy.adaptiveLimit, was.adaptiveLimit)),
    budget: has(isDeepStrictEqual(policy.retryBudget, was.retryBudget)),
  };
}

/** What the choice among endpoints depends on. */
function choiceBy({ endpoints, discovery, policy }: UpstreamConfig): readonly unknown[] {
  return [endpoints, discovery, policy.outlierDetection, policy.slowStart];
}

function adaptiveLimitBy({ adaptiveLimit }: UpstreamPolicy): AdaptiveLimit | undefined {
  return adaptiveLimit.enabled ? adaptiveLimitOf(adaptiveLimit) : undefined;
}
