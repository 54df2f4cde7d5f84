import { ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { RequestContext } from '../upstream/request-context.js';
import { traceIdOf } from './trace-id.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

function tracedContext(traceId: string, traceFlags: TraceFlags): RequestContext {
  const spanContext = { traceId, spanId: 'b7ad6b7169203331', traceFlags };
  const context = new RequestContext('r', Infinity, {});
  return Object.assign(context, { trace: trace.setSpanContext(ROOT_CONTEXT, spanContext) });
}

describe('the trace of a request', () => {
  it('is named where it is kept', () => {
    expect(traceIdOf(tracedContext(TRACE, TraceFlags.SAMPLED))).toBe(TRACE);
  });

  it('is not where nobody will find it', () => {
    expect(traceIdOf(tracedContext(TRACE, TraceFlags.NONE))).toBeUndefined();
    expect(traceIdOf(tracedContext('0'.repeat(32), TraceFlags.SAMPLED))).toBeUndefined();
    expect(traceIdOf(RequestContext.none)).toBeUndefined();
  });
});
