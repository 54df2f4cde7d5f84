import { writeFileSync } from 'node:fs';
import { type CompositeOptions, COMPOSITE_USAGE, compositeOptions } from './composite-options.js';
import { contest } from './contest.js';
import { describeVerdict, summarise, summaryTable, verdicts } from './contest-summary.js';
import { BASELINE, CONTESTANTS, CPU_TARGETS } from './contestants.js';
import { type Crew, withCrew } from './crew.js';
import { describeMachine, thisMachine } from './machine.js';

async function benchmark(crew: Crew, options: CompositeOptions): Promise<void> {
  const machine = thisMachine();
  console.log(describeMachine(machine));
  const wanted = CONTESTANTS.filter(({ letter }) => options.only.includes(letter));
  const rounds = await contest(crew, wanted, options);

  const ran = wanted.filter(({ letter }) => rounds.has(letter));
  const summaries = ran.map((contestant) => summarise(contestant, rounds, BASELINE));
  const targets = verdicts(rounds, CPU_TARGETS);
  console.log(`\n${summaryTable(summaries, BASELINE)}\n`);
  console.log(`Medians over the rounds; ratios taken round by round against (${BASELINE}).`);
  console.log('core: CPU time over time passed, about 100 % where the server was the bottleneck.');
  for (const verdict of targets) console.log(describeVerdict(verdict));

  if (options.json === undefined) return;
  const results = { machine, options, summaries, verdicts: targets, rounds: Object.fromEntries(rounds) };
  writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
}

let options: CompositeOptions;
try {
  options = compositeOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${COMPOSITE_USAGE}`);
  process.exit(1);
}
await withCrew((crew) => benchmark(crew, options));
