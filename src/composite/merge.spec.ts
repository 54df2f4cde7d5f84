import { type MergePolicy } from './config/composite-config.js';
import { merged } from './merge.js';

const DEEP: MergePolicy = { policy: 'deep' };
const CONCAT: MergePolicy = { policy: 'concat' };
const BY_SKU: MergePolicy = { policy: 'by-key', key: 'sku' };

describe('merging deep', () => {
  it('unites objects key by key, and lets the later of two other values stand', () => {
    const earlier = { id: 1, tags: ['a'], address: { city: 'Graz', zip: '8010' } };
    const later = { tags: ['b'], address: { zip: '8020', street: 'Ring' }, id: 2 };
    expect(JSON.stringify(merged(earlier, later, DEEP))).toBe(
      '{"id":2,"tags":["b"],"address":{"city":"Graz","zip":"8020","street":"Ring"}}',
    );
  });

  it('lets the later one stand where object and list meet', () => {
    expect(merged({ a: { b: 1 } }, { a: [1] }, DEEP)).toEqual({ a: [1] });
    expect(merged([1], { a: 1 }, DEEP)).toEqual({ a: 1 });
  });

  it('never writes through to a prototype', () => {
    const hostile: unknown = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    );
    const result = merged({ a: 1 }, hostile, DEEP);
    expect(JSON.stringify(result)).toBe(
      '{"a":1,"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    );
    expect(result).not.toHaveProperty('polluted');
    expect(JSON.stringify(merged(hostile, hostile, DEEP))).toBe(JSON.stringify(hostile));
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('concat', () => {
  it('puts the later list behind the earlier one', () => {
    expect(merged([1, 2], [2, 3], CONCAT)).toEqual([1, 2, 2, 3]);
  });

  it('lets the later value stand if one of them is no list', () => {
    expect(merged([1], 'text', CONCAT)).toBe('text');
    expect(merged({ a: 1 }, [1], CONCAT)).toEqual([1]);
  });
});

describe('by-key', () => {
  it('merges items of equal key where the earlier one stands, and appends the others', () => {
    const earlier = [
      { sku: 1, name: 'A', size: { x: 1 } },
      { sku: 'b', name: 'B' },
    ];
    const later = [
      { sku: 'c', stock: 3 },
      { sku: 'b', stock: 2 },
      { sku: '1', stock: 1, size: { y: 2 } },
      { sku: 'c', open: true },
    ];
    expect(merged(earlier, later, BY_SKU)).toEqual([
      { sku: '1', name: 'A', size: { x: 1, y: 2 }, stock: 1 },
      { sku: 'b', name: 'B', stock: 2 },
      { sku: 'c', stock: 3, open: true },
    ]);
  });

  it('merges into the first of several earlier items with the key', () => {
    const earlier = [{ sku: 'a' }, { sku: 'a' }];
    expect(merged(earlier, [{ sku: 'a', stock: 1 }], BY_SKU)).toEqual([{ sku: 'a', stock: 1 }, { sku: 'a' }]);
  });

  it('appends what has no key', () => {
    const strange = [null, 'a', {}, { sku: null }, { sku: { a: 1 } }, ['a']];
    expect(merged([{ sku: 'a' }, {}, { sku: null }], strange, BY_SKU)).toEqual([
      { sku: 'a' },
      {},
      { sku: null },
      ...strange,
    ]);
  });

  it('lets the later value stand if one of them is no list', () => {
    expect(merged([{ sku: 'a' }], { sku: 'a' }, BY_SKU)).toEqual({ sku: 'a' });
  });
});

describe('any merge', () => {
  it('takes nothing away for a null, and puts nothing in its place twice', () => {
    for (const policy of [DEEP, CONCAT, BY_SKU, undefined]) {
      expect(merged([1], null, policy)).toEqual([1]);
      expect(merged(null, [1], policy)).toEqual([1]);
      expect(merged(null, null, policy)).toBeNull();
    }
    expect(merged({ a: 1, b: { c: 2 } }, { a: null, b: { c: null, d: null } }, DEEP)).toEqual({
      a: 1,
      b: { c: 2, d: null },
    });
  });

  it('lets the later one stand without a policy', () => {
    expect(merged({ a: 1 }, { b: 1 }, undefined)).toEqual({ b: 1 });
  });

  it('changes neither value', () => {
    const earlier = [{ sku: 'a', deep: { x: 1 } }];
    const later = [{ sku: 'a', deep: { y: 1 } }];
    const before = JSON.stringify([earlier, later]);
    for (const policy of [DEEP, CONCAT, BY_SKU]) {
      merged(earlier, later, policy);
      merged({ list: earlier }, { list: later }, policy);
    }
    expect(JSON.stringify([earlier, later])).toBe(before);
  });
});
