import { definitionName, type Definitions, isGroup, type Schema } from './schema-reader.js';
import { ANYTHING, isAnything, NULL, unionOf } from './schema-union.js';

/** Dotted paths by their first names. */
type PathTree = ReadonlyMap<string, readonly (readonly string[])[]>;

/** Deeper than this a change is not followed; what lies there may be anything. Schemas may hold themselves. */
const MAX_DEPTH = 24;
/** More alternatives than this are not told apart. */
const MAX_VARIANTS = 24;

/** What happens to the schema of a value when something happens to the value. */
export class SchemaShape {
  constructor(private readonly definitions: Definitions) {}

  /** That of a field, as JMESPath has it: null where there is none. */
  field(schema: Schema, name: string): Schema {
    return unionOf(
      this.variants(schema).map((variant) => {
        if (isAnything(variant)) return ANYTHING;
        if (!isObject(variant)) return NULL;
        const property = propertyOf(variant, name);
        if (property === undefined) return NULL;
        return requiredOf(variant).has(name) ? property : unionOf([property, NULL]);
      }),
    );
  }

  /** That of the elements of a list; undefined if it never is one. */
  elements(schema: Schema): Schema | undefined {
    const lists = this.variants(schema).filter((variant) => isAnything(variant) || isList(variant));
    return lists.length === 0 ? undefined : unionOf(lists.map(elementOf));
  }

  /** That of the values of an object, whatever their names. */
  values(schema: Schema): Schema {
    return unionOf(
      this.variants(schema).flatMap((variant) => {
        if (isAnything(variant)) return [ANYTHING];
        if (!isObject(variant)) return [];
        const { additionalProperties = ANYTHING } = variant;
        const others = additionalProperties === false ? [] : [asSchema(additionalProperties)];
        return [...Object.values(propertiesOf(variant)), ...others];
      }),
    );
  }

  /** Without null. */
  present(schema: Schema): Schema {
    const variants = this.variants(schema);
    const rest = variants.filter((variant) => !isNull(variant));
    return rest.length === variants.length ? schema : unionOf(rest);
  }

  /** Whether it certainly is a list, whenever it is there. */
  isList(schema: Schema): boolean {
    const variants = this.variants(schema).filter((variant) => !isNull(variant));
    return variants.length > 0 && variants.every((variant) => !isAnything(variant) && isList(variant));
  }

  /** The names an object may have, if they are all known and `name` is not among them. */
  namesWithout(schema: Schema, name: string): readonly string[] | undefined {
    const objects = this.variants(schema).filter((variant) => !isNull(variant));
    const isClosed = objects.every(
      (variant) => !isAnything(variant) && isObject(variant) && variant['additionalProperties'] === false,
    );
    if (objects.length === 0 || !isClosed) return undefined;
    if (objects.some((variant) => propertyOf(variant, name) !== undefined)) return undefined;
    return objects.flatMap((variant) => Object.keys(propertiesOf(variant)));
  }

  /** With these dotted paths only; in lists, of each element. */
  pick(schema: Schema, paths: readonly string[]): Schema {
    return this.picked(schema, paths.map(segments), 0);
  }

  omit(schema: Schema, paths: readonly string[]): Schema {
    return paths.reduce((rest, path) => this.changed(rest, segments(path), without), schema);
  }

  /** @param names new last segments by dotted path */
  rename(schema: Schema, names: Readonly<Record<string, string>>): Schema {
    const byParent = new Map<string, [string, string][]>();
    for (const [path, name] of Object.entries(names)) {
      const keys = segments(path);
      const parent = keys.slice(0, -1).join('.');
      byParent.set(parent, [...(byParent.get(parent) ?? []), [keys.at(-1) ?? '', name]]);
    }
    // The deepest first: the paths have the names from before.
    const parents = [...byParent].sort(([one], [other]) => depthOf(other) - depthOf(one));
    return parents.reduce((renamed, [parent, pairs]) => {
      const path = parent === '' ? [] : segments(parent);
      // The last name is not looked at: those of all pairs are.
      return this.changed(renamed, [...path, ''], (object) => withNames(object, new Map(pairs)));
    }, schema);
  }

  /** With another field in each object at a path; `*` is any element of a list. */
  stitch(schema: Schema, path: readonly string[], field: string, value: Schema): Schema {
    const plain = path.filter((segment) => segment !== '*');
    return this.changed(schema, [...plain, field], (object) => withProperty(object, field, value));
  }

  /** Two objects as one, and so on below; of anything else the later one stands, unless it is null. */
  merged(earlier: Schema, later: Schema): Schema {
    return this.overlaid(earlier, later, (one, other) => this.mergedObjects(one, other, 0));
  }

  /** Two lists, one behind the other. */
  concatenated(earlier: Schema, later: Schema): Schema {
    return this.overlaid(earlier, later, (one, other) =>
      listOf(unionOf([this.elementsOf(one), this.elementsOf(other)])),
    );
  }

  /** Two lists, of whose elements those with the same key have become one. */
  joined(earlier: Schema, later: Schema): Schema {
    return this.overlaid(earlier, later, (one, other) => {
      const [a, b] = [this.elementsOf(one), this.elementsOf(other)];
      const either = unionOf([a, b]);
      return listOf(this.blurred(unionOf([either, this.merged(either, b)])));
    });
  }

  /** One value where another one stood: a null displaces nothing. */
  overlaid(
    earlier: Schema,
    later: Schema,
    both = (_earlier: Schema, later: Schema): Schema => later,
  ): Schema {
    const [one, other] = [this.present(earlier), this.present(later)];
    const isSure = other === later;
    const merged = isNothing(one) ? other : isNothing(other) ? one : both(one, other);
    return unionOf([merged, ...(isSure ? [] : [earlier]), ...(one === earlier ? [] : [later])]);
  }

  /** Where both are objects, one of both; otherwise the later one. */
  private mergedObjects(earlier: Schema, later: Schema, depth: number): Schema {
    if (depth > MAX_DEPTH) return ANYTHING;
    const [a, ...beside] = this.variants(this.blurred(earlier));
    const [b, ...others] = this.variants(this.blurred(later));
    if (a === undefined || b === undefined || !isObject(a) || !isObject(b)) {
      return isMaybeObject(a) && isMaybeObject(b) ? ANYTHING : later;
    }
    const properties = { ...propertiesOf(a) };
    for (const [name, value] of Object.entries(propertiesOf(b))) {
      const before = propertyOf(a, name);
      const both =
        before === undefined
          ? value
          : this.overlaid(before, value, (one, other) => this.mergedObjects(one, other, depth + 1));
      const isSure = requiredOf(b).has(name) && requiredOf(a).has(name);
      properties[name] = isSure || before === undefined ? both : unionOf([before, value, both]);
    }
    const required = new Set([...requiredOf(a), ...requiredOf(b)]);
    const merged = objectOf(properties, required, eitherOpen(a, b));
    return unionOf([merged, ...(beside.length > 0 ? [later] : others)]);
  }

  /** With one object instead of several alternative ones, which comes first; its fields are those of all of them. */
  private blurred(schema: Schema): Schema {
    const variants = this.variants(schema);
    const objects = variants.filter((variant) => isObject(variant));
    const [first, ...rest] = objects;
    if (first === undefined || variants.some(isAnything)) return schema;
    if (rest.length === 0 && variants[0] === first) return schema;
    const one = rest.reduce((all, other) => this.blurredTwo(all, other), first);
    const others = variants.filter((variant) => !isObject(variant));
    return others.length === 0 ? one : { anyOf: [one, ...others] };
  }

  private blurredTwo(one: Schema, other: Schema): Schema {
    const names = new Set([...Object.keys(propertiesOf(one)), ...Object.keys(propertiesOf(other))]);
    const properties = [...names].map((name) => {
      const values = [one, other]
        .map((object) => propertyOf(object, name))
        .filter((value) => value !== undefined);
      return [name, unionOf(values)] as const;
    });
    const required = new Set([...requiredOf(one)].filter((name) => requiredOf(other).has(name)));
    return objectOf(Object.fromEntries(properties), required, eitherOpen(one, other));
  }

  private elementsOf(schema: Schema): Schema {
    return this.elements(schema) ?? ANYTHING;
  }

  /** The schemas of which a value fits at least one: none with alternatives, types or references of its own. */
  variants(schema: Schema, depth = 0): readonly Schema[] {
    if (depth > MAX_DEPTH) return [ANYTHING];
    const { $ref, anyOf, oneOf, allOf, type, ...rest } = schema;
    const bases = this.typed(rest, type);
    const name = definitionName($ref);
    const sets: (readonly Schema[])[] = [];
    if ($ref !== undefined) {
      sets.push(
        this.variants((name === undefined ? undefined : this.definitions.get(name)) ?? ANYTHING, depth + 1),
      );
    }
    for (const choice of [anyOf, oneOf]) {
      if (Array.isArray(choice))
        sets.push((choice as Schema[]).flatMap((one) => this.variants(one, depth + 1)));
    }
    if (Array.isArray(allOf)) sets.push(...(allOf as Schema[]).map((one) => this.variants(one, depth + 1)));
    return sets.reduce(crossed, bases);
  }

  private typed(rest: Schema, type: unknown): readonly Schema[] {
    if (Array.isArray(type)) return (type as unknown[]).map((one) => ofType(rest, one));
    return type === undefined ? [rest] : [ofType(rest, type)];
  }

  /** What holds none of the paths goes where it is a field, and is null elsewhere. */
  private picked(schema: Schema, paths: readonly (readonly string[])[], depth: number): Schema {
    if (depth > MAX_DEPTH) return ANYTHING;
    return this.eachObject(
      schema,
      depth,
      (object) => this.pickedFields(object, paths, depth),
      () => NULL,
    );
  }

  private pickedFields(object: Schema, paths: readonly (readonly string[])[], depth: number): Schema {
    const properties: Record<string, Schema> = {};
    const required = new Set(requiredOf(object));
    for (const [name, below] of byFirst(paths)) {
      const property = propertyOf(object, name);
      if (property === undefined) continue;
      if (below.some(({ length }) => length === 0)) {
        properties[name] = property;
        continue;
      }
      const variants = this.variants(property);
      const staying = variants.filter(mayHoldFields);
      if (staying.length === 0) continue;
      if (staying.length < variants.length || staying.some(isAnything)) required.delete(name);
      const rest = staying.length < variants.length ? unionOf(staying) : property;
      properties[name] = this.picked(rest, below, depth + 1);
    }
    return objectOf(properties, required, false);
  }

  /** With the objects that hold the last of the names changed. */
  private changed(
    schema: Schema,
    path: readonly string[],
    change: (object: Schema, last: string) => Schema,
    depth = 0,
  ): Schema {
    const [name, ...below] = path;
    if (name === undefined || depth > MAX_DEPTH) return schema;
    return this.eachObject(schema, depth, (object) => {
      if (below.length === 0) return change(object, name);
      const property = propertyOf(object, name);
      if (property === undefined) return object;
      const value = this.changed(property, below, change, depth + 1);
      return objectOf(
        { ...propertiesOf(object), [name]: value },
        requiredOf(object),
        object['additionalProperties'],
      );
    });
  }

  /** With every object in it changed: itself, or the elements of the list it is. */
  private eachObject(
    schema: Schema,
    depth: number,
    change: (object: Schema) => Schema,
    otherwise: (value: Schema) => Schema = (value) => value,
  ): Schema {
    return unionOf(
      this.variants(schema).map((variant) => {
        if (isAnything(variant)) return variant;
        if (isList(variant)) {
          if (depth > MAX_DEPTH) return { type: 'array' };
          const { prefixItems: _, ...list } = variant;
          const items = this.eachObject(elementOf(variant), depth + 1, change, otherwise);
          return { ...list, type: 'array', items };
        }
        return isObject(variant) ? change(variant) : otherwise(variant);
      }),
    );
  }
}

/** The schema of a value that is known. */
export function schemaOfValue(value: unknown): Schema {
  if (value === null || value === undefined) return NULL;
  if (Array.isArray(value)) {
    if (value.length === 0) return { type: 'array', maxItems: 0 };
    return { type: 'array', items: unionOf((value as unknown[]).map(schemaOfValue)) };
  }
  if (isGroup(value)) {
    const entries = Object.entries(value).map(([name, one]) => [name, schemaOfValue(one)] as const);
    return objectOf(Object.fromEntries(entries), new Set(Object.keys(value)), false);
  }
  return { type: typeof value, const: value };
}

/** @param required names, of which those without a property do not count */
export function objectOf(
  properties: Readonly<Record<string, Schema>>,
  required: ReadonlySet<string>,
  additional: unknown,
): Schema {
  const names = Object.keys(properties).filter((name) => required.has(name));
  return {
    type: 'object',
    properties,
    ...(names.length === 0 ? {} : { required: names }),
    ...(additional === undefined ? {} : { additionalProperties: additional }),
  };
}

export function propertiesOf(object: Schema): Readonly<Record<string, Schema>> {
  const { properties } = object;
  return isGroup(properties) ? (properties as Readonly<Record<string, Schema>>) : {};
}

export function requiredOf(object: Schema): ReadonlySet<string> {
  const { required } = object;
  return new Set(Array.isArray(required) ? (required as string[]) : []);
}

export function isObject(variant: Schema): boolean {
  const { type } = variant;
  return type === undefined
    ? 'properties' in variant || 'additionalProperties' in variant
    : type === 'object';
}

function isList({ type, items }: Schema): boolean {
  return type === undefined ? items !== undefined : type === 'array';
}

/** Null holds all that could be in it. */
function mayHoldFields(variant: Schema): boolean {
  return isAnything(variant) || isObject(variant) || isList(variant) || isNull(variant);
}

function isNull({ type, const: constant }: Schema): boolean {
  return type === 'null' || constant === null;
}

/** Of a name that an object may have; undefined if it may not. */
function propertyOf(object: Schema, name: string): Schema | undefined {
  const properties = propertiesOf(object);
  if (Object.hasOwn(properties, name)) return properties[name];
  const { additionalProperties, patternProperties } = object;
  if (additionalProperties === false) return patternProperties === undefined ? undefined : ANYTHING;
  return patternProperties === undefined && isGroup(additionalProperties) ? additionalProperties : ANYTHING;
}

function elementOf({ items, prefixItems }: Schema): Schema {
  if (prefixItems !== undefined) return ANYTHING;
  return asSchema(items);
}

function asSchema(schema: unknown): Schema {
  if (schema === false) return { not: {} };
  return isGroup(schema) ? schema : ANYTHING;
}

function ofType(rest: Schema, type: unknown): Schema {
  if (type === 'null') return NULL;
  const { enum: values } = rest;
  const among =
    Array.isArray(values) && values.includes(null)
      ? { enum: (values as unknown[]).filter((one) => one !== null) }
      : {};
  return { type, ...rest, ...among };
}

/** What fits one of each: all pairs, as far as they do not exclude each other. */
function crossed(ones: readonly Schema[], others: readonly Schema[]): readonly Schema[] {
  const pairs = ones
    .flatMap((one) => others.map((other) => both(one, other)))
    .filter((pair) => pair !== undefined);
  return pairs.length > MAX_VARIANTS ? [ANYTHING] : pairs;
}

/** What fits the two; undefined if nothing can. */
function both(one: Schema, other: Schema): Schema | undefined {
  const types = [one['type'], other['type']];
  if (types[0] !== undefined && types[1] !== undefined && types[0] !== types[1]) {
    if (!types.every((type) => type === 'integer' || type === 'number')) return undefined;
    return { ...one, ...other, type: 'integer' };
  }
  if (isAnything(one)) return { ...other, ...one };
  if (isAnything(other)) return { ...one, ...other };
  if (!isObject(one) || !isObject(other)) return { ...one, ...other };
  const properties = { ...propertiesOf(one) };
  for (const [name, value] of Object.entries(propertiesOf(other))) {
    const before = properties[name];
    properties[name] =
      before === undefined || isAnything(before)
        ? value
        : isAnything(value)
          ? before
          : { allOf: [before, value] };
  }
  const required = new Set([...requiredOf(one), ...requiredOf(other)]);
  const additional = [one['additionalProperties'], other['additionalProperties']];
  const isClosed = additional.every((one) => one === false) ? false : undefined;
  return { ...one, ...other, ...objectOf(properties, required, isClosed) };
}

/** What further fields may be, of objects that have those of either. */
function eitherOpen(one: Schema, other: Schema): unknown {
  const [a = ANYTHING, b = ANYTHING] = [one['additionalProperties'], other['additionalProperties']];
  if (a === false) return b;
  return b === false ? a : unionOf([asSchema(a), asSchema(b)]);
}

function isMaybeObject(variant: Schema | undefined): boolean {
  return variant !== undefined && (isAnything(variant) || isObject(variant));
}

function without(object: Schema, name: string): Schema {
  const { [name]: _, ...properties } = propertiesOf(object);
  return objectOf(properties, requiredOf(object), object['additionalProperties']);
}

function withProperty(object: Schema, name: string, value: Schema): Schema {
  const properties = { ...propertiesOf(object), [name]: value };
  return objectOf(properties, new Set([...requiredOf(object), name]), object['additionalProperties']);
}

/** @param names the new ones by the old */
function withNames(object: Schema, names: ReadonlyMap<string, string>): Schema {
  const before = propertiesOf(object);
  const isThere = (name: string): boolean => Object.hasOwn(before, name);
  const taken = new Set([...names].flatMap(([from, to]) => (isThere(from) ? [to] : [])));
  const kept = Object.entries(before).filter(([name]) => names.has(name) || !taken.has(name));
  const renamed = kept.map(([name, value]) => [names.get(name) ?? name, value] as const);
  const required = new Set([...requiredOf(object)].map((name) => names.get(name) ?? name));
  return objectOf(Object.fromEntries(renamed), required, object['additionalProperties']);
}

function isNothing({ not }: Schema): boolean {
  return isGroup(not) && Object.keys(not).length === 0;
}

function listOf(items: Schema): Schema {
  return { type: 'array', items };
}

function depthOf(path: string): number {
  return path === '' ? 0 : segments(path).length;
}

function segments(path: string): readonly string[] {
  return path.split('.');
}

function byFirst(paths: readonly (readonly string[])[]): PathTree {
  const tree = new Map<string, (readonly string[])[]>();
  for (const [first, ...rest] of paths) {
    if (first === undefined) continue;
    const below = tree.get(first);
    if (below === undefined) tree.set(first, [rest]);
    else below.push(rest);
  }
  return tree;
}
