import { SpanKind } from '@opentelemetry/api';
import { type RequestContext } from '../upstream/request-context.js';
import { type RecordedSpan } from '../upstream/tracing/recorded-span.js';
import { type CompositeReport } from './part-report.js';

/** Begins what is recorded of a composite; undefined where nothing is recorded of what asks for it. */
export function beginComposite(outer: RequestContext, ownName: string | undefined): RecordedSpan | undefined {
  const parent = outer.span;
  if (parent === undefined) return undefined;
  // One without a name goes by the verb and the route of its request.
  const name = ownName ?? parent.name;
  return parent.child(`composite ${name}`, SpanKind.INTERNAL, { 'tributary.composite.name': name });
}

export function endComposite(span: RecordedSpan, { complete, parts }: CompositeReport): void {
  span.set('tributary.composite.complete', complete);
  const failed = parts.find(({ state }) => state === 'failed');
  if (failed?.reason !== undefined) span.failed(failed.reason);
  span.end();
}
