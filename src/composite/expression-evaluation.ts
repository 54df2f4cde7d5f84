import { deepFrozen } from '../upstream/config/deep-frozen.js';
import { functionNamed } from './expression-functions.js';
import { EvaluationError, isFalse, kindOf } from './expression-values.js';
import { type ExpressionNode } from './expression-syntax.js';

export { EvaluationError } from './expression-values.js';

/** What `let` has set, the innermost first. */
export interface Variables {
  readonly name: string;
  readonly value: unknown;
  readonly outer: Variables | undefined;
}

/** A node of an expression's tree, ready to run: over the value at hand, within the whole scope. */
export type Evaluation = (value: unknown, root: unknown, variables: Variables | undefined) => unknown;

type Nodes = { readonly [K in ExpressionNode['type']]: Extract<ExpressionNode, { type: K }> };

interface Pair {
  readonly left: ExpressionNode;
  readonly right: ExpressionNode;
}

/** The tree as functions that are made once. It must have been checked by `parsedExpression`. */
export function compiledExpression(node: ExpressionNode): Evaluation {
  switch (node.type) {
    case 'Identity':
    case 'Current':
      return itself;
    case 'Root':
      return root;
    case 'Literal': {
      // It is the same object in every answer it becomes a part of.
      const value = deepFrozen(node.value);
      return () => value;
    }
    case 'Field':
      return field(node.name);
    case 'Variable':
      return variable(node.name);
    case 'Index':
      return index(node.value);
    case 'Slice':
      return slice(node);
    case 'Subexpression': {
      const names = chainOf(node);
      return names === undefined ? subexpression(node) : chain(names);
    }
    case 'IndexExpression':
    case 'Pipe':
      return piped(compiledExpression(node.left), compiledExpression(node.right));
    case 'Flatten':
      return flatten(compiledExpression(node.child));
    case 'Projection':
      return projection(node);
    case 'ValueProjection':
      return valueProjection(node);
    case 'FilterProjection':
      return filterProjection(node);
    case 'OrExpression':
      return or(compiledExpression(node.left), compiledExpression(node.right));
    case 'AndExpression':
      return and(compiledExpression(node.left), compiledExpression(node.right));
    case 'NotExpression':
      return not(compiledExpression(node.child));
    case 'Ternary':
      return ternary(node);
    case 'Comparator':
      return comparator(node);
    case 'Arithmetic':
      return arithmetic(node);
    case 'Unary':
      return unary(node);
    case 'MultiSelectList':
      return multiSelectList(node);
    case 'MultiSelectHash':
      return multiSelectHash(node);
    case 'Function':
      return call(node);
    case 'LetExpression':
      return letExpression(node);
    case 'Binding':
    case 'ExpressionReference':
      throw new TypeError(`an expression cannot be evaluated at ${node.type}`);
  }
}

const itself: Evaluation = (value) => value;
const root: Evaluation = (_value, root) => root;

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  // What an object inherits is none of its data.
  return Object.hasOwn(value, name) ? ((value as Readonly<Record<string, unknown>>)[name] ?? null) : null;
}

function field(name: string): Evaluation {
  return (value) => fieldOf(value, name);
}

/** The names of `customer.address.city`; undefined for anything else. */
function chainOf(node: ExpressionNode): readonly string[] | undefined {
  if (node.type === 'Field') return [node.name];
  if (node.type !== 'Subexpression' || node.right.type !== 'Field') return undefined;
  const before = chainOf(node.left);
  return before === undefined ? undefined : [...before, node.right.name];
}

function chain(names: readonly string[]): Evaluation {
  return (value) => {
    let reached = value;
    for (const name of names) reached = fieldOf(reached, name);
    return reached;
  };
}

/** `left.right`: where the left leads nowhere, so does the whole of it, whatever stands on the right. */
function subexpression(node: Pair): Evaluation {
  const left = compiledExpression(node.left);
  const right = compiledExpression(node.right);
  return (value, root, variables) => {
    const reached = left(value, root, variables);
    return reached === null ? null : right(reached, root, variables);
  };
}

function piped(left: Evaluation, right: Evaluation): Evaluation {
  return (value, root, variables) => right(left(value, root, variables), root, variables);
}

function variable(name: string): Evaluation {
  return (_value, _root, variables) => {
    let found = variables;
    while (found !== undefined && found.name !== name) found = found.outer;
    return found?.value ?? null;
  };
}

function index(position: number): Evaluation {
  return (value) => (Array.isArray(value) ? ((value as readonly unknown[]).at(position) ?? null) : null);
}

function slice({ start, stop, step }: Nodes['Slice']): Evaluation {
  return (value) => {
    if (typeof value === 'string') return sliced(Array.from(value), start, stop, step ?? 1).join('');
    return Array.isArray(value) ? sliced(value, start, stop, step ?? 1) : null;
  };
}

/** As Python slices (JMESPath, "Slices"). */
function sliced<T>(
  list: readonly T[],
  start: number | null,
  stop: number | null,
  step: number,
): readonly T[] {
  const { length } = list;
  const lowest = step < 0 ? -1 : 0;
  const highest = step < 0 ? length - 1 : length;
  const bound = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, lowest), highest);
  const first = start === null ? (step < 0 ? highest : lowest) : bound(start);
  const end = stop === null ? (step < 0 ? lowest : highest) : bound(stop);
  const taken: T[] = [];
  for (let at = first; step > 0 ? at < end : at > end; at += step) taken.push(list[at] as T);
  return taken;
}

function flatten(child: Evaluation): Evaluation {
  return (value, root, variables) => {
    const list = child(value, root, variables);
    return Array.isArray(list) ? flat(list) : null;
  };
}

// Array.prototype.flat() takes three times as long for 20 elements.
function flat(list: readonly unknown[]): readonly unknown[] {
  const elements: unknown[] = [];
  for (const element of list) {
    if (Array.isArray(element)) for (const inner of element) elements.push(inner);
    else elements.push(element);
  }
  return elements;
}

/** What `each` makes of the elements; where it makes nothing of one, that one is left out. */
function projected(
  list: readonly unknown[],
  each: Evaluation,
  root: unknown,
  variables: Variables | undefined,
): readonly unknown[] {
  const results: unknown[] = [];
  for (const element of list) {
    const result = each(element, root, variables);
    if (result !== null) results.push(result);
  }
  return results;
}

function projection({ left, right }: Pair): Evaluation {
  const list = compiledExpression(left);
  const each = compiledExpression(right);
  // `name[0:3]` is read as a projection, and a text has no elements to project.
  const mayBeText = left.type === 'IndexExpression' && left.right.type === 'Slice';
  return (value, root, variables) => {
    const base = list(value, root, variables);
    if (mayBeText && typeof base === 'string') return each(base, root, variables);
    return Array.isArray(base) ? projected(base, each, root, variables) : null;
  };
}

function valueProjection({ left, right }: Pair): Evaluation {
  const object = compiledExpression(left);
  const each = compiledExpression(right);
  return (value, root, variables) => {
    const base = object(value, root, variables);
    if (typeof base !== 'object' || base === null || Array.isArray(base)) return null;
    return projected(Object.values(base), each, root, variables);
  };
}

function filterProjection({ left, condition, right }: Nodes['FilterProjection']): Evaluation {
  const list = compiledExpression(left);
  const matches = compiledExpression(condition);
  const each = compiledExpression(right);
  return (value, root, variables) => {
    const base = list(value, root, variables);
    if (!Array.isArray(base)) return null;
    const matching = base.filter((element: unknown) => !isFalse(matches(element, root, variables)));
    return projected(matching, each, root, variables);
  };
}

function or(left: Evaluation, right: Evaluation): Evaluation {
  return (value, root, variables) => {
    const first = left(value, root, variables);
    return isFalse(first) ? right(value, root, variables) : first;
  };
}

function and(left: Evaluation, right: Evaluation): Evaluation {
  return (value, root, variables) => {
    const first = left(value, root, variables);
    return isFalse(first) ? first : right(value, root, variables);
  };
}

function not(child: Evaluation): Evaluation {
  return (value, root, variables) => isFalse(child(value, root, variables));
}

function ternary(node: Nodes['Ternary']): Evaluation {
  const condition = compiledExpression(node.condition);
  const yes = compiledExpression(node.trueExpr);
  const no = compiledExpression(node.falseExpr);
  return (value, root, variables) =>
    (isFalse(condition(value, root, variables)) ? no : yes)(value, root, variables);
}

type Comparison = (first: unknown, second: unknown) => boolean | null;

const COMPARISONS: Readonly<Record<Nodes['Comparator']['name'], Comparison>> = {
  EQ: isEqual,
  NE: (first, second) => !isEqual(first, second),
  GT: ordered((first, second) => first > second),
  GTE: ordered((first, second) => first >= second),
  LT: ordered((first, second) => first < second),
  LTE: ordered((first, second) => first <= second),
};

/** Only numbers have an order (JMESPath, "Ordering operators"). */
function ordered(compare: (first: number, second: number) => boolean): Comparison {
  return (first, second) =>
    typeof first === 'number' && typeof second === 'number' ? compare(first, second) : null;
}

function comparator({ name, left, right }: Nodes['Comparator']): Evaluation {
  const compare = COMPARISONS[name];
  const first = compiledExpression(left);
  const second = compiledExpression(right);
  return (value, root, variables) => compare(first(value, root, variables), second(value, root, variables));
}

function isEqual(first: unknown, second: unknown): boolean {
  if (first === second) return true;
  if (typeof first !== 'object' || typeof second !== 'object' || first === null || second === null)
    return false;
  if (Array.isArray(first) !== Array.isArray(second)) return false;
  const keys = Object.keys(first);
  if (keys.length !== Object.keys(second).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(second, key) &&
      isEqual(first[key as keyof typeof first], second[key as keyof typeof second]),
  );
}

type Operation = (first: number, second: number) => number;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  Plus: (first, second) => first + second,
  Minus: (first, second) => first - second,
  Multiply: (first, second) => first * second,
  Star: (first, second) => first * second,
  Divide: (first, second) => first / nonZero(second),
  Modulo: (first, second) => first % nonZero(second),
  Div: (first, second) => Math.floor(first / nonZero(second)),
};

function arithmetic(node: Nodes['Arithmetic']): Evaluation {
  const operation = OPERATIONS[node.operator];
  if (operation === undefined) throw new TypeError(`an expression cannot be evaluated at ${node.operator}`);
  const left = compiledExpression(node.left);
  const right = compiledExpression(node.right);
  return (value, root, variables) =>
    operation(numberFrom(left(value, root, variables)), numberFrom(right(value, root, variables)));
}

function unary(node: Nodes['Unary']): Evaluation {
  const operand = compiledExpression(node.operand);
  const sign = node.operator === 'Minus' ? -1 : 1;
  return (value, root, variables) => sign * numberFrom(operand(value, root, variables));
}

function numberFrom(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new EvaluationError(`an operator expected a number and got ${kindOf(value)}`);
}

function nonZero(value: number): number {
  if (value !== 0) return value;
  throw new EvaluationError('a number was to be divided by 0');
}

function multiSelectList(node: Nodes['MultiSelectList']): Evaluation {
  const children = node.children.map(compiledExpression);
  return (value, root, variables) => children.map((child) => child(value, root, variables));
}

function multiSelectHash(node: Nodes['MultiSelectHash']): Evaluation {
  const children = node.children.map(({ name, value }) => ({ name, evaluate: compiledExpression(value) }));
  return (value, root, variables) => {
    const result: Record<string, unknown> = {};
    for (const { name, evaluate } of children) result[name] = evaluate(value, root, variables);
    return result;
  };
}

function call({ name, children }: Nodes['Function']): Evaluation {
  const run = functionNamed(name);
  const args = children.map((child) =>
    child.type === 'ExpressionReference'
      ? { isExpression: true, evaluate: compiledExpression(child.child) }
      : { isExpression: false, evaluate: compiledExpression(child) },
  );
  return (value, root, variables) =>
    run(
      args.map(({ isExpression, evaluate }) =>
        isExpression
          ? (element: unknown) => evaluate(element, root, variables)
          : evaluate(value, root, variables),
      ),
    );
}

function letExpression(node: Nodes['LetExpression']): Evaluation {
  const bindings = node.bindings.map(({ variable, reference }) => ({
    name: variable,
    evaluate: compiledExpression(reference),
  }));
  const body = compiledExpression(node.expression);
  return (value, root, variables) => {
    let inner = variables;
    // None of them sees another one of the same `let` (JEP-18).
    for (const { name, evaluate } of bindings) {
      inner = { name, value: evaluate(value, root, variables), outer: inner };
    }
    return body(value, root, inner);
  };
}
