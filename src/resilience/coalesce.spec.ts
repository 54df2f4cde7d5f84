import { Flights } from './coalesce.js';

describe('a flight', () => {
  it('is joined by whoever has its key, in order', () => {
    const flights = new Flights<string, string>();
    const flight = flights.start('k', 'first', 'work');

    expect(flights.join('k', 'second')).toBe(flight);
    expect(flights.join('other', 'third')).toBeUndefined();
    expect([...flight.waiters]).toEqual(['first', 'second']);
  });

  it('is over for its work when the last waiter leaves, whoever that is', () => {
    const flights = new Flights<string, string>();
    const flight = flights.start('k', 'first', 'work');
    flights.join('k', 'second');

    expect(flights.leave(flight, 'first')).toBe(false);
    expect(flights.leave(flight, 'second')).toBe(true);
    expect(flights.join('k', 'third')).toBeUndefined();
    expect(flights.size).toBe(0);
  });

  it('counts a waiter that leaves twice once', () => {
    const flights = new Flights<string, string>();
    const flight = flights.start('k', 'first', 'work');
    flights.join('k', 'second');

    expect(flights.leave(flight, 'first')).toBe(false);
    expect(flights.leave(flight, 'first')).toBe(false);
    expect(flights.leave(flight, 'second')).toBe(true);
    expect(flights.leave(flight, 'second')).toBe(false);
  });

  it('is not joined any more once it is settled', () => {
    const flights = new Flights<string, string>();
    const flight = flights.start('k', 'first', 'work');
    flights.settle(flight);

    expect(flights.join('k', 'second')).toBeUndefined();
  });

  it('does not take its successor away when it ends', () => {
    const flights = new Flights<string, string>();
    const before = flights.start('k', 'first', 'work');
    flights.closeAll();
    const after = flights.start('k', 'second', 'work');

    flights.settle(before);
    flights.leave(before, 'first');

    expect(flights.join('k', 'third')).toBe(after);
  });
});
