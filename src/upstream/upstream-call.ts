import { type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { type Call } from '../resilience/call.js';
import { type RequestContext } from './request-context.js';

/** What to ask an upstream, without saying where it is. */
export interface UpstreamRequest extends Omit<AxiosRequestConfig, 'url' | 'method' | 'baseURL' | 'headers'> {
  /** Path and query, starting with '/'; appended to the endpoint's base URL. */
  readonly url: string;
  /** In upper case. */
  readonly method: string;
  /** Sent beside, and where equally named instead of, what the upstream's configuration sends. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Shrinks the call's deadline, in ms from now. */
  readonly deadlineMs?: number | undefined;
}

export type UpstreamResponse = AxiosResponse<unknown>;

/** One logical call to an upstream. */
export interface UpstreamCall extends Call {
  readonly request: UpstreamRequest;
  readonly context: RequestContext;
  /** On the clock's scale, in ms. */
  readonly startedAt: number;
  /** Attempts that reached the wire so far. */
  attempts: number;
}

const REPLAY_SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Whether sending the request twice does no more than sending it once (RFC 9110, 9.2.2). */
export function isReplaySafe({ method, headers }: UpstreamRequest): boolean {
  if (REPLAY_SAFE_METHODS.has(method)) return true;
  return (
    headers !== undefined && Object.keys(headers).some((name) => name.toLowerCase() === 'idempotency-key')
  );
}
