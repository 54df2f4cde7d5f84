import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CircuitBreaker } from '../src/resilience/circuit-breaker.js';
import { systemClock } from '../src/resilience/clock.js';
import { systemRandom } from '../src/resilience/random.js';
import { resolvePolicy } from '../src/upstream/config/policy.js';
import { ATTEMPT_TIMEOUT_MS, type ContestantName, CONTESTANTS } from './guarded-calls.js';
import { GUARDS_USAGE, type GuardsOptions, guardsOptions } from './guards-options.js';
import { describeMachine, thisMachine } from './machine.js';
import { orderOfRound } from './rounds.js';
import { median, medianRatio } from './statistics.js';
import { formatNumber, formatTable } from './table.js';

type Costs = ReadonlyMap<ContestantName, number[]>;

const NAMES = Object.keys(CONTESTANTS) as ContestantName[];

async function benchmark({ rounds, calls }: GuardsOptions): Promise<void> {
  console.log(describeMachine(thisMachine()));
  console.log(`${rounds} rounds of ${formatNumber(calls)} calls a contestant, one after another.\n`);
  // In a gateway other calls are under way: Node keeps timers of one duration in a list, and making the list anew for
  // each call would be a cost of this benchmark alone.
  const others = setInterval(ignore, ATTEMPT_TIMEOUT_MS);
  const costs = new Map<ContestantName, number[]>(NAMES.map((name) => [name, []]));
  for (const name of NAMES) await cpuMicros(name, calls);
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOfRound(NAMES, round)) costs.get(name)?.push(await cpuMicros(name, calls));
  }
  clearInterval(others);
  console.log(tableOf(costs));
  console.log('\nMedians over the rounds; ratios taken round by round.\n');
  for (const target of targets(costs)) console.log(target);
}

function ignore(): void {
  // It is there to be in the list.
}

/** CPU time a call, in us. */
async function cpuMicros(name: ContestantName, calls: number): Promise<number> {
  collectGarbage();
  const before = process.cpuUsage();
  await CONTESTANTS[name].run(calls);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

function tableOf(costs: Costs): string {
  return formatTable<ContestantName>(
    [
      { heading: 'contestant', align: 'left', cell: (name) => CONTESTANTS[name].title },
      { heading: 'CPU us', cell: (name) => formatNumber(median(of(costs, name)), 2) },
    ],
    NAMES,
  );
}

function targets(costs: Costs): string[] {
  const success = median(of(costs, 'success'));
  const toCockatiel = medianRatio(
    added(costs, 'success', 'bareObservable'),
    added(costs, 'cockatiel', 'barePromise'),
  );
  const failing = medianRatio(of(costs, 'failure'), of(costs, 'success'));
  const failingFull = medianRatio(of(costs, 'failureFullWindow'), of(costs, 'success'));
  const bytes = bytesOfIdleBreaker();
  return [
    verdict('four guards, a success, CPU us', success, 3),
    verdict("what four guards add to a call, to what cockatiel's add", toCockatiel, 0.1),
    verdict('a failure to a success', failing, 2),
    verdict('a failure to a success, with a full window', failingFull, 2),
    verdict('an idle breaker, bytes', bytes, 1024),
  ];
}

/** What the guards cost beyond the bare call, round by round. */
function added(costs: Costs, guarded: ContestantName, bare: ContestantName): number[] {
  const baseline = of(costs, bare);
  return of(costs, guarded).map((cost, round) => cost - (baseline[round] ?? NaN));
}

function verdict(what: string, measured: number, atMost: number): string {
  return `${what}: ${formatNumber(measured, 2)}, at most ${atMost}: ${measured <= atMost ? 'holds' : 'does NOT hold'}`;
}

const BREAKERS = 10_000;

/** What one breaker adds to the heap, counters included. */
function bytesOfIdleBreaker(): number {
  const { circuitBreaker } = resolvePolicy();
  const breakers: CircuitBreaker[] = [];
  const before = usedBytes();
  for (let count = 0; count < BREAKERS; count++) {
    breakers.push(new CircuitBreaker(circuitBreaker, systemClock, systemRandom));
  }
  const bytes = (usedBytes() - before) / BREAKERS;
  if (breakers.length !== BREAKERS) throw new Error('the breakers were collected before they were measured');
  return bytes;
}

function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function of(costs: Costs, name: ContestantName): readonly number[] {
  return costs.get(name) ?? [];
}

try {
  await benchmark(guardsOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(`\n${GUARDS_USAGE}`);
  process.exitCode = 1;
}
