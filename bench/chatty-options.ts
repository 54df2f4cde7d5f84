import { parseArgs } from 'node:util';
import { numberOption } from './number-option.js';

/** How `npm run bench:chatty` runs. */
export interface ChattyOptions {
  /** How often each way fetches the screen at each latency. */
  readonly fetches: number;
  readonly roundTripsMs: readonly number[];
  /** Where the numbers go as JSON. */
  readonly json: string | undefined;
}

export const CHATTY_USAGE = `npm run bench:chatty -- [options]
  --fetches 40         how often each way fetches the screen at each round trip
  --latencies 0,20,80  round trips between client and servers, in ms
  --json FILE          the numbers as JSON`;

/** Reads the command line. @throws Error that says what is wrong with it. */
export function chattyOptions(args: readonly string[]): ChattyOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fetches: { type: 'string', default: '40' },
      latencies: { type: 'string', default: '0,20,80' },
      json: { type: 'string' },
    },
  });
  return {
    fetches: numberOption('fetches', values.fetches, { least: 1, whole: true }),
    roundTripsMs: values.latencies.split(',').map((text) => numberOption('latencies', text, { least: 0 })),
    json: values.json,
  };
}
