import { BadRequestException } from '@nestjs/common';

/** The most paths one request may ask for. */
const MAX_PATHS = 100;
/** The longest that what is asked for may be written, in characters. */
const MAX_LENGTH = 4096;

/** So much of one path is repeated where it is refused, and a longer one is nobody's slip of the pen. */
export const MAX_NAME_LENGTH = 64;

/** The name of the query parameter. */
export const FIELDS_PARAM = 'fields';

export type FieldPath = readonly string[];

/** The fields of a response that a client asks for: `?fields=customer,orders.total`. */
export interface AskedFields {
  /** Sorted, each once, without those that lie below another one. */
  readonly paths: readonly FieldPath[];
  /** Equal for what asks for the same, however it is written. */
  readonly key: string;
}

/**
 * Reads `?fields=`: dotted paths, separated by commas; the parameter may be repeated.
 *
 * @param written one value or several, as the query has them.
 * @throws BadRequestException saying what is wrong with them.
 */
export function askedFields(written: unknown): AskedFields {
  const text = Array.isArray(written) ? written.join(',') : String(written);
  if (text.length > MAX_LENGTH) throw refused(`is longer than ${MAX_LENGTH} characters`);
  const names = text.split(',');
  if (names.length > MAX_PATHS) throw refused(`asks for more than ${MAX_PATHS} fields`);
  const paths = names.map(pathOf).sort(byText);
  const widest: FieldPath[] = [];
  for (const path of paths) {
    const last = widest.at(-1);
    // Sorted: what lies below a path comes right behind it.
    if (last === undefined || !startsWith(path, last)) widest.push(path);
  }
  return { paths: widest, key: widest.map((path) => path.join('.')).join(',') };
}

/** What was asked for, as an error repeats it. */
export function quoted(name: string): string {
  return name.length > MAX_NAME_LENGTH ? `'${name.slice(0, MAX_NAME_LENGTH)}...'` : `'${name}'`;
}

/** Whether one of two paths leads to what the other one leads into, or both to the same. */
export function overlap(one: FieldPath, other: FieldPath): boolean {
  return startsWith(one, other) || startsWith(other, one);
}

function startsWith(path: FieldPath, start: FieldPath): boolean {
  return start.length <= path.length && start.every((key, at) => path[at] === key);
}

function pathOf(written: string): FieldPath {
  const path = written.split('.').map((key) => key.trim());
  if (path.includes('')) {
    const found = written.trim();
    throw refused(found === '' ? 'names no field' : `names ${quoted(found)}, which is no dotted path`);
  }
  return path;
}

/** By the first key in which they differ, so that nothing comes between a path and what lies below it. */
function byText(one: FieldPath, other: FieldPath): number {
  for (const [at, key] of one.entries()) {
    const otherKey = other[at];
    if (otherKey === undefined) return 1;
    if (key !== otherKey) return key < otherKey ? -1 : 1;
  }
  return one.length - other.length;
}

function refused(flaw: string): BadRequestException {
  return new BadRequestException(
    `The parameter '${FIELDS_PARAM}' ${flaw}; expected fields of the response, such as customer,orders.total.`,
  );
}
