import { type Combination } from './combinations.js';
import { type MatrixAnswer } from './matrix-answer.js';
import { surprises } from './surprises.js';

function answer(when: Combination, change: Partial<MatrixAnswer> = {}): MatrixAnswer {
  const parts = { a: { state: 'ok', reason: undefined }, b: { state: 'ok', reason: undefined } } as const;
  const body = { a: 'a', b: 'b' };
  return {
    when,
    status: 200,
    complete: true,
    headers: {},
    parts,
    failed: undefined,
    writes: {},
    body,
    shape: '',
    ...change,
  };
}

const fallback = { state: 'fallback', reason: 'connect' } as const;
const ok = { state: 'ok', reason: undefined } as const;
const UP = answer({ a: 'up', b: 'up' });
const A = answer(
  { a: 'down', b: 'up' },
  { complete: false, parts: { a: fallback, b: ok }, body: { a: null, b: 'b' } },
);
const B = answer(
  { a: 'up', b: 'down' },
  { complete: false, parts: { a: ok, b: fallback }, body: { a: 'a', b: null } },
);

function both(change: Partial<MatrixAnswer>): MatrixAnswer {
  return answer({ a: 'down', b: 'down' }, change);
}

describe('a surprise', () => {
  it('is not what each of several does alone, put together', () => {
    const together = both({
      complete: false,
      parts: { a: fallback, b: fallback },
      body: { a: null, b: null },
    });
    expect(surprises([UP, A, B, together])).toEqual([]);
  });

  it('is a status, a state or a place in the body that none of them has alone', () => {
    const complete = { complete: false, parts: { a: fallback, b: fallback }, body: { a: null, b: null } };
    for (const change of [
      { ...complete, status: 502 },
      { ...complete, parts: { a: fallback, b: { state: 'fallback', reason: 'deadline' } as const } },
      { ...complete, body: { a: null, b: 1 } },
      { ...complete, body: { a: null, b: null, c: 'c' } },
      { ...complete, headers: { 'retry-after': '1' } },
    ]) {
      expect(surprises([UP, A, B, both(change)])).toHaveLength(1);
    }
  });

  it('is not the failure of one of them, but that of another part', () => {
    const failure = {
      status: 502,
      complete: false,
      parts: {},
      failed: { part: 'a', state: 'failed', reason: 'connect' },
    } as const;
    const failing = answer({ a: 'down', b: 'up' }, failure);
    expect(surprises([UP, failing, B, both(failure)])).toEqual([]);
    const other = { ...failure, failed: { ...failure.failed, part: 'b' } };
    expect(surprises([UP, failing, B, both(other)])).toHaveLength(1);
  });

  it('is not that one keeps the other from being asked', () => {
    const failing = answer({ a: 'up', b: 'down' }, { status: 502, parts: {} });
    const masked = both({ complete: false, parts: { a: fallback, b: ok }, body: { a: null, b: 'b' } });
    expect(surprises([UP, A, failing, masked])).toEqual([]);
  });
});
