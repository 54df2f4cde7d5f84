import { loggableError } from './loggable-error.js';
import { isSecretName, REDACTED, scrubbedText } from './scrubbed-text.js';

const MAX_DEPTH = 4;
const MAX_ENTRIES = 50;
const MAX_CHARACTERS = 8_192;

/**
 * Anything, as data fit for a line: no secrets, no cycles, no more than a line should hold. Getters and `toJSON()` of
 * others are not run, except that of dates.
 */
export function plainValue(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return shortened(scrubbedText(value));
    case 'number':
    case 'boolean':
      return value;
    case 'undefined':
      return undefined;
    case 'bigint':
    case 'symbol':
      return value.toString();
    case 'function':
      return `[function ${value.name}]`;
    case 'object':
      return value === null ? null : plainObject(value, depth);
  }
}

/** What is longer than a line should be, cut, with a note of how much there was. */
export function shortened(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  return `${text.slice(0, MAX_CHARACTERS)}... (${text.length} characters)`;
}

function plainObject(value: object, depth: number): unknown {
  if (value instanceof Error) return loggableError(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL) return scrubbedText(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? '[list]' : '[object]';
  if (value instanceof Map) return plainEntries([...value].slice(0, MAX_ENTRIES), value.size, depth);
  if (value instanceof Set) return plainList([...value], depth);
  if (Array.isArray(value)) return plainList(value, depth);
  const own = Object.entries(Object.getOwnPropertyDescriptors(value)).filter(
    ([, { enumerable }]) => enumerable,
  );
  const entries = own.slice(0, MAX_ENTRIES).map(([key, { value: held }]) => [key, held as unknown] as const);
  return plainEntries(entries, own.length, depth);
}

function plainList(items: readonly unknown[], depth: number): unknown {
  const plain = items.slice(0, MAX_ENTRIES).map((item) => plainValue(item, depth + 1) ?? null);
  return items.length > MAX_ENTRIES ? [...plain, `[${items.length - MAX_ENTRIES} more]`] : plain;
}

function plainEntries(
  entries: readonly (readonly [unknown, unknown])[],
  of: number,
  depth: number,
): Readonly<Record<string, unknown>> {
  const plain = Object.fromEntries(
    entries.map(([key, value]) => {
      const name = typeof key === 'string' ? scrubbedText(key) : typeof key;
      return [name, isSecretName(name) && value !== undefined ? REDACTED : plainValue(value, depth + 1)];
    }),
  );
  return of > MAX_ENTRIES ? { ...plain, '...': `[${of - MAX_ENTRIES} more]` } : plain;
}
