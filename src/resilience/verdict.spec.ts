import { retryAfterOf, verdictOf, VERDICTS } from './verdict.js';

describe('verdictOf', () => {
  it('reads an error that carries its verdict', () => {
    expect(verdictOf(Object.assign(new Error(), { verdict: VERDICTS.unsent }))).toBe(VERDICTS.unsent);
  });

  it.each([[new TypeError('a bug')], ['a string'], [null], [undefined], [42]])(
    'blames nobody for %p, and does not repeat it',
    (error) => {
      expect(verdictOf(error)).toEqual({ breaker: 'neutral', retry: 'never', limit: 'ignore' });
      expect(retryAfterOf(error)).toBeUndefined();
    },
  );
});
