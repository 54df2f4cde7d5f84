import { isJsonObject, type JsonObject, writeKey } from './json-object.js';

/** How an answer is cut to size: first `pick`, then `omit`, then `rename`, by dotted paths as the answer has them. */
export interface Shaping {
  /** What stays; undefined for everything. */
  readonly pick: readonly string[] | undefined;
  readonly omit: readonly string[];
  /** Dotted path to the new name of its last segment. */
  readonly rename: Readonly<Record<string, string>>;
}

/**
 * `pick`, `omit` and `rename` as one walk over an answer, which stays as it is: what is not touched is shared with it.
 * Keys keep the order of the answer.
 *
 * A path leads through lists, into each element. One that leads nowhere is ignored; below a null it leaves the null. What
 * is neither object nor list has none of the paths that are picked below it: its key goes, and in a list it becomes null.
 * A renamed field takes the place of one that had the name before; two may swap theirs.
 *
 * A key that holds a dot cannot be named by a path; `select` can.
 */
export class Shape {
  /** Undefined where there is nothing to do. */
  static of({ pick, omit, rename }: Shaping): Shape | undefined {
    const renames = Object.entries(rename);
    if (pick === undefined && omit.length === 0 && renames.length === 0) return undefined;
    const root = pick === undefined ? new Level(true) : picked(pick.map(segments));
    for (const path of omit) leaveOut(root, segments(path));
    for (const [path, name] of renames) giveName(root, segments(path), name);
    return new Shape(root);
  }

  /** Of a value, only what stands at one of these paths. */
  static picking(paths: readonly (readonly string[])[]): Shape {
    return new Shape(picked(paths));
  }

  private constructor(private readonly root: Level) {}

  apply(value: unknown): unknown {
    return shaped(value, this.root) ?? null;
  }

  /** Where what stands at a path goes to; undefined if it does not stay. */
  placeOf(path: readonly string[]): readonly string[] | undefined {
    const place: string[] = [];
    let level: Level | undefined = this.root;
    for (const key of path) {
      const field: Field | undefined = level?.fields.get(key);
      if (field === undefined && level?.keepsOthers === false) return undefined;
      if (field?.goes === true) return undefined;
      place.push(field?.name ?? key);
      level = field?.below;
    }
    return place;
  }

  /** Whether what is shaped may have something at a path, which may lead through lists. */
  mayHave(path: readonly string[]): boolean {
    let level: Level | undefined = this.root;
    for (const key of path) {
      if (level === undefined) return true;
      const field = namedField(level, key);
      // Without one of that name, it is a key that stays as it is, or none.
      if (field === undefined && (!level.keepsOthers || level.fields.has(key))) return false;
      level = field?.below;
    }
    return true;
  }

  /** The keys right below a path that are known by name. */
  keysBelow(path: readonly string[]): readonly string[] {
    let level: Level | undefined = this.root;
    for (const key of path) level = level && namedField(level, key)?.below;
    return level === undefined ? [] : stayingIn(level).map(({ name }) => name);
  }

  /** The only keys what is shaped can have; undefined where it may have any. */
  get keys(): readonly string[] | undefined {
    return this.root.keepsOthers ? undefined : [...this.root.fields.values()].map(({ name }) => name);
  }
}

/** What happens to the keys of an object. */
class Level {
  readonly fields = new Map<string, Field>();
  /** By new name: the key that is renamed to it. Undefined where none is. */
  renamed: Map<string, string> | undefined;

  /** @param keepsOthers whether keys that are not among the fields stay. */
  constructor(readonly keepsOthers: boolean) {}
}

interface Field {
  name: string;
  goes: boolean;
  /** What happens below it; undefined for nothing. */
  below: Level | undefined;
}

function stayingIn({ fields }: Level): readonly Field[] {
  return [...fields.values()].filter(({ goes }) => !goes);
}

function namedField(level: Level, name: string): Field | undefined {
  return stayingIn(level).find((field) => field.name === name);
}

function segments(path: string): readonly string[] {
  return path.split('.');
}

function picked(paths: readonly (readonly string[])[]): Level {
  const root = new Level(false);
  for (const path of paths) pickPath(root, path);
  return root;
}

function pickPath(root: Level, path: readonly string[]): void {
  let level = root;
  for (const [at, key] of path.entries()) {
    const field = level.fields.get(key);
    const isLast = at === path.length - 1;
    // A shorter path has picked all of it.
    if (field !== undefined && field.below === undefined) return;
    const below = isLast ? undefined : (field?.below ?? new Level(false));
    if (field === undefined) level.fields.set(key, { name: key, goes: false, below });
    else field.below = below;
    if (below !== undefined) level = below;
  }
}

function leaveOut(root: Level, path: readonly string[]): void {
  const level = levelAbove(root, path);
  const key = path.at(-1) ?? '';
  if (level?.keepsOthers === true) level.fields.set(key, { name: key, goes: true, below: undefined });
  else level?.fields.delete(key);
}

function giveName(root: Level, path: readonly string[], name: string): void {
  const level = levelAbove(root, path);
  const key = path.at(-1) ?? '';
  const field = level && fieldOf(level, key);
  if (level === undefined || field === undefined) return;
  field.name = name;
  level.renamed ??= new Map();
  level.renamed.set(name, key);
}

/** The level in which the last key of a path stands; undefined where it does not stay. */
function levelAbove(root: Level, path: readonly string[]): Level | undefined {
  let level = root;
  for (const key of path.slice(0, -1)) {
    const field = fieldOf(level, key);
    if (field === undefined) return undefined;
    level = field.below ??= new Level(true);
  }
  return level;
}

function fieldOf(level: Level, key: string): Field | undefined {
  const known = level.fields.get(key);
  if (known !== undefined) return known.goes ? undefined : known;
  if (!level.keepsOthers) return undefined;
  const field: Field = { name: key, goes: false, below: undefined };
  level.fields.set(key, field);
  return field;
}

/** Undefined for what has none of the paths that stay. */
function shaped(value: unknown, level: Level): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value as readonly unknown[]) items.push(shaped(item, level) ?? null);
    return items;
  }
  if (isJsonObject(value)) return shapedObject(value, level);
  return hasAny(value, level) ? value : undefined;
}

/** Whether a value has any of the paths that stay; `shaped` is undefined where it does not. */
function hasAny(value: unknown, { keepsOthers }: Level): boolean {
  return keepsOthers || value === null || typeof value === 'object';
}

function shapedObject(object: JsonObject, level: Level): JsonObject {
  const { fields, keepsOthers } = level;
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(object)) {
    const field = fields.get(key);
    if (field === undefined ? !keepsOthers : field.goes) continue;
    const name = field?.name ?? key;
    if (name === key && isDisplaced(key, object, level)) continue;
    const below = field?.below;
    const value = below === undefined ? object[key] : shaped(object[key], below);
    if (value !== undefined) writeKey(result, name, value);
  }
  return result;
}

/** Whether another field of the object takes this one's name. */
function isDisplaced(key: string, object: JsonObject, { renamed, fields }: Level): boolean {
  const by = renamed?.get(key);
  if (by === undefined || by === key || !Object.hasOwn(object, by)) return false;
  const below = fields.get(by)?.below;
  return below === undefined || hasAny(object[by], below);
}
