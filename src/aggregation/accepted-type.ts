/**
 * The media type of those offered that a client likes best (RFC 9110, 12.5.1): of those it likes alike the first;
 * undefined where it wants none of them.
 *
 * @param accept the `Accept` field of the request; without one it takes anything.
 */
export function acceptedType<T extends string>(
  accept: string | undefined,
  offered: readonly T[],
): T | undefined {
  if (accept === undefined) return offered[0];
  const ranges = rangesOf(accept);
  let best: T | undefined;
  let quality = 0;
  for (const type of offered) {
    const liked = qualityOf(type, ranges);
    if (liked <= quality) continue;
    best = type;
    quality = liked;
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
