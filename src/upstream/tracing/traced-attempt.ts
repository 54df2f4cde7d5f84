import { type Attributes, SpanKind } from '@opentelemetry/api';
import { type Observer } from 'rxjs';
import { type Attempt, type Layer } from '../../resilience/call.js';
import { type CircuitBreaker } from '../../resilience/circuit-breaker.js';
import { Link } from '../../resilience/link.js';
import { type Endpoint } from '../endpoints.js';
import { type UpstreamCall, type UpstreamResponse } from '../upstream-call.js';
import { failureReasonOf, UpstreamError } from '../upstream-error.js';
import { type RecordedSpan } from './recorded-span.js';

/** An attempt that knows what is recorded of it. */
export interface TracedAttempt extends Attempt<UpstreamCall> {
  readonly span?: RecordedSpan | undefined;
}

/** Records a span for each attempt of a request that is sampled, whatever guard or wire ends it. */
export function traceAttempts(
  upstream: string,
  breaker: CircuitBreaker,
): Layer<UpstreamResponse, Attempt<UpstreamCall>, TracedAttempt> {
  return (next) => (attempt, answer) => {
    const parent = attempt.call.context.span;
    if (parent === undefined) {
      next(attempt, answer);
      return;
    }
    const { method, urlTemplate } = attempt.call.request;
    const name = urlTemplate === undefined ? method : `${method} ${urlTemplate}`;
    const span = parent.child(name, SpanKind.CLIENT, attributesOf(attempt, upstream, breaker));
    next({ ...attempt, span }, new TracedLink(answer, span));
  };
}

/** Where an attempt went, once that is known. */
export function recordPlace(span: RecordedSpan, { server }: Endpoint): void {
  span.set('server.address', server.address);
  span.set('server.port', server.port);
}

function attributesOf(
  { call, number, hedge }: Attempt<UpstreamCall>,
  upstream: string,
  breaker: CircuitBreaker,
): Attributes {
  const { method, urlTemplate } = call.request;
  const attributes: Attributes = {
    'http.request.method': method,
    'tributary.upstream': upstream,
    'tributary.attempt.number': number,
    'tributary.breaker.state': breaker.stateName,
  };
  if (urlTemplate !== undefined) attributes['url.template'] = urlTemplate;
  if (number > 1) attributes['http.request.resend_count'] = number - 1;
  if (hedge === true) attributes['tributary.attempt.hedge'] = true;
  return attributes;
}

/** Ends the span of an attempt, once, as the attempt ends. */
class TracedLink extends Link<UpstreamResponse> {
  private told = false;

  constructor(
    behind: Observer<UpstreamResponse>,
    private readonly span: RecordedSpan,
  ) {
    super(behind);
    // It was closed before it was made, and nothing is going to end it.
    if (this.closed) this.tell('cancelled');
  }

  override next(response: UpstreamResponse): void {
    this.tell('ok', response.status);
    super.next(response);
  }

  override error(error: unknown): void {
    this.tell(failureReasonOf(error), error instanceof UpstreamError ? error.status : undefined);
    super.error(error);
  }

  override complete(): void {
    this.tell('ok');
    super.complete();
  }

  protected override end(): void {
    this.tell('cancelled');
    super.end();
  }

  private tell(outcome: string, status?: number): void {
    if (this.told) return;
    this.told = true;
    const { span } = this;
    span.set('tributary.outcome', outcome);
    if (status !== undefined) span.set('http.response.status_code', status);
    // Nobody waited for it any more: that is nobody's failure.
    if (outcome !== 'ok' && outcome !== 'cancelled')
      span.failed(status === undefined ? outcome : String(status));
    span.end();
  }
}
