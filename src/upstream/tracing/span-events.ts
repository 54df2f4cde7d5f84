import { type Attributes } from '@opentelemetry/api';
import { RequestContext } from '../request-context.js';
import { type UpstreamEvent, type UpstreamEvents } from '../upstream-events.js';

/** Notes on the span of whoever made a call what no attempt of it shows: answers that took none, and waits between two. */
export function recordEvents(events: UpstreamEvents): void {
  events.subscribe((event) => {
    // First of all: most events are seen elsewhere, and to ask for the context costs more than to look at a type.
    if (event.type !== 'cache' && event.type !== 'coalesced' && event.type !== 'retry') return;
    const { span } = RequestContext.current();
    if (span !== undefined) span.event(event.type, attributesOf(event));
  });
}

type Recorded = Extract<UpstreamEvent, { readonly type: 'cache' | 'coalesced' | 'retry' }>;

function attributesOf(event: Recorded): Attributes {
  if (event.type === 'cache') {
    const { upstream, result, ageMs, reason } = event;
    return {
      'tributary.upstream': upstream,
      'tributary.cache.result': result,
      ...(ageMs === undefined ? {} : { 'tributary.cache.age_ms': Math.round(ageMs) }),
      ...(reason === undefined ? {} : { 'tributary.cache.reason': reason }),
    };
  }
  if (event.type === 'coalesced') return { 'tributary.upstream': event.upstream };
  const { upstream, number, delayMs, free } = event;
  return {
    'tributary.upstream': upstream,
    'tributary.attempt.number': number,
    'tributary.retry.delay_ms': Math.round(delayMs),
    'tributary.retry.free': free,
  };
}
