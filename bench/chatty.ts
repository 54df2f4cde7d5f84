import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CHATTY_USAGE, type ChattyOptions, chattyOptions } from './chatty-options.js';
import { type Fetch, summariseWay, type WaySummary, waysTable } from './chatty-summary.js';
import { type Child } from './child.js';
import { type Crew, withCrew } from './crew.js';
import { freePort } from './free-port.js';
import { describeMachine, thisMachine } from './machine.js';
import { orderOfRound } from './rounds.js';
import { type Screen, type Way, WAYS } from './screen.js';
import { ScreenClient, type Source, type SourcePorts, SOURCES } from './screen-client.js';
import { untilAnswering } from './until-answering.js';

/** The demo's services, all of them: the gateway wants to know where each is. */
const SERVICES = ['customers', 'orders', 'catalog', 'inventory', 'reviews', 'offers'] as const;

/** Fetches that are not counted: they open the connections and warm the code. */
const WARMUP_FETCHES = 10;

async function benchmark(crew: Crew, options: ChattyOptions): Promise<void> {
  const machine = thisMachine();
  console.log(describeMachine(machine));
  const ports = await startServers(crew);
  const summaries: WaySummary[] = [];
  for (const roundTripMs of options.roundTripsMs) {
    summaries.push(...(await fetchedOver(crew, ports, roundTripMs, options.fetches)));
  }
  console.log(`\n${waysTable(summaries)}\n`);
  console.log(
    `${options.fetches} fetches each, in turns, over connections that are kept; bytes as they crossed the wire.`,
  );
  console.log(
    'Services and gateway stand side by side and answer at once; the delay is between them and the client.',
  );
  if (options.json === undefined) return;
  writeFileSync(options.json, `${JSON.stringify({ machine, options, summaries }, null, 2)}\n`);
}

async function startServers(crew: Crew): Promise<SourcePorts> {
  const file = join(import.meta.dirname, '../examples/serve.js');
  const started = SERVICES.map((name) => ({
    name,
    child: crew.hire(name, { file, args: [name], env: { PORT: '0' } }),
  }));
  const services = await Promise.all(
    started.map(async ({ name, child }) => [name, (await child.ports())[0] ?? NaN] as const),
  );
  const [port, managementPort] = [await freePort(), await freePort()];
  const urls = services.map(([name, port]) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}`]);
  const gateway = crew.hire('the gateway', {
    file: join(import.meta.dirname, '../src/main.js'),
    env: {
      ...(Object.fromEntries(urls) as Record<string, string>),
      PORT: String(port),
      MANAGEMENT_PORT: String(managementPort),
    },
  });
  await untilAnswering(`http://127.0.0.1:${port}/health/live`, gateway.ended);
  return portsOf((source) => (source === 'gateway' ? port : Object.fromEntries(services)[source]));
}

/** Fetches the screen in every way, over a line with this round trip. */
async function fetchedOver(
  crew: Crew,
  servers: SourcePorts,
  roundTripMs: number,
  fetches: number,
): Promise<WaySummary[]> {
  const targets = SOURCES.map((source) => String(servers[source]));
  const line = crew.hire(`the line of ${roundTripMs} ms`, {
    file: join(import.meta.dirname, 'delay-line.js'),
    args: [String(roundTripMs / 2), ...targets],
  });
  const entrances = await line.ports();
  const client = new ScreenClient(portsOf((source) => entrances[SOURCES.indexOf(source)]));

  const done = new Map<Way, Fetch[]>(WAYS.map((way) => [way, []]));
  const screens = new Set<Screen>();
  for (let round = -WARMUP_FETCHES; round < fetches; round += 1) {
    for (const way of orderOfRound(WAYS, Math.abs(round))) {
      const { screen, fetch } = await fetched(way, client, line);
      if (round < 0) screens.add(screen);
      else done.get(way)?.push(fetch);
    }
  }
  client.close();
  checkSame([...screens]);
  return WAYS.map((way) => summariseWay(roundTripMs, way.name, done.get(way) ?? []));
}

async function fetched(
  way: Way,
  client: ScreenClient,
  line: Child,
): Promise<{ screen: Screen; fetch: Fetch }> {
  const before = await line.ask('traffic', null);
  const asked = client.requests;
  const startedAt = performance.now();
  const screen = await way.fetch(client);
  const durationMs = performance.now() - startedAt;
  const after = await line.ask('traffic', null);
  return {
    screen,
    fetch: {
      durationMs,
      requests: client.requests - asked,
      bytesToClient: after.toClient - before.toClient,
      bytesToServer: after.toServer - before.toServer,
    },
  };
}

/** A way that shows less would be no comparison. */
function checkSame([first, ...others]: readonly Screen[]): void {
  if (others.every((other) => isDeepStrictEqual(other, first))) return;
  throw new Error('the ways do not lead to the same screen');
}

function portsOf(port: (source: Source) => number | undefined): SourcePorts {
  return Object.fromEntries(SOURCES.map((source) => [source, port(source) ?? NaN])) as SourcePorts;
}

let options: ChattyOptions;
try {
  options = chattyOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${CHATTY_USAGE}`);
  process.exit(1);
}
await withCrew((crew) => benchmark(crew, options));
