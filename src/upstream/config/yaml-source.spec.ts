import { ConfigurationError } from './configuration-error.js';
import { EMPTY, UNRESOLVED } from './configuration-source.js';
import { YamlSource } from './yaml-source.js';

const parse = (text: string, env: Record<string, string> = {}) =>
  YamlSource.parse(text, { file: 'g.yaml', env });
const valueOf = (text: string, env: Record<string, string> = {}) => parse(text, env).value;

function messageOf(text: string, env: Record<string, string> = {}): string {
  try {
    return (
      parse(text, env)
        .problems.map(({ message }) => message)
        .join('\n') || 'no problem'
    );
  } catch (error) {
    return error instanceof ConfigurationError ? error.message : String(error);
  }
}

describe('variables in a YAML text', () => {
  it.each([
    ['a number', '3000', 3000],
    ['a negative number', '-1.5', -1.5],
    ['a hexadecimal number', '0x10', 16],
    ['a boolean', 'true', true],
    ['a boolean in capitals', 'FALSE', false],
    ['null', 'null', null],
    ['a tilde', '~', null],
    ['nothing', '', null],
    ['text', 'abc', 'abc'],
    ['yes, which is text in YAML 1.2', 'yes', 'yes'],
    ['a duration', '250ms', '250ms'],
    ['a number with a space', '1 ', '1 '],
  ])('type an unquoted value as YAML would: %s', (_, value, typed) => {
    expect(valueOf('a: ${X}', { X: value })).toEqual({ a: typed });
  });

  it.each(["'${X}'", '"${X}"', '!!str ${X}', '|-\n  ${X}', '>-\n  ${X}'])(
    'leave the value of %j text',
    (written) => {
      expect(valueOf(`a: ${written}`, { X: '3000' })).toEqual({ a: '3000' });
    },
  );

  it('type what is put together as a whole', () => {
    expect(valueOf('a: 3${X}', { X: '000' })).toEqual({ a: 3000 });
    expect(valueOf('a: ${X}${Y}', { X: '1', Y: '2' })).toEqual({ a: 12 });
  });

  it.each([
    ['{ b: 1 }'],
    ['[1, 2]'],
    ['x: y'],
    ['x # y'],
    ['*anchor'],
    ['&anchor x'],
    ['!!int 5'],
    ['1\nb: 2'],
    ['"'],
    ["'"],
    ['${Y}'],
    ['%x'],
    ['---'],
  ])('cannot change the structure with %j', (value) => {
    const env = { X: value, Y: 'never' };
    expect(valueOf('a: ${X}\nb: [${X}, "${X}", \'${X}\']\nc: { d: ${X} }', env)).toEqual({
      a: value,
      b: [value, value, value],
      c: { d: value },
    });
  });

  it('need no quotes within { } and [ ], nor in a default with a colon or a hash', () => {
    const text = 'a: { b: ${X}, c: [${Y:-1}, ${Z:-a: b # c}] }';
    expect(valueOf(text, { X: 'x' })).toEqual({ a: { b: 'x', c: [1, 'a: b # c'] } });
  });

  it('are not looked for in keys', () => {
    expect(valueOf('${X}: 1\n"$${Y}": 2')).toEqual({ '${X}': 1, '$${Y}': 2 });
  });

  it('are not looked for in comments', () => {
    expect(messageOf('a: 1 # ${X} ${')).toBe('no problem');
  });

  it('are replaced once where an alias repeats them', () => {
    expect(valueOf('a: &a ${X}\nb: *a', { X: '5' })).toEqual({ a: 5, b: 5 });
  });

  it('can be escaped', () => {
    expect(valueOf('a: $${X}\nb: "$${X:-y}"', { X: '5' })).toEqual({ a: '${X}', b: '${X:-y}' });
  });

  it('are reported at their value when they are not set', () => {
    const source = parse('a:\n  b: ${X}\n  c: ["${Y}-${Z}"]');
    expect(source.problems).toEqual([
      {
        file: 'g.yaml',
        line: 2,
        column: 6,
        path: 'a.b',
        message: 'the environment variable X is not set; set it, or write a default: ${X:-default}',
      },
      expect.objectContaining({
        line: 3,
        column: 7,
        path: 'a.c[0]',
        message: expect.stringContaining(' Y ') as string,
      }),
      expect.objectContaining({
        line: 3,
        column: 7,
        path: 'a.c[0]',
        message: expect.stringContaining(' Z ') as string,
      }),
    ]);
    expect(source.value).toEqual({ a: { b: UNRESOLVED, c: [UNRESOLVED] } });
  });

  it.each(['${', '"${}"', '${A', '"${1}"', '"${A-b}"', '"${A:-${B}}"'])(
    'are refused when malformed: %s',
    (written) => {
      expect(messageOf(`a: ${written}`)).toBe(
        'found ${ without a well-formed variable; expected ${NAME}, ${NAME:-default}, or $${ for a literal ${',
      );
    },
  );
});

describe('an error message on a YAML text', () => {
  it.each([
    ['a plain value', 'a: 12 # c', '12'],
    ['a quoted value, with its quotes', 'a: "x"', '"x"'],
    ['a variable, not its value', 'a: ${X}', '${X} (value not shown)'],
    ['a quoted variable', 'a: "u-${X}"', '"u-${X}" (value not shown)'],
    ['an empty variable', 'a: ${E}', '${E} (which is empty here)'],
    ['a default, which the file shows anyway', 'a: ${Y:-5}', '${Y:-5}'],
    ['a list', 'a: [1]', 'a list'],
    ['a group', 'a: { b: 1 }', 'a group of keys'],
    ['nothing', 'a:', 'nothing'],
    ['null', 'a: null', 'null'],
    ['what an alias stands for', 'b: &b 7\na: *b', '7'],
    ['a long text in short', `a: ${'x'.repeat(100)}`, `${'x'.repeat(59)}…`],
    ['a text of several lines in one', 'a: |\n  x\n  y\n', '| x y'],
  ])('shows %s', (_, text, shown) => {
    expect(parse(text, { X: 'secret', E: '' }).written(['a'])).toBe(shown);
  });

  it('shows nothing for a key that is not there', () => {
    expect(parse('a: 1').written(['b', 'c'])).toBe('nothing');
  });
});

describe('positions in a YAML text', () => {
  const text = [
    'base: &base', //          1
    '  retry: 1', //           2
    'a:', //                   3
    '  b: { c: 1, d:  "x" }', // 4
    '  e:', //                 5
    '    - 1', //              6
    '    -   f: 2', //         7
    'g:', //                   8
    '  <<: *base', //          9
    '  h: *base', //          10
    'i:', //                  11
  ].join('\n');

  it.each([
    ['a key', ['a', 'b', 'd'], 'key', 4, 14],
    ['a value', ['a', 'b', 'd'], 'value', 4, 18],
    ['an element', ['a', 'e', 0], 'value', 6, 7],
    ['a key in an element', ['a', 'e', 1, 'f'], 'key', 7, 9],
    ['a group', ['a', 'b'], 'value', 4, 6],
    ['the key of a value that is empty', ['i'], 'value', 11, 1],
    ['a merged key, where it is written', ['g', 'retry'], 'value', 2, 10],
    ['an alias', ['g', 'h'], 'value', 10, 6],
    ['what is behind an alias', ['g', 'h', 'retry'], 'key', 2, 3],
    ['the key around what is not there', ['a', 'b', 'z', 'y'], 'value', 4, 3],
    ['the beginning, for all else', ['z'], 'value', 1, 1],
  ] as const)('are exact for %s', (_, path, of, line, column) => {
    expect(parse(text).position(path, of)).toEqual({ line, column });
  });

  it('are exact behind variables, with Windows line ends and a byte order mark', () => {
    const source = parse('\uFEFFa: ${X}\r\nb: { c: ${LONG_NAME:-x}, d: 1 }\r\n', { X: '12345' });
    expect(source.position(['a'], 'key')).toEqual({ line: 1, column: 1 });
    expect(source.position(['b', 'd'], 'value')).toEqual({ line: 2, column: 29 });
  });
});

describe('a YAML text that is not one well-formed document', () => {
  it.each([
    [
      'a duplicate key',
      'a: 1\nb:\n  c: 1\n  c: 2',
      'g.yaml:4:3  found c a second time; expected each key once',
    ],
    ['a tab', 'a:\n\tb: 1', 'g.yaml:2:1  found a tab; expected spaces: YAML is indented with spaces only'],
    [
      'two documents',
      'a: 1\n---\nb: 2',
      'g.yaml:2:1  found a second document; expected one: remove this --- and what follows',
    ],
    ['an open bracket', 'a: [1\nb: 2', 'g.yaml:2:1  found the end of what a [ began; expected ] before it'],
    ['an open quote', 'a: "x\nb: 2', 'g.yaml:1:4  found a text without its closing "; expected " at its end'],
    [
      'an unknown tag',
      'a: !secret x',
      "g.yaml:1:4  found !secret x; expected '!secret x': a value that begins with ! stands in quotes",
    ],
    [
      'a key that is indented less than its siblings',
      'a:\n  b: 1\n c: 2\nd: 3',
      'g.yaml:3:2  found c at a column of its own; expected it below its siblings, or below a key it belongs to',
    ],
    [
      'a key that is indented more than its siblings',
      'a:\n  b: 1\n   c: 2',
      'g.yaml:3:4  found c further in than the key above, which has a value already; expected it below its siblings',
    ],
    [
      'a key without a space behind its colon',
      'a:1\nb: 2',
      'g.yaml:1:1  found a:1; expected a key, a colon and a space before its value',
    ],
    [
      'more behind a value',
      'a: { b: 1 }, c: 2',
      'g.yaml:1:12  found more behind the end of a value; expected a comma or a new line before it, or all of it in quotes',
    ],
    [
      'an unknown anchor',
      'a: &base 1\nb: *bas',
      'g.yaml:2:4  b: found *bas; expected an anchor &bas somewhere before it; did you mean *base?',
    ],
    [
      'an alias within its own anchor',
      'a: &a\n  b: [*a]',
      'g.yaml:2:7  a.b[0]: found *a; expected an anchor outside of itself',
    ],
    ['a list as a key', '[a]: 1', 'g.yaml:1:1  found a list, a group or an alias as a key; expected a name'],
    [
      'a merge with no group',
      'a: 1\n<<: 2',
      'g.yaml:2:5  found << before something that is not a group of keys; expected an alias of one, or a list of them',
    ],
  ])('is refused for %s', (_, text, message) => {
    expect(messageOf(text)).toBe(message);
  });

  it('is refused for lists in lists that go deeper than can be read', () => {
    // How deep that is depends on the stack, and so does the column.
    expect(messageOf(`a: ${'['.repeat(5_000)}${']'.repeat(5_000)}`)).toMatch(
      /^g\.yaml:1:\d+ {2}found lists or groups nested too deeply to be read; expected fewer in each other$/,
    );
  });

  it.each([
    ['a: { b: »/x/{id} }', "'/x/{id}'", 'a value with { } or [ ] in it'],
    ['a: { b: »/x{?p,q}, c: 1 }', "'/x{?p,q}'", 'a value with { } or [ ] in it'],
    ['a: { b: »${X}/{id}, c: 1 }', "'${X}/{id}'", 'a value with { } or [ ] in it'],
    ['a: { b: »/x/{id}/{no},\n  c: 1 }', "'/x/{id}/{no}'", 'a value with { } or [ ] in it'],
    ['a: { b: { c: »o.lines[].sku } }', "'o.lines[].sku'", 'a value with { } or [ ] in it'],
    [`a: { b: »o.lines[?s == 'x, y'], c: 1 }`, `"o.lines[?s == 'x, y']"`, 'a value with { } or [ ] in it'],
    ['a: [b, »c[0]]', "'c[0]'", 'a value with { } or [ ] in it'],
    ['a:\n  b: »[].id # c\n  d: 1', "'[].id'", 'a value with { } or [ ] in it'],
    ['a:\n  - »{id: id}.x', "'{id: id}.x'", 'a value with { } or [ ] in it'],
    ['a: »@', "'@'", 'a value that begins with @'],
    ['a: »`true`', "'`true`'", 'a value that begins with `'],
    ['a: »!b && c', "'!b && c'", 'a value that begins with !'],
    ['a: »%b', "'%b'", 'a value that begins with %'],
    ['a: »*', "'*'", 'a value that begins with *'],
    [`a: »'b' == c`, `"'b' == c"`, 'a value that goes on behind a closing quote'],
    [`a: »"b" == 'c'`, `'"b" == ''c'''`, 'a value that goes on behind a closing quote'],
    ['a: { b: »c ? d : e }', "'c ? d : e'", 'a value with a colon and a space in it'],
  ])('is refused once for a value that lacks its quotes: %s', (marked, quoted, why) => {
    const [before = '', after = ''] = marked.split('»');
    const lines = before.split('\n');
    const place = `g.yaml:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
    expect(messageOf(before + after)).toMatch(new RegExp(`^${place}  found [^\n]*$`));
    expect(messageOf(before + after)).toContain(`; expected ${quoted}: ${why} stands in quotes`);
  });

  it('is refused for each value that lacks its quotes, and for what is wrong besides', () => {
    const text = 'a: { get: /x/{id} }\nb: { get: /y/{id}, c: 1 }\nd:\n  e: @\n  f: !g\nh: 1\nh: 2';
    expect(messageOf(text).split('\n')).toEqual([
      expect.stringMatching(/^g\.yaml:1:11 .* expected '\/x\/\{id\}'/),
      expect.stringMatching(/^g\.yaml:2:11 .* expected '\/y\/\{id\}'/),
      expect.stringMatching(/^g\.yaml:4:6 .* expected '@'/),
      expect.stringMatching(/^g\.yaml:5:6 .* expected '!g'/),
      'g.yaml:7:1  found h a second time; expected each key once',
    ]);
  });

  it('is refused for an alias that is an expression', () => {
    expect(messageOf('a: *.id')).toContain("; a value that begins with * stands in quotes: '*.id'");
  });

  it('shows all its errors at once, each place once', () => {
    expect(messageOf('a: 1\na: 2\nb: c: d\n').split('\n')).toEqual([
      'g.yaml:2:1  found a a second time; expected each key once',
      expect.stringContaining('g.yaml:3:4  found a key within a value'),
    ]);
  });

  it('shows variables in syntax errors as they are written', () => {
    expect(messageOf('a: |${SECRET}\n  x', { SECRET: 'secret' })).toBe(
      'g.yaml:1:5  Block scalar header includes extra characters: |${SECRET}',
    );
    expect(messageOf('a: *${SECRET}', { SECRET: 'secret' })).toContain(
      'found *${SECRET}; expected an anchor &${SECRET} ',
    );
    expect(messageOf('a: "\\${SECRET}"', { SECRET: 'secret' })).toContain(
      'found an escape that YAML does not know',
    );
  });

  it('is refused for aliases that multiply, before they do', () => {
    const levels = Array.from({ length: 30 }, (_, level) => {
      const previous = level === 0 ? 'x' : `*l${level - 1}`;
      return `l${level}: &l${level} [${Array(10).fill(previous).join(', ')}]`;
    });
    expect(messageOf(levels.join('\n'))).toMatch(
      /^g\.yaml:5:\d+ {2}l4: found aliases that multiply; expected at most 100000 values in all$/,
    );
  });
});

describe('a YAML text', () => {
  it('may use anchors, aliases and merge keys', () => {
    const text = 'x: &x { a: 1, b: 2 }\ny:\n  <<: *x\n  b: 3\nz: { <<: [*x, { c: 4 }] }\nw: *x';
    expect(valueOf(text)).toEqual({
      x: { a: 1, b: 2 },
      y: { a: 1, b: 3 },
      z: { a: 1, b: 2, c: 4 },
      w: { a: 1, b: 2 },
    });
  });

  it('tells an empty value from null', () => {
    expect(valueOf('a:\nb: null\nc: ~\nd: [ ]\ne: { f }\ng:\n  -\n')).toEqual({
      a: EMPTY,
      b: null,
      c: null,
      d: [],
      e: { f: EMPTY },
      g: [EMPTY],
    });
  });

  it('gives numbers as they were written where text is wanted', () => {
    const source = parse('a: 00123\nb: ${X}\nc: "x"\nd: [1]', { X: '1e5' });
    expect(['a', 'b', 'c', 'd'].map((key) => source.textAt([key]))).toEqual(['00123', '1e5', 'x', undefined]);
  });

  it('knows where a character of a text stands, if it reads as it is written', () => {
    const source = parse(
      `a: plain\nb: 'quoted'\nc: |\n  first\n  second\nd: "esc\\taped"\ne: \${X}x\nf: &f text\ng: *f\nh: 7`,
      { X: 'x' },
    );
    const place = (key: string, offset: number): string => {
      const { line, column } = source.positionIn([key], offset);
      return `${line}:${column}`;
    };
    expect(place('a', 2)).toBe('1:6');
    expect(place('b', 2)).toBe('2:7');
    expect(place('c', 1)).toBe('4:4');
    expect(place('c', 7)).toBe('5:4');
    expect(place('f', 2)).toBe('8:9');
    expect(place('g', 2)).toBe('8:9');
    // Past the end of a text is its end.
    expect(place('a', 99)).toBe('1:9');
    // Where it was written in another way, it is the text that has a place.
    expect(place('d', 2)).toBe('6:4');
    expect(place('e', 1)).toBe('7:4');
    expect(place('h', 0)).toBe('10:4');
  });
});
