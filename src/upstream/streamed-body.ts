import { isAxiosError } from 'axios';
import { AcceptedFailure } from './accepted-failure.js';
import { type UpstreamError } from './upstream-error.js';

/** Whether a request's body is a stream: once it was read, even in part, there is no second attempt to make of it. */
export function isOneShot(body: unknown): boolean {
  return isStream(body);
}

/** Ends the streamed answer of an attempt that another one follows: nobody will read it, and it holds its socket. */
export function discardAnswer({ cause }: UpstreamError): void {
  const response = cause instanceof AcceptedFailure || isAxiosError(cause) ? cause.response : undefined;
  if (isStream(response?.data)) response.data.destroy();
}

function isStream(value: unknown): value is { pipe(): void; destroy(): void } {
  return typeof value === 'object' && value !== null && 'pipe' in value && typeof value.pipe === 'function';
}
