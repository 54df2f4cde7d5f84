/** A column of a table: its heading, and what a row shows in it. */
export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  /** Default right, as numbers are read. */
  readonly align?: 'left' | 'right';
}

/** Lines of text, columns as wide as their widest cell, headings underlined. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map(({ heading }) => heading),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const [headings = '', ...lines] = cells.map((line) => {
    const padded = line.map((text, column) => {
      const width = widths[column] ?? 0;
      return columns[column]?.align === 'left' ? text.padEnd(width) : text.padStart(width);
    });
    return padded.join('  ').trimEnd();
  });
  return [headings, widths.map((width) => '-'.repeat(width)).join('  '), ...lines].join('\n');
}

/** A number with so many decimals and a comma between thousands. */
export function formatNumber(value: number, decimals = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}
