import fc from 'fast-check';
import { NO_PREFERENCES, parsePrefer, preferenceApplied } from './preferences.js';

describe('Prefer', () => {
  it.each([
    ['handling=strict', { handling: 'strict' }],
    ['handling=lenient', { handling: 'lenient' }],
    ['wait=2', { waitSeconds: 2 }],
    ['report=body', { reportInBody: true }],
    ['handling=strict, wait=10,report=body', { handling: 'strict', waitSeconds: 10, reportInBody: true }],
    ['HANDLING=Strict', { handling: 'strict' }],
    ['handling="strict"', { handling: 'strict' }],
    ['handling="str\\ict"', { handling: 'strict' }],
    ['  handling =  strict  ;  because=I-say-so', { handling: 'strict' }],
    ['respond-async; q="a, b; c", wait=5', { waitSeconds: 5 }],
    ['foo="a, handling=strict", wait=5', { waitSeconds: 5 }],
    ['foo="a \\", handling=strict", wait=5', { waitSeconds: 5 }],
    [',, ,wait=5,', { waitSeconds: 5 }],
    ['wait=007', { waitSeconds: 7 }],
  ])('reads %j', (field, expected) => {
    expect(parsePrefer(field)).toEqual({ ...NO_PREFERENCES, ...expected });
  });

  it('counts the first of equally named preferences, even one that cannot be honoured', () => {
    expect(parsePrefer('wait=2, wait=9')).toMatchObject({ waitSeconds: 2 });
    expect(parsePrefer('wait=soon, wait=9')).toMatchObject({ waitSeconds: undefined });
    expect(parsePrefer('handling=lenient, HANDLING=strict')).toMatchObject({ handling: 'lenient' });
  });

  it.each([
    '',
    ',',
    '=',
    ';',
    '"',
    'handling',
    'handling=',
    'handling=""',
    'handling=very-strict',
    'handling strict',
    'handling=strict strict',
    'handling="strict',
    'handling=strict"',
    'han dling=strict',
    'wait',
    'wait=0',
    'wait=-1',
    'wait=1.5',
    'wait=1e3',
    'wait=0x10',
    'wait=1234567890',
    'wait=NaN',
    'wait=Infinity',
    'wait=２',
    'report',
    'report=header',
    '__proto__=1',
    '\u0000wait=1',
  ])('ignores %j', (field) => {
    expect(parsePrefer(field)).toEqual(NO_PREFERENCES);
  });

  it('makes something of any field, and echoes none of it', () => {
    const pieces = fc.constantFrom(
      'handling',
      'wait',
      'report',
      'strict',
      'body',
      '=',
      '"',
      '\\',
      ',',
      ';',
      ' ',
      '9',
      'x',
    );
    const field = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.array(pieces).map((list) => list.join('')),
    );
    fc.assert(
      fc.property(field, (text) => {
        const preferences = parsePrefer(text);
        expect(preferenceApplied(preferences, preferences.reportInBody)).toMatch(
          /^(?:(?:handling=(?:strict|lenient)|wait=[1-9]\d{0,8}|report=body)(?:, |$)){0,3}$/,
        );
      }),
      { numRuns: 300 },
    );
  });

  // 16 times what Node lets through. What is read in one pass takes some ms; what backtracks, minutes.
  it.each([
    ['spaces', 'wait' + ' '.repeat(256_000) + 'x'],
    ['spaces behind a sign', 'wait=' + ' '.repeat(256_000) + '"'],
    ['quotes', '"'.repeat(256_000)],
    ['escaped quotes', '"' + '\\"'.repeat(128_000)],
    ['backslashes in quotes', 'wait="' + '\\'.repeat(256_000)],
    ['items', 'a,'.repeat(128_000)],
    ['different items', Array.from({ length: 25_000 }, (_, index) => `p${index}=1`).join()],
    ['parameters', 'a' + ';b'.repeat(128_000)],
    ['signs', '='.repeat(256_000)],
  ])('reads 256 kB of %s without backtracking', (_, field) => {
    const startedAt = performance.now();
    parsePrefer(field);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});

describe('Preference-Applied', () => {
  it('names what was honoured, and nothing else', () => {
    const preferences = parsePrefer('respond-async, report=body, wait=2, handling=strict');
    expect(preferenceApplied(preferences, true)).toBe('handling=strict, wait=2, report=body');
    expect(preferenceApplied(preferences, false)).toBe('handling=strict, wait=2');
    expect(preferenceApplied(NO_PREFERENCES, false)).toBe('');
  });
});
