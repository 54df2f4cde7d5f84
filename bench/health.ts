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
const WARMUP_REQUESTS = 5_000;

/** Something to ask; null asks nothing, for comparison. */
interface Question {
  readonly name: string;
  readonly port: 'api' | 'management' | 'bare';
  readonly path: string | null;
  readonly accept?: string;
  readonly cpuPercent: number[];
  readonly upstreamRequests: number[];
}

function question(name: string, port: Question['port'], path: string | null, accept?: string): Question {
  const asked = accept === undefined ? {} : { accept };
  return { name, port, path, ...asked, cpuPercent: [], upstreamRequests: [] };
}

async function benchmark(crew: Crew, options: HealthOptions): Promise<void> {
  const { rounds, seconds, rate } = options;
  console.log(describeMachine(thisMachine()));
  console.log(`${rounds} rounds of ${seconds} s, ${formatNumber(rate)} health requests a second.\n`);
  const services = crew.hire('the services', { file: join(import.meta.dirname, 'idle-services.js') });
  const [servicePort] = await services.ports();
  const urls = UPSTREAMS.map((name) => [`${name}_URL`, `http://127.0.0.1:${servicePort}`] as const);
  const gateway = crew.hire('the gateway', {
    file: join(import.meta.dirname, 'servers/storefront.js'),
    env: Object.fromEntries(urls),
  });
  const [api, management, own] = await gateway.ports();
  const pools = { api: poolFor(api), management: poolFor(management), bare: poolFor(own) };
  const bare = question("a server of Node's own", 'bare', '/');
  const questions = [
    question('nothing', 'api', null),
    bare,
    question('/health', 'management', '/health'),
    question('/health as health+json', 'management', '/health', 'application/health+json'),
    question('/health/upstreams/orders', 'management', '/health/upstreams/orders'),
    question('/health/ready', 'api', '/health/ready'),
    question('/health/live', 'api', '/health/live'),
  ];
  for (const each of questions) await warmUp(each, pools[each.port]);
  for (let round = 0; round < rounds; round++) {
    for (const each of orderOfRound(questions, round)) {
      // What is reported is to be there: a minute without calls is cheap to report.
      for (let call = 0; call < 20; call++) await get(pools.api, '/customers/c-1/overview');
      await delay(500);
      const before = await usage(gateway, services);
      await ask(each, pools[each.port], options);
      const after = await usage(gateway, services);
      each.cpuPercent.push(((after.cpuMicros - before.cpuMicros) * 100) / (seconds * 1e6));
      each.upstreamRequests.push(after.requests - before.requests);
    }
  }
  await Promise.all(Object.values(pools).map((pool) => pool.close()));
  report(questions, bare, options);
}

function poolFor(port: number | undefined): Pool {
  return new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS });
}

async function usage(gateway: Child, services: Child) {
  const { cpuMicros } = await gateway.ask('usage', null);
  return { cpuMicros, requests: await services.ask('calls', null) };
}

/** A gateway runs for weeks: what its code costs before it is compiled is not asked here. */
async function warmUp({ path, accept }: Question, pool: Pool): Promise<void> {
  let left = path === null ? 0 : WARMUP_REQUESTS;
  const one = async (): Promise<void> => {
    while (path !== null && left-- > 0) await get(pool, path, accept);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
}

/** Asks at a steady rate, whatever the answers take. */
async function ask(
  { path, accept }: Question,
  pool: Pool,
  { seconds, rate }: Pick<HealthOptions, 'seconds' | 'rate'>,
): Promise<void> {
  const startedAt = performance.now();
  const answers: Promise<void>[] = [];
  for (let count = 0; count < rate * seconds; count++) {
    if (path !== null) answers.push(get(pool, path, accept));
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

function report(questions: readonly Question[], bare: Question, { rate, seconds }: HealthOptions): void {
  const beyond = ({ cpuPercent }: Question): number =>
    median(cpuPercent.map((percent, round) => percent - (bare.cpuPercent[round] ?? NaN)));
  const table = formatTable<Question>(
    [
      { heading: 'asked for', align: 'left', cell: ({ name }) => name },
      { heading: 'CPU %', cell: ({ cpuPercent }) => formatNumber(median(cpuPercent), 2) },
      { heading: 'beyond %', cell: (each) => formatNumber(beyond(each), 2) },
      { heading: 'us a request', cell: (each) => formatNumber((beyond(each) * 10_000) / rate, 0) },
      {
        heading: `upstream requests in ${seconds} s`,
        cell: ({ upstreamRequests }) => formatNumber(median(upstreamRequests)),
      },
    ],
    questions,
  );
  console.log(`${table}\n`);
  console.log("CPU of one core. Beyond: what it costs more than the two bytes of a server of Node's own.");
  console.log('Upstream requests are the probes of six upstreams.\n');
  for (const each of questions.filter(({ path, port }) => path !== null && port !== 'bare')) {
    const holds = beyond(each) <= MOST_PERCENT ? 'holds' : 'does NOT hold';
    console.log(`${each.name}: ${formatNumber(beyond(each), 2)} % beyond, at most ${MOST_PERCENT}: ${holds}`);
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
