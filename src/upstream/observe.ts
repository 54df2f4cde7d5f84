import { Observable, type Subscriber } from 'rxjs';
import { type Attempt, type Layer } from '../resilience/call.js';
import { type Clock } from '../resilience/clock.js';
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
      const observer = new AttemptObserver(upstream, events, clock, attempt, subscriber);
      subscriber.add(() => {
        observer.ended('cancelled');
      });
      return source.subscribe(observer);
    });
  };
}

class AttemptObserver {
  private readonly startedAt: number;
  private settled = false;

  constructor(
    private readonly upstream: string,
    private readonly events: UpstreamEvents,
    private readonly clock: Clock,
    private readonly attempt: Attempt<UpstreamCall>,
    private readonly subscriber: Subscriber<UpstreamResponse>,
  ) {
    this.startedAt = clock.now();
  }

  next(response: UpstreamResponse): void {
    this.ended('ok');
    this.subscriber.next(response);
  }

  error(error: unknown): void {
    this.ended(failureReasonOf(error));
    this.subscriber.error(error);
  }

  complete(): void {
    this.ended('ok');
    this.subscriber.complete();
  }

  ended(outcome: AttemptEvent['outcome']): void {
    if (this.settled) return;
    this.settled = true;
    const { upstream, events } = this;
    const { call, number } = this.attempt;
    const durationMs = this.clock.now() - this.startedAt;
    const event: AttemptEvent = { type: 'attempt', upstream, number, outcome, durationMs };
    call.runInAsyncScope(() => {
      events.emit(event);
    });
  }
}
