import {
  assertReportName,
  compositePartsField,
  type PartReport,
  type PartState,
  reportBody,
  serverTimingField,
} from './part-report.js';
import { type FailureReason } from '../upstream/upstream-error.js';
import { parseItem, parseList } from './testing/structured-field.js';

function part(name: string, state: PartState, durationMs: number, reason?: FailureReason): PartReport {
  return { part: name, state, reason, durationMs };
}

const parts: readonly PartReport[] = [
  part('customer', 'ok', 12),
  part('offers', 'fallback', 300, 'timeout'),
  part('products', 'skipped', 0),
];

describe('Composite-Parts', () => {
  it('lists how each part ended', () => {
    expect(compositePartsField(parts)).toBe(
      'customer;state=ok;dur=12, offers;state=fallback;reason=timeout;dur=300, products;state=skipped;dur=0',
    );
  });

  it('is a list of RFC 9651', () => {
    expect(parseList(compositePartsField(parts))).toEqual([
      { value: 'customer', parameters: { state: 'ok', dur: 12 } },
      { value: 'offers', parameters: { state: 'fallback', reason: 'timeout', dur: 300 } },
      { value: 'products', parameters: { state: 'skipped', dur: 0 } },
    ]);
  });

  it('says of a list join how many of its items were found', () => {
    const products = { ...part('products', 'fallback', 300, 'timeout'), items: { done: 37, of: 40 } };
    const field = compositePartsField([products]);
    expect(field).toBe('products;state=fallback;reason=timeout;items="37/40";dur=300');
    expect(parseList(field)).toEqual([
      { value: 'products', parameters: { state: 'fallback', reason: 'timeout', items: '37/40', dur: 300 } },
    ]);
  });

  it('is one for every name, state and reason there is', () => {
    const states: PartState[] = ['ok', 'fallback', 'stale', 'skipped', 'failed'];
    const reasons: FailureReason[] = [
      'timeout',
      'deadline',
      'connect',
      'reset',
      'status',
      'open',
      'full',
      'too-large',
      'invalid',
      'cancelled',
    ];
    for (const name of ['a', 'Z', 'snake_case', 'kebab-case', 'constructor', 'a0-9_']) {
      assertReportName(name, 'part');
      for (const state of states) {
        for (const reason of reasons) {
          const [item] = parseList(compositePartsField([part(name, state, 1, reason)]));
          expect(item).toEqual({ value: name, parameters: { state, reason, dur: 1 } });
        }
      }
    }
  });
});

describe('Server-Timing', () => {
  it('lists the durations, and says what is not as it should be', () => {
    expect(serverTimingField(parts)).toBe(
      'customer;dur=12, offers;dur=300;desc="fallback", products;dur=0;desc="skipped"',
    );
  });

  it('has the grammar of a list of metrics', () => {
    expect(parseList(serverTimingField(parts))).toEqual([
      { value: 'customer', parameters: { dur: 12 } },
      { value: 'offers', parameters: { dur: 300, desc: 'fallback' } },
      { value: 'products', parameters: { dur: 0, desc: 'skipped' } },
    ]);
  });
});

describe('the report in a body', () => {
  it('holds the same, by part', () => {
    expect(JSON.stringify(reportBody({ complete: false, parts }))).toBe(
      '{"complete":false,"parts":{"customer":{"state":"ok","durationMs":12},' +
        '"offers":{"state":"fallback","reason":"timeout","durationMs":300},' +
        '"products":{"state":"skipped","durationMs":0}}}',
    );
  });
});

describe('a list join in the report of a body', () => {
  it('says how many of its items were found', () => {
    const products = { ...part('products', 'ok', 12), items: { done: 37, of: 40 } };
    expect(JSON.stringify(reportBody({ complete: true, parts: [products] }))).toBe(
      '{"complete":true,"parts":{"products":{"state":"ok","items":{"done":37,"of":40},"durationMs":12}}}',
    );
  });
});

describe('the reader of structured fields these specs rely on', () => {
  it.each([
    '',
    'a,',
    ',a',
    'a b',
    'a;',
    'a;B=1',
    'a;b=',
    'a;b=ü',
    'a;b="c',
    'a;b="\n"',
    'ä',
    'a;b=1234567890123456',
  ])('refuses %j', (field) => {
    expect(() => parseList(field)).toThrow(SyntaxError);
  });

  it('reads a boolean, and nothing that only looks like one', () => {
    expect(parseItem('?1')).toEqual({ value: true, parameters: {} });
    expect(parseItem('?0')).toEqual({ value: false, parameters: {} });
    expect(() => parseItem('?2')).toThrow(SyntaxError);
    expect(() => parseItem('?1 x')).toThrow(SyntaxError);
  });
});
