import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  Scalar,
  type ScalarTag,
} from 'yaml';
import { EMPTY, type Path, UNRESOLVED } from './configuration-source.js';
import { type Environment, type MaskedExpressions } from './environment-variables.js';
import { nearestName } from './nearest-name.js';

/** Values a document may come to once its aliases are expanded: far more than a gateway needs, far less than a bomb. */
const MAX_VALUES = 100_000;

/** Something wrong with a node. */
export interface Fault {
  readonly node: unknown;
  readonly path: Path;
  readonly message: string;
}

/**
 * A YAML document made ready to be read as plain data, in place: variables are substituted, scalar by scalar; what
 * is empty and what could not be resolved is marked; aliases are looked up, and refused where they would never end.
 */
export class PreparedDocument {
  /** The document cannot be read as data. */
  readonly unreadable: Fault[] = [];
  /** Single values cannot be used; they are marked UNRESOLVED. */
  readonly unresolved: Fault[] = [];

  private readonly notes = new Map<unknown, string>();
  private readonly anchors = new Map<string, Anchored>();
  private readonly aliased = new Map<unknown, unknown>();
  private tooLarge = false;

  constructor(
    private readonly document: Document.Parsed,
    private readonly expressions: MaskedExpressions,
    private readonly env: Environment,
  ) {
    this.visit(document.contents, []);
  }

  /** The node an alias stands for; any other node itself. */
  behindAlias(node: unknown): unknown {
    return isAlias(node) ? this.aliased.get(node) : node;
  }

  /** What an error message must add to a value as written, since the value itself is not shown. */
  noteOn(node: unknown): string | undefined {
    return this.notes.get(node);
  }

  /** Gives the number of values the node comes to. */
  private visit(node: unknown, path: Path): number {
    if (isAlias(node)) return this.visitAlias(node, path);
    const anchored = this.anchor(node);
    if (isScalar(node)) this.visitScalar(node, path);
    const size = isMap(node) || isSeq(node) ? this.visitItems(node.items, path) : 1;
    anchored.size = size;
    return size;
  }

  private anchor(node: unknown): Anchored {
    const anchored: Anchored = { node, size: undefined };
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor)
      this.anchors.set(node.anchor, anchored);
    return anchored;
  }

  private visitItems(items: readonly unknown[], path: Path): number {
    let size = 1;
    for (const [index, item] of items.entries()) {
      const value = isPair(item) ? item.value : item;
      size += isPair(item) ? this.visitPair(item, path) : this.visit(item, [...path, index]);
      if (size > MAX_VALUES && !this.tooLarge) {
        this.tooLarge = true;
        const message = `found aliases that multiply; expected at most ${MAX_VALUES} values in all`;
        this.unreadable.push({ node: value, path, message });
      }
    }
    // Clamped: sizes would otherwise overflow long before a real bomb has been walked.
    return Math.min(size, MAX_VALUES);
  }

  private visitPair(pair: Pair, path: Path): number {
    const { key } = pair;
    if (isMergeKey(key)) return this.visitMerge(pair.value, path);
    if (!isScalar(key)) {
      const message = 'found a list, a group or an alias as a key; expected a name';
      this.unreadable.push({ node: key, path, message });
      return 1;
    }
    this.anchor(key).size = 1;
    // Variables stand in values only; in a key the text is what it is.
    if (typeof key.value === 'string') key.value = this.expressions.unmask(key.value);
    pair.value ??= new Scalar(EMPTY);
    return this.visit(pair.value, [...path, String(key.value)]);
  }

  private visitMerge(value: unknown, path: Path): number {
    const size = this.visit(value, path);
    const merged = this.behindAlias(value);
    const sources = (isSeq(merged) ? merged.items : [merged]).map((source) => this.behindAlias(source));
    // An alias that leads nowhere has been reported already.
    if (sources.some((source) => source !== undefined && !isMap(source))) {
      const message =
        'found << before something that is not a group of keys; expected an alias of one, or a list of them';
      this.unreadable.push({ node: value, path, message });
    }
    return size;
  }

  private visitAlias(alias: { readonly source: string }, path: Path): number {
    const anchored = this.anchors.get(alias.source);
    if (anchored?.size !== undefined) {
      this.aliased.set(alias, anchored.node);
      return anchored.size;
    }
    const name = this.expressions.unmask(alias.source);
    const nearest = anchored ? undefined : nearestName(name, this.anchors.keys());
    const expected = anchored ? 'an anchor outside of itself' : `an anchor &${name} somewhere before it`;
    const isText = nearest === undefined && !/^[\w-]+$/.test(name);
    const hint = isText
      ? `; a value that begins with * stands in quotes: '*${name}'`
      : nearest
        ? `; did you mean *${nearest}?`
        : '';
    this.unreadable.push({ node: alias, path, message: `found *${name}; expected ${expected}${hint}` });
    return 1;
  }

  private visitScalar(scalar: Scalar, path: Path): void {
    if (scalar.value === null && scalar.source === '') scalar.value = EMPTY;
    if (typeof scalar.value !== 'string') return;
    if (scalar.value.includes('${')) {
      const message =
        'found ${ without a well-formed variable; expected ${NAME}, ${NAME:-default}, or $${ for a literal ${';
      this.unresolved.push({ node: scalar, path, message });
      scalar.value = UNRESOLVED;
      return;
    }
    if (!this.expressions.occurIn(scalar.value)) return;
    const { text, unset, fromEnvironment } = this.expressions.substitute(scalar.value, this.env);
    if (unset.length > 0) {
      this.unresolved.push(...unset.map((name) => ({ node: scalar, path, message: unsetVariable(name) })));
      scalar.value = UNRESOLVED;
      return;
    }
    if (fromEnvironment) this.notes.set(scalar, text === '' ? 'which is empty here' : 'value not shown');
    scalar.source = text;
    scalar.value = scalar.type === Scalar.PLAIN && !scalar.tag ? this.retyped(text) : text;
  }

  /** What YAML would have made of the text had it stood there unquoted: a number, a boolean, null, or text. */
  private retyped(text: string): unknown {
    const plainTag = this.document.schema.tags.find(
      (tag): tag is ScalarTag =>
        tag.collection === undefined && tag.default === true && tag.test?.test(text) === true,
    );
    if (!plainTag) return text;
    const resolved: unknown = plainTag.resolve(text, () => undefined, this.document.options);
    return isScalar(resolved) ? resolved.value : resolved;
  }
}

interface Anchored {
  readonly node: unknown;
  /** Undefined while the node is being visited: an alias to it from within would never end. */
  size: number | undefined;
}

/** `<<`, which takes over the keys of other groups. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.source === '<<' && key.type === Scalar.PLAIN;
}

function unsetVariable(name: string): string {
  return `the environment variable ${name} is not set; set it, or write a default: \${${name}:-default}`;
}
