import { type UpstreamResponse } from './upstream-call.js';

/**
 * An answer with a status that is a failure, which the caller's own `validateStatus` accepts: to the policy a failure
 * like any other, to the caller an answer. It is the `cause` of an UpstreamError.
 */
export class AcceptedFailure {
  constructor(readonly response: UpstreamResponse) {}
}
