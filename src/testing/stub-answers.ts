import { Expression, type Scope, type ScopePath } from '../composite/expression.js';
import { type CompositePlan, type PlannedPart } from '../composite/plan.js';
import { SchemaSample } from './schema-sample.js';
import { ValueSketch } from './value-sketch.js';

/** What a part's stub answers when all is well. */
export interface StubAnswer {
  readonly part: PlannedPart;
  /** @param keys what a batch was asked for; undefined for any other call. */
  for(keys: readonly string[] | undefined): unknown;
}

export interface StubInput {
  readonly params: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/**
 * Makes up what the upstreams of a composite answer: what `answers` says; else what the schema of the part, or the OpenAPI
 * document of its upstream, lets through; and in any case what the expressions of the composite look for.
 */
export class StubAnswers {
  /** What there is to know about what was made up. */
  readonly notes: string[] = [];
  private readonly sketches = new Map<string, ValueSketch>();

  constructor(
    private readonly plan: CompositePlan,
    private readonly given: Readonly<Record<string, unknown>>,
  ) {
    for (const { config } of plan.parts) this.sketches.set(config.name, new ValueSketch());
    for (const name of ['params', 'body']) this.sketches.set(name, new ValueSketch());
    for (const path of plan.parts.flatMap(pathsOf)) this.sketch(path);
    for (const part of plan.parts) this.sketchPresentation(part);
  }

  /** What expressions look for in the client's body. */
  get body(): ValueSketch {
    return this.sketches.get('body') ?? new ValueSketch();
  }

  /** One for each part, so that each is asked for if that can be. */
  stubs(input: StubInput): readonly StubAnswer[] {
    for (const part of this.plan.parts) this.makeHold(part, input);
    return this.plan.parts.map((part) => ({ part, for: (keys) => this.answer(part, keys) }));
  }

  private sketch([root = '', ...path]: ScopePath): void {
    this.sketches.get(root)?.at(path);
  }

  /** What `pick`, `rename` and `merge` name is there as well. */
  private sketchPresentation({ config }: PlannedPart): void {
    const { name, pick = [], rename, merge, fallback, forEach } = config;
    const value = this.sketches.get(name);
    if (value === undefined) return;
    if (merge?.policy === 'concat') value.at(['*']);
    if (merge?.policy === 'by-key') value.at(['*', merge.key]);
    const isList = value.isList || forEach !== undefined || Array.isArray(fallback);
    const below = isList ? ['*'] : [];
    for (const path of [...pick, ...Object.keys(rename)]) value.at([...below, ...path.split('.')]);
    if (value.isBlank && Array.isArray(fallback)) value.at(['*', 'id']);
  }

  private answer(part: PlannedPart, keys: readonly string[] | undefined): unknown {
    const { name, forEach, flatten, method } = part.config;
    if (Object.hasOwn(this.given, name)) return this.given[name];
    if (method === 'HEAD') return null;
    const value = this.callSketch(part);
    const known = schemaSample(part, this.plan);
    if (known === undefined && value.isBlank && part.select === undefined) {
      value.at([flatten ? name : 'id']);
    }
    const selection = simplePath(part);
    const batchKey = firstPath(part.join?.batchKey);
    if (forEach?.batch === undefined || keys === undefined || batchKey === undefined) {
      const raw = new ValueSketch();
      for (const path of part.select?.paths ?? []) raw.at(path);
      const answer = selection === undefined ? undefined : valueAt(known, selection);
      return selection === undefined || selection.length === 0
        ? (part.select === undefined ? value : raw).filled(known, name)
        : placed(known, selection, value.filled(answer, name));
    }
    const at = selection ?? [];
    const list = valueAt(known, at);
    const [element] = Array.isArray(list) ? (list as readonly unknown[]) : [];
    const own = value.at(['*']);
    const elements = keys.map((key, index) => {
      const sample = own.filled(element, name, index + 1);
      const isNumber = typeof valueAt(sample, batchKey) === 'number';
      return placed(sample, batchKey, isNumber ? Number(key) : key);
    });
    return placed(known, at, elements);
  }

  /** What one call answers, after `select`: the whole value, or in a join what belongs to one key, or to a batch. */
  private callSketch(part: PlannedPart): ValueSketch {
    const { name, forEach } = part.config;
    const value = this.sketches.get(name) ?? new ValueSketch();
    if (forEach === undefined) return value;
    const element = value.at(['*']);
    const key = firstPath(part.join?.batchKey);
    if (key !== undefined) element.at(key);
    return forEach.batch === undefined ? element : value;
  }

  /** Sees to it that the condition of a part holds, by what the parts answer that it looks at. */
  private makeHold(part: PlannedPart, input: StubInput): void {
    const { when, config } = part;
    if (when === undefined || this.holds(when, input)) return;
    const leaves = when.paths.filter(([root = '']) => this.isMadeUp(root));
    for (const [root = '', ...path] of leaves) {
      const leaf = this.sketches.get(root)?.at(path);
      for (const value of candidates(when.source)) {
        leaf?.pin({ value });
        if (this.holds(when, input)) return;
      }
      leaf?.pin(undefined);
    }
    this.notes.push(
      `${config.name} is never asked: \`when: ${config.when ?? ''}\` does not hold for what the stubs answer; ` +
        `say what they do (answers), or give other parameters`,
    );
  }

  private isMadeUp(root: string): boolean {
    return this.plan.parts.some(({ config }) => config.name === root) && !Object.hasOwn(this.given, root);
  }

  private holds(when: Expression, input: StubInput): boolean {
    const scope: Record<string, unknown> = { ...input };
    for (const part of this.plan.parts) scope[part.config.name] = this.value(part);
    return isTruthy(evaluated(when, scope));
  }

  private value(part: PlannedPart): unknown {
    const { name, forEach } = part.config;
    if (forEach !== undefined) return this.sketches.get(name)?.filled(undefined, name);
    const answer = this.answer(part, undefined);
    return part.select === undefined ? answer : evaluated(part.select, answer);
  }
}

/** Everywhere that a part looks at in its scope. */
function pathsOf(part: PlannedPart): readonly ScopePath[] {
  const { values, headers, body, idempotencyKey } = part.config;
  const implied = part.template.variables.filter((variable) => !Object.hasOwn(values, variable));
  const written = [values, headers, body, idempotencyKey].flatMap(textsIn);
  const paths = [...written, ...implied].flatMap((text) => readPaths(text));
  const items = itemPaths(part);
  return [...paths, ...(part.when?.paths ?? []), ...items, ...paths.flatMap((path) => itemUse(path, items))];
}

/** The items of a join, down to their keys. */
function itemPaths({ config: { forEach }, join }: PlannedPart): readonly ScopePath[] {
  if (forEach === undefined || join === undefined) return [];
  const key = firstPath(join.key) ?? [];
  return join.items.paths.map((path) =>
    path.at(-1) === '*' || (key.length === 0 && path.includes('*'))
      ? [...path, ...key]
      : [...path, '*', ...key],
  );
}

/** `item.quantity` is a place below each of the items. */
function itemUse([root, ...path]: ScopePath, items: readonly ScopePath[]): readonly ScopePath[] {
  if (root !== 'item') return [];
  return items.map((item) => [...item.slice(0, item.lastIndexOf('*') + 1), ...path]);
}

function textsIn(written: unknown): readonly string[] {
  if (typeof written === 'string') return [written];
  if (typeof written !== 'object' || written === null) return [];
  return Object.values(written).flatMap(textsIn);
}

function readPaths(source: string): readonly ScopePath[] {
  try {
    return new Expression(source).paths;
  } catch {
    return [];
  }
}

function firstPath(expression: Expression | undefined): ScopePath | undefined {
  return expression?.paths[0];
}

const SIMPLE = /^[\w."-]+$/;

/** Where `select` leads, if it does no more than lead somewhere; empty where there is none. */
function simplePath({ select }: PlannedPart): ScopePath | undefined {
  if (select === undefined) return [];
  return SIMPLE.test(select.source) && select.paths.length === 1 ? select.paths[0] : undefined;
}

function schemaSample({ config }: PlannedPart, { operations }: CompositePlan): unknown {
  const operation = operations?.get(config.name);
  const schema = config.schema ?? operation?.answer;
  if (typeof schema !== 'object' || Object.keys(schema).length === 0) return undefined;
  return new SchemaSample(schema, operation?.definitions).of(schema, config.name);
}

function valueAt(value: unknown, path: ScopePath): unknown {
  return path.reduce<unknown>(
    (group, key) => (typeof group === 'object' && group !== null ? (group as Scope)[key] : undefined),
    value,
  );
}

/** The value with another one at a place in it. */
function placed(value: unknown, [first, ...rest]: ScopePath, at: unknown): unknown {
  if (first === undefined) return at;
  const group = typeof value === 'object' && value !== null ? (value as Scope) : {};
  return { ...group, [first]: placed(group[first], rest, at) };
}

/** Values that may make a condition hold: those it names, and the usual ones. */
function candidates(source: string): readonly unknown[] {
  const raw = [...source.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, text = '']) => text);
  const json = [...source.matchAll(/`((?:[^`\\]|\\.)*)`/g)].flatMap(([, text = '']): unknown[] => {
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'number' ? [value, value + 1, value - 1] : [value];
    } catch {
      return [];
    }
  });
  return [...raw, ...json, true, false, 1, 0, null, [], 'other'];
}

function evaluated(expression: Expression, over: unknown): unknown {
  try {
    return expression.evaluate(over);
  } catch {
    return null;
  }
}

/** As JMESPath has it: false, null and what is empty do not hold. */
function isTruthy(value: unknown): boolean {
  if (value === null || value === false || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
