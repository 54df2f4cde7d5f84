import { compile, type JSONValue, TreeInterpreter } from '@jmespath-community/jmespath';
import fc from 'fast-check';
import { EvaluationError, Expression, ExpressionError } from './expression.js';

/** Names at the root of the scopes below, and names within them. */
const ROOTS = ['order', 'customer', 'params'] as const;
const FIELDS = ['id', 'lines', 'sku', 'price', 'order', 'toString', 'constructor'] as const;

const name = fc.constantFrom(...ROOTS, ...FIELDS);
const literal = fc
  .jsonValue({ maxDepth: 1, noUnicodeString: true })
  .map((value) => `\`${JSON.stringify(value).replaceAll('\\', '').replaceAll('`', '')}\``)
  .filter(isLiteral);

function isLiteral(text: string): boolean {
  try {
    JSON.parse(text.slice(1, -1));
    return true;
  } catch {
    return false;
  }
}

/**
 * Expressions of every kind of node, most of them with a value over the scopes below. `asLibrary` leaves out
 * what the library itself evaluates wrongly.
 */
function expressionArbitrary({ asLibrary }: { readonly asLibrary: boolean }): fc.Arbitrary<string> {
  const { expression } = fc.letrec<{ expression: string; inner: string }>((tie) => {
    const inner = tie('expression');
    const joined = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
      fc
        .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
        .map((all) => all.join(''));
    const operator = fc.constantFrom('==', '!=', '<', '<=', '>', '>=', '&&', '||', '|');
    const branches = [
      joined('(', inner, ').', name),
      joined('(', inner, ')[0]'),
      joined('(', inner, ')[-1].', name),
      joined('(', inner, ')[*].', name),
      joined('(', inner, ')[]'),
      joined('(', inner, ')[].', name),
      joined('(', inner, ').*'),
      joined('(', inner, ').*.', name),
      joined('(', inner, ')[1:3].', name),
      joined('(', inner, ')[::-1]'),
      joined('(', inner, ')[?', inner, ']'),
      joined('(', inner, ')[?', name, ' != `null`].', name),
      joined('(', inner, ') ', operator, ' (', inner, ')'),
      joined('(', inner, ').[', inner, ', ', inner, ']'),
      joined('(', inner, ').{a: ', inner, ', b: ', inner, '}'),
      joined('[', inner, ', $.', name, ']'),
      joined('!(', inner, ')'),
      joined('(', inner, ') ? (', inner, ') : (', inner, ')'),
      joined('not_null(', inner, ', ', inner, ')'),
      joined('to_array(', inner, ')'),
      joined('type(', inner, ')'),
      joined('to_string(', inner, ')'),
      joined('map(&', name, ', to_array(', inner, '))'),
      joined('map(&[@, ', inner, '], to_array(', inner, '))'),
      joined('sort_by(to_array(', inner, '), &length(to_string(@)))'),
      joined('group_by(to_array(', inner, '), &type(', name, '))'),
      joined('length(to_array(', inner, '))'),
      joined('length(to_string(', inner, ')) + `1`'),
      ...(asLibrary
        ? []
        : [
            joined('max_by(to_array(', inner, '), &to_string(', name, '))'),
            joined('let $v = ', inner, ' in [$v, $v.', name, ', map(&[$v, @], to_array(', inner, '))]'),
          ]),
    ];
    const leaf = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...ROOTS) },
      { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...ROOTS), name).map((names) => names.join('.')) },
      { weight: 2, arbitrary: literal },
      { weight: 1, arbitrary: fc.constantFrom('@', '$', '$.order', `'text'`) },
    );
    return {
      expression: fc.oneof({ maxDepth: 3, depthIdentifier: 'expression' }, leaf, ...branches),
      inner: leaf,
    };
  });
  return expression;
}

const scalar = fc.oneof(
  fc.constantFrom('a', 'b', '', '7'),
  fc.integer({ min: 0, max: 3 }),
  fc.boolean(),
  fc.constant(null),
);
const node = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...FIELDS.slice(0, 5)), tie('value'), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
})).value;

/** Data as it comes out of JSON, under the names of the roots. */
const scopeArbitrary: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc.record({
  order: node,
  customer: node,
  params: node,
});

/** The value, or that there is none. */
function valueOf(expression: Expression, scope: unknown): unknown {
  try {
    return expression.evaluate(scope);
  } catch (error) {
    if (error instanceof EvaluationError) return 'fails';
    throw error;
  }
}

/** What can only fail, and `(!a).b`, which can only be null, are refused. */
function readable(text: string): Expression | undefined {
  try {
    return new Expression(text);
  } catch (error) {
    if (
      error instanceof ExpressionError &&
      /can never be evaluated|negate the whole path/.test(error.message)
    )
      return undefined;
    throw error;
  }
}

describe('an expression', () => {
  it('looks at no root that is not among its references', () => {
    fc.assert(
      fc.property(expressionArbitrary({ asLibrary: false }), scopeArbitrary, (text, scope) => {
        const expression = readable(text);
        if (expression === undefined) return;
        const touched = new Set<string>();
        const watched = new Proxy(scope, {
          get(target, key): unknown {
            touched.add(String(key));
            return Reflect.get(target, key);
          },
          getOwnPropertyDescriptor(target, key) {
            touched.add(String(key));
            return Reflect.getOwnPropertyDescriptor(target, key);
          },
          ownKeys(target) {
            for (const key of ROOTS) touched.add(key);
            return Reflect.ownKeys(target);
          },
        });
        valueOf(expression, watched);
        const roots = [...touched].filter((name) => (ROOTS as readonly string[]).includes(name));
        if (!expression.referencesAll)
          expect([...expression.references]).toEqual(expect.arrayContaining(roots));
      }),
      { numRuns: 2000 },
    );
  });

  it('has the same value whatever stands under other names, and beside its paths', () => {
    fc.assert(
      fc.property(
        expressionArbitrary({ asLibrary: false }),
        scopeArbitrary,
        scopeArbitrary,
        (text, scope, other) => {
          const expression = readable(text);
          if (expression === undefined || expression.referencesAll) return;
          const roots = new Set(expression.paths.map(([root]) => root));
          const changed = Object.fromEntries(
            ROOTS.map((name) => [name, roots.has(name) ? scope[name] : other[name]]),
          );
          expect(valueOf(expression, changed)).toEqual(valueOf(expression, scope));
          expect([...roots].sort()).toEqual([...expression.references].sort());
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('has the value that the library gives it, where that is right', () => {
    fc.assert(
      fc.property(expressionArbitrary({ asLibrary: true }), scopeArbitrary, (text, scope) => {
        // It sees what objects inherit.
        fc.pre(!/toString|constructor/.test(text));
        const expression = readable(text);
        if (expression === undefined) return;
        let expected: unknown;
        try {
          expected = TreeInterpreter.search(compile(text), scope as JSONValue) ?? null;
        } catch {
          expected = 'fails';
        }
        expect(valueOf(expression, scope)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('is read or refused, never anything else', () => {
    const pieces = [
      'a',
      '.',
      '[',
      ']',
      '(',
      ')',
      '{',
      '}',
      ':',
      ',',
      '*',
      '?',
      '&',
      '|',
      '!',
      '=',
      '<',
      '@',
      '$',
      '$a',
    ];
    const more = [
      "'",
      '"',
      '`',
      '1',
      '-',
      ' ',
      'let ',
      ' in ',
      'length',
      '`1`',
      '\\',
      '#',
      'é',
      '[?',
      '[]',
      '&&',
      '==',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces, ...more), { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        try {
          const expression = new Expression(text);
          valueOf(expression, {});
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          const { offset = 0 } = error;
          expect(offset).toBeGreaterThanOrEqual(0);
          expect(offset).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
