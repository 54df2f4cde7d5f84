/** The servers that answer the composite, in the order of their letters. */
export const CONTESTANTS = [
  { letter: 'a', title: 'Tributary', file: 'tributary' },
  { letter: 'b', title: 'by hand: node:http + undici', file: 'by-hand' },
  { letter: 'c', title: 'textbook: Nest, Express, axios', file: 'textbook' },
  { letter: 'd', title: 'nginx + lua', file: 'nginx' },
] as const;

export type Contestant = (typeof CONTESTANTS)[number];
export type Letter = Contestant['letter'];

/** What the others are compared with. */
export const BASELINE: Letter = 'b';

/** What must be true, from the issue: CPU time per composite of (a), at most so many times that of the other. */
export const CPU_TARGETS: readonly { readonly against: Letter; readonly atMost: number }[] = [
  { against: 'b', atMost: 1.8 },
  { against: 'c', atMost: 0.2 },
];
