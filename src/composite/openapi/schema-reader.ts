/** A JSON Schema of draft 2020-12, as OpenAPI 3.1 has it; one without keywords lets everything through. */
export type Schema = Readonly<Record<string, unknown>>;

/** Schemas by their names under `#/components/schemas/`. */
export type Definitions = ReadonlyMap<string, Schema>;

/** What schemas may be written in: OpenAPI 3.0 has words of its own where JSON Schema has others. */
export type Dialect = 'openapi-3.0' | '2020-12';

const COMPONENTS = '#/components/schemas/';

const ONE = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const SEVERAL = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const BY_NAME = new Set(['dependentSchemas', 'patternProperties', 'properties']);
/** What names a schema, or a place in it: what refers there is given other names. And what is for the author only. */
const LEFT_OUT = new Set(['$anchor', '$comment', '$defs', '$id', '$schema', 'definitions', 'xml']);

/**
 * Reads schemas out of a document so that they can stand in another one: in JSON Schema 2020-12, and with what they
 * refer to within their document under names of its own, `<prefix>.<name>`. A reference that leads out of the document
 * or nowhere lets everything through.
 */
export class SchemaReader {
  private readonly names = new Map<string, string>();
  /** What has a name already, but has yet to be read. */
  private readonly waiting: { readonly name: string; readonly written: unknown }[] = [];

  constructor(
    private readonly root: unknown,
    private readonly prefix: string,
    private readonly dialect: Dialect,
    /** Gets what the schemas refer to. */
    private readonly definitions: Map<string, Schema>,
  ) {}

  read(written: unknown): Schema {
    const schema = this.readOne(written);
    // One after another, not one within another: a chain of references may be as long as a document.
    for (let next = this.waiting.pop(); next !== undefined; next = this.waiting.pop()) {
      this.definitions.set(next.name, this.readOne(next.written));
    }
    return schema;
  }

  private readOne(written: unknown): Schema {
    if (written === false) return { not: {} };
    if (!isGroup(written)) return {};
    const reference = written['$ref'];
    if (typeof reference === 'string') return this.referring(reference, written);
    return this.translated(this.below(written));
  }

  private referring(reference: string, written: Schema): Schema {
    const name = this.named(reference);
    const target = name === undefined ? {} : { $ref: COMPONENTS + name };
    if (this.dialect === 'openapi-3.0') return target;
    const { $ref: _, ...beside } = this.below(written);
    return { ...beside, ...target };
  }

  /** The name under which what is referred to now stands; undefined if it cannot be had. */
  private named(reference: string): string | undefined {
    const known = this.names.get(reference);
    if (known !== undefined) return known;
    const keys = pointerKeys(reference);
    const target = keys && valueAtKeys(this.root, keys);
    if (keys === undefined || target === undefined) return undefined;
    const name = this.freeName(keys);
    this.names.set(reference, name);
    this.definitions.set(name, {});
    this.waiting.push({ name, written: target });
    return name;
  }

  private freeName(keys: readonly string[]): string {
    const [first, second] = keys;
    const own = first === 'components' && second === 'schemas' ? keys.slice(2) : keys;
    const plain = [this.prefix, ...(first === '$defs' || first === 'definitions' ? keys.slice(1) : own)]
      .join('.')
      .replace(/[^\w.-]+/g, '_');
    let name = plain;
    for (let count = 2; this.definitions.has(name); count++) name = `${plain}_${count}`;
    return name;
  }

  private below(written: Schema): Schema {
    const read: Record<string, unknown> = {};
    for (const [keyword, value] of Object.entries(written)) {
      if (LEFT_OUT.has(keyword) || keyword.startsWith('x-')) continue;
      if (ONE.has(keyword)) read[keyword] = typeof value === 'boolean' ? value : this.readOne(value);
      else if (SEVERAL.has(keyword) && Array.isArray(value))
        read[keyword] = value.map((one) => this.readOne(one));
      else if (BY_NAME.has(keyword) && isGroup(value)) read[keyword] = this.byName(value);
      else if (keyword === 'discriminator' && isGroup(value)) read[keyword] = this.discriminator(value);
      else read[keyword] = value;
    }
    return read;
  }

  private byName(group: Schema): Schema {
    return Object.fromEntries(Object.entries(group).map(([name, value]) => [name, this.readOne(value)]));
  }

  private discriminator({ mapping, ...rest }: Schema): Schema {
    if (!isGroup(mapping)) return rest;
    const entries = Object.entries(mapping).flatMap(([value, target]) => {
      const text = String(target);
      const name = this.named(text.startsWith('#') ? text : COMPONENTS + text);
      return name === undefined ? [] : [[value, COMPONENTS + name] as const];
    });
    return { ...rest, mapping: Object.fromEntries(entries) };
  }

  /** In the words of 2020-12. */
  private translated(schema: Schema): Schema {
    if (this.dialect === '2020-12') return schema;
    const { nullable, example, exclusiveMinimum, exclusiveMaximum, minimum, maximum, ...rest } = schema;
    const same = {
      ...rest,
      ...bound('minimum', 'exclusiveMinimum', minimum, exclusiveMinimum),
      ...bound('maximum', 'exclusiveMaximum', maximum, exclusiveMaximum),
      ...(example === undefined ? {} : { examples: [example] }),
    };
    return nullable === true ? orNull(same) : same;
  }
}

/** The name that a reference of this document has; undefined for what is no such reference. */
export function definitionName(reference: unknown): string | undefined {
  return typeof reference === 'string' && reference.startsWith(COMPONENTS)
    ? reference.slice(COMPONENTS.length)
    : undefined;
}

/** The keys of a JSON pointer in a fragment (`#/a/b`); undefined for a reference out of the document. */
export function pointerKeys(reference: string): readonly string[] | undefined {
  if (reference === '#') return [];
  if (!reference.startsWith('#/')) return undefined;
  return reference
    .slice(2)
    .split('/')
    .map((key) => decoded(key).replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function valueAtKeys(root: unknown, keys: readonly string[]): unknown {
  let value = root;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

export function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bound(limit: string, exclusive: string, value: unknown, isExclusive: unknown): Schema {
  if (typeof isExclusive === 'number') {
    return { ...(value === undefined ? {} : { [limit]: value }), [exclusive]: isExclusive };
  }
  if (value === undefined) return {};
  return isExclusive === true ? { [exclusive]: value } : { [limit]: value };
}

function orNull(schema: Schema): Schema {
  const { type, enum: values, ...rest } = schema;
  if (typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  const among = Array.isArray(values) && !values.includes(null) ? [...(values as unknown[]), null] : values;
  return { type: [type, 'null'], ...(among === undefined ? {} : { enum: among }), ...rest };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
