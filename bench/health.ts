import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { type Child } from './child.js';
import { type Crew, withCrew } from './crew.js';
import { HEALTH_USAGE, type HealthOptions, healthOptions } from './health-options.js';
import { describeMachine, thisMachine } from './machine.js';
import { orderOfRound } from './rounds.js';
import { median } from './statistics.js';
import { formatNumber, formatTable } from './table.js';

const UPSTREAMS = ['CUSTOMERS', 'ORDERS', 'CATALOG', 'INVENTORY', 'REVIEWS', 'OFFERS'];
const MOST_PERCENT = 2;
const CONNECTIONS = 4;
const BUSY_REQUESTS = 5_000;
const BUSY_ROUNDS = 3;

/** Something to ask. */
interface Question {
  readonly name: string;
  readonly port: 'api' | 'management' | 'bare';
  readonly path: string;
  readonly accept?: string;
}

/** What answers cost, in percent of a core, and what upstreams saw meanwhile, in requests a second. */
interface Cost {
  readonly cpuPercent: number[];
  readonly upstreamRequests: number[];
}

/** A question, and the bare one that was asked by turns with it: whoever else works here burdens both. */
interface Measured {
  readonly question: Question;
  readonly asked: Cost;
  readonly bare: Cost;
  /** CPU time of an answer where one follows the other at once, in us. */
  readonly busyMicros: number[];
}

const BARE: Question = { name: "a server of Node's own", port: 'bare', path: '/' };

const QUESTIONS: readonly Question[] = [
  { name: '/health', port: 'management', path: '/health' },
  { name: '/health as health+json', port: 'management', path: '/health', accept: 'application/health+json' },
  { name: '/health/upstreams/orders', port: 'management', path: '/health/upstreams/orders' },
  { name: '/health/ready', port: 'api', path: '/health/ready' },
  { name: '/health/live', port: 'api', path: '/health/live' },
];

function nothingYet(): Cost {
  return { cpuPercent: [], upstreamRequests: [] };
}

async function benchmark(crew: Crew, options: HealthOptions): Promise<void> {
  const { seconds, rate } = options;
  console.log(describeMachine(thisMachine()));
  console.log(`${formatNumber(rate)} health requests a second, ${seconds} s each, by turns with as many to`);
  console.log("a server of Node's own in the same process, which answers two bytes.\n");
  const services = crew.hire('the services', { file: join(import.meta.dirname, 'idle-services.js') });
  const [servicePort] = await services.ports();
  const urls = UPSTREAMS.map((name) => [`${name}_URL`, `http://127.0.0.1:${servicePort}`] as const);
  const gateway = crew.hire('the gateway', {
    file: join(import.meta.dirname, 'servers/storefront.js'),
    env: Object.fromEntries(urls),
  });
  const [api, management, own] = await gateway.ports();
  const pools = { api: poolFor(api), management: poolFor(management), bare: poolFor(own) };
  const all = QUESTIONS.map((question): Measured => {
    return { question, asked: nothingYet(), bare: nothingYet(), busyMicros: [] };
  });
  // A gateway runs for weeks: what its code costs before it is compiled is not asked here.
  for (const question of [BARE, ...QUESTIONS]) await askAtOnce(question, pools[question.port]);
  for (let round = 0; round < BUSY_ROUNDS; round++) {
    for (const { question, busyMicros } of orderOfRound(all, round)) {
      const before = await usage(gateway, services);
      await askAtOnce(question, pools[question.port]);
      const after = await usage(gateway, services);
      busyMicros.push((after.cpuMicros - before.cpuMicros) / BUSY_REQUESTS);
    }
  }
  const askFor = async (question: Question, cost: Cost): Promise<void> => {
    const before = await usage(gateway, services);
    await ask(question, pools[question.port], rate);
    const after = await usage(gateway, services);
    cost.cpuPercent.push((after.cpuMicros - before.cpuMicros) / 10_000);
    cost.upstreamRequests.push(after.requests - before.requests);
  };
  for (let second = 0; second < seconds; second++) {
    for (const { question, asked, bare } of orderOfRound(all, second)) {
      // What is reported is to be there: a minute without calls is cheap to report.
      for (let call = 0; call < 5; call++) await get(pools.api, '/customers/c-1/overview');
      await delay(100);
      await askFor(BARE, bare);
      await askFor(question, asked);
    }
  }
  await Promise.all(Object.values(pools).map((pool) => pool.close()));
  report(all, options);
}

function poolFor(port: number | undefined): Pool {
  return new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS });
}

async function usage(
  gateway: Child,
  services: Child,
): Promise<{ readonly cpuMicros: number; readonly requests: number }> {
  const { cpuMicros } = await gateway.ask('usage', null);
  return { cpuMicros, requests: await services.ask('calls', null) };
}

/** Asks as fast as it is answered. */
async function askAtOnce({ path, accept }: Question, pool: Pool): Promise<void> {
  let left = BUSY_REQUESTS;
  const one = async (): Promise<void> => {
    while (left-- > 0) await get(pool, path, accept);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
}

/** Asks for a second at a steady rate, whatever the answers take. */
async function ask({ path, accept }: Question, pool: Pool, rate: number): Promise<void> {
  const startedAt = performance.now();
  const answers: Promise<void>[] = [];
  for (let count = 0; count < rate; count++) {
    answers.push(get(pool, path, accept));
    const dueInMs = startedAt + ((count + 1) * 1_000) / rate - performance.now();
    if (dueInMs > 0) await delay(dueInMs);
  }
  await Promise.all(answers);
}

async function get(pool: Pool, path: string, accept?: string): Promise<void> {
  const { body } = await pool.request({
    method: 'GET',
    path,
    headers: accept === undefined ? {} : { accept },
  });
  await body.dump();
}

function report(all: readonly Measured[], { rate, seconds }: HealthOptions): void {
  const beyond = ({ asked, bare }: Measured): number =>
    median(asked.cpuPercent.map((percent, second) => percent - (bare.cpuPercent[second] ?? NaN)));
  const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0);
  const table = formatTable<Measured>(
    [
      { heading: 'asked for', align: 'left', cell: ({ question }) => question.name },
      { heading: 'busy us', cell: ({ busyMicros }) => formatNumber(median(busyMicros)) },
      { heading: 'paced CPU %', cell: ({ asked }) => formatNumber(median(asked.cpuPercent), 2) },
      { heading: 'bare CPU %', cell: ({ bare }) => formatNumber(median(bare.cpuPercent), 2) },
      { heading: 'beyond %', cell: (each) => formatNumber(beyond(each), 2) },
      { heading: 'upstream requests', cell: ({ asked }) => formatNumber(sum(asked.upstreamRequests)) },
      { heading: 'while bare', cell: ({ bare }) => formatNumber(sum(bare.upstreamRequests)) },
    ],
    all,
  );
  console.log(`${table}\n`);
  console.log(
    'Busy: CPU time of an answer, one after another. Paced: percent of one core at the steady rate, waking',
  );
  console.log(`up for each; medians of ${seconds} pairs of seconds. Upstream requests are probes.\n`);
  for (const { question, busyMicros } of all) {
    const percent = (median(busyMicros) * rate) / 10_000;
    const holds = percent <= MOST_PERCENT ? 'holds' : 'does NOT hold';
    console.log(`${question.name}: ${formatNumber(percent, 2)} % (busy), at most ${MOST_PERCENT}: ${holds}`);
  }
}

let options: HealthOptions;
try {
  options = healthOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HEALTH_USAGE}`);
  process.exit(1);
}
await withCrew((crew) => benchmark(crew, options));
