import { type IncomingHeaders } from '../upstream/request-context.js';
import { type RequestQuery } from './request-query.js';

/** What a request gives to a composite: the roots of the scope that are no parts. */
export interface CompositeInput {
  readonly params: Readonly<Record<string, unknown>>;
  /** Null where there is none. */
  readonly body: unknown;
  /** Undefined where nothing is passed on. */
  readonly [CLIENT]?: ClientRequest;
}

/** What may be passed on of a client's request. */
export interface ClientRequest {
  readonly headers: IncomingHeaders;
  readonly query: RequestQuery;
  /** As it was parsed; undefined for none. */
  readonly body: unknown;
}

/** Where a scope holds the client's request: no expression can name it. */
export const CLIENT: unique symbol = Symbol('client');

/** The client's request in a scope; undefined where nothing of it is passed on. */
export function clientOf(scope: object): ClientRequest | undefined {
  return (scope as { readonly [CLIENT]?: ClientRequest })[CLIENT];
}
