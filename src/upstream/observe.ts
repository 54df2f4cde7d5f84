import { Observable, type Subscriber } from 'rxjs';
import { type Attempt, type Layer } from '../resilience/call.js';
import { type Clock } from '../resilience/clock.js';
import { LayerSubscriber } from '../resilience/layer-subscriber.js';
import { type UpstreamCall, type UpstreamResponse } from './upstream-call.js';
import { failureReasonOf } from './upstream-error.js';
import { type AttemptEvent, type UpstreamEvents } from './upstream-events.js';

/** Emits an {@link AttemptEvent} for each attempt; where nobody listens it is not even in the way. */
export function observeAttempts(
  upstream: string,
  events: UpstreamEvents,
  clock: Clock,
): Layer<UpstreamResponse, Attempt<UpstreamCall>> {
  return (next) => (attempt) => {
    const source = next(attempt);
    if (!events.active) return source;
    return new Observable((subscriber) => {
      if (!subscriber.closed)
        source.subscribe(new ObservedSubscriber(subscriber, upstream, events, clock, attempt));
    });
  };
}

/** Tells, once, how the attempt ended. */
class ObservedSubscriber extends LayerSubscriber<UpstreamResponse> {
  private readonly startedAt: number;
  private ended = false;

  constructor(
    behind: Subscriber<UpstreamResponse>,
    private readonly upstream: string,
    private readonly events: UpstreamEvents,
    private readonly clock: Clock,
    private readonly attempt: Attempt<UpstreamCall>,
  ) {
    super(behind);
    this.startedAt = clock.now();
  }

  protected override _next(response: UpstreamResponse): void {
    this.end('ok');
    this.behind.next(response);
  }

  protected override _error(error: unknown): void {
    this.end(failureReasonOf(error));
    super._error(error);
  }

  protected override _complete(): void {
    this.end('ok');
    super._complete();
  }

  override unsubscribe(): void {
    this.end('cancelled');
    super.unsubscribe();
  }

  private end(outcome: AttemptEvent['outcome']): void {
    if (this.ended) return;
    this.ended = true;
    const { call, number } = this.attempt;
    const durationMs = this.clock.now() - this.startedAt;
    const event: AttemptEvent = { type: 'attempt', upstream: this.upstream, number, outcome, durationMs };
    call.runInAsyncScope(emit, this.events, event);
  }
}

function emit(this: UpstreamEvents, event: AttemptEvent): void {
  this.emit(event);
}
