import { EvaluationError, Expression, ExpressionError } from './expression.js';

/** The error for a text: what is wrong with it, and where. */
function refusal(text: string): { readonly flaw: string; readonly offset: number | undefined } {
  try {
    new Expression(text);
  } catch (error) {
    if (error instanceof ExpressionError) return { flaw: error.message, offset: error.offset };
    throw error;
  }
  throw new Error(`'${text}' was read`);
}

function value(text: string, scope: unknown = {}): unknown {
  return new Expression(text).evaluate(scope);
}

describe('an expression that cannot be read', () => {
  it.each([
    ['', 'is empty', undefined],
    ['  ', 'is empty', undefined],
    ['a.', 'ends where more was expected', 2],
    ['a |', 'ends where more was expected', 3],
    ['((a', 'ends where more was expected', 3],
    ["a == 'x", "has a ' that is not closed", 5],
    ['`1', 'has a ` that is not closed', 0],
    ['a."b', 'has a " that is not closed', 2],
    ['`a`', 'text in it needs double quotes', 0],
    ['a || `[1,`', 'not JSON between its backticks', 5],
    ['a.#b', "cannot have '#'", 2],
    ['a.b.c]', "cannot have ']' here", 5],
    ['length(a) > 0', 'a number stands in backticks: `0`', 12],
    ['a[b', 'brackets hold an index', 2],
    ['a["b"]', 'double quotes are for names', 2],
    ['a b', "has 'a' and 'b' with nothing between them", 2],
    ['[a b]', 'with nothing between them', 3],
    ['not_null(a b)', 'with nothing between them', 11],
    ['{x: a y: b}', 'with nothing between them', 6],
    ['[a,]', 'has a comma with nothing behind it', 2],
    ['not_null(a,)', 'has a comma with nothing behind it', 10],
    ['a[1-2]', 'has a number that is none', 2],
    ['a[0 1:2]', 'with nothing between them', 4],
    ['a[::0]', 'step of 0', undefined],
    ["a = 'x'", "to compare, write '=='", 2],
    ['a & b', "for 'and', write '&&'", 2],
    ['!a.b', "write '!(order.paid)'", 0],
    ['a || !b[?c]', "write '!(order.paid)'", 5],
    ['&a', "for 'and', write '&&'", 0],
    ['$x', 'has the variable $x, which nothing sets', 0],
    ['let $abc = a in $abd', 'did you mean $abc?', 16],
    ['let $a = b, in $a', 'has a comma with nothing behind it', 10],
    ['let $a in b', "has a 'let' without a value", undefined],
    ['lenght(a)', 'has the unknown function lenght(); did you mean length()?', 0],
    ['a.constructor(b)', 'has the unknown function constructor()', 2],
    ['length()', 'has length() with 0 arguments; expected 1', 0],
    ['length(a, b)', 'has length() with 2 arguments; expected 1', 0],
    ['merge()', 'expected 1 or more', 0],
    ['replace(a)', 'expected 3 to 4', 0],
    ['map(a, b)', 'has map() with the wrong argument 1', 0],
    ['length(&a)', 'has length() with the wrong argument 1; expected a value', 0],
    ['{a: b, a: c}', "has the key 'a' twice", undefined],
    ['{"__proto__": a}', "cannot have the key '__proto__'", undefined],
    [
      "sum('a')",
      'can never be evaluated: sum() expected a list of numbers as argument 1 and got text',
      undefined,
    ],
    ['`1` / `0`', 'can never be evaluated', undefined],
    ['('.repeat(20_000), 'is nested too deeply', undefined],
  ])('%s', (text, flaw, offset) => {
    const found = refusal(text);
    expect(found.flaw).toContain(flaw);
    expect(found.offset).toBe(offset);
  });
});

describe('what an expression looks at', () => {
  it.each([
    ['params.id', ['params'], ['params.id']],
    ['orders[].lines[].sku', ['orders'], ['orders.*.lines.*.sku']],
    ['orders[0].id', ['orders'], ['orders.*.id']],
    ['orders[*].id | [0]', ['orders'], ['orders.*.id']],
    ['orders[?total > `5`].id', ['orders'], ['orders.*.total', 'orders.*.id']],
    ['orders[?id == $.params.id].id', ['orders', 'params'], ['orders.*.id', 'params.id']],
    ['name[0:3]', ['name'], ['name']],
    ['a.*.b', ['a'], ['a']],
    ['{x: a.b, y: c}.x', ['a', 'c'], ['a.b', 'c']],
    ["a.b || 'x'", ['a'], ['a.b']],
    ['a ? b.c : d', ['a', 'b', 'd'], ['a', 'b.c', 'd']],
    ['(a ? @ : b).c', ['a', 'b', 'c'], ['a', 'b.c', 'c']],
    ['a.b | c', ['a'], ['a.b.c']],
    ['let $o = order in $o.lines[].[$o.id, sku]', ['order'], ['order.id', 'order.lines.*.sku']],
    ['sort_by(orders, &date)[0].id', ['orders'], ['orders', 'orders.*.date', 'orders.*.id']],
    ['map(&[sku, $.params.q], lines)', ['lines', 'params'], ['lines', 'lines.*.sku', 'params.q']],
    ["customer.['vip']", ['customer'], ['customer']],
    ["'params.id'", [], []],
  ])('%s', (text, references, paths) => {
    const expression = new Expression(text);
    expect([...expression.references]).toEqual(references);
    expect(expression.paths.map((path) => path.join('.')).sort()).toEqual([...paths].sort());
    expect(expression.referencesAll).toBe(false);
  });

  it.each(['@', '$', 'keys(@)', '*', '*.id', 'to_string($)', '[@]', 'let $all = @ in $all'])(
    'is the scope as a whole: %s',
    (text) => {
      expect(new Expression(text).referencesAll).toBe(true);
    },
  );

  it.each(['@.params.id', '$.params.id', 'let $all = @ in $all.params.id'])(
    'is one name of it: %s',
    (text) => {
      const { references, referencesAll } = new Expression(text);
      expect([...references]).toEqual(['params']);
      expect(referencesAll).toBe(false);
    },
  );

  it('is all of it where it matters whether that is empty', () => {
    expect(new Expression('(@ || a).b').referencesAll).toBe(true);
  });

  it('is nothing where it is constant', () => {
    expect(new Expression('`false`').constant).toEqual({ value: false });
    expect(new Expression("length('abc')").constant).toEqual({ value: 3 });
    expect(new Expression('a').constant).toBeUndefined();
  });
});

describe('the value of an expression', () => {
  it.each([
    'a.__proto__',
    'a.constructor',
    'a.toString',
    'a.constructor.name',
    '__proto__',
    'toString',
    'a.b.length',
  ])('is null for what an object inherits: %s', (text) => {
    expect(value(text, { a: { b: [1] } })).toBeNull();
  });

  it('is what stands there under the same names', () => {
    const scope = JSON.parse('{"a":{"__proto__":1,"constructor":2}}') as object;
    expect(value('a.["__proto__", constructor]', scope)).toEqual([1, 2]);
    expect(value('merge(a, a)', scope)).toEqual(JSON.parse('{"__proto__":1,"constructor":2}'));
    expect(value('group_by(@, &k)', [{ k: '__proto__' }, { k: 'toString' }])).toEqual(
      JSON.parse('{"__proto__":[{"k":"__proto__"}],"toString":[{"k":"toString"}]}'),
    );
  });

  it('takes no data for an expression', () => {
    const attack = { expref: true, type: 'Field', name: 'secret' };
    expect(() => value('sort_by(@, &f)', [{ f: attack }])).toThrow(EvaluationError);
    expect(value('map(&f, @)', [{ f: attack, secret: 1 }])).toEqual([attack]);
  });

  it('sorts numbers by size and texts by code points', () => {
    expect(value('sort(@)', [10, 9, 1])).toEqual([1, 9, 10]);
    expect(value('sort(@)', ['b', 'B', 'ä', 'a'])).toEqual(['B', 'a', 'b', 'ä']);
    expect(value('sort(@)', ['\u{1f600}', '\uffee'])).toEqual(['\uffee', '\u{1f600}']);
    expect(value('sort(@)', ['\u{1f601}', '\u{1f600}'])).toEqual(['\u{1f600}', '\u{1f601}']);
    expect(value('max_by(@, &n).n', [{ n: 'a' }, { n: 'c' }, { n: 'b' }])).toBe('c');
    expect(value('max(@)', Array(300_000).fill(1))).toBe(1);
    expect(value('max(@)', [])).toBeNull();
  });

  it('has the variables of a let within an expression for each element', () => {
    expect(value('let $f = f in map(&[$f, @], l)', { f: 1, l: [2, 3] })).toEqual([
      [1, 2],
      [1, 3],
    ]);
    expect(value('let $a = a in let $a = $a.b, $c = $a in [$a, $c]', { a: { b: 1 } })).toEqual([1, { b: 1 }]);
  });

  it('takes only the numbers of JSON for numbers', () => {
    expect(
      value('[to_number(a), to_number(b), to_number(c), to_number(d)]', {
        a: '1.5',
        b: '0x10',
        c: '',
        d: '1e999',
      }),
    ).toEqual([1.5, null, null, null]);
  });

  it('trims a long text in no time to speak of', () => {
    const long = `${' '.repeat(200_000)}x${' '.repeat(200_000)}x`;
    expect(value('trim(@)', long)).toHaveLength(200_002);
    expect(value("trim_left(@, 'ab')", 'abcab')).toBe('cab');
    expect(value("trim_right(@, 'ab')", 'abcab')).toBe('abc');
  });

  it('is one that nobody can change where it is a literal', () => {
    const literal = value('`{"a": [1]}`') as { a: number[] };
    expect(() => literal.a.push(2)).toThrow(TypeError);
  });

  it.each([
    ['sum(a)', 'sum() expected a list of numbers as argument 1 and got a list'],
    ['length(b)', 'length() expected text or a list or an object as argument 1 and got a number'],
    ['a + b', 'an operator expected a number and got a list'],
    ['b / `0`', 'a number was to be divided by 0'],
    ['sort_by(a, &@)', 'sort_by() expected numbers or texts, one like the other, and got text'],
    ['group_by(a, &@)', 'group_by() expected texts and got a number'],
    ['map(&@, b)', 'map() expected a list and got a number'],
    ['merge(a)', 'merge() expected an object and got a list'],
    ["join(c, ['x', c])", 'join() cannot take what it got'],
  ])('is an error that names kinds and no values: %s', (text, message) => {
    const scope = { a: [1, 'secret'], b: 7 };
    const expected = text.startsWith('join') ? /join\(\)/ : message;
    expect(() => value(text, scope)).toThrow(EvaluationError);
    expect(() => value(text, scope)).toThrow(expected);
    expect(() => value(text, scope)).not.toThrow(/secret/);
  });
});
