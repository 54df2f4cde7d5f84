import { keyTextOf } from '../aggregation/joined-items.js';
import { type CompositeInput } from './composite-input.js';
import { type Scope } from './expression.js';
import { isJsonObject, type JsonObject, ownValue, writeKey } from './json-object.js';
import { itemsIn, keyOf } from './list-join.js';
import { type PlannedJoin, type PlannedPart } from './plan.js';
import { Shape } from './shape.js';
import { stitchHost, type StitchHost } from './stitch-host.js';

/** A join whose values go into the items it was asked for. */
interface Stitch {
  readonly part: string;
  readonly join: PlannedJoin;
  /** The field each item gets. */
  readonly field: string;
  readonly host: StitchHost;
  /** Of each value. */
  readonly shape: Shape | undefined;
}

/**
 * Which joins of a plan put their values into the items of which parts. Worked out once, when the plan is.
 *
 * Items are known by identity and never changed: a part's answer may be shared with a cache. What is copied is what
 * stands between the host's value and its items.
 */
export class Stitching {
  private readonly byPart: ReadonlyMap<string, Stitch>;
  private readonly byHost: ReadonlyMap<string, readonly Stitch[]>;

  /** Undefined where nothing is stitched. */
  static of(parts: readonly PlannedPart[]): Stitching | undefined {
    const names = parts.map(({ config }) => config.name);
    const stitches = parts.flatMap((part) => stitchOf(part, names) ?? []);
    return stitches.length === 0 ? undefined : new Stitching(stitches);
  }

  private constructor(stitches: readonly Stitch[]) {
    this.byPart = new Map(stitches.map((stitch) => [stitch.part, stitch]));
    const hosts = new Set(stitches.map(({ host }) => host.part));
    this.byHost = new Map(
      [...hosts].map((part) => [part, stitches.filter(({ host }) => host.part === part)] as const),
    );
  }

  /** The part in whose value a part shows: its own, unless it is stitched into another one. */
  shownIn(part: string): string {
    const stitch = this.byPart.get(part);
    return stitch === undefined ? part : this.shownIn(stitch.host.part);
  }

  /** The values of all parts of a run, with what is stitched into them. */
  applied(values: JsonObject, input: CompositeInput): JsonObject {
    const scope = { ...input, ...values };
    const result: Record<string, unknown> = { ...values };
    for (const host of this.byHost.keys()) {
      if (!this.byPart.has(host)) result[host] = this.value(host, scope);
    }
    return result;
  }

  /** The value of a part, with what is stitched into it by those joins that have ended: the ones `scope` has. */
  value(part: string, scope: Scope): unknown {
    const value = scope[part];
    const stitches = this.byHost.get(part)?.filter((stitch) => Object.hasOwn(scope, stitch.part)) ?? [];
    if (stitches.length === 0) return value;
    const fields = new Map<object, Record<string, unknown>>();
    for (const stitch of stitches) this.collect(stitch, scope, fields);
    return withFields(value, fields, waysOf(stitches));
  }

  /** What one join has for each of its items. */
  private collect(
    { part, join, field, shape }: Stitch,
    scope: Scope,
    fields: Map<object, Record<string, unknown>>,
  ): void {
    const values = this.value(part, scope);
    const found = isJsonObject(values) ? values : NOTHING;
    const shaped = new Map<string | undefined, unknown>();
    for (const item of itemsOrNone(join, scope)) {
      if (!isJsonObject(item)) continue;
      const key = keyOrNone(join, item);
      let value = shaped.get(key);
      if (value === undefined) {
        value = key === undefined ? undefined : ownValue(found, key);
        value ??= join.config.missing;
        if (shape !== undefined) value = shape.apply(value);
        shaped.set(key, value);
      }
      const added = fields.get(item);
      if (added === undefined) fields.set(item, { [field]: value });
      else writeKey(added, field, value);
    }
  }
}

const NOTHING: JsonObject = {};

function stitchOf(part: PlannedPart, names: readonly string[]): Stitch | undefined {
  const { config, join } = part;
  if (join?.config.collect.form !== 'stitch') return undefined;
  const host = stitchHost(join.items.tree, join.config.key, names);
  if ('expected' in host) return undefined;
  return { part: config.name, join, field: join.config.collect.field, host, shape: Shape.of(config) };
}

/** The items a join was asked for; where that could not be worked out, the join has failed, and there are none. */
function itemsOrNone(join: PlannedJoin, scope: Scope): readonly unknown[] {
  try {
    return itemsIn(join, scope);
  } catch {
    return [];
  }
}

function keyOrNone(join: PlannedJoin, item: unknown): string | undefined {
  try {
    return keyTextOf(keyOf(join, item));
  } catch {
    return undefined;
  }
}

/** The fields on the way to any of the items; undefined where it may be any. */
function waysOf(stitches: readonly Stitch[]): ReadonlySet<string> | undefined {
  const ways = new Set<string>();
  for (const { host } of stitches) {
    if (host.fields === undefined) return undefined;
    for (const field of host.fields) ways.add(field);
  }
  return ways;
}

/**
 * A value in which some objects have further fields: a copy as far as there is something to add, otherwise shared.
 *
 * @param ways the fields that lead to those objects; undefined for any.
 */
export function withFields(
  value: unknown,
  fields: ReadonlyMap<object, JsonObject>,
  ways: ReadonlySet<string> | undefined,
): unknown {
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined;
    for (const [index, element] of (value as readonly unknown[]).entries()) {
      const changed = withFields(element, fields, ways);
      if (changed === element) continue;
      copy ??= [...(value as readonly unknown[])];
      copy[index] = changed;
    }
    return copy ?? value;
  }
  if (!isJsonObject(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const key of ways ?? Object.keys(value)) {
    const below = ownValue(value, key);
    const changed = withFields(below, fields, ways);
    if (changed === below) continue;
    copy ??= { ...value };
    writeKey(copy, key, changed);
  }
  const added = fields.get(value);
  if (added === undefined) return copy ?? value;
  return { ...(copy ?? value), ...added };
}
