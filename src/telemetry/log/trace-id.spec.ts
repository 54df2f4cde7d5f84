import { ExchangeContext } from '../../aggregation/exchange-context.js';
import { NO_PREFERENCES } from '../../aggregation/preferences.js';
import { traceIdOf } from './trace-id.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

function idIn(traceparent: string | undefined): string | undefined {
  return traceIdOf(new ExchangeContext('r-1', Infinity, { traceparent }, NO_PREFERENCES));
}

describe('the trace id of a request', () => {
  it.each([
    `00-${TRACE}-b7ad6b7169203331-01`,
    `00-${TRACE}-b7ad6b7169203331-00`,
    `01-${TRACE}-b7ad6b7169203331-01-what-comes-later`,
  ])('is that of %s', (field) => {
    expect(idIn(field)).toBe(TRACE);
  });

  it.each([
    undefined,
    '',
    TRACE,
    `00-${TRACE}-b7ad6b7169203331`,
    `00-${TRACE}-b7ad6b7169203331-01-more`,
    `ff-${TRACE}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`,
    ` 00-${TRACE}-b7ad6b7169203331-01`,
    `00-${TRACE}\n-b7ad6b7169203331-01`,
  ])('is not taken from %j', (field) => {
    expect(idIn(field)).toBeUndefined();
  });

  it("is nobody's outside a request", () => {
    expect(traceIdOf(undefined)).toBeUndefined();
  });
});
