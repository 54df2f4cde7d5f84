import { type GatewayDefinition } from '../composite/config/gateway.js';
import { forecastOf } from '../composite/forecast.js';
import { notesText } from '../composite/plan-text.js';
import { textTable } from '../composite/text-table.js';
import { ConfigurationError } from '../upstream/config/configuration-error.js';
import { type Command, type CommandInput, FILE_OPTIONS } from './command.js';
import { type Terminal } from './terminal.js';

export const checkCommand: Command = {
  description: [
    'Says everything that is wrong with the file, with line and column, and exits with 1; or what is in it, and what ' +
      'is probably not meant, and exits with 0.',
    '--json prints {ok, file, problems: [{line, column, path, message}], warnings: [{composite, part, message}]}.',
  ],
  options: { ...FILE_OPTIONS, json: { help: 'for a program' } },
  run(input, terminal) {
    input.takesNoMoreThan(0);
    return Promise.resolve(input.has('json') ? checkedJson(input, terminal) : checked(input, terminal));
  },
};

interface Warning {
  readonly composite: string;
  readonly part: string | undefined;
  readonly message: string;
}

function warningsOf({ composites, config }: GatewayDefinition): readonly Warning[] {
  return composites.flatMap((plan) =>
    forecastOf(plan, config)
      .notes.filter(({ level }) => level === 'warning')
      .map(({ part, message }) => ({ composite: plan.config.name, part, message })),
  );
}

function checked(input: CommandInput, terminal: Terminal): number {
  const definition = input.definition();
  const { composites, config } = definition;
  const warnings = warningsOf(definition);
  const found = [
    counted(Object.keys(config.upstreams).length, 'upstream'),
    counted(composites.length, 'composite'),
    warnings.length === 0 ? 'no warnings' : counted(warnings.length, 'warning'),
  ].join(', ');
  const rows = composites.map(({ config: { name, method, route }, parts }) => [
    name,
    `${method} ${route}`,
    counted(parts.length, 'part'),
  ]);
  const notes = warnings.map(({ composite, part, message }) => {
    const where = part === undefined ? composite : `${composite}.${part}`;
    return { level: 'warning' as const, part: where, message };
  });
  const sections = [
    `${input.file}: ${found}`,
    textTable(rows, { indent: '  ' }),
    notesText(notes, terminal.columns),
  ];
  terminal.out(`${sections.filter((section) => section !== '').join('\n\n')}\n`);
  return 0;
}

function checkedJson(input: CommandInput, terminal: Terminal): number {
  const { file } = input;
  try {
    const warnings = warningsOf(input.definition());
    terminal.out(`${JSON.stringify({ ok: true, file, problems: [], warnings }, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const problems = error.problems.map(({ line, column, path, message }) => ({
      line,
      column,
      path,
      message,
    }));
    terminal.out(`${JSON.stringify({ ok: false, file, problems, warnings: [] }, null, 2)}\n`);
    return 1;
  }
}

function counted(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`;
}
