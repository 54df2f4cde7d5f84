import { type Observer } from 'rxjs';
import { Link } from '../resilience/link.js';
import { VERDICTS } from '../resilience/verdict.js';
import { type UpstreamCall, type UpstreamResponse } from './upstream-call.js';
import { UpstreamError } from './upstream-error.js';
import { type CallEvent, type UpstreamEvents } from './upstream-events.js';
import { type UpstreamSetup } from './upstream-setup.js';

/** The edge between a caller and the pipeline: one error type, one event a call, and the caller's own async context. */
export class CallLink extends Link<UpstreamResponse> {
  private told = false;

  constructor(
    private readonly caller: Observer<unknown>,
    private readonly upstream: UpstreamSetup,
    private readonly call: UpstreamCall,
    private readonly read: (response: UpstreamResponse) => unknown,
  ) {
    super(caller);
  }

  /** Nobody waits for the answer any more. */
  readonly clientLeft = (): void => {
    const { name: upstream } = this.upstream;
    this.error(new UpstreamError({ upstream, reason: 'cancelled', verdict: VERDICTS.neutral }));
  };

  override next(response: UpstreamResponse): void {
    if (this.closed) return;
    this.upstream.noteAnswer(this.call, response);
    this.tell('ok', response.status);
    this.call.runInAsyncScope(deliver, this.caller, this, this.read, response);
  }

  override error(error: unknown): void {
    if (this.closed) return;
    const failure = UpstreamError.from(this.upstream.name, error);
    this.upstream.noteAnswer(this.call, undefined);
    // What goes on beneath ends before anybody hears of it: what they start next finds the permit back.
    this.endAs(failure.reason, failure.status);
    this.call.runInAsyncScope(fail, this.caller, failure);
  }

  override complete(): void {
    if (this.closed) return;
    this.unsubscribe();
    this.call.runInAsyncScope(complete, this.caller);
  }

  protected override end(): void {
    this.endAs('cancelled');
  }

  private endAs(outcome: CallEvent['outcome'], status?: number): void {
    this.call.context.offClientLeave(this.clientLeft);
    super.end();
    this.tell(outcome, status);
  }

  private tell(outcome: CallEvent['outcome'], status?: number): void {
    if (this.told) return;
    this.told = true;
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
  this: Observer<unknown>,
  link: CallLink,
  read: (response: UpstreamResponse) => unknown,
  response: UpstreamResponse,
): void {
  let value: unknown;
  try {
    value = read(response);
  } catch (error) {
    link.unsubscribe();
    this.error(error);
    return;
  }
  this.next(value);
}

function fail(this: Observer<unknown>, failure: UpstreamError): void {
  this.error(failure);
}

function complete(this: Observer<unknown>): void {
  this.complete();
}

function emit(this: UpstreamEvents, event: CallEvent): void {
  this.emit(event);
}
