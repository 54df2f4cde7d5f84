import { parseArgs } from 'node:util';
import { numberOption } from './number-option.js';

/** How `npm run bench:health` runs. */
export interface HealthOptions {
  /** How long each question is asked. */
  readonly seconds: number;
  /** Requests a second. */
  readonly rate: number;
}

export const HEALTH_USAGE = `npm run bench:health -- [options]
  --seconds 15       how long each question is asked
  --rate 200         requests a second`;

/** Reads the command line. @throws Error that says what is wrong with it. */
export function healthOptions(args: readonly string[]): HealthOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '15' },
      rate: { type: 'string', default: '200' },
    },
  });
  return {
    seconds: numberOption('seconds', values.seconds, { least: 1, whole: true }),
    rate: numberOption('rate', values.rate, { least: 1, whole: true }),
  };
}
