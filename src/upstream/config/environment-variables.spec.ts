import fc from 'fast-check';
import { MaskedExpressions } from './environment-variables.js';

const substituted = (text: string, env: Record<string, string> = {}) => {
  const expressions = new MaskedExpressions(text);
  return expressions.substitute(expressions.masked, env);
};

describe('MaskedExpressions', () => {
  it.each([
    ['${A}', { A: 'x' }, 'x'],
    ['${A}', { A: '' }, ''],
    ['${A:-d}', {}, 'd'],
    ['${A:-d}', { A: '' }, 'd'],
    ['${A:-d}', { A: 'x' }, 'x'],
    ['${A:-}', {}, ''],
    ['${A:-http://127.0.0.1:4101}', {}, 'http://127.0.0.1:4101'],
    ['http://${HOST}:${PORT:-80}/', { HOST: 'h' }, 'http://h:80/'],
    ['${A}${B}', { A: 'x', B: 'y' }, 'xy'],
    ['$${A}', { A: 'x' }, '${A}'],
    ['$${', {}, '${'],
    ['a $${A} b ${A}', { A: 'x' }, 'a ${A} b x'],
    ['$A $ {A} 5$', { A: 'x' }, '$A $ {A} 5$'],
    ['${A}', { A: '${B}', B: 'never' }, '${B}'],
  ])('makes %j with %j into %j', (text, env, expected) => {
    expect(substituted(text, env as Record<string, string>).text).toBe(expected);
  });

  it('names every variable that is not set and has no default', () => {
    expect(substituted('${A} ${B:-b} ${C}', {}).unset).toEqual(['A', 'C']);
  });

  it('knows whether a text holds a value of the environment, which no error may show', () => {
    expect(substituted('${A:-d}', {}).fromEnvironment).toBe(false);
    expect(substituted('${A:-d}', { A: 'x' }).fromEnvironment).toBe(true);
    expect(substituted('$${A}', { A: 'x' }).fromEnvironment).toBe(false);
  });

  it('takes no variable from the prototype of the environment', () => {
    expect(substituted('${constructor}', {}).unset).toEqual(['constructor']);
  });

  it.each(['${', '${}', '${A', '${1A}', '${A-b}', '${A:b}', '${ A }', '${A:-${B'])(
    'leaves %j alone, so that it can be refused',
    (text) => {
      expect(new MaskedExpressions(text).masked).toBe(text);
    },
  );

  it('masks the inner one of nested expressions only, so that the outer one can be refused', () => {
    const { masked } = new MaskedExpressions('${A:-${B}}');
    expect(masked.startsWith('${A:-')).toBe(true);
    expect(masked).not.toContain('${B}');
  });

  it('does not let an expression run over the end of its line', () => {
    expect(new MaskedExpressions('${A:-x\n}').masked).toBe('${A:-x\n}');
  });

  it('keeps the length of every line, masks all of an expression, and unmasks to the same text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('${A}', '${B:-c: d # e}', '$${', '\n', '\uE000', '\uE100\uE101'),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        const expressions = new MaskedExpressions(text);
        const lengths = (of: string): number[] => of.split('\n').map((line) => line.length);
        expect(lengths(expressions.masked)).toEqual(lengths(text));
        expect(expressions.masked).not.toContain('${A}');
        expect(expressions.unmask(expressions.masked)).toBe(text);
      }),
    );
  });

  it('tells ten thousand expressions apart', () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `V${index}`);
    const env = Object.fromEntries(names.map((name) => [name, name.toLowerCase()]));
    expect(substituted(names.map((name) => `\${${name}}`).join(','), env).text).toBe(
      names.join(',').toLowerCase(),
    );
  });
});
