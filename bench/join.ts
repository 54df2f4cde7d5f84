import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Child } from './child.js';
import { type Crew, withCrew } from './crew.js';
import { JOIN_USAGE, type JoinOptions, joinOptions } from './join-options.js';
import { type JoinWay, joinWays } from './join-ways.js';
import { describeMachine, thisMachine } from './machine.js';
import { orderOfRound } from './rounds.js';
import { median } from './statistics.js';
import { formatNumber, formatTable } from './table.js';

/** Rounds that are not counted: they open the connections and warm the code. */
const WARMUP_ROUNDS = 3;
/** How far the median may be from the ideal, in ms. */
const TOLERANCE_MS = 5;

type Writer = 'composite' | 'byHand';

/** What one way took, round by round. */
interface Measured {
  readonly way: JoinWay;
  readonly writer: Writer;
  readonly durationsMs: number[];
}

async function benchmark(crew: Crew, options: JoinOptions): Promise<void> {
  console.log(describeMachine(thisMachine()));
  const { rounds, lines, latencyMs } = options;
  console.log(`${rounds} rounds, ${lines} order lines, an upstream of ${latencyMs} ms in another process.\n`);
  const stub = crew.hire('the catalog', {
    file: join(import.meta.dirname, 'products-stub.js'),
    args: [String(latencyMs)],
  });
  const [port] = await stub.ports();
  const { ways, ...connections } = joinWays(`http://127.0.0.1:${port}`);
  const skus = Array.from({ length: lines }, (_, index) => `p-${index}`);
  const all = ways.flatMap((way) =>
    (['composite', 'byHand'] as const).map((writer): Measured => ({ way, writer, durationsMs: [] })),
  );
  const alone: number[] = [];
  for (let round = -WARMUP_ROUNDS; round < rounds; round++) {
    const counts = round >= 0;
    for (const measured of orderOfRound(all, Math.abs(round))) await measure(measured, skus, stub, counts);
    const single = await timed(() => (ways[1] ?? fail()).byHand(skus.slice(0, 1)));
    if (counts) alone.push(single);
  }
  await connections.close();
  report(all, options, median(alone));
}

async function measure(
  { way, writer, durationsMs }: Measured,
  skus: readonly string[],
  stub: Child,
  counts: boolean,
): Promise<void> {
  const before = await stub.ask('calls', null);
  let products: object = {};
  const durationMs = await timed(async () => {
    products = await way[writer](skus);
  });
  const calls = (await stub.ask('calls', null)) - before;
  const expected = way.concurrency === undefined ? 1 : skus.length;
  if (calls !== expected) throw new Error(`${way.name}: ${calls} upstream calls instead of ${expected}`);
  if (!isDeepStrictEqual(Object.keys(products).sort(), [...skus].sort())) {
    throw new Error(`${way.name}: the products are not those of the lines`);
  }
  if (counts) durationsMs.push(durationMs);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function report(all: readonly Measured[], { lines }: JoinOptions, aloneMs: number): void {
  const idealMs = ({ way: { concurrency } }: Measured): number =>
    Math.ceil(lines / (concurrency ?? lines)) * aloneMs;
  const p50 = ({ durationsMs }: Measured): number => median(durationsMs);
  const table = formatTable<Measured>(
    [
      { heading: 'join', align: 'left', cell: ({ way }) => way.name },
      { heading: 'by', align: 'left', cell: ({ writer }) => (writer === 'byHand' ? 'hand' : 'composite') },
      { heading: 'calls', cell: ({ way }) => String(way.concurrency === undefined ? 1 : lines) },
      { heading: 'p50 ms', cell: (measured) => formatNumber(p50(measured), 1) },
      { heading: 'ideal ms', cell: (measured) => formatNumber(idealMs(measured), 1) },
    ],
    all,
  );
  console.log(table);
  console.log(
    `\nIdeal: waves of calls, each as long as one call alone takes: ${formatNumber(aloneMs, 1)} ms.\n`,
  );
  for (const measured of all.filter(({ writer }) => writer === 'composite')) {
    const beyond = p50(measured) - idealMs(measured);
    const holds = Math.abs(beyond) <= TOLERANCE_MS ? 'holds' : 'does NOT hold';
    console.log(
      `${measured.way.name}: ${formatNumber(beyond, 1)} ms beyond the ideal, at most ${TOLERANCE_MS}: ${holds}`,
    );
  }
}

function fail(): never {
  throw new Error('there is no way to measure');
}

let options: JoinOptions;
try {
  options = joinOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${JOIN_USAGE}`);
  process.exit(1);
}
await withCrew((crew) => benchmark(crew, options));
