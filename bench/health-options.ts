import { parseArgs } from 'node:util';
import { numberOption } from './number-option.js';

/** How `npm run bench:health` runs. */
export interface HealthOptions {
  readonly rounds: number;
  /** How long each question is asked in a round. */
  readonly seconds: number;
  /** Requests a second. */
  readonly rate: number;
}

export const HEALTH_USAGE = `npm run bench:health -- [options]
  --rounds 3         rounds over all questions, each the other way round
  --seconds 10       how long each is asked in a round
  --rate 200         requests a second`;

/** Reads the command line. @throws Error that says what is wrong with it. */
export function healthOptions(args: readonly string[]): HealthOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '10' },
      rate: { type: 'string', default: '200' },
    },
  });
  return {
    rounds: numberOption('rounds', values.rounds, { least: 1, whole: true }),
    seconds: numberOption('seconds', values.seconds, { least: 1 }),
    rate: numberOption('rate', values.rate, { least: 1 }),
  };
}
