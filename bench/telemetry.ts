import { join } from 'node:path';
import { contest } from './contest.js';
import { describeVerdict, summarise, summaryTable, verdicts } from './contest-summary.js';
import { type Crew, withCrew } from './crew.js';
import { describeMachine, thisMachine } from './machine.js';
import { TELEMETRY_TARGETS, telemetryContestants, UNTOLD } from './telemetry-contestants.js';
import { TELEMETRY_USAGE, type TelemetryOptions, telemetryOptions } from './telemetry-options.js';

/** What it costs the gateway to tell of itself: one server in several configurations. */
async function benchmark(crew: Crew, options: TelemetryOptions): Promise<void> {
  console.log(describeMachine(thisMachine()));
  const collector = crew.hire('the collector', { file: join(import.meta.dirname, 'collector.js') });
  const [port] = await collector.ports();
  const contestants = telemetryContestants(`http://127.0.0.1:${String(port)}`);
  const wanted = contestants.filter(({ letter }) => options.only.includes(letter));
  const rounds = await contest(crew, wanted, options);

  const summaries = wanted.map((contestant) => summarise(contestant, rounds, UNTOLD));
  console.log(`\n${summaryTable(summaries, UNTOLD)}\n`);
  console.log(`Medians over the rounds; ratios taken round by round against (${UNTOLD}).`);
  console.log(`The collector got ${await collector.ask('calls', null)} spans, warm-up included.`);
  for (const verdict of verdicts(rounds, TELEMETRY_TARGETS)) console.log(describeVerdict(verdict));
}

let options: TelemetryOptions;
try {
  options = telemetryOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${TELEMETRY_USAGE}`);
  process.exit(1);
}
await withCrew((crew) => benchmark(crew, options));
