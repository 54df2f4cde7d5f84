import { EvaluationError, ExpressionError } from './expression.js';
import { ValueTemplate } from './value-template.js';

describe('a value template', () => {
  it('has expressions for its texts, and everything else for itself', () => {
    const template = new ValueTemplate({
      id: 'params.id',
      kind: "'gold'",
      lines: ['body.lines[0]', 1, null, true],
    });
    const scope = { params: { id: 7 }, body: { lines: ['a'] } };
    expect(template.evaluate(scope)).toEqual({ id: 7, kind: 'gold', lines: ['a', 1, null, true] });
    expect([...template.references]).toEqual(['params', 'body']);
  });

  it('is made once where it depends on nothing', () => {
    const template = new ValueTemplate({ a: ["'x'", 1], b: { c: '`[2]`' } });
    expect(template.constant).toEqual({ value: { a: ['x', 1], b: { c: [2] } } });
    expect(template.evaluate({})).toBe(template.evaluate({}));
    expect(Object.isFrozen(template.evaluate({}))).toBe(true);
  });

  it('has keys of any name', () => {
    const written = JSON.parse('{"__proto__":"params.a"}') as object;
    expect(JSON.stringify(new ValueTemplate(written).evaluate({ params: { a: 1 } }))).toBe('{"__proto__":1}');
  });

  it('is refused for a text that is no expression', () => {
    expect(() => new ValueTemplate({ a: ['b', 'c ='] })).toThrow(ExpressionError);
  });

  it('says where in it a value could not be made', () => {
    const template = new ValueTemplate({ lines: [{ total: 'sum(params)' }] });
    const evaluate = (): unknown => template.evaluate({ params: 'secret' });
    expect(evaluate).toThrow(EvaluationError);
    expect(evaluate).toThrow('lines.0.total: sum() expected a list of numbers as argument 1 and got text');
  });
});
