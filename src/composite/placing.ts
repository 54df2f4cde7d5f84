import { type FieldPath, overlap } from './asked-fields.js';
import { type MergePolicy, type PartConfig } from './config/composite-config.js';
import { isJsonObject, type JsonObject, ownValue, writeKey } from './json-object.js';
import { merged } from './merge.js';
import { Shape } from './shape.js';

/** Where the values of one part go in the response, and how. Values and what stands there already stay unchanged. */
export class Placing {
  readonly part: string;
  /** Where the value stands; the root for one that is flattened. */
  readonly place: FieldPath;
  readonly isFlat: boolean;
  private readonly merge: MergePolicy | undefined;
  private readonly shape: Shape | undefined;
  private readonly isMap: boolean;
  /** Keys of the root that a flattened value does not write: they are the declared places of others. */
  private readonly reserved: ReadonlySet<string>;

  /** @param placed the parts that have a place of their own, in declared order, this one among them. */
  constructor(config: PartConfig, placed: readonly PartConfig[]) {
    this.part = config.name;
    this.isFlat = config.flatten;
    this.place = config.flatten ? [] : config.as;
    this.merge = config.merge;
    this.shape = Shape.of(config);
    this.isMap = config.forEach?.collect.form === 'map';
    this.reserved = config.flatten ? reservedFrom(config, placed) : new Set();
  }

  /** Whether it gives the value as it is to the key of that name. */
  get isPlain(): boolean {
    return this.shape === undefined && this.place.length === 1 && this.place[0] === this.part;
  }

  /** Whether something of it may stand at a path of the response, above or below. */
  mayShow(path: FieldPath): boolean {
    const [key = ''] = path;
    if (this.isFlat ? this.reserved.has(key) : !overlap(this.place, path)) return false;
    return this.shape?.mayHave(this.withinValue(path)) !== false;
  }

  /** The keys right below a path of the response that are known to be its own. */
  keysBelow(path: FieldPath): readonly string[] {
    if (!overlap(this.place, path)) return [];
    const next = this.place[path.length];
    if (next !== undefined) return [next];
    // The keys of a map are those of a join.
    if (this.isMap && path.length === this.place.length) return [];
    const keys = this.shape?.keysBelow(this.withinValue(path)) ?? [];
    return this.isFlat && path.length === 0 ? keys.filter((key) => !this.reserved.has(key)) : keys;
  }

  /** The rest of a path of the response, from where the value that is shaped stands. */
  private withinValue(path: FieldPath): FieldPath {
    return path.slice(this.place.length + (this.isMap ? 1 : 0));
  }

  /** The keys of the root that it writes a shaped value to. */
  keysOf(value: unknown): readonly string[] {
    if (!this.isFlat) return this.place.slice(0, 1);
    return isJsonObject(value) ? Object.keys(value).filter((key) => !this.reserved.has(key)) : [];
  }

  /** The part's value as the response shows it. */
  shaped(value: unknown): unknown {
    const { shape } = this;
    if (shape === undefined) return value;
    return this.isMap && isJsonObject(value) ? shapedEach(value, shape) : shape.apply(value);
  }

  /** Where a path of the part's value stands in the response; undefined if it does not stand there. */
  placeOf(path: readonly string[]): readonly string[] | undefined {
    const below = this.shape === undefined ? path : this.shape.placeOf(path);
    return below && [...this.place, ...below];
  }

  /** Puts a shaped value to its place. */
  put(value: unknown, document: Record<string, unknown>): void {
    const { place, merge } = this;
    const [key] = place;
    if (key !== undefined) writeKey(document, key, placed(ownValue(document, key), place, 1, value, merge));
    else if (isJsonObject(value)) {
      for (const key of Object.keys(value)) {
        if (this.reserved.has(key)) continue;
        writeKey(document, key, placed(ownValue(document, key), [key], 1, value[key], merge));
      }
    }
  }

  /** Does to the groups around its place what {@link put} would do, for a part that is left out. */
  makeRoom(document: Record<string, unknown>): void {
    if (this.place.length > 1) this.put(undefined, document);
  }
}

/**
 * The value that stands below a key once another one was put to a place there: `there` itself, or a copy with that.
 * Undefined stands for nothing, on both sides.
 */
function placed(
  there: unknown,
  place: readonly string[],
  at: number,
  value: unknown,
  policy: MergePolicy | undefined,
): unknown {
  const key = place[at];
  if (key === undefined) {
    if (value === undefined) return there;
    return there === undefined ? value : merged(there, value, policy);
  }
  // A list or a text has no room below it.
  if (there !== undefined && there !== null && !isJsonObject(there)) return there;
  const group: Record<string, unknown> = { ...there };
  const below = placed(ownValue(group, key), place, at + 1, value, policy);
  if (below !== undefined) writeKey(group, key, below);
  return group;
}

function shapedEach(map: JsonObject, shape: Shape): JsonObject {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(map)) writeKey(result, key, shape.apply(map[key]));
  return result;
}

/** The keys of the root that are the places of others, unless the later of the two says how they merge. */
function reservedFrom(own: PartConfig, placed: readonly PartConfig[]): ReadonlySet<string> {
  const reserved = new Set<string>();
  let isLater = false;
  for (const part of placed) {
    if (part === own) isLater = true;
    else if (!part.flatten) {
      const later = isLater ? part : own;
      if (later.merge === undefined) reserved.add(part.as[0] ?? part.name);
    }
  }
  return reserved;
}
