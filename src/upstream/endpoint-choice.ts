import { type Observer } from 'rxjs';
import { type Attempt, type Layer } from '../resilience/call.js';
import { type Clock } from '../resilience/clock.js';
import { isCutOffBy } from '../resilience/cut-off.js';
import { Link } from '../resilience/link.js';
import { verdictOf } from '../resilience/verdict.js';
import { type DnsDiscovery } from './dns-discovery.js';
import { type Endpoint, type Endpoints } from './endpoints.js';
import { type UpstreamCall, type UpstreamResponse } from './upstream-call.js';
import { failureReasonOf } from './upstream-error.js';

/** An attempt that knows where it goes. */
export interface PlacedAttempt extends Attempt<UpstreamCall> {
  readonly endpoint: Endpoint;
}

export interface EndpointChoiceOptions {
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  /** Where endpoints are found by resolving host names. */
  readonly discovery: DnsDiscovery | undefined;
  /** From this duration on, in ms, an attempt is to blame for running into the gateway's own deadline. */
  readonly slowCallDurationMs: number;
  /** Told when an endpoint did not take a connection. */
  readonly onRefused: (endpoint: Endpoint) => void;
}

/**
 * Chooses the endpoint of each attempt, and tells the endpoints what became of it: by the verdict the breaker goes
 * by, so that what is neutral to the one is to the other. Unsubscribing is neutral, unless it was the gateway's own
 * deadline that ended an attempt that was slow by then.
 */
export function withEndpointChoice(
  options: EndpointChoiceOptions,
): Layer<UpstreamResponse, Attempt<UpstreamCall>, PlacedAttempt> {
  const { endpoints, clock, discovery } = options;
  return (next) => (attempt, answer) => {
    if (answer.closed) return;
    const { call } = attempt;
    const now = clock.now();
    discovery?.refresh(now);
    const endpoint = endpoints.next(now, call.tried);
    call.tried = [...call.tried, endpoint];
    next({ ...attempt, endpoint }, new PlacedLink(answer, options, endpoint, now, call));
  };
}

class PlacedLink extends Link<UpstreamResponse> {
  private readonly generation: number;
  /** The endpoints know what became of it. */
  private told = false;

  constructor(
    behind: Observer<UpstreamResponse>,
    private readonly options: EndpointChoiceOptions,
    private readonly endpoint: Endpoint,
    private readonly startedAt: number,
    private readonly call: UpstreamCall,
  ) {
    super(behind);
    this.generation = endpoint.generation;
  }

  override next(response: UpstreamResponse): void {
    if (!this.told)
      this.options.endpoints.succeeded(this.endpoint, this.generation, this.options.clock.now());
    this.told = true;
    super.next(response);
  }

  override error(error: unknown): void {
    if (!this.told) this.record(error);
    this.told = true;
    super.error(error);
  }

  protected override end(): void {
    if (!this.told) this.cutOff();
    this.told = true;
    super.end();
  }

  private cutOff(): void {
    const { endpoints, clock, slowCallDurationMs } = this.options;
    const now = clock.now();
    if (now - this.startedAt < slowCallDurationMs || !isCutOffBy(this.call.ownDeadlineAt, now)) return;
    endpoints.failed(this.endpoint, this.generation, now);
  }

  private record(error: unknown): void {
    const { endpoints, clock, onRefused } = this.options;
    const { endpoint, generation } = this;
    const now = clock.now();
    switch (verdictOf(error).breaker) {
      case 'success':
        endpoints.succeeded(endpoint, generation, now);
        break;
      case 'failure':
        endpoints.failed(endpoint, generation, now);
        break;
      case 'neutral':
        break;
    }
    if (failureReasonOf(error) !== 'connect') return;
    endpoints.refused(endpoint, now);
    onRefused(endpoint);
  }
}
