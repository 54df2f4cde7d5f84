/** A directive's argument, without its quotes; empty where it has none. */
export type CacheDirectives = ReadonlyMap<string, string>;

const DIRECTIVE = /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?/g;

/** RFC 9111, 1.2.2: more than this is as good as for ever. */
const LONGEST_S = 2 ** 31;

/**
 * Reads a `Cache-Control` field (RFC 9111, 5.2); names in lower case. Of a directive that stands there twice the smaller
 * number counts: the field contradicts itself, and the answer is to be considered old rather than new (4.2.1).
 */
export function directivesOf(field: string): CacheDirectives {
  const directives = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of field.matchAll(DIRECTIVE)) {
    const key = name.toLowerCase();
    const value = quoted ?? plain;
    const earlier = directives.get(key);
    if (earlier === undefined || secondsOf(value) < secondsOf(earlier)) directives.set(key, value);
  }
  return directives;
}

/** A number of seconds; 0 for what is none, because that is the careful reading. */
export function secondsOf(text: string): number {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Math.min(LONGEST_S, Number(trimmed)) : 0;
}

/** Directives whose argument is a number of seconds. */
const TIMES: ReadonlySet<string> = new Set([
  'max-age',
  's-maxage',
  'stale-while-revalidate',
  'stale-if-error',
]);

/** The directives as a field again: each once, in lower case, and without the fields that `private` may name. */
export function fieldOf(directives: CacheDirectives): string {
  const items: string[] = [];
  for (const [name, value] of directives) items.push(TIMES.has(name) ? `${name}=${secondsOf(value)}` : name);
  return items.join(', ');
}
