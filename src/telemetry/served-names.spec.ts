import { ServedNames } from './served-names.js';

describe('served names', () => {
  let list: readonly string[];
  let reads: number;
  let names: ServedNames;

  beforeEach(() => {
    list = ['a', 'b'];
    reads = 0;
    names = new ServedNames(
      () => list,
      () => {
        reads++;
        return list;
      },
    );
  });

  it('are read once while the list is the same', () => {
    expect([names.current, [...names.retired], names.current]).toEqual([['a', 'b'], [], ['a', 'b']]);
    expect(reads).toBe(1);
  });

  it('are retired when they go, for good unless they come back', () => {
    expect(names.current).toEqual(['a', 'b']);
    list = ['b', 'c'];
    expect([...names.retired]).toEqual(['a']);
    list = ['a'];
    expect([...names.retired]).toEqual(['b', 'c']);
    list = [];
    expect([...names.retired].sort()).toEqual(['a', 'b', 'c']);
  });
});
