import { parseArgs } from 'node:util';
import { numberOption } from './number-option.js';

/** How `npm run bench:join` runs. */
export interface JoinOptions {
  readonly rounds: number;
  /** Order lines, each of another product. */
  readonly lines: number;
  /** Time the upstream takes. */
  readonly latencyMs: number;
}

export const JOIN_USAGE = `npm run bench:join -- [options]
  --rounds 12        rounds over all ways, each the other way round
  --lines 50         order lines to join
  --latency 20       ms the upstream takes for an answer`;

/** Reads the command line. @throws Error that says what is wrong with it. */
export function joinOptions(args: readonly string[]): JoinOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '12' },
      lines: { type: 'string', default: '50' },
      latency: { type: 'string', default: '20' },
    },
  });
  return {
    rounds: numberOption('rounds', values.rounds, { least: 1, whole: true }),
    lines: numberOption('lines', values.lines, { least: 1, whole: true }),
    latencyMs: numberOption('latency', values.latency, { least: 0 }),
  };
}
