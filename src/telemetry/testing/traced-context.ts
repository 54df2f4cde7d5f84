import { RequestContext } from '../../upstream/request-context.js';

/** The context of a request that is traced. */
export function tracedContext(traceId: string): RequestContext {
  return Object.defineProperty(new RequestContext('r', Infinity, {}), 'traceId', { value: traceId });
}
