import { type Span, TraceFlags } from '@opentelemetry/api';
import { type RecordedSpan } from './recorded-span.js';
import { parseTraceparent, type TraceHeaders, traceparentOf } from './trace-context.js';

/** Where a request stands in a trace, which its calls go on with. */
export interface Trace {
  readonly traceId: string;
  /** Whether somebody records it. */
  readonly sampled: boolean;
  /** What is recorded here, now; undefined for nothing. */
  readonly recorded: RecordedSpan | undefined;
  /** Says in the headers of a call, names in lower case, which trace it belongs to. */
  addTo(headers: Record<string, string | false>): void;
}

/** The trace of a caller, where none is made here: it is passed on as it came in. */
export class PassedTrace implements Trace {
  readonly traceId: string;
  readonly sampled: boolean;
  readonly recorded = undefined;

  private constructor(
    private readonly headers: TraceHeaders,
    { traceId, traceFlags }: { readonly traceId: string; readonly traceFlags: number },
  ) {
    this.traceId = traceId;
    this.sampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  /** Undefined where what the caller said is malformed. */
  static of(headers: TraceHeaders): PassedTrace | undefined {
    const parent = parseTraceparent(headers.traceparent);
    return parent === undefined ? undefined : new PassedTrace(headers, parent);
  }

  /** Whoever makes the call may have said it otherwise. */
  addTo(headers: Record<string, string | false>): void {
    if (headers['traceparent'] !== undefined) return;
    const { traceparent, tracestate } = this.headers;
    headers['traceparent'] = traceparent;
    if (tracestate !== undefined) headers['tracestate'] = tracestate;
  }
}

/** A trace of which nothing is recorded: whoever is called is told so, and need not decide anew. */
export class UnrecordedTrace implements Trace {
  readonly sampled = false;
  readonly recorded = undefined;
  /** All calls of the request say the same. */
  private traceparent: string | undefined;

  constructor(private readonly span: Span) {}

  get traceId(): string {
    return this.span.spanContext().traceId;
  }

  addTo(headers: Record<string, string | false>): void {
    const spanContext = this.span.spanContext();
    this.traceparent ??= traceparentOf(spanContext);
    replaceTrace(headers, this.traceparent, spanContext.traceState?.serialize());
  }
}

/** Whatever else they may say: a span that is not ours would have no place in this trace. */
export function replaceTrace(
  headers: Record<string, string | false>,
  traceparent: string,
  tracestate: string | undefined,
): void {
  headers['traceparent'] = traceparent;
  if (tracestate !== undefined && tracestate !== '') headers['tracestate'] = tracestate;
  else if (headers['tracestate'] !== undefined) delete headers['tracestate'];
}
