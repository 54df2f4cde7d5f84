/** Text that a regular expression accepts; undefined where it asks for more than is understood here. */
export function textMatching(pattern: string): string | undefined {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, 'u');
  } catch {
    return undefined;
  }
  for (const attempt of [...written(pattern), ...USUAL]) if (expression.test(attempt)) return attempt;
  return undefined;
}

/** What such patterns often let through. */
const USUAL: readonly string[] = [
  '1',
  'a',
  'A',
  'a1',
  'abc',
  'ABC',
  'en',
  'en-GB',
  '2024-01-01',
  'a@example.com',
];

/** Of each alternative: its literals, and of each class the first that is in it, as often as it must be there. */
function written(pattern: string): readonly string[] {
  return alternatives(pattern).flatMap((alternative) => new PatternReader(alternative).text() ?? []);
}

/** The alternatives of the outermost level. */
function alternatives(pattern: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern[at];
    if (sign === '\\') at++;
    else if (sign === '(' || sign === '[') depth++;
    else if (sign === ')' || sign === ']') depth--;
    else if (sign === '|' && depth === 0) {
      found.push(pattern.slice(start, at));
      start = at + 1;
    }
  }
  return [...found, pattern.slice(start)];
}

const CLASSES: Readonly<Record<string, string>> = { d: '1', w: 'a', s: ' ', D: 'a', S: 'a', W: '-' };

/** Reads one alternative from left to right; whatever it does not know, it gives up on. */
class PatternReader {
  private at = 0;

  constructor(private readonly pattern: string) {}

  text(): string | undefined {
    let text = '';
    while (this.at < this.pattern.length) {
      const atom = this.atom();
      if (atom === undefined) return undefined;
      text += atom.repeat(this.times());
    }
    return text;
  }

  private atom(): string | undefined {
    const sign = this.pattern[this.at++] ?? '';
    switch (sign) {
      case '^':
      case '$':
        return '';
      case '.':
        return 'a';
      case '\\':
        return this.escape();
      case '[':
        return this.class();
      case '(':
        return this.group();
      default:
        return sign;
    }
  }

  private escape(): string | undefined {
    const sign = this.pattern[this.at++] ?? '';
    if (/[bBpPuxkc1-9]/.test(sign)) return undefined;
    return CLASSES[sign] ?? sign;
  }

  private class(): string | undefined {
    const end = this.pattern.slice(this.at).search(/(?<!\\)\]/) + this.at;
    if (end < this.at || this.pattern[this.at] === '^') return undefined;
    const inside = this.pattern.slice(this.at, end);
    this.at = end + 1;
    const [, escaped, plain] = /^(?:\\(.)|(.))/.exec(inside) ?? [];
    return escaped === undefined ? plain : (CLASSES[escaped] ?? escaped);
  }

  private group(): string | undefined {
    let depth = 1;
    const start = this.at;
    while (depth > 0 && this.at < this.pattern.length) {
      const sign = this.pattern[this.at++];
      if (sign === '\\') this.at++;
      else if (sign === '(') depth++;
      else if (sign === ')') depth--;
    }
    const inside = this.pattern.slice(start, this.at - 1);
    // Looking around and naming are beyond this, but for groups that only group.
    const plain = inside.replace(/^\?(?::|<[A-Za-z]\w*>)/, '');
    const [first = ''] = alternatives(plain);
    return plain.startsWith('?') ? undefined : new PatternReader(first).text();
  }

  /** How often what was read must be there at least. */
  private times(): number {
    const [all = '', sign, least] =
      /^(?:([*?+])|\{(\d+)(?:,\d*)?\})\??/.exec(this.pattern.slice(this.at)) ?? [];
    this.at += all.length;
    if (least !== undefined) return Number(least);
    return sign === '*' || sign === '?' ? 0 : 1;
  }
}
