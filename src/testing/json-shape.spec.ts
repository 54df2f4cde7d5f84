import { jsonPlaces, jsonShape, shapeChanges } from './json-shape.js';

describe('the shape of JSON', () => {
  it('has names and kinds, and each kind of element once', () => {
    const value = {
      id: 'a',
      n: 1,
      on: true,
      none: null,
      lines: [{ sku: 'b' }, { sku: 'c' }],
      mixed: [1, 'a'],
      empty: [],
    };
    expect(jsonShape(value)).toBe(
      '{id: string, n: number, on: boolean, none: null, lines: [{sku: string}], mixed: [number | string], empty: []}',
    );
  });

  it('says what stands where', () => {
    expect(Object.fromEntries(jsonPlaces({ a: [{ b: 1 }, { b: null }] }))).toEqual({
      '': 'object',
      a: 'list',
      'a[]': 'object',
      'a[].b': 'null | number',
    });
  });

  it('says how one differs from another, at the outermost places', () => {
    const from = { a: { b: 1, c: 'c' }, d: [1], e: 1 };
    expect(shapeChanges(from, { a: { b: null, c: 'other' }, d: [], f: true })).toEqual([
      { place: 'a.b', shape: 'null' },
      { place: 'd', shape: '[]' },
      { place: 'e', shape: undefined },
      { place: 'f', shape: 'boolean' },
    ]);
    expect(shapeChanges(from, from)).toEqual([]);
    expect(shapeChanges({ a: 1, b: 1 }, { b: 1, a: 1 })).toEqual([
      { place: '', shape: '{b: number, a: number}' },
    ]);
  });
});
