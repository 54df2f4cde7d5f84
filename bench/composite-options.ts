import { parseArgs } from 'node:util';
import { type ContestOptions } from './contest.js';
import { CONTESTANTS, type Letter } from './contestants.js';
import { numberOption } from './number-option.js';

/** How `npm run bench` runs. */
export interface CompositeOptions extends ContestOptions {
  readonly only: readonly Letter[];
  /** Where the numbers go as JSON. */
  readonly json: string | undefined;
}

export const COMPOSITE_USAGE = `npm run bench -- [options]
  --rounds 6         rounds over all servers, each the other way round
  --seconds 3        about how long each server is under load in a round
  --warmup 10000     composites each server answers first, uncounted
  --connections 32   closed loop: so many requests are always under way
  --latency 0        ms the upstreams take to answer
  --only a,b         servers to run: ${CONTESTANTS.map(({ letter, title }) => `${letter} (${title})`).join(', ')}
  --json FILE        the numbers, round by round, as JSON
  --profile FOLDER   a .cpuprofile of each Node server; costs CPU time, so the numbers are not to be quoted`;

/** Reads the command line. @throws Error that says what is wrong with it. */
export function compositeOptions(args: readonly string[]): CompositeOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '6' },
      seconds: { type: 'string', default: '3' },
      warmup: { type: 'string', default: '10000' },
      connections: { type: 'string', default: '32' },
      latency: { type: 'string', default: '0' },
      only: { type: 'string', default: CONTESTANTS.map(({ letter }) => letter).join(',') },
      json: { type: 'string' },
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
    json: values.json,
    profile: values.profile,
  };
}

function letters(list: string): Letter[] {
  const wanted = list.split(',');
  const unknown = wanted.find((letter) => !CONTESTANTS.some((contestant) => contestant.letter === letter));
  if (unknown !== undefined)
    throw new Error(`--only: there is no server "${unknown}"; there are a, b, c and d`);
  return CONTESTANTS.map(({ letter }) => letter).filter((letter) => wanted.includes(letter));
}
