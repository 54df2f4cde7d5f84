import { type ExpressionNode } from './expression-syntax.js';

/** The part in whose value the items of a stitched join stand. */
export interface StitchHost {
  readonly part: string;
  /** The fields on the way from its value to the items; undefined where it may be any. */
  readonly fields: ReadonlySet<string> | undefined;
}

/** Why nothing can be stitched: what `items` (or `key`, where that is the flaw) should have been. */
export interface StitchFlaw {
  readonly key: 'items' | 'key';
  readonly expected: string;
}

/**
 * Finds the part that a join stitches its values into, or what is wrong. The items must stand in the value of exactly
 * one part, and the expression must lead to them themselves: into a copy, or a new object, nothing can be stitched that
 * would show in the response.
 *
 * @param items the expression that leads to them.
 * @param key of an item, undefined for none.
 * @param parts the names of the composite's parts.
 */
export function stitchHost(
  items: ExpressionNode,
  key: string | undefined,
  parts: readonly string[],
): StitchHost | StitchFlaw {
  if (key === undefined) return { key: 'key', expected: 'JMESPath over an item: its key, such as sku' };
  const way = new WayToItems();
  const origin = way.follow(items, SCOPE, new Map());
  if (way.makesNew !== undefined) {
    const expected = `a path to items of a part, such as order.lines: ${way.makesNew} makes new ones, into which nothing can be stitched`;
    return { key: 'items', expected };
  }
  const [part, ...others] = origin;
  if (part === undefined || others.length > 0 || !parts.includes(part)) {
    const found = [...origin].filter((name) => name !== ROOT).join(' and ');
    const hint = found === '' ? '' : `: these are of ${found}`;
    return { key: 'items', expected: `a path to items of one part, such as order.lines${hint}` };
  }
  return { part, fields: way.isOpen ? undefined : way.fields };
}

/** The names at the root of the scope below which a value stands. */
type Origin = ReadonlySet<string>;

type Variables = ReadonlyMap<string, Origin>;

/** Stands for the scope as a whole; no part can have such a name. */
const ROOT = '@';
const SCOPE: Origin = new Set([ROOT]);
const NOWHERE: Origin = new Set();

/** Functions that hand on their arguments, or elements of them. */
const PASSING_ON: ReadonlySet<string> = new Set([
  'find_first',
  'max_by',
  'min_by',
  'not_null',
  'reverse',
  'sort',
  'sort_by',
  'to_array',
  'values',
]);

/** What lies between the root of the scope and the objects that an expression answers. */
class WayToItems {
  readonly fields = new Set<string>();
  /** Whether it leads through fields of any name. */
  isOpen = false;
  /** What in it makes new objects. */
  makesNew: string | undefined;

  follow(node: ExpressionNode, here: Origin, variables: Variables): Origin {
    switch (node.type) {
      case 'Identity':
      case 'Current':
      case 'Index':
      case 'Slice':
        return here;
      case 'Root':
        return SCOPE;
      case 'Field':
        return this.field(node.name, here);
      case 'Variable':
        return variables.get(node.name) ?? NOWHERE;
      case 'Subexpression':
      case 'IndexExpression':
      case 'Pipe':
      case 'Projection':
      case 'FilterProjection':
        // A filter's condition only looks at them.
        return this.follow(node.right, this.follow(node.left, here, variables), variables);
      case 'ValueProjection':
        this.isOpen = true;
        return this.follow(node.right, this.follow(node.left, here, variables), variables);
      case 'Flatten':
        return this.follow(node.child, here, variables);
      case 'OrExpression':
      case 'AndExpression':
        return this.either([node.left, node.right], here, variables);
      case 'Ternary':
        return this.either([node.trueExpr, node.falseExpr], here, variables);
      case 'MultiSelectList':
        return this.either(node.children, here, variables);
      case 'Literal':
        return this.literal(node.value);
      case 'Function':
        return this.call(node, here, variables);
      case 'LetExpression': {
        const inner = new Map(variables);
        for (const { variable, reference } of node.bindings) {
          inner.set(variable, this.follow(reference, here, variables));
        }
        return this.follow(node.expression, here, inner);
      }
      case 'MultiSelectHash':
        return this.isNew('{...}');
      case 'Binding':
      case 'Comparator':
      case 'Arithmetic':
      case 'Unary':
      case 'NotExpression':
      case 'ExpressionReference':
        return this.isNew('what it works out');
    }
  }

  private field(name: string, here: Origin): Origin {
    if (here.has(ROOT)) return new Set([...here, name].filter((origin) => origin !== ROOT));
    this.fields.add(name);
    return here;
  }

  private either(nodes: readonly ExpressionNode[], here: Origin, variables: Variables): Origin {
    return new Set(nodes.flatMap((node) => [...this.follow(node, here, variables)]));
  }

  private call(
    { name, children }: Extract<ExpressionNode, { type: 'Function' }>,
    here: Origin,
    variables: Variables,
  ): Origin {
    const [first, second] = children;
    if (name === 'map' && first?.type === 'ExpressionReference' && second !== undefined) {
      return this.follow(first.child, this.follow(second, here, variables), variables);
    }
    if (!PASSING_ON.has(name)) return this.isNew(`${name}()`);
    if (name === 'values') this.isOpen = true;
    const values = children.filter(({ type }) => type !== 'ExpressionReference');
    return this.either(values, here, variables);
  }

  /** `[]` and null stand in for items that are not there. */
  private literal(value: unknown): Origin {
    const isNothing = value === null || (Array.isArray(value) && value.length === 0);
    return isNothing ? NOWHERE : this.isNew('a literal');
  }

  private isNew(what: string): Origin {
    this.makesNew ??= what;
    return NOWHERE;
  }
}
