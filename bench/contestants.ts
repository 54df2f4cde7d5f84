import { type CpuTarget } from './contest-summary.js';

/** The servers that answer the composite, in the order of their letters. */
export const CONTESTANTS = [
  { letter: 'a', title: 'Tributary', file: 'tributary' },
  { letter: 'b', title: 'by hand: node:http + undici', file: 'by-hand' },
  { letter: 'c', title: 'textbook: Nest, Express, axios', file: 'textbook' },
  { letter: 'd', title: 'nginx + lua', file: 'nginx' },
  { letter: 'e', title: 'Tributary, from gateway.yaml', file: 'declarative' },
] as const;

export type Letter = (typeof CONTESTANTS)[number]['letter'];

/** What the others are compared with. */
export const BASELINE: Letter = 'b';

/** What must be true. */
export const CPU_TARGETS: readonly CpuTarget<Letter>[] = [
  { of: 'a', against: 'b', atMost: 1.8 },
  { of: 'a', against: 'c', atMost: 0.2 },
  { of: 'e', against: 'a', atMost: 1.15 },
];
