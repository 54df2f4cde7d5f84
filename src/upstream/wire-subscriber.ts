import { Subscriber } from 'rxjs';
import { type Link } from '../resilience/link.js';
import { VERDICTS } from '../resilience/verdict.js';
import { AcceptedFailure } from './accepted-failure.js';
import { classify, statusError, verdictOfStatus } from './classify.js';
import { isOneShot } from './streamed-body.js';
import { type UpstreamCall, type UpstreamResponse } from './upstream-call.js';
import { type UpstreamError } from './upstream-error.js';
import { type UpstreamSetup } from './upstream-setup.js';

/** Where a call's chain of links meets the wire: reads what comes from it, and says what it means. */
export class WireSubscriber extends Subscriber<UpstreamResponse> {
  /** Whether it is known how the attempt ended. */
  private hasEnded = false;

  constructor(
    private readonly answer: Link<UpstreamResponse>,
    private readonly upstream: UpstreamSetup,
    private readonly call: UpstreamCall,
  ) {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- "internal" until RxJS 8, and how its operators do it
    super();
  }

  protected override _next(response: UpstreamResponse): void {
    const { name, policy } = this.upstream;
    const { retryOn500 } = policy.retry;
    if (verdictOfStatus(response.status, retryOn500) === VERDICTS.answered) {
      this.hasEnded = true;
      this.call.context.notes?.attemptEnded?.(undefined);
      this.answer.next(response);
    } else this.fail(statusError(name, response, retryOn500, new AcceptedFailure(response)));
  }

  protected override _error(error: unknown): void {
    this.fail(classify(this.upstream.name, error, this.upstream.policy.retry.retryOn500));
  }

  protected override _complete(): void {
    this.answer.complete();
    this.unsubscribe();
  }

  override unsubscribe(): void {
    if (this.closed) return;
    if (!this.hasEnded) this.call.context.notes?.attemptCut?.();
    super.unsubscribe();
  }

  private fail(failure: UpstreamError): void {
    this.hasEnded = true;
    this.call.context.notes?.attemptEnded?.(failure);
    this.answer.error(isOneShot(this.call.request.data) ? failure.withoutRetry() : failure);
    this.unsubscribe();
  }
}
