/** The servers that answer the composite, in the order of their letters. */
export const CONTESTANTS = [
  { letter: 'a', title: 'Tributary', file: 'tributary' },
  { letter: 'b', title: 'by hand: node:http + undici', file: 'by-hand' },
  { letter: 'c', title: 'textbook: Nest, Express, axios', file: 'textbook' },
  { letter: 'd', title: 'nginx + lua', file: 'nginx' },
  { letter: 'e', title: 'Tributary, from gateway.yaml', file: 'declarative' },
] as const;

export type Contestant = (typeof CONTESTANTS)[number];
export type Letter = Contestant['letter'];

/** What the others are compared with. */
export const BASELINE: Letter = 'b';

/** CPU time per composite of one server, at most so many times that of another. */
export interface CpuTarget {
  readonly of: Letter;
  readonly against: Letter;
  readonly atMost: number;
}

/** What must be true. */
export const CPU_TARGETS: readonly CpuTarget[] = [
  { of: 'a', against: 'b', atMost: 1.8 },
  { of: 'a', against: 'c', atMost: 0.2 },
  { of: 'e', against: 'a', atMost: 1.15 },
];
