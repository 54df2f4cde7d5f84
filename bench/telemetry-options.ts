import { parseArgs } from 'node:util';
import { type ContestOptions } from './contest.js';
import { numberOption } from './number-option.js';
import { TELEMETRY_LETTERS, type TelemetryLetter } from './telemetry-contestants.js';

/** How `npm run bench:telemetry` runs. */
export interface TelemetryOptions extends ContestOptions {
  readonly only: readonly TelemetryLetter[];
}

export const TELEMETRY_USAGE = `npm run bench:telemetry -- [options]
  --rounds 10        rounds over all configurations, each the other way round
  --seconds 3        about how long each is under load in a round
  --warmup 10000     composites each answers first, uncounted
  --connections 32   closed loop: so many requests are always under way
  --latency 0        ms the upstreams take to answer
  --only off,t1      configurations to run, of ${TELEMETRY_LETTERS.join(', ')}
  --profile FOLDER   a .cpuprofile of each; costs CPU time, so the numbers are not to be quoted`;

/** Reads the command line. @throws Error that says what is wrong with it. */
export function telemetryOptions(args: readonly string[]): TelemetryOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '3' },
      warmup: { type: 'string', default: '10000' },
      connections: { type: 'string', default: '32' },
      latency: { type: 'string', default: '0' },
      only: { type: 'string', default: TELEMETRY_LETTERS.join(',') },
      profile: { type: 'string' },
    },
  });
  return {
    rounds: numberOption('rounds', values.rounds, { least: 1, whole: true }),
    seconds: numberOption('seconds', values.seconds, { least: 0.5 }),
    warmupRequests: numberOption('warmup', values.warmup, { least: 1, whole: true }),
    connections: numberOption('connections', values.connections, { least: 1, whole: true }),
    latencyMs: numberOption('latency', values.latency, { least: 0 }),
    only: letters(values.only),
    profile: values.profile,
  };
}

function letters(list: string): TelemetryLetter[] {
  const wanted = list.split(',');
  const known: readonly string[] = TELEMETRY_LETTERS;
  const unknown = wanted.find((letter) => !known.includes(letter));
  if (unknown !== undefined)
    throw new Error(`--only: there is no "${unknown}"; there are ${known.join(', ')}`);
  return TELEMETRY_LETTERS.filter((letter) => wanted.includes(letter));
}
