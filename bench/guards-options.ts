import { parseArgs } from 'node:util';
import { numberOption } from './number-option.js';

/** How `npm run bench:guards` runs. */
export interface GuardsOptions {
  readonly rounds: number;
  /** Calls of each contestant in a round. */
  readonly calls: number;
}

export const GUARDS_USAGE = `npm run bench:guards -- [options]
  --rounds 10        rounds over all contestants, each the other way round
  --calls 200000     calls of each contestant in a round`;

/** Reads the command line. @throws Error that says what is wrong with it. */
export function guardsOptions(args: readonly string[]): GuardsOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '10' },
      calls: { type: 'string', default: '200000' },
    },
  });
  return {
    rounds: numberOption('rounds', values.rounds, { least: 1, whole: true }),
    calls: numberOption('calls', values.calls, { least: 1_000, whole: true }),
  };
}
