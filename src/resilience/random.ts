/** A source of uniform numbers in [0, 1). Injected, so that tests can own it. */
export type Random = () => number;

/** The runtime's own source. */
export const systemRandom: Random = Math.random;

/**
 * A reproducible source: the same seed gives the same sequence.
 * Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, passes gjrand; not for secrets.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
