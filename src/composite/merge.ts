import { type MergePolicy } from './config/composite-config.js';
import { isJsonObject, ownValue, writeKey } from './json-object.js';

/**
 * What stands at a place that two parts have written. Neither value is changed.
 *
 * - `deep`: objects key by key, and so on below; anything else is replaced by the later one, lists too.
 * - `concat`: the later list behind the earlier one.
 * - `by-key`: items of the later list are merged (`deep`) into the first item of the earlier one with the same key, where
 *   it stands; others are appended. Keys are compared as text; an item without one equals no other.
 *
 * Wherever two values meet that a policy cannot merge (a list and an object, say), and where there is none, the later one
 * stands. A null never displaces anything: a part that fell back takes nothing away from an earlier one.
 */
export function merged(earlier: unknown, later: unknown, policy: MergePolicy | undefined): unknown {
  if (later === null) return earlier;
  if (earlier === null) return later;
  switch (policy?.policy) {
    case 'deep':
      return mergedDeep(earlier, later);
    case 'concat':
      return isList(earlier) && isList(later) ? [...earlier, ...later] : later;
    case 'by-key':
      return isList(earlier) && isList(later) ? mergedByKey(earlier, later, policy.key) : later;
    case undefined:
      return later;
  }
}

function mergedDeep(earlier: unknown, later: unknown): unknown {
  if (later === null) return earlier;
  if (!isJsonObject(earlier) || !isJsonObject(later)) return later;
  const result: Record<string, unknown> = { ...earlier };
  for (const key of Object.keys(later)) {
    const value = later[key];
    writeKey(result, key, Object.hasOwn(earlier, key) ? mergedDeep(earlier[key], value) : value);
  }
  return result;
}

function mergedByKey(earlier: readonly unknown[], later: readonly unknown[], field: string): unknown[] {
  const result = [...earlier];
  const places = new Map<string, number>();
  for (const [place, item] of earlier.entries()) {
    const key = keyOf(item, field);
    if (key !== undefined && !places.has(key)) places.set(key, place);
  }
  for (const item of later) {
    const key = keyOf(item, field);
    const place = key === undefined ? undefined : places.get(key);
    if (place !== undefined) result[place] = mergedDeep(result[place], item);
    else {
      if (key !== undefined) places.set(key, result.length);
      result.push(item);
    }
  }
  return result;
}

function keyOf(item: unknown, field: string): string | undefined {
  const key = isJsonObject(item) ? ownValue(item, field) : undefined;
  return typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean'
    ? String(key)
    : undefined;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
