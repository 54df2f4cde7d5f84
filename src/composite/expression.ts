import { compiledExpression, type Evaluation } from './expression-evaluation.js';
import { ExpressionReferences, type ScopePath } from './expression-references.js';
import { ExpressionError, type ExpressionNode, parsedExpression } from './expression-syntax.js';

export { EvaluationError } from './expression-evaluation.js';
export { type ScopePath } from './expression-references.js';
export { ExpressionError } from './expression-syntax.js';

/** What expressions are evaluated over: `params`, `body` and the values of parts, by name. */
export type Scope = Readonly<Record<string, unknown>>;

const EMPTY_SCOPE: Scope = {};

/**
 * A JMESPath expression, read once and evaluated often.
 *
 * The library reads it; it is evaluated here. The library's own interpreter sees inherited properties (`toString`),
 * evaluates JSON with an `expref` in it as an expression, loses `let` within `map(&...)`, sorts numbers as text,
 * and finds no greatest text.
 */
export class Expression {
  /** The names at the root of the scope that it may look at. */
  readonly references: ReadonlySet<string>;
  /** Whether it may look at the scope as a whole (`@`, `keys(@)`), and so at every name in it. */
  readonly referencesAll: boolean;
  /**
   * The places in the scope that it may look at, as far down as they are known: `params.id` is `params`, `id`, and
   * `orders[].lines[].sku` is `orders`, `*`, `lines`, `*`, `sku`. What lies below the end of one counts as looked at.
   */
  readonly paths: readonly ScopePath[];
  /** Its value, where that does not depend on the scope. */
  readonly constant: { readonly value: unknown } | undefined;
  /** What it says, as a tree. */
  readonly tree: ExpressionNode;
  private readonly evaluation: Evaluation;

  /** @throws ExpressionError */
  constructor(readonly source: string) {
    this.tree = parsedExpression(source);
    const { roots, all, paths } = new ExpressionReferences(this.tree);
    this.references = roots;
    this.referencesAll = all;
    this.paths = paths;
    this.evaluation = compiledExpression(this.tree);
    this.constant = roots.size === 0 && !all ? this.folded() : undefined;
  }

  /**
   * The value; null where a path leads nowhere.
   *
   * @throws EvaluationError where a function or an operator cannot take what it got.
   */
  evaluate(scope: unknown): unknown {
    return this.evaluation(scope, scope, undefined);
  }

  private folded(): { readonly value: unknown } {
    try {
      return { value: this.evaluate(EMPTY_SCOPE) };
    } catch (error) {
      throw new ExpressionError(
        this.source,
        `can never be evaluated: ${error instanceof Error ? error.message : 'it fails'}`,
      );
    }
  }
}
