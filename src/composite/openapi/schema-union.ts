import { isDeepStrictEqual } from 'node:util';
import { type Schema } from './schema-reader.js';

export const ANYTHING: Schema = {};
export const NULL: Schema = { type: 'null' };
const NOTHING: Schema = { not: {} };

/** What fits at least one of them, written as short as can be. */
export function unionOf(schemas: readonly Schema[]): Schema {
  const distinct: Schema[] = [];
  for (const schema of schemas.flatMap(alternatives)) {
    if (isAnything(schema)) return schema;
    if (isDeepStrictEqual(schema, NOTHING)) continue;
    if (!distinct.some((known) => isDeepStrictEqual(known, schema))) distinct.push(schema);
  }
  const lists = distinct.some(({ type, maxItems }) => type === 'array' && maxItems !== 0);
  const kept = distinct.filter(({ type, maxItems }) => !(lists && type === 'array' && maxItems === 0));
  const [first = NOTHING, second] = kept;
  if (second === undefined) return first;
  const rest = kept.filter((schema) => !isDeepStrictEqual(schema, NULL));
  const [only] = rest;
  if (rest.length === 1 && only !== undefined) return orNull(only);
  return { anyOf: rest.length < kept.length ? [...rest, NULL] : rest };
}

export function isAnything(schema: Schema): boolean {
  return Object.keys(schema).every((keyword) => keyword === 'description' || keyword === 'title');
}

function alternatives(schema: Schema): readonly Schema[] {
  const { anyOf, type, ...beside } = schema;
  if (Array.isArray(anyOf) && type === undefined && Object.keys(beside).length === 0) {
    return (anyOf as Schema[]).flatMap(alternatives);
  }
  if (!Array.isArray(type) || !type.includes('null') || 'enum' in schema) return [schema];
  const [only, ...others] = (type as unknown[]).filter((one) => one !== 'null');
  if (only === undefined) return [NULL];
  return [{ ...schema, type: others.length === 0 ? only : [only, ...others] }, NULL];
}

function orNull(schema: Schema): Schema {
  const { type } = schema;
  const isPlain = !('const' in schema) && !('enum' in schema);
  if (isPlain && typeof type === 'string') return { ...schema, type: [type, 'null'] };
  if (isPlain && Array.isArray(type)) return { ...schema, type: [...(type as unknown[]), 'null'] };
  return { anyOf: [schema, NULL] };
}
