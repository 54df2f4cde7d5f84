/** A source of numbers that look random and are the same on every run. */
export interface Random {
  /** The next number in [0, 1). */
  float(): number;
  /** The next whole number in [least, most], both ends included. */
  integer(least: number, most: number): number;
  /** The next whole number in [1, most], the low ones more often than the high. */
  leaningLow(most: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the items, each as likely as the next. */
  pick<T>(items: readonly T[]): T;
}

/** FNV-1a, 32 bits: spreads neighbouring names such as `order:1` and `order:2` over the whole range. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/**
 * A generator of its own for each name (mulberry32). Seeding by name rather than sharing one sequence
 * is what lets a service build record 4711 of another service without building the 4710 before it.
 */
export function seeded(name: string): Random {
  let state = hash(name);
  const float = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    float,
    integer: (least, most) => least + Math.floor(float() * (most - least + 1)),
    leaningLow: (most) => {
      const draw = float();
      // To the power of 1.25, by square roots: those are exact in every engine, and pow is not.
      return 1 + Math.floor(most * draw * Math.sqrt(Math.sqrt(draw)));
    },
    chance: (probability) => float() < probability,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[Math.floor(float() * items.length)] as T;
    },
  };
}

/** The whole numbers from 1 to `count`: every data set numbers its records this way. */
export function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
