import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child } from './child.js';
import { type CompositeOptions, COMPOSITE_USAGE, compositeOptions } from './composite-options.js';
import {
  describeVerdict,
  type RoundsByServer,
  summarise,
  summaryTable,
  verdicts,
} from './composite-summary.js';
import { BASELINE, type Contestant, CONTESTANTS, type Letter } from './contestants.js';
import { type Crew, withCrew } from './crew.js';
import { type LoadOrder, type LoadResult } from './load-order.js';
import { describeMachine, thisMachine } from './machine.js';
import { environmentFor, OVERVIEW, PART_SERVICES, type PartUrls } from './overview.js';
import { measured, type Measurement, orderOfRound, type Reading } from './rounds.js';

/** One server, started and warm. */
interface Runner {
  readonly contestant: Contestant;
  readonly server: Child;
  readonly origin: string;
  /** Requests that take it about as long as a round is to last. */
  readonly requestsPerRound: number;
}

/** What all servers are measured with. */
interface Harness {
  readonly upstreams: Child;
  readonly load: Child;
  readonly options: CompositeOptions;
}

/** The uncounted beginning of each round, as a share of the counted rest. */
const LEAD_IN = 0.3;

async function benchmark(crew: Crew, options: CompositeOptions): Promise<void> {
  const machine = thisMachine();
  console.log(describeMachine(machine));
  console.log(describeRun(options));

  const upstreams = crew.hire('the upstreams', { file: here('stub.js'), args: [String(options.latencyMs)] });
  const load = crew.hire('the load generator', { file: here('load.js') });
  const urls = urlsOf(await upstreams.ports());
  await load.ports();
  const harness = { upstreams, load, options };

  const runners: Runner[] = [];
  for (const contestant of CONTESTANTS.filter(({ letter }) => options.only.includes(letter))) {
    const runner = await warmedUp(crew, contestant, urls, harness);
    if (runner) runners.push(runner);
  }
  const rounds = await runRounds(runners, harness);

  const summaries = runners.map(({ contestant }) => summarise(contestant, rounds));
  const targets = verdicts(rounds);
  console.log(`\n${summaryTable(summaries)}\n`);
  console.log(`Medians over the rounds; ratios taken round by round against (${BASELINE}).`);
  console.log('core: CPU time over time passed, about 100 % where the server was the bottleneck.');
  for (const verdict of targets) console.log(describeVerdict(verdict));

  if (options.json === undefined) return;
  const results = { machine, options, summaries, verdicts: targets, rounds: Object.fromEntries(rounds) };
  writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
}

function describeRun({ rounds, seconds, connections, latencyMs, profile }: CompositeOptions): string {
  const run =
    `${rounds} rounds of about ${seconds} s a server, ${connections} connections in a closed loop, ` +
    `three upstreams that answer ${latencyMs > 0 ? `after ${latencyMs} ms` : 'at once'}, all on 127.0.0.1.`;
  return profile === undefined ? run : `${run}\nProfiling: these numbers are not to be quoted.`;
}

/** Starts a server, checks its answer, and lets its code get hot. Undefined where it cannot be had here. */
async function warmedUp(
  crew: Crew,
  contestant: Contestant,
  urls: PartUrls,
  harness: Harness,
): Promise<Runner | undefined> {
  const { letter, title, file } = contestant;
  const { options } = harness;
  const { profile } = options;
  const server = crew.hire(title, {
    file: here(`servers/${file}.js`),
    env: environmentFor(urls),
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

async function runRounds(runners: readonly Runner[], harness: Harness): Promise<RoundsByServer> {
  const rounds = new Map<Letter, Measurement[]>(runners.map(({ contestant }) => [contestant.letter, []]));
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
async function measureRound(runner: Runner, harness: Harness): Promise<Measurement> {
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

let options: CompositeOptions;
try {
  options = compositeOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${COMPOSITE_USAGE}`);
  process.exit(1);
}
await withCrew((crew) => benchmark(crew, options));
