import { TreeInterpreter } from '@jmespath-community/jmespath';
import { EvaluationError, kindOf } from './expression-values.js';
import { numberIn } from './json-number.js';

/** A function of expressions; an argument that is an expression arrives as what it makes of an element. */
export type ExpressionFunction = (args: readonly unknown[]) => unknown;

type Each = (element: unknown) => unknown;

/** The function of that name, which must be one. */
export function functionNamed(name: string): ExpressionFunction {
  return OWN.get(name) ?? fromLibrary(name);
}

function fromLibrary(name: string): ExpressionFunction {
  const { runtime } = TreeInterpreter;
  return (args) => {
    try {
      return runtime.callFunction(name, args as Parameters<typeof runtime.callFunction>[1]) ?? null;
    } catch (error) {
      // The library's messages name kinds; those of the engine (a text that gets too long) may be anything.
      const said = error instanceof Error ? error.message : '';
      throw new EvaluationError(plainly(name, said), { cause: error });
    }
  };
}

function plainly(name: string, said: string): string {
  const [, argument, expected, found] =
    /argument (\d) to be type \((.*)\) but received type (.*?) instead/.exec(said) ?? [];
  if (argument === undefined) return `${name}() cannot take what it got`;
  const [expectedKinds, foundKind] = [expected, found].map((kinds = '') =>
    kinds.split(' | ').map(kindNamed).join(' or '),
  );
  return `${name}() expected ${expectedKinds} as argument ${argument} and got ${foundKind}`;
}

/** What the library calls a kind, in our words. */
function kindNamed(name: string): string {
  return KINDS[name] ?? name;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'a boolean',
  array: 'a list',
  object: 'an object',
  'Array<number>': 'a list of numbers',
  'Array<string>': 'a list of texts',
  'Array<object>': 'a list of objects',
  'Array<Array<any>>': 'a list of lists',
};

/**
 * What the library's own functions would do otherwise: apply expressions by its interpreter, sort numbers as text, take
 * `0x10` for a number, trim in quadratic time, and let a key named `__proto__` change a prototype.
 */
const OWN: ReadonlyMap<string, ExpressionFunction> = new Map<string, ExpressionFunction>([
  ['map', ([each, list]) => listFrom('map', list).map(each as Each)],
  ['sort', ([list]) => sortedBy('sort', list, itself)],
  ['sort_by', ([list, each]) => sortedBy('sort_by', list, each as Each)],
  ['max', ([list]) => bestBy('max', list, itself, isBehind)],
  ['max_by', ([list, each]) => bestBy('max_by', list, each as Each, isBehind)],
  ['min', ([list]) => bestBy('min', list, itself, isBefore)],
  ['min_by', ([list, each]) => bestBy('min_by', list, each as Each, isBefore)],
  ['group_by', ([list, each]) => groupedBy(list, each as Each)],
  [
    'merge',
    (objects) => Object.fromEntries(objects.flatMap((object) => Object.entries(objectFrom('merge', object)))),
  ],
  ['to_number', ([value]) => numberOf(value)],
  ['trim', ([text, characters]) => trimmed('trim', text, characters, { start: true, end: true })],
  ['trim_left', ([text, characters]) => trimmed('trim_left', text, characters, { start: true, end: false })],
  [
    'trim_right',
    ([text, characters]) => trimmed('trim_right', text, characters, { start: false, end: true }),
  ],
]);

function itself(element: unknown): unknown {
  return element;
}

function listFrom(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new EvaluationError(`${name}() expected a list and got ${kindOf(value)}`);
}

function objectFrom(name: string, value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new EvaluationError(`${name}() expected an object and got ${kindOf(value)}`);
}

function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? (numberIn(value) ?? null) : null;
}

type Key = string | number;

interface Keyed {
  readonly element: unknown;
  readonly key: Key;
}

/** The elements with their keys: all of these numbers, or all of them texts. */
function keyed(name: string, value: unknown, each: Each): readonly Keyed[] {
  let type: string | undefined;
  return listFrom(name, value).map((element) => {
    const key = each(element);
    type ??= typeof key;
    if ((typeof key === 'string' || typeof key === 'number') && typeof key === type) return { element, key };
    throw new EvaluationError(
      `${name}() expected numbers or texts, one like the other, and got ${kindOf(key)}`,
    );
  });
}

function sortedBy(name: string, value: unknown, each: Each): readonly unknown[] {
  const all = [...keyed(name, value, each)];
  return all.sort((one, other) => compared(one.key, other.key)).map(({ element }) => element);
}

/** The first of the elements that are better than all others; null if there is none. */
function bestBy(
  name: string,
  value: unknown,
  each: Each,
  isBetter: (key: Key, best: Key) => boolean,
): unknown {
  let best: Keyed | undefined;
  for (const one of keyed(name, value, each))
    if (best === undefined || isBetter(one.key, best.key)) best = one;
  return best?.element ?? null;
}

function isBehind(one: Key, other: Key): boolean {
  return compared(one, other) > 0;
}

function isBefore(one: Key, other: Key): boolean {
  return compared(one, other) < 0;
}

/** Numbers by size, texts by their code points, which is no locale's order but the same everywhere. */
function compared(one: Key, other: Key): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return byCodePoints(String(one), String(other));
}

function byCodePoints(one: string, other: string): number {
  let at = 0;
  while (at < one.length && at < other.length && one.charCodeAt(at) === other.charCodeAt(at)) at++;
  // Within a surrogate pair the whole of it counts.
  if (at > 0 && isTrailing(one.charCodeAt(at))) at--;
  return (one.codePointAt(at) ?? -1) - (other.codePointAt(at) ?? -1);
}

function isTrailing(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function groupedBy(value: unknown, each: Each): Readonly<Record<string, readonly unknown[]>> {
  const groups = new Map<string, unknown[]>();
  for (const element of listFrom('group_by', value)) {
    const key = each(element);
    if (typeof key !== 'string')
      throw new EvaluationError(`group_by() expected texts and got ${kindOf(key)}`);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [element]);
    else group.push(element);
  }
  return Object.fromEntries(groups);
}

const WHITE_SPACE = /[\s\u0085]/;

function trimmed(
  name: string,
  text: unknown,
  characters: unknown,
  at: { readonly start: boolean; readonly end: boolean },
): string {
  if (typeof text !== 'string') throw new EvaluationError(`${name}() expected text and got ${kindOf(text)}`);
  const goes = goesWith(name, characters);
  const all = Array.from(text);
  const start = at.start ? all.findIndex((character) => !goes(character)) : 0;
  if (start < 0) return '';
  const last = at.end ? all.findLastIndex((character) => !goes(character)) : all.length - 1;
  return all.slice(start, last + 1).join('');
}

function goesWith(name: string, characters: unknown): (character: string) => boolean {
  if (characters === undefined || characters === '') return (character) => WHITE_SPACE.test(character);
  if (typeof characters !== 'string') {
    throw new EvaluationError(`${name}() expected text and got ${kindOf(characters)}`);
  }
  const set = new Set(Array.from(characters));
  return (character) => set.has(character);
}
