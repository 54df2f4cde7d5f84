import { acceptedType } from '../aggregation/accepted-type.js';

/** How the events of a response that is sent part by part are written. */
export interface ProgressiveFormat {
  readonly contentType: string;
  /** One event, whole. */
  written(event: string, data: object): string;
  /** What keeps a connection alive that has nothing to say; undefined where the format has no such thing. */
  readonly heartbeat: string | undefined;
}

/** Server-sent events, as a browser's `EventSource` reads them (WHATWG HTML, 9.2). */
export const EVENT_STREAM: ProgressiveFormat = {
  contentType: 'text/event-stream',
  written: (event, data) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
  heartbeat: ': keep-alive\n\n',
};

/** A JSON object a line. */
export const JSON_LINES: ProgressiveFormat = {
  contentType: 'application/x-ndjson',
  written: (event, data) => `${JSON.stringify({ event, ...data })}\n`,
  heartbeat: undefined,
};

const DOCUMENT = 'application/json';

/** In order of preference, where a client likes them alike. */
const FORMATS = [EVENT_STREAM, JSON_LINES];
const TYPES = [DOCUMENT, ...FORMATS.map(({ contentType }) => contentType)];

const NAMES_ONE = /event-stream|ndjson/i;

/**
 * The format a client likes better than a JSON document (RFC 9110, 12.5.1); undefined where that is none. A document is
 * what is sent to whoever likes both alike, or nothing of what there is.
 *
 * @param accept the `Accept` field of the request.
 */
export function progressiveFormatFor(accept: string | undefined): ProgressiveFormat | undefined {
  if (accept === undefined || !NAMES_ONE.test(accept)) return undefined;
  const type = acceptedType(accept, TYPES);
  return FORMATS.find(({ contentType }) => contentType === type);
}
