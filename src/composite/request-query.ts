/** A parameter as it was sent: its name decoded, its value not. */
type Pair = readonly [name: string, value: string];

/** Some parameters of the query of a request, as they were sent. Nothing is read before somebody asks. */
export class RequestQuery {
  private parameters: Parameters | undefined;

  /**
   * @param url the target of the request: path and query.
   * @param names of the parameters that are read; there are no others.
   */
  constructor(
    private readonly url: string,
    private readonly names: ReadonlySet<string>,
  ) {}

  /** The values of one parameter, still encoded, in order. */
  encoded(name: string): readonly string[] {
    return this.read().byName.get(name) ?? NONE;
  }

  /** The parameters of these names with their values, still encoded, in order. */
  among(names: ReadonlySet<string>): readonly Pair[] {
    return this.read().pairs.filter(([name]) => names.has(name));
  }

  private read(): Parameters {
    return (this.parameters ??= parametersOf(this.url, this.names));
  }
}

interface Parameters {
  readonly pairs: readonly Pair[];
  readonly byName: ReadonlyMap<string, readonly string[]>;
}

const NONE: readonly string[] = [];

/**
 * Percent-encoded UTF-8: a byte below 128, or one of the well-formed sequences of the Unicode standard (table 3-7).
 *
 * What `decodeURIComponent` throws is dear, and whoever sends thousands of lone percent signs would have us pay for it.
 */
const UTF8 =
  /^(?:[^%]|%[0-7][\da-f]|%(?:c[2-9a-f]|d[\da-f])(?:%[89ab][\da-f])|%e0%[ab][\da-f]%[89ab][\da-f]|%(?:e[1-9a-cef])(?:%[89ab][\da-f]){2}|%ed%[89][\da-f]%[89ab][\da-f]|%f0%[9ab][\da-f](?:%[89ab][\da-f]){2}|%f[1-3](?:%[89ab][\da-f]){3}|%f4%8[\da-f](?:%[89ab][\da-f]){2})*$/i;

/** The text of a part of a query; undefined if it is no percent-encoded UTF-8. */
export function decodedQuery(encoded: string): string | undefined {
  const spaced = encoded.includes('+') ? encoded.replaceAll('+', ' ') : encoded;
  if (!spaced.includes('%')) return spaced;
  return UTF8.test(spaced) ? decodeURIComponent(spaced) : undefined;
}

function parametersOf(url: string, names: ReadonlySet<string>): Parameters {
  const pairs: Pair[] = [];
  const byName = new Map<string, string[]>();
  const query = url.indexOf('?');
  for (let start = query < 0 ? url.length : query + 1; start < url.length;) {
    const next = url.indexOf('&', start);
    const end = next < 0 ? url.length : next;
    const written = url.slice(start, end);
    const equals = written.indexOf('=');
    const encoded = equals < 0 ? written : written.slice(0, equals);
    const name = decodedQuery(encoded) ?? encoded;
    start = end + 1;
    if (!names.has(name)) continue;
    const value = equals < 0 ? '' : written.slice(equals + 1);
    pairs.push([name, value]);
    const values = byName.get(name);
    if (values === undefined) byName.set(name, [value]);
    else values.push(value);
  }
  return { pairs, byName };
}
