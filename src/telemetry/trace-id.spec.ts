import { RequestContext } from '../upstream/request-context.js';
import { tracedContext } from './testing/traced-context.js';
import { traceIdOf } from './trace-id.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('the trace of a request', () => {
  it('is named where there is one', () => {
    expect(traceIdOf(tracedContext(TRACE))).toBe(TRACE);
    expect(traceIdOf(RequestContext.none)).toBeUndefined();
  });
});
