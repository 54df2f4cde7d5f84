import { textTable, wrapped } from './text-table.js';

describe('a text table', () => {
  it('makes columns as wide as what stands in them', () => {
    const rows = [
      ['part', 'asks'],
      ['customer', 'GET /'],
    ];
    expect(textTable(rows)).toBe('part      asks\ncustomer  GET /');
  });

  it('writes a list line by line, and the rest of its row beside the first', () => {
    expect(textTable([['a', ['one', 'two'], 'b']])).toBe('a  one  b\n   two');
  });

  it('rules off a heading, and moves to the right what belongs there', () => {
    const rows = [
      ['n', 'ms'],
      ['12', '7'],
    ];
    expect(textTable(rows, { heading: true, indent: ' ', right: new Set([0, 1]) })).toBe(
      '  n  ms\n ──  ──\n 12   7',
    );
  });

  it('ends no line in a space', () => {
    expect(
      textTable([
        ['wide', ''],
        ['a', ''],
      ]),
    ).toBe('wide\na');
  });
});

describe('wrapped text', () => {
  it('breaks between words, and hangs what follows', () => {
    expect(wrapped('one two three', 8, '  ')).toBe('one two\n  three');
  });

  it('leaves a word alone that is longer than a line', () => {
    expect(wrapped('a incomprehensibilities b', 10)).toBe('a\nincomprehensibilities\nb');
  });
});
