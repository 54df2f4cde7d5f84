import { type Context, isSpanContextValid, trace, TraceFlags } from '@opentelemetry/api';
import { type RequestContext } from '../upstream/request-context.js';

/** The trace that shows a request, if there is one and it is kept: what an exemplar points to. */
export function traceIdOf(context: RequestContext): string | undefined {
  const { trace: carried } = context as TracedContext;
  const span = carried === undefined ? undefined : trace.getSpanContext(carried);
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  return (span.traceFlags & TraceFlags.SAMPLED) === 0 ? undefined : span.traceId;
}

/** A context that carries OpenTelemetry's along: where requests are traced, it does. */
type TracedContext = RequestContext & { readonly trace?: Context | undefined };
