import { nearestName } from './nearest-name.js';

const POLICY_KEYS = [
  'deadlineMs',
  'attemptTimeoutMs',
  'connectTimeoutMs',
  'retry',
  'retryBudget',
  'circuitBreaker',
];

describe('nearestName', () => {
  it.each([
    ['a letter lost', 'retr', 'retry'],
    ['a letter added', 'rettry', 'retry'],
    ['a letter changed', 'retrx', 'retry'],
    ['two letters swapped', 'rerty', 'retry'],
    ['the wrong case', 'CIRCUITBREAKER', 'circuitBreaker'],
    ['another convention', 'circuit_breaker', 'circuitBreaker'],
    ['yet another convention', 'attempt-timeout-ms', 'attemptTimeoutMs'],
    ['a forgotten unit', 'deadline', 'deadlineMs'],
    ['several slips in a long name', 'conectTimoutMs', 'connectTimeoutMs'],
  ])('forgives %s', (_, written, meant) => {
    expect(nearestName(written, POLICY_KEYS)).toBe(meant);
  });

  it.each(['timeout', 'cache', 'x', ''])(
    'suggests nothing for %j, which is far from everything',
    (written) => {
      expect(nearestName(written, POLICY_KEYS)).toBeUndefined();
    },
  );

  it('suggests nothing where there is nothing', () => {
    expect(nearestName('retry', [])).toBeUndefined();
  });

  it('takes a lost letter for likelier than a changed one', () => {
    expect(nearestName('urs', ['url', 'urls'])).toBe('urls');
  });

  it('takes the candidate of the same length among equals', () => {
    expect(nearestName('ursl', ['url', 'urls'])).toBe('urls');
  });

  it('takes the first candidate among perfect equals', () => {
    expect(nearestName('hat', ['hut', 'hot'])).toBe('hut');
  });

  it('compares nothing with names of quite another length', () => {
    const compared = jest.spyOn(Math, 'min');
    expect(nearestName('q'.repeat(4_000), [...POLICY_KEYS, 'q'.repeat(200)])).toBeUndefined();
    expect(nearestName('q', ['q'.repeat(4_000), `${'q'.repeat(4_000)}Ms`])).toBeUndefined();
    // Once for each candidate, none for a letter.
    expect(compared.mock.calls.length).toBeLessThanOrEqual(POLICY_KEYS.length + 3);
    compared.mockRestore();
  });

  it('forgives a short name one slip only', () => {
    expect(nearestName('rul', ['url'])).toBe('url');
    expect(nearestName('ruls', ['url'])).toBeUndefined();
  });
});
