import { deepFrozen } from '../upstream/config/deep-frozen.js';
import { EvaluationError, Expression, type Scope, type ScopePath } from './expression.js';
import { writeKey } from './json-object.js';

/**
 * A value as it is written in the file: a string is a JMESPath expression, everything else stands for itself; lists and
 * groups hold such values in turn. What does not depend on the scope is made once, and frozen.
 */
export class ValueTemplate {
  /** The names at the root of the scope that it may look at. */
  readonly references: ReadonlySet<string>;
  /** The places in the scope that it may look at, as far down as they are known. */
  readonly paths: readonly ScopePath[];
  /** Its value, where that does not depend on the scope. */
  readonly constant: { readonly value: unknown } | undefined;
  private readonly make: Make;

  /** @throws ExpressionError for the first text in it that is no expression. */
  constructor(written: unknown) {
    const paths: ScopePath[] = [];
    const { make, constant } = compile(written, [], paths);
    this.references = new Set(paths.map(([root = '']) => root));
    this.paths = paths;
    this.constant = constant;
    this.make = make;
  }

  /** @throws EvaluationError saying where in the value it failed. */
  evaluate(scope: Scope): unknown {
    return this.make(scope);
  }
}

type Make = (scope: Scope) => unknown;

interface Compiled {
  readonly make: Make;
  readonly constant: { readonly value: unknown } | undefined;
}

/** Where something stands within a value, from its root. */
type ValuePath = readonly (string | number)[];

function compile(written: unknown, at: ValuePath, paths: ScopePath[]): Compiled {
  if (typeof written === 'string') return compiledText(written, at, paths);
  if (typeof written !== 'object' || written === null) return constantly(written);
  if (Array.isArray(written)) {
    const items = written.map((item: unknown, index) => compile(item, [...at, index], paths));
    return together(items, (scope) => items.map(({ make }) => make(scope)));
  }
  const entries = Object.entries(written).map(([key, value]) => ({
    key,
    ...compile(value, [...at, key], paths),
  }));
  return together(entries, (scope) => {
    const group: Record<string, unknown> = {};
    for (const { key, make } of entries) writeKey(group, key, make(scope));
    return group;
  });
}

function compiledText(text: string, at: ValuePath, paths: ScopePath[]): Compiled {
  const expression = new Expression(text);
  paths.push(...expression.paths);
  if (expression.constant !== undefined) return constantly(expression.constant.value);
  if (at.length === 0) return { make: (scope) => expression.evaluate(scope), constant: undefined };
  return { make: (scope) => evaluatedAt(at, expression, scope), constant: undefined };
}

function evaluatedAt(at: ValuePath, expression: Expression, scope: Scope): unknown {
  try {
    return expression.evaluate(scope);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw new EvaluationError(`${at.join('.')}: ${error.message}`, { cause: error });
  }
}

/** A list or a group, which is made once if nothing in it depends on the scope. */
function together(inner: readonly Compiled[], make: Make): Compiled {
  const isConstant = inner.every(({ constant }) => constant !== undefined);
  return isConstant ? constantly(make({})) : { make, constant: undefined };
}

function constantly(value: unknown): Compiled {
  deepFrozen(value);
  return { make: () => value, constant: { value } };
}
