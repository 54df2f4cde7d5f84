import { join } from 'node:path';
import { type Child } from './child.js';
import { type RoundsByServer } from './contest-summary.js';
import { type Crew } from './crew.js';
import { type LoadOrder, type LoadResult } from './load-order.js';
import { environmentFor, OVERVIEW, PART_SERVICES, type PartUrls } from './overview.js';
import { measured, type Measurement, orderOfRound, type Reading } from './rounds.js';

/** A server that answers the composite. */
export interface Contestant<L extends string = string> {
  readonly letter: L;
  readonly title: string;
  /** In `servers/`, without its ending. */
  readonly file: string;
  /** Added to the environment of its process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How the servers are measured. */
export interface ContestOptions {
  readonly rounds: number;
  /** About how long each server is under load in a round. */
  readonly seconds: number;
  /** Composites each server answers first, uncounted. Fewer than 10,000 leave some of the code uncompiled. */
  readonly warmupRequests: number;
  readonly connections: number;
  /** How long the upstreams take to answer. */
  readonly latencyMs: number;
  /** A folder for a CPU profile of each server. */
  readonly profile: string | undefined;
}

/** One server, started and warm. */
interface Runner<L extends string> {
  readonly contestant: Contestant<L>;
  readonly server: Child;
  readonly origin: string;
  /** Requests that take it about as long as a round is to last. */
  readonly requestsPerRound: number;
}

/** What all servers are measured with. */
interface Harness {
  readonly upstreams: Child;
  readonly load: Child;
  readonly options: ContestOptions;
}

/** The uncounted beginning of each round, as a share of the counted rest. */
const LEAD_IN = 0.3;

/**
 * Measures servers that answer the same composite, each the other way round in the next round.
 *
 * @returns the rounds of each that could be had, in the order of the contestants.
 */
export async function contest<L extends string>(
  crew: Crew,
  contestants: readonly Contestant<L>[],
  options: ContestOptions,
): Promise<RoundsByServer<L>> {
  console.log(describeRun(options));
  const upstreams = crew.hire('the upstreams', { file: here('stub.js'), args: [String(options.latencyMs)] });
  const load = crew.hire('the load generator', { file: here('load.js') });
  const urls = urlsOf(await upstreams.ports());
  await load.ports();
  const harness = { upstreams, load, options };

  const runners: Runner<L>[] = [];
  for (const contestant of contestants) {
    const runner = await warmedUp(crew, contestant, urls, harness);
    if (runner) runners.push(runner);
  }
  return runRounds(runners, harness);
}

function describeRun({ rounds, seconds, connections, latencyMs, profile }: ContestOptions): string {
  const run =
    `${rounds} rounds of about ${seconds} s a server, ${connections} connections in a closed loop, ` +
    `three upstreams that answer ${latencyMs > 0 ? `after ${latencyMs} ms` : 'at once'}, all on 127.0.0.1.`;
  return profile === undefined ? run : `${run}\nProfiling: these numbers are not to be quoted.`;
}

/** Starts a server, checks its answer, and lets its code get hot. Undefined where it cannot be had here. */
async function warmedUp<L extends string>(
  crew: Crew,
  contestant: Contestant<L>,
  urls: PartUrls,
  harness: Harness,
): Promise<Runner<L> | undefined> {
  const { letter, title, file, env = {} } = contestant;
  const { options } = harness;
  const { profile } = options;
  const server = crew.hire(title, {
    file: here(`servers/${file}.js`),
    env: { ...environmentFor(urls), ...env },
    nodeOptions: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
  });
  const state = await server.ready();
  if ('unavailable' in state) {
    console.log(`(${letter}) ${title}: skipped, ${state.unavailable}`);
    return undefined;
  }
  const origin = `http://127.0.0.1:${String(state.ports[0])}`;
  await checkAnswer(contestant, origin);
  const requestsPerSecond = await warmUp(contestant, origin, harness);
  return { contestant, server, origin, requestsPerRound: requestsPerSecond * options.seconds };
}

async function checkAnswer({ letter, title }: Contestant, origin: string): Promise<void> {
  const response = await fetch(`${origin}/customers/c-42/overview`);
  const body = await response.text();
  if (response.status !== 200 || body !== OVERVIEW) {
    throw new Error(
      `(${letter}) ${title} answered ${response.status} and another body: ${body.slice(0, 500)}`,
    );
  }
}

/**
 * Loads of about a second each, until it has answered as many composites as it takes to get hot. Answers how many
 * requests a second it came to in the end.
 */
async function warmUp(contestant: Contestant, origin: string, harness: Harness): Promise<number> {
  const { warmupRequests } = harness.options;
  let requestsPerSecond = 100;
  let answered = 0;
  while (answered < warmupRequests) {
    const { requests, seconds } = await runLoad(
      contestant,
      orderFor(origin, requestsPerSecond, harness),
      harness,
    );
    requestsPerSecond = requests / seconds;
    answered += requests;
  }
  return requestsPerSecond;
}

async function runRounds<L extends string>(
  runners: readonly Runner<L>[],
  harness: Harness,
): Promise<RoundsByServer<L>> {
  const rounds = new Map<L, Measurement[]>(runners.map(({ contestant }) => [contestant.letter, []]));
  for (let round = 0; round < harness.options.rounds; round += 1) {
    const cpu: string[] = [];
    for (const runner of orderOfRound(runners, round)) {
      const measurement = await measureRound(runner, harness);
      const { letter } = runner.contestant;
      rounds.get(letter)?.push(measurement);
      cpu.push(`${letter} ${measurement.cpuMicrosPerComposite.toFixed(1)}`);
    }
    console.log(`round ${round + 1}, CPU us per composite: ${cpu.join(', ')}`);
  }
  return rounds;
}

/**
 * A round of one server begins with a load that is not counted: while the others had their turn, V8 tidied up, and
 * took compiled code with it.
 */
async function measureRound(runner: Runner<string>, harness: Harness): Promise<Measurement> {
  const { contestant, server, origin, requestsPerRound } = runner;
  await runLoad(contestant, orderFor(origin, requestsPerRound * LEAD_IN, harness), harness);
  const before = await readingOf(server, harness.upstreams);
  const order = orderFor(origin, requestsPerRound, harness);
  const result = await runLoad(contestant, order, harness);
  return measured(before, result, await readingOf(server, harness.upstreams));
}

async function readingOf(server: Child, upstreams: Child): Promise<Reading> {
  return { usage: await server.ask('usage', null), upstreamCalls: await upstreams.ask('calls', null) };
}

async function runLoad(
  { letter, title }: Contestant,
  order: LoadOrder,
  { load }: Harness,
): Promise<LoadResult> {
  const result = await load.ask('load', order);
  const { non2xx, wrongBodies, errors } = result;
  if (non2xx + wrongBodies + errors === 0) return result;
  throw new Error(
    `(${letter}) ${title}: of ${result.requests} answers ${non2xx} had a bad status and ${wrongBodies} ` +
      `another body; ${errors} requests got none`,
  );
}

function orderFor(origin: string, requests: number, { options }: Harness): LoadOrder {
  const { connections } = options;
  // Each connection has at least one request to make.
  return { origin, connections, requests: Math.max(connections, Math.round(requests)), body: OVERVIEW };
}

function urlsOf(ports: readonly number[]): PartUrls {
  const urls = PART_SERVICES.map((service, place) => [service, `http://127.0.0.1:${String(ports[place])}`]);
  return Object.fromEntries(urls) as PartUrls;
}

function here(file: string): string {
  return join(import.meta.dirname, file);
}
