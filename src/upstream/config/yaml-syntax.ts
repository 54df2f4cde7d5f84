import { type Document, LineCounter, parseDocument, visit, type YAMLError, type YAMLWarning } from 'yaml';
import { type MaskedExpressions } from './environment-variables.js';
import { quoted, valueAround } from './yaml-text.js';

/** A text as the yaml library reads it, and what keeps it from being one well-formed document. */
export interface ParsedText {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  /** In order, at most one a line. */
  readonly faults: readonly SyntaxFault[];
}

export interface SyntaxFault {
  readonly offset: number;
  readonly message: string;
}

type LibraryFault = YAMLError | YAMLWarning;

/** What the yaml library says, where it can be said more plainly. */
const SYNTAX: Readonly<Record<string, string>> = {
  RESOURCE_EXHAUSTION: 'found lists or groups nested too deeply to be read; expected fewer in each other',
  BAD_DQ_ESCAPE:
    'found an escape that YAML does not know; expected \\\\ for a backslash, or single quotes around the text',
  TAB_AS_INDENT: 'found a tab; expected spaces: YAML is indented with spaces only',
  MULTIPLE_DOCS: 'found a second document; expected one: remove this --- and what follows',
  BLOCK_AS_IMPLICIT_KEY:
    'found a key within a value; expected it on a line of its own, indented like its siblings, or the value in quotes',
};

/** Faults that a value without quotes may be behind. */
const OF_PLAIN_VALUES: ReadonlySet<string> = new Set([
  'UNEXPECTED_TOKEN',
  'MISSING_CHAR',
  'BAD_SCALAR_START',
  'BAD_ALIAS',
  'TAG_RESOLVE_FAILED',
  'BLOCK_IN_FLOW',
]);

/** More values without quotes than these are not told one by one: each is read anew. */
const MAX_REPAIRS = 50;

/**
 * Reads a text. After a value that lacks its quotes the library understands nothing of what follows, so each such value
 * is told, blotted out, and the rest is read again: one mistake is one fault, and hides no other.
 */
export function parsedText(text: string, expressions: MaskedExpressions): ParsedText {
  const lines = new LineCounter();
  let masked = expressions.masked;
  let { document, faults } = read(masked, lines);
  const said: SyntaxFault[] = [];
  while (said.length < MAX_REPAIRS) {
    const plain = faults.flatMap((fault) => unquoted(fault, text, masked) ?? [])[0];
    if (plain === undefined) break;
    said.push(plain);
    masked =
      masked.slice(0, plain.offset) + 'x'.repeat(plain.length) + masked.slice(plain.offset + plain.length);
    ({ document, faults } = read(masked, new LineCounter()));
  }
  // Where the library has lost its way, what it says of the rest means nothing.
  const others = faults.filter(
    (fault, index) =>
      (said.length + index === 0 || !isLost(fault)) && fault.pos[0] !== faults[index - 1]?.pos[0],
  );
  said.push(...others.map((fault) => plainly(fault, document, text, expressions)));
  said.sort((one, other) => one.offset - other.offset);
  const lineOf = ({ offset }: SyntaxFault): number => lines.linePos(offset).line;
  const firsts = said.filter(
    (fault, index) => index === 0 || lineOf(fault) !== lineOf(said[index - 1] ?? fault),
  );
  return { document, lines, faults: firsts };
}

function read(
  text: string,
  lineCounter: LineCounter,
): { readonly document: Document.Parsed; readonly faults: readonly LibraryFault[] } {
  const document = parseDocument(text, { lineCounter, merge: true, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings].sort((one, other) => one.pos[0] - other.pos[0]);
  return { document, faults };
}

function isLost({ message }: LibraryFault): boolean {
  return message.includes('token in YAML stream');
}

interface UnquotedValue extends SyntaxFault {
  readonly length: number;
}

/** The value that a fault is in, if it is one that stands in quotes. */
function unquoted(fault: LibraryFault, text: string, masked: string): UnquotedValue | undefined {
  if (!OF_PLAIN_VALUES.has(fault.code) || isLost(fault)) return undefined;
  const offset = fault.pos[0];
  const { start, end } = valueAround(masked, offset);
  const value = text.slice(start, end);
  const why = reasonForQuotes(masked.slice(start, end), masked.slice(offset, end), fault.code);
  if (why === undefined) return undefined;
  const message = `found ${value}; expected ${quoted(value)}: ${why} stands in quotes`;
  return { offset: start, length: end - start, message };
}

/** Why a value stands in quotes; undefined for one that is wrong in another way. `rest` is what was not understood. */
function reasonForQuotes(value: string, rest: string, code: string): string | undefined {
  const [first = ''] = value;
  if ('|>'.includes(first)) return undefined;
  if ('@`!&*%'.includes(first)) return `a value that begins with ${first}`;
  // What follows a group or a list is an expression that goes on, or has nothing to do with it.
  if ('{['.includes(first) && !/^[^\s,:]/.test(rest)) return undefined;
  if ('{['.includes(first) && value.endsWith(` ${rest}`) && !/^[|&=!<>?+*/-]/.test(rest)) return undefined;
  if (/[{}[\]]/.test(value)) return 'a value with { } or [ ] in it';
  if (`'"`.includes(first)) return 'a value that goes on behind a closing quote';
  return code === 'BLOCK_IN_FLOW' ? 'a value with a colon and a space in it' : undefined;
}

function plainly(
  fault: LibraryFault,
  document: Document.Parsed,
  text: string,
  expressions: MaskedExpressions,
): SyntaxFault {
  const { code, message } = fault;
  const offset = fault.pos[0] + (/^ */.exec(text.slice(fault.pos[0]))?.[0].length ?? 0);
  const key = /^[^:\s]*/.exec(text.slice(offset))?.[0] ?? '';
  if (code === 'DUPLICATE_KEY') {
    return { offset, message: `found ${key} a second time; expected each key once` };
  }
  if (code === 'BAD_INDENT') return { offset, message: badIndent(message, key) ?? message };
  if (code === 'BLOCK_AS_IMPLICIT_KEY') {
    return deeperLine(text, offset) ?? { offset, message: SYNTAX[code] ?? message };
  }
  if (code === 'MULTILINE_IMPLICIT_KEY') {
    const [line = ''] = text.slice(offset).split(/\r?\n/);
    return { offset, message: `found ${line.trim()}; expected a key, a colon and a space before its value` };
  }
  const [, quote] = /^Missing closing (['"])/.exec(message) ?? [];
  if (quote !== undefined) {
    const missing = `found a text without its closing ${quote}; expected ${quote} at its end`;
    return { offset: openingQuote(document, offset) ?? offset, message: missing };
  }
  const isBehindEnd = message.endsWith(' at node end');
  const behindEnd =
    'found more behind the end of a value; expected a comma or a new line before it, or all of it in quotes';
  return { offset, message: isBehindEnd ? behindEnd : (SYNTAX[code] ?? expressions.unmask(message)) };
}

function badIndent(message: string, key: string): string | undefined {
  if (message.startsWith('All ')) {
    return `found ${key} at a column of its own; expected it below its siblings, or below a key it belongs to`;
  }
  const [, kind] = /^Flow (map|sequence) /.exec(message) ?? [];
  if (kind === undefined) return undefined;
  const [open, close] = kind === 'map' ? ['{', '}'] : ['[', ']'];
  return `found the end of what a ${open} began; expected ${close} before it`;
}

/** A key that is indented below one that has a value already. */
function deeperLine(text: string, offset: number): SyntaxFault | undefined {
  const [, first = '', before = '', key = ''] = /^([^\n]*)(\n\s*)([^\s:]+):/.exec(text.slice(offset)) ?? [];
  if (key === '' || /:\s/.test(first)) return undefined;
  const message = `found ${key} further in than the key above, which has a value already; expected it below its siblings`;
  return { offset: offset + first.length + before.length, message };
}

function openingQuote(document: Document.Parsed, end: number): number | undefined {
  let opening: number | undefined;
  visit(document, {
    Scalar(_, { range, type }) {
      if (type?.startsWith('QUOTE') === true && range && range[1] >= end) opening = range[0];
    },
  });
  return opening;
}
