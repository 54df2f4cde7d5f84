import { type ExpressionNode, parsedExpression } from '../expression-syntax.js';
import { type Schema } from './schema-reader.js';
import { objectOf, schemaOfValue, type SchemaShape } from './schema-shape.js';
import { ANYTHING, NULL, unionOf } from './schema-union.js';

type Variables = ReadonlyMap<string, Schema>;
type Over = (child: ExpressionNode, value?: Schema) => Schema;

const NO_VARIABLES: Variables = new Map();
const BOOLEAN: Schema = { type: 'boolean' };
const NUMBER: Schema = { type: 'number' };
const STRING: Schema = { type: 'string' };

/** What functions answer that always answer the same kind of thing. */
const ANSWERS: Readonly<Record<string, Schema>> = {
  abs: NUMBER,
  avg: { type: ['number', 'null'] },
  ceil: { type: 'integer' },
  contains: BOOLEAN,
  ends_with: BOOLEAN,
  floor: { type: 'integer' },
  join: STRING,
  keys: { type: 'array', items: STRING },
  length: { type: 'integer', minimum: 0 },
  lower: STRING,
  replace: STRING,
  split: { type: 'array', items: STRING },
  starts_with: BOOLEAN,
  sum: NUMBER,
  to_number: { type: ['number', 'null'] },
  to_string: STRING,
  trim: STRING,
  trim_left: STRING,
  trim_right: STRING,
  type: STRING,
  upper: STRING,
};
/** Functions that answer their first argument in another order. */
const REORDERING = new Set(['sort', 'sort_by']);
/** Functions that answer an element of their first argument, or null. */
const CHOOSING = new Set(['max', 'min', 'max_by', 'min_by']);

/** The schemas of what JMESPath expressions make of a value. */
export class ExpressionShape {
  constructor(private readonly shape: SchemaShape) {}

  /** @param schema of what the expression is evaluated over */
  of(expression: string, schema: Schema): Schema {
    try {
      return this.read(parsedExpression(expression), schema, schema, NO_VARIABLES);
    } catch {
      // Whatever is wrong with it is said where it is read for good.
      return ANYTHING;
    }
  }

  private read(node: ExpressionNode, here: Schema, root: Schema, variables: Variables): Schema {
    const { shape } = this;
    const over = (child: ExpressionNode, value = here): Schema => this.read(child, value, root, variables);
    switch (node.type) {
      case 'Identity':
      case 'Current':
        return here;
      case 'Root':
        return root;
      case 'Literal':
        return schemaOfValue(node.value);
      case 'Field':
        return shape.field(here, node.name);
      case 'Variable':
        return variables.get(node.name) ?? ANYTHING;
      case 'Index':
        return unionOf([shape.elements(here) ?? NULL, NULL]);
      case 'Slice':
        return here;
      case 'Subexpression':
      case 'IndexExpression':
      case 'Pipe':
        return over(node.right, over(node.left));
      case 'Flatten':
        return this.flattened(over(node.child));
      case 'Projection':
        return (
          this.sliced(node, over) ?? this.projected(over(node.left), (element) => over(node.right, element))
        );
      case 'FilterProjection':
        return this.projected(over(node.left), (element) => over(node.right, element));
      case 'ValueProjection':
        return listOf(shape.present(over(node.right, shape.values(over(node.left)))));
      case 'OrExpression':
        return unionOf([shape.present(over(node.left)), over(node.right)]);
      case 'AndExpression':
        return unionOf([over(node.left), over(node.right)]);
      case 'Ternary':
        return unionOf([over(node.trueExpr), over(node.falseExpr)]);
      case 'Comparator':
        return { type: ['boolean', 'null'] };
      case 'NotExpression':
        return BOOLEAN;
      case 'Arithmetic':
        return NUMBER;
      case 'MultiSelectList':
        return this.unlessNull(here, listOf(unionOf(node.children.map((child) => over(child)))));
      case 'MultiSelectHash': {
        const entries = node.children.map(({ name, value }) => [name, over(value)] as const);
        const object = objectOf(Object.fromEntries(entries), new Set(entries.map(([name]) => name)), false);
        return this.unlessNull(here, object);
      }
      case 'Function':
        return this.answered(node.name, node.children, over);
      case 'LetExpression': {
        const inner = new Map(variables);
        for (const { variable, reference } of node.bindings) inner.set(variable, over(reference));
        return this.read(node.expression, here, root, inner);
      }
      case 'Unary':
        return NUMBER;
      case 'Binding':
      case 'ExpressionReference':
        return ANYTHING;
    }
  }

  /** A list of what becomes of each element; null is left out of it. */
  private projected(list: Schema, change: (element: Schema) => Schema): Schema {
    const { shape } = this;
    const elements = shape.elements(list);
    if (elements === undefined) return NULL;
    const changed = listOf(shape.present(change(elements)));
    return shape.isList(list) && shape.present(list) === list ? changed : unionOf([changed, NULL]);
  }

  /** Of a slice that may be one of a text; undefined for anything else. */
  private sliced(
    { left, right }: { readonly left: ExpressionNode; readonly right: ExpressionNode },
    over: Over,
  ) {
    if (left.type !== 'IndexExpression' || left.right.type !== 'Slice') return undefined;
    const value = over(left.left);
    const isText = this.shape
      .variants(value)
      .some(({ type, const: constant }) => type === 'string' || typeof constant === 'string');
    if (!isText) return undefined;
    const ofList = this.projected(value, (element) => over(right, element));
    return right.type === 'Identity' ? unionOf([ofList, STRING]) : ANYTHING;
  }

  private flattened(list: Schema): Schema {
    const { shape } = this;
    const elements = shape.elements(list);
    if (elements === undefined) return NULL;
    const flat = listOf(
      unionOf(
        shape
          .variants(elements)
          .map((variant) => (shape.isList(variant) ? (shape.elements(variant) ?? NULL) : variant)),
      ),
    );
    return shape.isList(list) && shape.present(list) === list ? flat : unionOf([flat, NULL]);
  }

  private answered(name: string, children: readonly ExpressionNode[], over: Over): Schema {
    const known = Object.hasOwn(ANSWERS, name) ? ANSWERS[name] : undefined;
    if (known !== undefined) return known;
    const { shape } = this;
    const [first, second] = children;
    if (first === undefined) return ANYTHING;
    if (REORDERING.has(name)) return over(first);
    if (CHOOSING.has(name)) return unionOf([shape.elements(over(first)) ?? NULL, NULL]);
    if (name === 'not_null') return unionOf([...children.map((child) => shape.present(over(child))), NULL]);
    if (name === 'map' && first.type === 'ExpressionReference' && second !== undefined) {
      return listOf(over(first.child, shape.elements(over(second)) ?? ANYTHING));
    }
    return ANYTHING;
  }

  /** What is selected of null is null. */
  private unlessNull(here: Schema, selected: Schema): Schema {
    return this.shape.present(here) === here ? selected : unionOf([selected, NULL]);
  }
}

function listOf(items: Schema): Schema {
  return { type: 'array', items };
}
