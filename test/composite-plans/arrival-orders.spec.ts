import { ArrivalOrders } from './arrival-orders.js';

/** The orders that are found where each call waits from the moment those it needs are answered. */
function ordersOf(needs: Readonly<Record<string, readonly string[]>>): string[] {
  const orders = new ArrivalOrders();
  const found: string[] = [];
  do {
    const answered: string[] = [];
    const waiting = (): string[] =>
      Object.keys(needs).filter(
        (name) => !answered.includes(name) && needs[name]?.every((needed) => answered.includes(needed)),
      );
    for (let next = orders.next(waiting()); next !== undefined; next = orders.next(waiting())) {
      answered.push(next);
    }
    found.push(answered.join(''));
  } while (orders.advance());
  return found;
}

describe('the orders in which calls are answered', () => {
  it('are all there are, each once', () => {
    expect(ordersOf({ a: [], b: [], c: [] })).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    expect(new Set(ordersOf({ a: [], b: [], c: [], d: [], e: [], f: [] })).size).toBe(720);
  });

  it('are only those that can be: what waits for another one comes behind it', () => {
    expect(ordersOf({ a: [], b: ['a'], c: [] })).toEqual(['abc', 'acb', 'cab']);
  });

  it('are one where nothing is asked for', () => {
    expect(ordersOf({})).toEqual(['']);
  });
});
