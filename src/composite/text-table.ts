/** What stands in one field of a table; a list stands line by line. */
export type Cell = string | readonly string[];

export interface TableOptions {
  /** Written before each line. Default nothing. */
  readonly indent?: string;
  /** Columns whose text stands to the right, from 0. Default none. */
  readonly right?: ReadonlySet<number>;
  /** Whether the first row is a heading, with a rule below it. Default false. */
  readonly heading?: boolean;
}

const GAP = '  ';

/** Rows in columns as wide as what stands in them, two spaces apart; no line ends in a space. */
export function textTable(
  rows: readonly (readonly Cell[])[],
  { indent = '', right = new Set(), heading = false }: TableOptions = {},
): string {
  const cells = rows.map((row) => row.map(linesOf));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [column, lines] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, ...lines.map((line) => line.length));
    }
  }
  const written = cells.flatMap((row) => rowLines(row, widths, right));
  const [top] = cells;
  if (heading && top !== undefined) {
    const height = Math.max(...top.map((lines) => lines.length));
    written.splice(height, 0, widths.map((width) => '─'.repeat(width)).join(GAP));
  }
  return written.map((line) => `${indent}${line}`.trimEnd()).join('\n');
}

function rowLines(
  row: readonly (readonly string[])[],
  widths: readonly number[],
  right: ReadonlySet<number>,
): string[] {
  const height = Math.max(1, ...row.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    widths
      .map((width, column) => {
        const text = row[column]?.[line] ?? '';
        return right.has(column) ? text.padStart(width) : text.padEnd(width);
      })
      .join(GAP),
  );
}

function linesOf(cell: Cell): readonly string[] {
  return typeof cell === 'string' ? [cell] : cell;
}

/** Text in lines of at most `width` characters, broken between words; each but the first begins with `hanging`. */
export function wrapped(text: string, width: number, hanging = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length > width && line !== '') {
      lines.push(line);
      line = hanging + word;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}
