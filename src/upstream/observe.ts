import { type Observer } from 'rxjs';
import { type Attempt, type Layer } from '../resilience/call.js';
import {
  type BreakerListener,
  type BreakerNotice,
  type BreakerTransition,
} from '../resilience/circuit-breaker.js';
import { type Clock } from '../resilience/clock.js';
import { Link } from '../resilience/link.js';
import { type UpstreamCall, type UpstreamResponse } from './upstream-call.js';
import { failureReasonOf, UpstreamError } from './upstream-error.js';
import { type AttemptEvent, type UpstreamEvents } from './upstream-events.js';

/** Emits an {@link AttemptEvent} for each attempt; where nobody listens it is not even in the way. */
export function observeAttempts(
  upstream: string,
  events: UpstreamEvents,
  clock: Clock,
): Layer<UpstreamResponse, Attempt<UpstreamCall>> {
  return (next) => (attempt, answer) => {
    next(attempt, events.active ? new ObservedLink(answer, upstream, events, clock, attempt) : answer);
  };
}

/** Passes on what a breaker tells; where nobody listens, no event is made. */
export class BreakerObserver implements BreakerListener {
  private stopped = false;

  constructor(
    private readonly upstream: string,
    private readonly events: UpstreamEvents,
  ) {}

  transition(transition: BreakerTransition): void {
    const { upstream, events } = this;
    if (events.active && !this.stopped) events.emit({ type: 'breaker', upstream, ...transition });
  }

  notice(notice: BreakerNotice): void {
    const { upstream, events } = this;
    if (events.active && !this.stopped) events.emit({ type: 'breaker-notice', upstream, ...notice });
  }

  /** The upstream has another breaker now. Calls that go on may still move this one, and nobody is to believe it. */
  stop(): void {
    this.stopped = true;
  }
}

/** Tells, once, how the attempt ended. */
class ObservedLink extends Link<UpstreamResponse> {
  private readonly startedAt: number;
  private told = false;

  constructor(
    behind: Observer<UpstreamResponse>,
    private readonly upstream: string,
    private readonly events: UpstreamEvents,
    private readonly clock: Clock,
    private readonly attempt: Attempt<UpstreamCall>,
  ) {
    super(behind);
    this.startedAt = clock.now();
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

  private tell(outcome: AttemptEvent['outcome'], status?: number): void {
    if (this.told) return;
    this.told = true;
    const { upstream } = this;
    const { call, number } = this.attempt;
    const { method } = call.request;
    const durationMs = this.clock.now() - this.startedAt;
    const event: AttemptEvent = { type: 'attempt', upstream, number, method, outcome, status, durationMs };
    call.runInAsyncScope(emit, this.events, event);
  }
}

function emit(this: UpstreamEvents, event: AttemptEvent): void {
  this.emit(event);
}
