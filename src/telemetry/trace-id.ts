import { type RequestContext } from '../upstream/request-context.js';

/** The trace that shows a request, if there is one that somebody keeps: what an exemplar points to. */
export function traceIdOf(context: RequestContext): string | undefined {
  return (context as TracedContext).traceId;
}

/** Where requests are traced, their contexts say in which trace: 32 hex digits, if it is sampled. */
type TracedContext = RequestContext & { readonly traceId?: string | undefined };
