import { compile, tokenize, TreeInterpreter, TYPE_EXPREF } from '@jmespath-community/jmespath';
import { nearestName } from '../upstream/config/nearest-name.js';

export type ExpressionNode = ReturnType<typeof compile>;
type Token = ReturnType<typeof tokenize>[number];
type FunctionNode = Extract<ExpressionNode, { type: 'Function' }>;
type LetNode = Extract<ExpressionNode, { type: 'LetExpression' }>;

/** A text that is no JMESPath expression, or one that could never be evaluated. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';

  constructor(
    readonly expression: string,
    flaw: string,
    /** Where in the text, in UTF-16 units from its start; undefined if it is the whole of it. */
    readonly offset?: number,
  ) {
    super(flaw);
  }
}

/** How many arguments a function takes, and which of them are expressions (`&total`). */
interface Signature {
  readonly least: number;
  readonly most: number;
  isExpression(argument: number): boolean;
}

/**
 * Reads a JMESPath expression. The library lets much through that it cannot evaluate, or means otherwise than it is
 * written: unknown functions, wrong numbers of arguments, quotes without end, lists without commas, `a = b`.
 *
 * @throws ExpressionError
 */
export function parsedExpression(text: string): ExpressionNode {
  if (text.trim() === '') throw new ExpressionError(text, 'is empty; expected a JMESPath expression');
  const tokens = tokensOf(text);
  checkTokens(text, tokens);
  let root: ExpressionNode;
  try {
    root = compile(text);
  } catch (error) {
    throw syntaxError(text, tokens, error);
  }
  new TreeCheck(text, tokens).check(root);
  return root;
}

const COMPARISONS = new Set<string>(['EQ', 'NE', 'GT', 'GTE', 'LT', 'LTE']);

/** The names in double quotes that something is compared to: text in other languages, not in this one. */
export function namesComparedAsText(text: string): readonly string[] {
  const tokens = tokensOf(text);
  return tokens.flatMap((token, index) => {
    const [before = '', after = ''] = [tokenType(tokens[index - 1]), tokenType(tokens[index + 1])];
    if (tokenType(token) !== 'QuotedIdentifier' || before === 'Dot' || after === 'Dot') return [];
    return COMPARISONS.has(before) && typeof token.value === 'string' ? [token.value] : [];
  });
}

function tokensOf(text: string): readonly Token[] {
  try {
    return tokenize(text);
  } catch {
    // Whatever stands before the fault can be read: the shortest beginning that cannot ends at it.
    const offset = firstUnreadable(text);
    const character = text.charAt(offset);
    throw new ExpressionError(text, LEXICAL[character] ?? `cannot have ${quoted(character)}`, offset);
  }
}

const LEXICAL: Readonly<Record<string, string>> = {
  '"': 'has a " that is not closed, or a quoted name that is not one JSON string',
  '`': 'has a literal that is not JSON between its backticks; text in it needs double quotes',
};

/** The start of the first token that cannot be read. */
function firstUnreadable(text: string): number {
  let end = 0;
  for (let length = 1; length <= text.length; length++) {
    try {
      const last = tokenize(text.slice(0, length)).at(-1);
      const ends = last === undefined ? length : endOf(text, last);
      // A quote that is not closed yet may still have something in it that cannot be read.
      if (ends <= length) end = Math.max(end, ends);
    } catch {
      // Within a token; it may still end well.
    }
  }
  return end + (/^\s*/.exec(text.slice(end))?.[0].length ?? 0);
}

/** Where a token that can be read ends. */
function endOf(text: string, { start, value }: Token): number {
  const first = text.charAt(start);
  if (first === "'" || first === '"' || first === '`') return closingQuote(text, start) + 1;
  const word = typeof value === 'string' ? value : '';
  if (first === '$' && word !== '$') return start + 1 + word.length;
  if (/[-\d]/.test(first)) return start + (/^-?[\d-]*/.exec(text.slice(start))?.[0].length ?? 1);
  return start + word.length;
}

/** Where the quote opened at `start` is closed; the end of the text if nowhere. */
function closingQuote(text: string, start: number): number {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === quote) return at;
    if (character === '\\' && (text.charAt(at + 1) === '\\' || text.charAt(at + 1) === quote)) at++;
  }
  return text.length;
}

const ENDS_OPERAND = new Set<string>([
  'UnquotedIdentifier',
  'QuotedIdentifier',
  'Literal',
  'Variable',
  'Current',
  'Root',
  'Number',
  'Rbracket',
  'Rparen',
  'Rbrace',
  'Flatten',
]);
const STARTS_OPERAND = new Set<string>([
  'UnquotedIdentifier',
  'QuotedIdentifier',
  'Literal',
  'Variable',
  'Current',
  'Root',
]);
const CLOSES = new Set<string>(['Rbracket', 'Rparen', 'Rbrace']);

function checkTokens(text: string, tokens: readonly Token[]): void {
  const hasLet = tokens.some(
    (token, index) => isWord(token, 'let') && tokenType(tokens[index + 1]) === 'Variable',
  );
  for (const [index, token] of tokens.entries()) {
    const { start } = token;
    checkToken(text, token);
    const next = tokens[index + 1];
    if (next === undefined) continue;
    if (tokenType(token) === 'Comma' && (CLOSES.has(next.type) || (hasLet && isWord(next, 'in')))) {
      throw new ExpressionError(text, `has a comma with nothing behind it`, start);
    }
    const isLet = hasLet && (isWord(token, 'let') || isWord(token, 'in') || isWord(next, 'in'));
    const isTwice =
      ENDS_OPERAND.has(token.type) && (STARTS_OPERAND.has(next.type) || tokenType(next) === 'Number');
    if (isTwice && !isLet) {
      throw new ExpressionError(
        text,
        `has ${shown(text, token)} and ${shown(text, next)} with nothing between them; expected an operator or a comma`,
        next.start,
      );
    }
  }
}

function checkToken(text: string, { type, start, value }: Token): void {
  const quote = text.charAt(start);
  if ((quote === "'" || quote === '`') && closingQuote(text, start) === text.length) {
    throw new ExpressionError(text, `has a ${quote} that is not closed`, start);
  }
  if ((type as string) === 'Number' && !/^-?\d+(?![\d-])/.test(text.slice(start))) {
    throw new ExpressionError(text, `has a number that is none`, start);
  }
  if ((type as string) === 'Number' && !Number.isSafeInteger(value)) {
    throw new ExpressionError(text, `has a number that is too large`, start);
  }
}

/**
 * Where the parser stopped: the first token with which the expression can no longer become one. A beginning that only
 * lacks an end is refused because of that end.
 */
function syntaxError(text: string, tokens: readonly Token[], error: unknown): ExpressionError {
  if (error instanceof RangeError) return new ExpressionError(text, 'is nested too deeply');
  for (const token of tokens) {
    const end = endOf(text, token);
    try {
      compile(text.slice(0, end));
    } catch (reason) {
      if (!lacksEnd(reason)) {
        const said = unexpected(text, token, tokens[tokens.indexOf(token) - 1]);
        return new ExpressionError(text, said, token.start);
      }
    }
  }
  return new ExpressionError(text, 'ends where more was expected', text.length);
}

/** Whether the parser was stopped by the end of the text alone. */
function lacksEnd(reason: unknown): boolean {
  // Looking ahead past the last token fails within the library.
  return reason instanceof TypeError || (reason instanceof Error && /\bEOF\b/.test(reason.message));
}

function unexpected(text: string, token: Token, before: Token | undefined): string {
  return `cannot have ${shown(text, token)} here${hintOn(token, before)}`;
}

function hintOn({ type, value }: Token, before: Token | undefined): string {
  switch (type as string) {
    case 'UnquotedIdentifier':
      return tokenType(before) === 'Lbracket'
        ? `; brackets hold an index, '*', or a condition behind a '?', as in lines[?sku]; a field stands behind a dot`
        : '';
    case 'Number':
      return `; a number stands in backticks: \`${JSON.stringify(value)}\``;
    case 'QuotedIdentifier':
      return `; double quotes are for names, as in params."order-id"; text stands in single quotes`;
    case 'Expref':
      return `; for 'and', write '&&'`;
    default:
      return '';
  }
}

function shown(text: string, token: Token): string {
  return quoted(text.slice(token.start, endOf(text, token)));
}

function quoted(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}

function tokenType(token: Token | undefined): string | undefined {
  return token?.type;
}

function isWord(token: Token, word: string): boolean {
  return tokenType(token) === 'UnquotedIdentifier' && token.value === word;
}

const STRAY_AMPERSAND = `has '&' where no function takes an expression; for 'and', write '&&'`;

/** Nodes that look into the value on their left. */
const REACHING_IN: ReadonlySet<string> = new Set([
  'Subexpression',
  'ValueProjection',
  'FilterProjection',
  'Flatten',
]);

/** What the library looks at when it is too late. */
class TreeCheck {
  constructor(
    private readonly text: string,
    private readonly tokens: readonly Token[],
  ) {}

  check(node: ExpressionNode, variables: ReadonlySet<string> = new Set()): void {
    const { text } = this;
    this.checkNegation(node);
    if (node.type === 'Binding') {
      throw new ExpressionError(text, `has a single '='; to compare, write '=='`, this.offsetOf('Assign'));
    }
    if (node.type === 'ExpressionReference') {
      throw new ExpressionError(text, STRAY_AMPERSAND, this.offsetOf('Expref'));
    }
    if (node.type === 'Slice' && node.step === 0) {
      throw new ExpressionError(text, 'has a slice with a step of 0');
    }
    if (node.type === 'Variable') this.checkVariable(node.name, variables);
    else if (node.type === 'Function') this.checkFunction(node, variables);
    else if (node.type === 'LetExpression') this.checkLet(node, variables);
    else {
      if (node.type === 'MultiSelectHash') this.checkKeys(node.children.map(({ name }) => name));
      for (const child of childrenOf(node)) this.check(child, variables);
    }
  }

  private checkLet({ bindings, expression }: LetNode, variables: ReadonlySet<string>): void {
    const inner = new Set(variables);
    for (const binding of bindings as readonly ExpressionNode[]) {
      if (binding.type !== 'Binding' || !this.isVariable(binding.variable)) {
        throw new ExpressionError(
          this.text,
          `has a 'let' without a value; expected 'let $name = value in ...'`,
        );
      }
      this.check(binding.reference, variables);
      inner.add(binding.variable);
    }
    this.check(expression, inner);
  }

  /** `!order.paid` is read as `(!order).paid`, which is null whatever the order is. */
  private checkNegation(node: ExpressionNode): void {
    const below = 'left' in node ? node.left : node.type === 'Flatten' ? node.child : undefined;
    if (below?.type !== 'NotExpression' || !REACHING_IN.has(node.type)) return;
    throw new ExpressionError(
      this.text,
      `has a '!' that negates only the name behind it; to negate the whole path, write '!(order.paid)'`,
      this.offsetOf('Not'),
    );
  }

  private checkVariable(name: string, variables: ReadonlySet<string>): void {
    if (variables.has(name)) return;
    const nearest = nearestName(name, variables);
    const hint =
      nearest === undefined ? `expected 'let $${name} = ... in' before it` : `did you mean $${nearest}?`;
    throw new ExpressionError(
      this.text,
      `has the variable $${name}, which nothing sets; ${hint}`,
      this.offsetOf('Variable', name),
    );
  }

  /** Where the first token of that type stands, and of that name where one is given. */
  private offsetOf(type: string, name?: string): number | undefined {
    return this.tokens.find(
      (token) => tokenType(token) === type && (name === undefined || token.value === name),
    )?.start;
  }

  private checkKeys(names: readonly string[]): void {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new ExpressionError(this.text, `has the key '${twice}' twice`);
    if (names.includes('__proto__')) throw new ExpressionError(this.text, `cannot have the key '__proto__'`);
  }

  private checkFunction({ name, children }: FunctionNode, variables: ReadonlySet<string>): void {
    const signature = signatureOf(name);
    const offset = this.tokens.find(
      (token, index) => isWord(token, name) && tokenType(this.tokens[index + 1]) === 'Lparen',
    )?.start;
    if (signature === undefined) {
      const nearest = nearestName(name, Object.keys(TreeInterpreter.runtime._functionTable));
      const hint = nearest === undefined ? '' : `; did you mean ${nearest}()?`;
      throw new ExpressionError(this.text, `has the unknown function ${name}()${hint}`, offset);
    }
    const { least, most } = signature;
    if (children.length < least || children.length > most) {
      const expected = `${least}${most === least ? '' : most === Infinity ? ' or more' : ` to ${most}`}`;
      throw new ExpressionError(
        this.text,
        `has ${name}() with ${counted(children.length)}; expected ${expected}`,
        offset,
      );
    }
    for (const [index, child] of children.entries()) {
      const isExpression = child.type === 'ExpressionReference';
      if (isExpression !== signature.isExpression(index)) {
        const expected = isExpression
          ? 'a value'
          : `an expression to be applied to each element, such as &total`;
        throw new ExpressionError(
          this.text,
          `has ${name}() with the wrong argument ${index + 1}; expected ${expected}`,
          offset,
        );
      }
      this.check(isExpression ? child.child : child, variables);
    }
  }

  /** Whether it is written as one: to the library, `let a = b` is as good as `let $a = b`. */
  private isVariable(name: string): boolean {
    return this.tokens.some((token) => tokenType(token) === 'Variable' && token.value === name);
  }
}

function counted(args: number): string {
  return args === 1 ? '1 argument' : `${args} arguments`;
}

function signatureOf(name: string): Signature | undefined {
  const table = TreeInterpreter.runtime._functionTable;
  if (!Object.hasOwn(table, name)) return undefined;
  const { _signature: args = [] } = table[name] ?? {};
  return {
    least: args.filter(({ optional }) => optional !== true).length,
    most: args.at(-1)?.variadic === true ? Infinity : args.length,
    isExpression: (argument) => args[argument]?.types.includes(TYPE_EXPREF) === true,
  };
}

/** The nodes beneath one that has no rules of its own. */
function childrenOf(node: ExpressionNode): readonly ExpressionNode[] {
  if (node.type === 'FilterProjection') return [node.left, node.condition, node.right];
  if (node.type === 'Ternary') return [node.condition, node.trueExpr, node.falseExpr];
  if (node.type === 'MultiSelectList') return node.children;
  if (node.type === 'MultiSelectHash') return node.children.map(({ value }) => value);
  if (node.type === 'Unary') return [node.operand];
  if ('child' in node) return [node.child];
  return 'left' in node ? [node.left, node.right] : [];
}
