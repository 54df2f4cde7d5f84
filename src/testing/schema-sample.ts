import { textMatching } from './sample-text.js';

type Schema = Readonly<Record<string, unknown>>;

/** Below so many levels only what must be there is filled in: schemas may hold themselves... */
const MAX_DEPTH = 6;
/** ...and some cannot be filled in at all. */
const LAST_DEPTH = 32;
const COMPONENTS = '#/components/schemas/';

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2024-01-01T00:00:00Z',
  date: '2024-01-01',
  time: '00:00:00Z',
  duration: 'PT1S',
  email: 'a@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  'uri-reference': '/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/** Makes values that fit JSON Schemas, with everything in them that may be there; the same each time. */
export class SchemaSample {
  /**
   * @param root what `#/...` refers into.
   * @param definitions what `#/components/schemas/...` refers to.
   */
  constructor(
    private readonly root: unknown,
    private readonly definitions: ReadonlyMap<string, Schema> = new Map(),
  ) {}

  /**
   * @param name what plain text says.
   * @param index of the element it is for, from 1; 0 for none.
   */
  of(written: unknown, name: string, index = 0, depth = 0): unknown {
    if (!isGroup(written) || depth > LAST_DEPTH) return name;
    const schema = this.resolved(written);
    for (const keyword of ['const', 'default', 'example'] as const) {
      if (schema[keyword] !== undefined) return schema[keyword];
    }
    for (const keyword of ['examples', 'enum'] as const) {
      const { [keyword]: values } = schema;
      if (Array.isArray(values) && values.length > 0) return values[0];
    }
    switch (typeOf(schema)) {
      case 'object':
        return this.object(schema, name, index, depth);
      case 'array':
        return this.list(schema, name, depth);
      case 'integer':
      case 'number':
        return number(schema, Math.max(1, index));
      case 'boolean':
        return true;
      case 'null':
        return null;
      default:
        return text(schema, index === 0 ? name : `${name}-${index}`);
    }
  }

  private object(schema: Schema, name: string, index: number, depth: number): unknown {
    const { properties, additionalProperties, required } = schema;
    const known = Object.entries(isGroup(properties) ? properties : {});
    const sample = Object.fromEntries(
      known
        .filter(([key]) => depth < MAX_DEPTH || (Array.isArray(required) && required.includes(key)))
        .map(([key, property]) => [key, this.of(property, key, index, depth + 1)]),
    );
    if (known.length === 0 && isGroup(additionalProperties)) {
      return { [name]: this.of(additionalProperties, name, index, depth + 1) };
    }
    return sample;
  }

  private list(schema: Schema, name: string, depth: number): unknown {
    const { items, prefixItems, minItems, maxItems } = schema;
    if (Array.isArray(prefixItems)) {
      return prefixItems.map((item, place) => this.of(item, name, place + 1, depth + 1));
    }
    const least = numberOr(minItems, 0);
    const length = depth < MAX_DEPTH ? Math.min(Math.max(2, least), numberOr(maxItems, Infinity)) : least;
    return Array.from({ length }, (_, place) => this.of(items ?? {}, name, place + 1, depth + 1));
  }

  /** With what it refers to, and what it is made of, in one. */
  private resolved(schema: Schema, hops = 0): Schema {
    if (hops > LAST_DEPTH) return {};
    const { $ref, allOf, anyOf, oneOf, ...own } = schema;
    const [first] = [anyOf, oneOf].flatMap((several) => firstOf(several));
    const parts = [
      ...(typeof $ref === 'string' ? [this.target($ref)] : []),
      ...(Array.isArray(allOf) ? (allOf as readonly unknown[]) : []),
      ...(first === undefined ? [] : [first]),
    ];
    return parts
      .filter(isGroup)
      .map((part) => this.resolved(part, hops + 1))
      .reduce(together, own);
  }

  private target(reference: string): unknown {
    if (reference.startsWith(COMPONENTS)) {
      const name = decodeURIComponent(reference.slice(COMPONENTS.length));
      if (this.definitions.has(name)) return this.definitions.get(name);
    }
    if (!reference.startsWith('#')) return undefined;
    const keys = reference.slice(1).split('/').slice(1).map(pointerKey);
    return keys.reduce<unknown>((value, key) => (isGroup(value) ? value[key] : undefined), this.root);
  }
}

/** Of alternatives the first that is no null. */
function firstOf(several: unknown): readonly unknown[] {
  const all: readonly unknown[] = Array.isArray(several) ? several : [];
  const found = all.find((one) => !isGroup(one) || typeOf(one) !== 'null');
  return found === undefined ? [] : [found];
}

function pointerKey(key: string): string {
  return decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
}

function together(one: Schema, other: Schema): Schema {
  const [properties, others] = [one['properties'], other['properties']];
  if (!isGroup(properties) || !isGroup(others)) return { ...one, ...other };
  return { ...one, ...other, properties: { ...properties, ...others } };
}

function typeOf({ type, properties, items }: Schema): unknown {
  if (Array.isArray(type)) return type.find((one) => one !== 'null') ?? 'null';
  if (type !== undefined) return type;
  if (properties !== undefined) return 'object';
  return items === undefined ? 'string' : 'array';
}

function number(schema: Schema, wanted: number): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const least = Math.max(numberOr(minimum, -Infinity), numberOr(exclusiveMinimum, -Infinity) + 1);
  const most = Math.min(numberOr(maximum, Infinity), numberOr(exclusiveMaximum, Infinity) - 1);
  const step = numberOr(multipleOf, 0);
  const within = Math.min(Math.max(wanted, least), most);
  return step > 0 ? Math.ceil(within / step) * step : within;
}

function text({ format, pattern, minLength, maxLength }: Schema, plain: string): string {
  if (typeof format === 'string' && FORMATS[format] !== undefined) return FORMATS[format];
  const wanted = plain.padEnd(numberOr(minLength, 0), 'x').slice(0, numberOr(maxLength, Infinity));
  if (typeof pattern !== 'string' || new RegExp(pattern, 'u').test(wanted)) return wanted;
  return textMatching(pattern) ?? wanted;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function isGroup(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
