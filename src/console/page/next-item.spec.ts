import { type Box, nextItem } from './next-item.js';

/** Three in a row, five in all. */
const GRID: Box[] = [0, 1, 2, 3, 4].map((n) => {
  const [left, top] = [(n % 3) * 100, Math.floor(n / 3) * 60];
  return { left, top, bottom: top + 50 };
});

const from = (index: number, ...keys: string[]): number[] => keys.map((key) => nextItem(key, GRID, index));

describe('the item to which a key leads', () => {
  it('is the next one in order to the right, and the one before to the left', () => {
    expect(from(2, 'ArrowRight', 'ArrowLeft')).toEqual([3, 1]);
    expect(from(1, 'Home', 'End')).toEqual([0, 4]);
  });

  it('is the one in the next row that is most in line, up and down', () => {
    expect(from(1, 'ArrowDown')).toEqual([4]);
    expect(from(2, 'ArrowDown')).toEqual([4]);
    expect(from(3, 'ArrowUp')).toEqual([0]);
  });

  it('is none beyond the ends, nor for another key', () => {
    expect(from(0, 'ArrowLeft', 'ArrowUp')).toEqual([-1, -1]);
    expect(from(4, 'ArrowRight', 'ArrowDown', 'a')).toEqual([-1, -1, -1]);
  });
});
