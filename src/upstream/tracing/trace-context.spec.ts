import { isTracestate, parseTraceparent, traceparentOf } from './trace-context.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('a traceparent', () => {
  it.each([
    ['sampled', `00-${TRACE}-${SPAN}-01`, 1],
    ['not sampled', `00-${TRACE}-${SPAN}-00`, 0],
    ['with a flag that is not known here', `00-${TRACE}-${SPAN}-03`, 1],
    ['of a later version', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, 1],
  ])('%s is read', (_what, traceparent, traceFlags) => {
    expect(parseTraceparent(traceparent)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      traceFlags,
      isRemote: true,
    });
  });

  it.each([
    ['is empty', ''],
    ['has no flags', `00-${TRACE}-${SPAN}`],
    ['has a version that never will be', `ff-${TRACE}-${SPAN}-01`],
    ['has more than its version allows', `00-${TRACE}-${SPAN}-01-x`],
    ['names no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['names no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['is in upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['came twice', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ['has a line break behind it', `00-${TRACE}-${SPAN}-01\n`],
  ])('that %s is none', (_what, traceparent) => {
    expect(parseTraceparent(traceparent)).toBeUndefined();
  });

  it('is written as it was read', () => {
    for (const flags of ['00', '01']) {
      const traceparent = `00-${TRACE}-${SPAN}-${flags}`;
      expect(traceparentOf(parseTraceparent(traceparent)!)).toBe(traceparent);
    }
  });
});

describe('a tracestate', () => {
  it.each([
    'rojo=00f067aa0ba902b7',
    'rojo=1,congo=t61rcWkgMzE',
    'a=1, b=2\t,,c=3',
    'tenant@system=x y~',
    'foo@=1'.replace('@', '@a'),
  ])('such as %j is passed on', (value) => {
    expect(isTracestate(value)).toBe(true);
  });

  it.each([
    ['is empty', ''],
    ['has no value', 'rojo'],
    ['has an empty value', 'rojo='],
    ['has a key in upper case', 'Rojo=1'],
    ['has two equals signs', 'rojo=1=2'],
    ['has a control character', 'rojo=1\u0001'],
    ['has too many members', Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(',')],
    ['is longer than what everybody has to pass on', `a=${'1'.repeat(511)}`],
  ])('that %s is dropped', (_what, value) => {
    expect(isTracestate(value)).toBe(false);
  });
});
