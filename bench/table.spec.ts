import { type Column, formatNumber, formatTable } from './table.js';

interface Row {
  readonly name: string;
  readonly value: number;
}

const columns: readonly Column<Row>[] = [
  { heading: 'server', align: 'left', cell: ({ name }) => name },
  { heading: 'us', cell: ({ value }) => formatNumber(value) },
];

describe('formatTable', () => {
  it('makes columns as wide as their widest cell, numbers to the right', () => {
    const rows = [
      { name: 'a', value: 7 },
      { name: 'by hand', value: 1234 },
    ];
    expect(formatTable(columns, rows)).toBe(
      ['server      us', '-------  -----', 'a            7', 'by hand  1,234'].join('\n'),
    );
  });

  it('shows the headings of an empty table', () => {
    expect(formatTable(columns, [])).toBe(['server  us', '------  --'].join('\n'));
  });
});

describe('formatNumber', () => {
  it('rounds to the decimals asked for, and keeps them', () => {
    expect(formatNumber(12_345.678, 2)).toBe('12,345.68');
    expect(formatNumber(2, 1)).toBe('2.0');
  });
});
