import { type ExchangeContext } from '../../aggregation/exchange-context.js';

/** A `traceparent` (W3C Trace Context): version, trace, parent, flags; later versions may say more behind that. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/** The trace a request belongs to, as its caller says; undefined where it does not, or not as it should. */
export function traceIdOf(exchange: ExchangeContext | undefined): string | undefined {
  const field = exchange?.headers['traceparent'];
  if (typeof field !== 'string') return undefined;
  const [, version, traceId, more] = TRACEPARENT.exec(field) ?? [];
  return version === '00' && more !== undefined ? undefined : traceId;
}
