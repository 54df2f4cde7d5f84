import {
  type CompositeConfig,
  type ForEachConfig,
  type JsonSchema,
  type PartConfig,
} from '../config/composite-config.js';
import { Expression } from '../expression.js';
import { parsedExpression } from '../expression-syntax.js';
import { Placing } from '../placing.js';
import { type StitchHost, stitchHost } from '../stitch-host.js';
import { ExpressionShape } from './expression-shape.js';
import { isGroup, type Schema, SchemaReader } from './schema-reader.js';
import { isObject, objectOf, propertiesOf, requiredOf, schemaOfValue, SchemaShape } from './schema-shape.js';
import { ANYTHING, isAnything, NULL, unionOf } from './schema-union.js';
import { type UpstreamOperation } from './upstream-document.js';
import { isValid } from './value-conflict.js';

/** What the operations of a composite's parts are, by part; none for those without a document. */
export type Operations = ReadonlyMap<string, UpstreamOperation>;

/** The schemas of what stands in a composite: of its scope, of the values of its parts, of its response. */
export class CompositeShape {
  readonly shape: SchemaShape;
  private readonly expressions: ExpressionShape;
  private readonly values = new Map<string, Schema>();
  private readonly read = new Map<string, Schema>();

  /** @param definitions get what the schemas refer to */
  constructor(
    private readonly config: CompositeConfig,
    private readonly operations: Operations,
    private readonly definitions: Map<string, Schema>,
  ) {
    for (const operation of operations.values()) {
      for (const [name, schema] of operation.definitions) definitions.set(name, schema);
    }
    this.shape = new SchemaShape(definitions);
    this.expressions = new ExpressionShape(this.shape);
  }

  /** What the client's body must fit; undefined where it has none. */
  get body(): Schema | undefined {
    const { bodySchema, name } = this.config;
    return bodySchema === undefined ? undefined : this.written(`${name}.body`, bodySchema);
  }

  /** What an expression of a part makes of its scope. */
  evaluated(expression: string, part: PartConfig): Schema {
    return this.expressions.of(expression, this.scopeOf(part));
  }

  /** What a call of a part answers, before anything is done to it. */
  answer({ name, schema, method }: PartConfig): Schema {
    if (schema !== undefined) return this.written(`${this.config.name}.${name}`, schema);
    return method === 'HEAD' ? NULL : (this.operations.get(name)?.answer ?? ANYTHING);
  }

  /** What other parts see of it. */
  value(part: PartConfig): Schema {
    const known = this.values.get(part.name);
    if (known !== undefined) return known;
    const value = this.withFallback(part, this.asked(part));
    this.values.set(part.name, value);
    return value;
  }

  /** The response, complete or partial. */
  response(): Schema {
    const shown = this.config.parts.filter(
      ({ hidden, forEach }) => !hidden && forEach?.collect.form !== 'stitch',
    );
    return shown.reduce<Schema>((document, part) => this.placed(document, part, shown), EMPTY);
  }

  /** What is selected of an answer. */
  selected(part: PartConfig): Schema {
    const answer = this.answer(part);
    return part.select === undefined ? answer : this.expressions.of(part.select, answer);
  }

  /** What `pick`, `omit` and `rename` cut to size: the value with what is stitched into it, in a map each of its values. */
  uncut(part: PartConfig): Schema {
    const whole = this.whole(part);
    return isMap(part) ? this.shape.values(whole) : whole;
  }

  private asked(part: PartConfig): Schema {
    const selected = this.selected(part);
    return part.forEach === undefined ? selected : this.collected(part.forEach, selected);
  }

  private collected({ batch, collect, missing }: ForEachConfig, selected: Schema): Schema {
    const found = batch === undefined ? selected : (this.shape.elements(selected) ?? ANYTHING);
    const item = this.either(found, missing);
    // What is stitched is a map to other parts.
    return collect.form === 'list'
      ? { type: 'array', items: item }
      : { type: 'object', additionalProperties: item };
  }

  private withFallback({ required, when, fallback, forEach }: PartConfig, value: Schema): Schema {
    const isSure = (required && when === undefined) || forEach?.collect.form === 'stitch';
    return isSure ? value : this.either(value, fallback);
  }

  private either(schema: Schema, value: unknown): Schema {
    const union = unionOf([schema, schemaOfValue(value)]);
    // Most values are null or an empty list, of which the union itself knows whether they fit.
    const isPlain = value === null || (Array.isArray(value) && value.length === 0);
    return !isPlain && isValid(value, schema, this.definitions) ? schema : union;
  }

  private whole(part: PartConfig): Schema {
    return this.config.parts.reduce((value, other) => this.stitched(value, part, other), this.value(part));
  }

  /** The value with what is stitched into it, cut to size. */
  private presented(part: PartConfig): Schema {
    const whole = this.whole(part);
    const cut = (value: Schema): Schema => this.cut(part, value);
    return isMap(part) ? this.eachValue(whole, cut) : cut(whole);
  }

  private eachValue(map: Schema, change: (value: Schema) => Schema): Schema {
    return unionOf(
      this.shape.variants(map).map((variant) => {
        const { additionalProperties } = variant;
        if (!isGroup(additionalProperties)) return variant;
        return { ...variant, additionalProperties: change(additionalProperties) };
      }),
    );
  }

  private cut({ pick, omit, rename }: PartConfig, value: Schema): Schema {
    const { shape } = this;
    const picked = pick === undefined ? value : shape.pick(value, pick);
    const rest = omit.length === 0 ? picked : shape.omit(picked, omit);
    return Object.keys(rename).length === 0 ? rest : shape.rename(rest, rename);
  }

  /** The value of a host with the field that a stitching join gives its items. */
  private stitched(value: Schema, host: PartConfig, join: PartConfig): Schema {
    const { forEach } = join;
    if (forEach?.collect.form !== 'stitch') return value;
    const found = this.hostOf(forEach);
    if (found?.part !== host.name) return value;
    const { field } = forEach.collect;
    const given = this.shape.values(this.presented(join));
    const path = pathsOf(forEach.items).find(([root]) => root === host.name) ?? [];
    // Its items are the values of a map, or may be anywhere in them.
    if (isMap(host))
      return this.eachValue(value, (item) => this.shape.stitch(item, path.slice(2), field, given));
    return found.fields === undefined ? ANYTHING : this.shape.stitch(value, path.slice(1), field, given);
  }

  private hostOf(forEach: ForEachConfig): StitchHost | undefined {
    try {
      const names = this.config.parts.map(({ name }) => name);
      const found = stitchHost(parsedExpression(forEach.items), forEach.key, names);
      return 'expected' in found ? undefined : found;
    } catch {
      // It is no expression, which is said where it is read for good.
      return undefined;
    }
  }

  private placed(document: Schema, part: PartConfig, shown: readonly PartConfig[]): Schema {
    const value = this.presented(part);
    if (!part.flatten) return this.at(document, part.as, value, part);
    const placing = new Placing(part, shown);
    const variants = this.shape.variants(value);
    const objects = variants.filter((variant) => isObject(variant));
    const isSure = objects.length === variants.length;
    const fields = objects.reduce((all, object) => {
      const entries = Object.entries(propertiesOf(object)).filter(([name]) => placing.mayShow([name]));
      return entries.reduce(
        (root, [name, field]) => this.at(root, [name], field, part, isSure && requiredOf(object).has(name)),
        all,
      );
    }, document);
    const others = variants.map((variant) => (isAnything(variant) ? ANYTHING : othersOf(variant)));
    return this.withOthers(fields, unionOf(others));
  }

  /** The document with a value at a place. */
  private at(
    document: Schema,
    place: readonly string[],
    value: Schema,
    part: PartConfig,
    isSure = true,
  ): Schema {
    const [name, ...below] = place;
    if (name === undefined) return value;
    const properties = propertiesOf(document);
    const before = properties[name];
    const stays =
      below.length > 0
        ? this.at(before !== undefined && isObject(before) ? before : EMPTY, below, value, part, isSure)
        : before === undefined
          ? value
          : this.merged(before, value, part);
    const required = new Set([...requiredOf(document), ...(isSure ? [name] : [])]);
    return objectOf({ ...properties, [name]: stays }, required, document['additionalProperties']);
  }

  private merged(before: Schema, value: Schema, { merge }: PartConfig): Schema {
    switch (merge?.policy) {
      case 'deep':
        return this.shape.merged(before, value);
      case 'concat':
        return this.shape.concatenated(before, value);
      case 'by-key':
        return this.shape.joined(before, value);
      case undefined:
        return this.shape.overlaid(before, value);
    }
  }

  private withOthers(document: Schema, others: Schema): Schema {
    const { additionalProperties } = document;
    if ('not' in others) return document;
    const known = isGroup(additionalProperties) ? [additionalProperties] : [];
    return { ...document, additionalProperties: unionOf([...known, others]) };
  }

  private scopeOf(part: PartConfig): Schema {
    const { params, parts } = this.config;
    const roots: Record<string, Schema> = {};
    const given = params.map(({ name, schema, required }) => {
      const isSure = required || 'default' in schema;
      return [name, isSure ? schema : unionOf([schema, NULL])] as const;
    });
    roots['params'] = objectOf(Object.fromEntries(given), new Set(given.map(([name]) => name)), false);
    roots['body'] = this.body ?? ANYTHING;
    for (const other of parts) if (other.name !== part.name) roots[other.name] = this.value(other);
    if (part.forEach !== undefined) this.addJoin(roots, part.forEach);
    return objectOf(roots, new Set(Object.keys(roots)), false);
  }

  private addJoin(roots: Record<string, Schema>, { items, key }: ForEachConfig): void {
    const scope = objectOf(roots, new Set(Object.keys(roots)), false);
    const item = this.shape.elements(this.expressions.of(items, scope)) ?? ANYTHING;
    const keyOfItem = this.shape.present(key === undefined ? item : this.expressions.of(key, item));
    roots['item'] = item;
    roots['key'] = keyOfItem;
    roots['keys'] = { type: 'array', items: keyOfItem };
  }

  private written(prefix: string, schema: JsonSchema): Schema {
    const known = this.read.get(prefix);
    if (known !== undefined) return known;
    const read = new SchemaReader(schema, prefix, '2020-12', this.definitions).read(schema);
    this.read.set(prefix, read);
    return read;
  }
}

const EMPTY: Schema = objectOf({}, new Set(), false);
const NOTHING: Schema = { not: {} };

/** Whether its value is an object of values by key. */
function isMap({ forEach }: PartConfig): boolean {
  return forEach !== undefined && forEach.collect.form !== 'list';
}

/** Of the keys an object may have beyond its properties. */
function othersOf(variant: Schema): Schema {
  const { additionalProperties } = variant;
  if (!isObject(variant) || additionalProperties === false) return NOTHING;
  return isGroup(additionalProperties) ? additionalProperties : ANYTHING;
}

function pathsOf(expression: string): Expression['paths'] {
  try {
    return new Expression(expression).paths;
  } catch {
    return [];
  }
}
