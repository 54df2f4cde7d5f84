import { STATUS_CODES } from 'node:http';

/** What stands for any value that is not known, as OpenTelemetry's conventions have it. */
export const OTHER = '_OTHER';

/** Verbs of the RFCs: a client, or an answer, may hold any other word, and each would be a series. */
const METHODS: readonly string[] = [
  OTHER,
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'QUERY',
  'CONNECT',
  'TRACE',
];
const CODES: ReadonlyMap<string, number> = new Map(METHODS.map((method, code) => [method, code]));

/** One number for a verb and a status, so that a series is found by it; unknown ones share one. */
export function exchangeKey(method: string, status: number | undefined): number {
  const known = status === undefined ? NO_STATUS : STATUS_CODES[status] === undefined ? 0 : status;
  return (CODES.get(method) ?? 0) * STATUSES + known;
}

const STATUSES = 1000;
const NO_STATUS = 999;

/** The labels that such a number stands for: the verb, and the status if there was one. */
export function exchangeLabels(key: number): {
  readonly http_request_method: string;
  readonly http_response_status_code?: string;
} {
  const http_request_method = METHODS[Math.floor(key / STATUSES)] ?? OTHER;
  const status = key % STATUSES;
  if (status === NO_STATUS) return { http_request_method };
  return { http_request_method, http_response_status_code: status === 0 ? OTHER : String(status) };
}
