const OPENING: Readonly<Record<string, string>> = { '}': '{', ']': '[', ')': '(' };
const QUOTES = '\'"`';

/** A piece of a text, by its first character and the one behind its last. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** The value that was meant as one text, by any character of it. Of one line only. */
export function valueAround(text: string, offset: number): Extent {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const line = /^[^\r\n]*/.exec(text.slice(lineStart))?.[0] ?? '';
  const start = startOf(line, offset - lineStart);
  return { start: lineStart + start, end: lineStart + endOf(line, start) };
}

/** A text as it stands in quotes. */
export function quoted(text: string): string {
  return text.includes("'") && !/["\\]/.test(text) ? `"${text}"` : `'${text.replaceAll("'", "''")}'`;
}

/** Back to the key or the comma before it, over what is closed. */
function startOf(line: string, offset: number): number {
  let at = offset;
  while (at > 0 && !/(?:^\s*-|[,:])\s+$/.test(line.slice(0, at))) {
    const before = line.charAt(at - 1);
    if ('{[('.includes(before)) break;
    at = openingOf(line, at - 1) ?? at - 1;
  }
  return at + (/^\s*/.exec(line.slice(at))?.[0].length ?? 0);
}

/** Where what closes here was opened; undefined if nothing does. */
function openingOf(line: string, closing: number): number | undefined {
  const character = line.charAt(closing);
  if (QUOTES.includes(character)) {
    const opening = closing === 0 ? -1 : line.lastIndexOf(character, closing - 1);
    return opening < 0 ? undefined : opening;
  }
  const open = OPENING[character];
  if (open === undefined) return undefined;
  let depth = 0;
  for (let at = closing; at >= 0; at--) {
    if (line.charAt(at) === character) depth++;
    else if (line.charAt(at) === open && --depth === 0) return at;
  }
  return undefined;
}

/** On to the comma or the bracket that ends it within a group, or to the end of the line. */
function endOf(line: string, start: number): number {
  const comment = /\s#/.exec(line.slice(start));
  const code = line.slice(0, comment === null ? undefined : start + comment.index).trimEnd();
  const inner = start + lengthWithin(code.slice(start));
  const isWithin = isOpen(line.slice(0, start)) || code.charAt(inner) in OPENING || code.endsWith(',');
  return code.slice(0, isWithin ? inner : undefined).trimEnd().length;
}

/** How far a text goes before a comma, or a bracket that it did not open. */
function lengthWithin(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if ('{[('.includes(character)) depth++;
    else if (depth === 0 && (character === ',' || character in OPENING)) return at;
    else if (character in OPENING) depth--;
    else if (QUOTES.includes(character)) {
      const closing = text.indexOf(character, at + 1);
      if (closing > 0) at = closing;
    }
  }
  return text.length;
}

/** Whether a text opens a group or a list that it does not close. */
function isOpen(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if ('{['.includes(character)) depth++;
    else if ('}]'.includes(character)) depth--;
  }
  return depth > 0;
}
