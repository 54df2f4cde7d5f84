/** Prometheus' own text format, and OpenMetrics, which holds exemplars besides. */
export type ExpositionFormat = 'text' | 'openmetrics';

interface MediaRange {
  readonly type: string;
  readonly version: string | undefined;
  /** How welcome it is, from 0 to 1. */
  readonly quality: number;
}

/** The version of OpenMetrics that is written. */
const VERSION = '1.0.0';

/** The format for an `Accept` header: OpenMetrics where it is named, and no less welcome than text; text for all others. */
export function expositionFormatFor(accept: string | undefined): ExpositionFormat {
  const ranges = (accept ?? '').split(',').map(mediaRange);
  const openMetrics = ranges.filter(
    ({ type, version = VERSION }) => type === 'application/openmetrics-text' && version === VERSION,
  );
  const text = ranges.filter(({ type }) => type === 'text/plain');
  const welcome = best(openMetrics);
  return welcome > 0 && welcome >= best(text) ? 'openmetrics' : 'text';
}

function mediaRange(written: string): MediaRange {
  const [type = '', ...parameters] = written.split(';').map((part) => part.trim().toLowerCase());
  const values = new Map(
    parameters.map((parameter) => {
      const [name = '', value = ''] = parameter.split('=');
      return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')] as const;
    }),
  );
  const quality = Number(values.get('q') ?? 1);
  return { type, version: values.get('version'), quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

function best(ranges: readonly MediaRange[]): number {
  return Math.max(0, ...ranges.map(({ quality }) => quality));
}
