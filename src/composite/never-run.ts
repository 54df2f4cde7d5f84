import { type Expression, type Scope } from './expression.js';
import { isFalse } from './expression-values.js';
import { type ReadPart } from './part-reading.js';

/** Reports parts that no request can ever call, and says which others that leaves without a call. */
export function reportNeverRun(parts: readonly ReadPart[]): void {
  const idle = new Map<string, unknown>();
  const isCause = parts.filter((part) => neverRuns(part, idle));
  for (const cause of isCause) idle.set(cause.config.name, cause.config.fallback);
  const followers = following(parts, idle);
  for (const { place, when } of isCause) {
    const others = followers.length === 0 ? '' : `; then neither do ${followers.join(', ')}`;
    const key = when !== undefined && never(when, {}) ? 'when' : 'forEach';
    const below = place.below(key);
    const at = below.has('items') ? below.below('items') : below;
    const expected =
      key === 'when'
        ? 'a condition that can hold: this one never does, and the part never runs'
        : 'items: this list is always empty, and the part never runs';
    at.unexpected(expected + others);
  }
}

/** What never runs because the values it looks at are always the fallbacks of parts that never run. */
function following(parts: readonly ReadPart[], causes: ReadonlyMap<string, unknown>): readonly string[] {
  const idle = new Map(causes);
  const followers: string[] = [];
  for (let before = -1; before !== idle.size;) {
    before = idle.size;
    for (const part of parts) {
      const { name, fallback } = part.config;
      if (idle.has(name) || !neverRuns(part, idle)) continue;
      idle.set(name, fallback);
      followers.push(name);
    }
  }
  return followers;
}

function neverRuns({ when, join }: ReadPart, idle: ReadonlyMap<string, unknown>): boolean {
  const scope = Object.fromEntries(idle);
  return [when, join?.items].some((expression) => {
    const isKnown = expression !== undefined && [...expression.references].every((name) => idle.has(name));
    return isKnown && !expression.referencesAll && never(expression, scope);
  });
}

function never(expression: Expression, scope: Scope): boolean {
  if ([...expression.references].some((name) => !Object.hasOwn(scope, name))) return false;
  try {
    return isFalse(expression.evaluate(scope));
  } catch {
    // It fails: that is said where it happens.
    return false;
  }
}
