import { Expression, type Scope } from './expression.js';

/**
 * A value as it is written in the file: a string is a JMESPath expression, everything else stands for itself; lists and
 * groups hold such values in turn.
 */
export class ValueTemplate {
  readonly references: ReadonlySet<string>;
  private readonly make: (scope: Scope) => unknown;

  /** @throws ExpressionError */
  constructor(written: unknown) {
    const references = new Set<string>();
    this.make = compiled(written, references);
    this.references = references;
  }

  evaluate(scope: Scope): unknown {
    return this.make(scope);
  }
}

function compiled(written: unknown, references: Set<string>): (scope: Scope) => unknown {
  if (typeof written === 'string') {
    const expression = new Expression(written);
    for (const name of expression.references) references.add(name);
    return (scope) => expression.evaluate(scope);
  }
  if (Array.isArray(written)) {
    const items = written.map((item: unknown) => compiled(item, references));
    return (scope) => items.map((item) => item(scope));
  }
  if (typeof written === 'object' && written !== null) {
    const entries = Object.entries(written).map(
      ([key, value]) => [key, compiled(value, references)] as const,
    );
    return (scope) => Object.fromEntries(entries.map(([key, value]) => [key, value(scope)]));
  }
  return () => written;
}
