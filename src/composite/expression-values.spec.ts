import { isFalse } from './expression-values.js';

describe('what counts as false', () => {
  it.each([[null], [undefined], [false], [''], [[]], [{}], [Object.create({ inherited: 1 })]] as [unknown][])(
    'is %j',
    (value) => {
      expect(isFalse(value)).toBe(true);
    },
  );

  it.each([[0], [true], [' '], [[null]], [{ a: undefined }], [{ constructor: 1 }]] as [unknown][])(
    'is not %j',
    (value) => {
      expect(isFalse(value)).toBe(false);
    },
  );

  it('does not list the keys of an object', () => {
    const listed = jest.spyOn(Object, 'keys');
    const isEmpty = isFalse({ a: 1 });
    const { length } = listed.mock.calls;
    listed.mockRestore();
    expect([isEmpty, length]).toEqual([false, 0]);
  });
});
