import fc from 'fast-check';
import { type Combination, combinationsOf } from './combinations.js';
import { type MatrixAnswer } from './matrix-answer.js';
import { foldedRows } from './matrix-rows.js';

const PARTS = ['a', 'b', 'c'];
const { all } = combinationsOf(PARTS, PARTS, 125);

function answer(when: Combination, status: number): MatrixAnswer {
  return {
    when,
    status,
    complete: undefined,
    headers: {},
    parts: {},
    failed: undefined,
    writes: {},
    body: null,
    shape: '',
  };
}

describe('folded rows', () => {
  it('say in one row what makes no difference', () => {
    const rows = foldedRows(
      PARTS,
      all.map((when) => answer(when, when['a'] === 'down' ? 502 : 200)),
    );
    expect(rows.map(({ status, when: { a } }) => ({ status, a }))).toEqual([
      { status: 200, a: ['up', 'slow', 'garbage', 'empty'] },
      { status: 502, a: ['down'] },
    ]);
  });

  it('say for each combination what it is answered, once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(200, 206, 502), { minLength: 125, maxLength: 125 }),
        (statuses) => {
          const answers = all.map((when, index) => answer(when, statuses[index] ?? 0));
          const rows = foldedRows(PARTS, answers);
          for (const { when, status } of answers) {
            const matching = rows.filter((row) =>
              PARTS.every((part) => row.when[part]?.includes(when[part] ?? 'up')),
            );
            expect(matching.map((row) => row.status)).toEqual([status]);
          }
          expect(rows.flatMap((row) => row.answers)).toHaveLength(answers.length);
        },
      ),
      { numRuns: 50 },
    );
  });
});
