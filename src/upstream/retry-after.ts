/** The longest wait we believe in, in ms: a day. Whoever asks for more is as good as gone. */
const LONGEST_MS = 86_400_000;

const TIME = String.raw`\d{2}:\d{2}:\d{2}`;
/** The three forms of a date (RFC 9110, 5.6.7). `Date.parse` alone makes a date of `soon 5` and of `1.5`. */
const IMF_FIXDATE = new RegExp(String.raw`^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} ${TIME} GMT$`);
const RFC_850 = new RegExp(String.raw`^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} ${TIME} GMT$`);
const ASCTIME = new RegExp(String.raw`^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d ${TIME} \d{4}$`);

/**
 * Reads a `Retry-After` field (RFC 9110, 10.2.3) as ms from now: seconds or an HTTP date; a date that has passed
 * is 0, anything above a day a day. Undefined for anything else: a hint that cannot be read is no hint.
 */
export function parseRetryAfter(value: unknown, wallClockMs: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : dateOf(text) - wallClockMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(LONGEST_MS, Math.max(0, waitMs));
}

/**
 * Reads a `retry-after-ms` field, which some services send beside `Retry-After` because whole seconds are too coarse
 * for them: milliseconds, with or without a fraction, anything above a day a day. Undefined for anything else.
 */
export function parseRetryAfterMs(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d+(?:\.\d+)?$/.test(value.trim())) return undefined;
  return Math.min(LONGEST_MS, Number(value));
}

/** In ms since 1970; NaN for anything that is no HTTP date. */
function dateOf(text: string): number {
  if (IMF_FIXDATE.test(text) || RFC_850.test(text)) return Date.parse(text);
  // The one form that does not name its zone; it is GMT as well.
  return ASCTIME.test(text) ? Date.parse(`${text} GMT`) : NaN;
}
