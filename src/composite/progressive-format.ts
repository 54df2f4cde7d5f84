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

/** In order of preference, where a client likes them alike. */
const FORMATS = [EVENT_STREAM, JSON_LINES];

const NAMES_ONE = /event-stream|ndjson/i;

/**
 * The format a client likes better than a JSON document (RFC 9110, 12.5.1); undefined where that is none. A document is
 * what is sent to whoever likes both alike, or nothing of what there is.
 *
 * @param accept the `Accept` field of the request.
 */
export function progressiveFormatFor(accept: string | undefined): ProgressiveFormat | undefined {
  if (accept === undefined || !NAMES_ONE.test(accept)) return undefined;
  const ranges = rangesOf(accept);
  let best: ProgressiveFormat | undefined;
  let quality = qualityOf('application/json', ranges);
  for (const format of FORMATS) {
    const offered = qualityOf(format.contentType, ranges);
    if (offered > quality) {
      best = format;
      quality = offered;
    }
  }
  return best;
}

/** Quality by media range, in lower case; what cannot be read is left out. */
function rangesOf(accept: string): ReadonlyMap<string, number> {
  const ranges = new Map<string, number>();
  for (const written of accept.split(',')) {
    const [range = '', ...parameters] = written.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    if (weight !== undefined && !WEIGHT.test(weight)) continue;
    ranges.set(range, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  return ranges;
}

const WEIGHT = /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** The most specific range that a type falls into says how much it is liked. */
function qualityOf(type: string, ranges: ReadonlyMap<string, number>): number {
  const anyOfItsKind = `${type.slice(0, type.indexOf('/'))}/*`;
  return ranges.get(type) ?? ranges.get(anyOfItsKind) ?? ranges.get('*/*') ?? 0;
}
