// What may stand in a value: ${NAME}, ${NAME:-default}, and $${ for a literal ${.
const EXPRESSION = /\$\$\{|\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<fallback>(?:(?!\$\{)[^}\r\n])*))?\}/g;

// Private-use characters: YAML gives them no meaning, and a text hardly has them.
const FIRST_MARK = 0xe000;
const MARKS = 0x100;
const FIRST_DIGIT = FIRST_MARK + MARKS;
const DIGITS = 6_000;

/** Variables by name; `process.env` is one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What became of one value. */
export interface Substituted {
  readonly text: string;
  /** Variables without a default that are not set. */
  readonly unset: readonly string[];
  /** Whether a variable's own value is part of the text, as opposed to defaults, which the file itself shows. */
  readonly fromEnvironment: boolean;
}

interface Expression {
  readonly written: string;
  readonly name?: string | undefined;
  readonly fallback?: string | undefined;
}

/**
 * The `${...}` expressions of a text, each masked by as many characters that mean nothing to YAML. So the parser sees
 * one opaque word of the right length: positions stay, `{ key: ${KEY} }` works unquoted, a default may hold `: ` or
 * ` #`, and a variable's value, put in after parsing, cannot change the structure whatever it contains.
 */
export class MaskedExpressions {
  /** The text with every expression masked. */
  readonly masked: string;
  private readonly mark: string;
  private readonly expressions: Expression[] = [];

  constructor(text: string) {
    this.mark = unusedMark(text);
    this.masked = text.replace(EXPRESSION, (written, name?: string, fallback?: string) => {
      this.expressions.push({ written, name, fallback });
      return this.mask(this.expressions.length - 1, written.length);
    });
  }

  /** The text as it was written. */
  unmask(text: string): string {
    return this.replaceMasks(text, ({ written }) => written);
  }

  /** The text with every expression replaced by its value. As in a shell, `:-` also covers a variable set to nothing. */
  substitute(text: string, env: Environment): Substituted {
    const unset: string[] = [];
    let fromEnvironment = false;
    const substituted = this.replaceMasks(text, ({ name, fallback }) => {
      if (name === undefined) return '${';
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (fallback !== undefined && !value) return fallback;
      if (value === undefined) unset.push(name);
      else fromEnvironment = true;
      return value ?? '';
    });
    return { text: substituted, unset, fromEnvironment };
  }

  /** Whether the text holds masked expressions. */
  occurIn(text: string): boolean {
    return text.includes(this.mark);
  }

  /** The mark, two digits of the index, and filler up to the length of what is masked (at least 3, for `$${`). */
  private mask(index: number, length: number): string {
    const digits = String.fromCharCode(
      FIRST_DIGIT + (index % DIGITS),
      FIRST_DIGIT + Math.floor(index / DIGITS),
    );
    return this.mark + digits.padEnd(length - 1, String.fromCharCode(FIRST_DIGIT));
  }

  private replaceMasks(text: string, replace: (expression: Expression) => string): string {
    const [head = '', ...tails] = text.split(this.mark);
    return tails.reduce((result, tail) => {
      const index = tail.charCodeAt(0) - FIRST_DIGIT + (tail.charCodeAt(1) - FIRST_DIGIT) * DIGITS;
      const expression = this.expressions[index];
      // Only an escape such as "\uE000" in a quoted value can forge a mark: then it is what it says.
      if (!expression) return result + this.mark + tail;
      return result + replace(expression) + tail.slice(expression.written.length - 1);
    }, head);
  }
}

function unusedMark(text: string): string {
  for (let code = FIRST_MARK; code < FIRST_DIGIT; code++) {
    const mark = String.fromCharCode(code);
    if (!text.includes(mark)) return mark;
  }
  throw new RangeError('the text uses every private-use character from U+E000 to U+E0FF');
}
