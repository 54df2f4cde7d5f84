/**
 * Reads a `Retry-After` field (RFC 9110, 10.2.3) as ms from now: seconds or an HTTP date; a date that has passed
 * is 0. Undefined for anything else: a hint that cannot be read is no hint.
 */
export function parseRetryAfter(value: unknown, wallClockMs: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // Every date form of RFC 9110 starts with the day's name; Date.parse alone would read `1.5` as a month.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - wallClockMs);
}
