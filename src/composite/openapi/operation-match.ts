import { HOLE } from './call-outline.js';
import { type DocumentedPath, type UpstreamDocument } from './upstream-document.js';

/** A path of a document that a call is for. */
export interface PathMatch {
  readonly path: string;
  /** The names the document has for the call's values, in the order of its HOLEs; undefined where it has none. */
  readonly names: readonly (string | undefined)[];
}

/**
 * The path of a document that a call's path is one of, or undefined. Of several the more concrete one, as OpenAPI has
 * it: `/reviews/summary` before `/reviews/{id}`.
 *
 * @param paths the call's, from the base URL of its upstream and from the root of the server; with HOLEs
 * @param values those a hole may only have, by its number; undefined for any
 */
export function matchingPath(
  document: UpstreamDocument,
  paths: readonly string[],
  values: (hole: number) => readonly string[] | undefined,
): PathMatch | undefined {
  const called = [...new Set(paths)].map((path) => path.split('/').map(decoded));
  for (const documented of document.paths.toSorted(byConcreteness)) {
    for (const fullPath of documented.fullPaths) {
      const segments = fullPath.split('/');
      for (const call of called) {
        const names = namesOf(segments, call, values);
        if (names !== undefined) return { path: documented.path, names };
      }
    }
  }
  return undefined;
}

function namesOf(
  documented: readonly string[],
  called: readonly string[],
  values: (hole: number) => readonly string[] | undefined,
): readonly (string | undefined)[] | undefined {
  if (documented.length !== called.length) return undefined;
  const names: (string | undefined)[] = [];
  for (const [index, segment] of called.entries()) {
    const pattern = documented[index] ?? '';
    const holes = segment.split(HOLE).length - 1;
    if (isVariable(pattern)) {
      if (segment === '') return undefined;
      names.push(
        ...Array.from({ length: holes }, () => (segment === HOLE ? pattern.slice(1, -1) : undefined)),
      );
    } else if (fits(pattern, segment)) {
      names.push(...Array.from({ length: holes }, () => undefined));
    } else {
      const only = segment === HOLE ? values(names.length) : undefined;
      if (only?.includes(decoded(pattern)) !== true) return undefined;
      names.push(undefined);
    }
  }
  return names;
}

function isVariable(segment: string): boolean {
  return /^\{[^{}]*\}$/.test(segment);
}

/** Whether a segment can be one of that pattern: `{name}.json`, or plain text. */
function fits(pattern: string, segment: string): boolean {
  if (!pattern.includes('{')) return decoded(pattern) === segment;
  const source = pattern
    .split(/\{[^{}]*\}/)
    .map((text) => decoded(text).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.+');
  return new RegExp(`^${source}$`, 's').test(segment);
}

/** Fewer variables first, from the left. */
function byConcreteness({ path: one }: DocumentedPath, { path: other }: DocumentedPath): number {
  return rank(one) < rank(other) ? -1 : 1;
}

function rank(path: string): string {
  return path
    .split('/')
    .map((segment) => (isVariable(segment) ? '2' : segment.includes('{') ? '1' : '0'))
    .join('');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
