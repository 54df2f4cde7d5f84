import { Observable } from 'rxjs';
import { type UndiciHttpService } from '../http/undici-http.service.js';
import { type Bulkhead } from '../resilience/bulkhead.js';
import { type CircuitBreaker } from '../resilience/circuit-breaker.js';
import { type RetryBudget } from '../resilience/retry-budget.js';
import { type UpstreamConfig } from './config/gateway-config.js';
import { type UpstreamPolicy } from './config/policy-schema.js';
import { type Endpoints } from './endpoints.js';
import { type UpstreamRequest, type UpstreamResponse } from './upstream-call.js';
import { type UpstreamRuntime } from './upstream-runtime.js';
import { UpstreamSetup } from './upstream-setup.js';
import { renewWire } from './upstream-wire.js';

/**
 * A downstream service as the gateway knows it: its endpoints, its policy, and the breaker, bulkhead, budget and
 * connection pool that all calls to it share. Whoever holds on to it has what is configured now, and need not ask again:
 * a reload changes what it is made of, and not what it is.
 */
export class Upstream {
  readonly name: string;

  constructor(
    config: UpstreamConfig,
    /** The bare wire: no policy, endpoint or forwarded header. */
    readonly http: UndiciHttpService,
    readonly runtime: UpstreamRuntime,
    private setup = new UpstreamSetup(config, http, runtime),
  ) {
    this.name = config.name;
  }

  get config(): UpstreamConfig {
    return this.setup.config;
  }

  get critical(): boolean {
    return this.setup.config.critical;
  }

  get policy(): UpstreamPolicy {
    return this.setup.policy;
  }

  get breaker(): CircuitBreaker {
    return this.setup.breaker;
  }

  get bulkhead(): Bulkhead {
    return this.setup.bulkhead;
  }

  get budget(): RetryBudget {
    return this.setup.budget;
  }

  get endpoints(): Endpoints {
    return this.setup.endpoints;
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
      if (!subscriber.closed) this.setup.begin(request, read, subscriber);
    });
  }

  /** The upstream as it is configured now, and stays: for what is to end as it began, over several calls. */
  pinned(): Upstream {
    const { config, http, runtime, setup } = this;
    return new Upstream(config, http, runtime, setup);
  }

  /** Calls that begin from now on are made as this says; those under way end as they began. */
  reconfigure(config: UpstreamConfig): void {
    const { http, runtime, setup: before } = this;
    this.setup = new UpstreamSetup(config, http, runtime, before);
    before.supersededBy(this.setup);
    renewWire(http, config, before.config, runtime);
  }

  /** Keeps no socket any more, once those there are have carried what is under way. Late calls still get an answer. */
  retire(): Promise<void> {
    return this.http.retire();
  }
}

function itself(response: UpstreamResponse): UpstreamResponse {
  return response;
}
