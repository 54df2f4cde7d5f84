import { compile, type JSONValue, TreeInterpreter } from '@jmespath-community/jmespath';

type ExpressionNode = ReturnType<typeof compile>;

/** What expressions are evaluated over: `params`, `body` and the values of parts, by name. */
export type Scope = Readonly<Record<string, unknown>>;

/** A JMESPath expression, read once and evaluated often. */
export class Expression {
  /** The names at the root of the scope that it may look at. */
  readonly references: ReadonlySet<string>;
  private readonly ast: ExpressionNode;

  /** @throws ExpressionError */
  constructor(readonly source: string) {
    this.ast = compile(source);
    this.references = new Set(rootsOf(this.ast));
  }

  /** The value; null where a path leads nowhere. */
  evaluate(scope: Scope): unknown {
    return TreeInterpreter.search(this.ast, scope as JSONValue) ?? null;
  }
}

function rootsOf(node: ExpressionNode): string[] {
  switch (node.type) {
    case 'Field':
      return [node.name];
    case 'Subexpression':
    case 'Projection':
      return rootsOf(node.left);
    case 'Flatten':
      return rootsOf(node.child);
    default:
      return [];
  }
}
