import { SpanKind } from '@opentelemetry/api';
import { type RequestContext } from '../upstream/request-context.js';
import { type RecordedSpan } from '../upstream/tracing/recorded-span.js';
import { type FailureReason } from '../upstream/upstream-error.js';
import { type Part } from './part.js';
import { type PartState } from './part-report.js';

/** Begins what is recorded of a part; undefined where nothing is recorded of its composite. */
export function beginPart(
  outer: RequestContext,
  name: string,
  { kind }: Part<unknown>,
): RecordedSpan | undefined {
  return outer.span?.child(`part ${name}`, SpanKind.INTERNAL, {
    'tributary.part.name': name,
    'tributary.part.required': kind === 'required',
  });
}

/** @param reason why it has no value of its own. */
export function endPart(span: RecordedSpan, state: PartState, reason: FailureReason | undefined): void {
  span.set('tributary.part.state', state);
  if (reason !== undefined) span.set('tributary.part.reason', reason);
  // A fallback is an answer; what it stands in for has failed all the same.
  if (state === 'failed' || state === 'fallback') span.failed(reason ?? 'invalid');
  span.end();
}
