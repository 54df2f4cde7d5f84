/** The query of a request as it was sent, read for some of its parameters. */
export class RequestQuery {
  private readonly pairs: readonly (readonly [name: string, value: string])[];

  /** @param url the target of the request: path and query. */
  constructor(url: string) {
    const start = url.indexOf('?');
    this.pairs =
      start < 0
        ? []
        : url
            .slice(start + 1)
            .split('&')
            .map(pairOf);
  }

  /** The values of one parameter, still encoded, in order. */
  encoded(name: string): readonly string[] {
    return this.pairs.filter(([key]) => key === name).map(([, value]) => value);
  }

  /** The parameters of these names with their values, still encoded, in order. */
  among(names: ReadonlySet<string>): readonly (readonly [name: string, value: string])[] {
    return this.pairs.filter(([name]) => names.has(name));
  }
}

/** The text of a part of a query; undefined if it is no percent-encoded UTF-8. */
export function decodedQuery(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function pairOf(pair: string): readonly [name: string, value: string] {
  const equals = pair.indexOf('=');
  const name = equals < 0 ? pair : pair.slice(0, equals);
  return [decodedQuery(name) ?? name, equals < 0 ? '' : pair.slice(equals + 1)];
}
