import { type SpanContext, TraceFlags } from '@opentelemetry/api';

/** What a caller says of the trace its request belongs to, as it said it (W3C Trace Context). */
export interface TraceHeaders {
  readonly traceparent: string;
  /** Undefined where there is none, or none that could be read. */
  readonly tracestate: string | undefined;
}

/** Version, trace, parent, flags. A later version may have more behind it; `ff` will never be one. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** The trace and the span of a `traceparent`; undefined for one that is malformed, and then has to be dropped. */
export function parseTraceparent(traceparent: string): SpanContext | undefined {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  const sampled = (Number.parseInt(flags, 16) & TraceFlags.SAMPLED) !== 0;
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

/** The `traceparent` of what is done for this span. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'}`;
}

const MAX_TRACESTATE_LENGTH = 512;
const MAX_TRACESTATE_MEMBERS = 32;
const KEY = '(?:[a-z][a-z\\d_*/-]{0,255}|[a-z\\d][a-z\\d_*/-]{0,240}@[a-z][a-z\\d_*/-]{0,13})';
/** A value is printable, without comma and equals sign, and does not end in a space. */
const MEMBER = new RegExp(`^[ \\t]*(?:${KEY}=[ -+\\--<>-~]{0,255}[!-+\\--<>-~][ \\t]*)?$`);

/** Whether a `tracestate` is well-formed and no longer than what everybody has to pass on. */
export function isTracestate(value: string): boolean {
  if (value === '' || value.length > MAX_TRACESTATE_LENGTH) return false;
  const members = value.split(',');
  return members.length <= MAX_TRACESTATE_MEMBERS && members.every((member) => MEMBER.test(member));
}
