import { type ExpressionNode } from './expression-syntax.js';

/** Names from the root of the scope downwards; `*` is any element of a list. Empty: the scope itself. */
export type ScopePath = readonly string[];

type FunctionNode = Extract<ExpressionNode, { type: 'Function' }>;

interface Pair {
  readonly left: ExpressionNode;
  readonly right: ExpressionNode;
}

/** Where a value may have come from: places in the scope, or a list of such values. */
interface Origin {
  readonly paths: readonly ScopePath[];
  /** What the elements of a list come from; undefined where it is a place that holds whatever it holds. */
  readonly elements: Origin | undefined;
}

type Variables = ReadonlyMap<string, Origin>;

const NOWHERE: Origin = { paths: [], elements: undefined };
const SCOPE: Origin = { paths: [[]], elements: undefined };
const NO_VARIABLES: Variables = new Map();

/** Functions that answer their first argument, in another order or as it is. */
const PASSING_ON: ReadonlySet<string> = new Set(['sort', 'sort_by', 'reverse', 'to_array']);
/** Functions that answer one of the elements of their first argument. */
const CHOOSING: ReadonlySet<string> = new Set(['max_by', 'min_by']);

/** What an expression looks at, read from its tree alone. */
export class ExpressionReferences {
  readonly roots = new Set<string>();
  /** Whether it looks at the scope as a whole, and so at every name in it. */
  all = false;
  private readonly found = new Map<string, ScopePath>();

  constructor(root: ExpressionNode) {
    this.use(this.read(root, SCOPE, NO_VARIABLES));
    // What is only looked at in passing: `customer.['vip']` depends on whether there is a customer.
    const used = new Set([...this.found.values()].map(([name]) => name));
    for (const name of this.roots) if (!used.has(name)) this.use({ paths: [[name]], elements: undefined });
  }

  get paths(): readonly ScopePath[] {
    return [...this.found.values()];
  }

  /** What a node's value comes from, where it is evaluated over `here`. */
  private read(node: ExpressionNode, here: Origin, variables: Variables): Origin {
    switch (node.type) {
      case 'Identity':
      case 'Current':
        return here;
      case 'Root':
        return SCOPE;
      case 'Literal':
        return NOWHERE;
      case 'Field':
        return this.field(here, node.name);
      case 'Variable':
        return variables.get(node.name) ?? NOWHERE;
      case 'Index':
        return elementsOf(here);
      case 'Slice':
        return here;
      case 'Subexpression':
      case 'IndexExpression':
      case 'Pipe':
        return this.read(node.right, this.read(node.left, here, variables), variables);
      case 'Flatten':
        return flattened(this.read(node.child, here, variables));
      case 'Projection':
        return this.projection(node, here, variables);
      case 'ValueProjection':
        // Whatever the names beneath it are: all of it.
        this.use(this.read(node.left, here, variables));
        this.use(this.read(node.right, NOWHERE, variables));
        return NOWHERE;
      case 'FilterProjection': {
        const element = elementsOf(this.read(node.left, here, variables));
        this.use(this.read(node.condition, element, variables));
        return listOf(this.read(node.right, element, variables));
      }
      case 'OrExpression': {
        const left = this.read(node.left, here, variables);
        // Whether it is empty depends on all that is in it.
        if (left.paths.some(isScope)) this.use(SCOPE);
        return either(left, this.read(node.right, here, variables));
      }
      case 'AndExpression': {
        const left = this.read(node.left, here, variables);
        this.use(left);
        return either(left, this.read(node.right, here, variables));
      }
      case 'Ternary':
        this.use(this.read(node.condition, here, variables));
        return either(this.read(node.trueExpr, here, variables), this.read(node.falseExpr, here, variables));
      case 'Comparator':
      case 'Arithmetic':
        this.use(this.read(node.left, here, variables));
        this.use(this.read(node.right, here, variables));
        return NOWHERE;
      case 'Unary':
        this.use(this.read(node.operand, here, variables));
        return NOWHERE;
      case 'NotExpression':
      case 'ExpressionReference':
        this.use(this.read(node.child, here, variables));
        return NOWHERE;
      case 'MultiSelectList':
        for (const child of node.children) this.use(this.read(child, here, variables));
        return NOWHERE;
      case 'MultiSelectHash':
        for (const { value } of node.children) this.use(this.read(value, here, variables));
        return NOWHERE;
      case 'Function':
        return this.call(node, here, variables);
      case 'LetExpression': {
        const inner = new Map(variables);
        for (const { variable, reference } of node.bindings) {
          inner.set(variable, this.read(reference, here, variables));
        }
        return this.read(node.expression, here, inner);
      }
      case 'Binding':
        return this.read(node.reference, here, variables);
    }
  }

  private field({ paths }: Origin, name: string): Origin {
    if (paths.some(isScope)) this.roots.add(name);
    return { paths: paths.map((path) => [...path, name]), elements: undefined };
  }

  private projection({ left, right }: Pair, here: Origin, variables: Variables): Origin {
    const base = this.read(left, here, variables);
    // The part of a text is written as the part of a list is: which of them it is cannot be known.
    const isSlice = left.type === 'IndexExpression' && left.right.type === 'Slice';
    if (isSlice && right.type === 'Identity') return base;
    const element = this.read(right, elementsOf(base), variables);
    return listOf(element);
  }

  private call({ name, children }: FunctionNode, here: Origin, variables: Variables): Origin {
    let list = NOWHERE;
    let first: Origin | undefined;
    for (const child of children) {
      if (child.type === 'ExpressionReference') continue;
      const argument = this.read(child, here, variables);
      this.use(argument);
      first ??= argument;
      list = either(list, argument);
    }
    const element = elementsOf(list);
    for (const child of children) {
      if (child.type === 'ExpressionReference') this.use(this.read(child.child, element, variables));
    }
    if (name === 'not_null') return list;
    if (first !== undefined && PASSING_ON.has(name)) return first;
    return CHOOSING.has(name) ? element : NOWHERE;
  }

  /** The value counts as such: what it comes from is looked at. */
  private use({ paths, elements }: Origin): void {
    if (elements !== undefined) this.use(elements);
    for (const path of paths) {
      if (isScope(path)) this.all = true;
      else this.found.set(JSON.stringify(path), path);
    }
  }
}

function isScope(path: ScopePath): boolean {
  return path.length === 0;
}

function elementsOf({ paths, elements }: Origin): Origin {
  // The scope is no list.
  const below = paths.filter((path) => !isScope(path)).map((path) => [...path, '*']);
  return either({ paths: below, elements: undefined }, elements ?? NOWHERE);
}

function listOf(elements: Origin): Origin {
  return { paths: [], elements };
}

/** Of a list of lists, the inner ones' elements; of any other list, its own. */
function flattened({ paths, elements }: Origin): Origin {
  const own = elementsOf({ paths, elements: undefined });
  return listOf(elements === undefined ? own : either(own, elementsOf(elements)));
}

function either(one: Origin, other: Origin): Origin {
  if (one === NOWHERE) return other;
  if (other === NOWHERE) return one;
  const { elements } = one;
  return {
    paths: [...one.paths, ...other.paths],
    elements:
      elements === undefined || other.elements === undefined
        ? (elements ?? other.elements)
        : either(elements, other.elements),
  };
}
