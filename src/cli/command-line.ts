import { textTable, wrapped } from '../composite/text-table.js';
import { ConfigurationError } from '../upstream/config/configuration-error.js';
import { type CommandEntry, CommandInput, helpOf } from './command.js';
import { packageVersion } from './package-version.js';
import { type Terminal } from './terminal.js';
import { unknownName, UsageError } from './usage-error.js';

const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'check',
    operands: '',
    summary: 'is the file right? all its mistakes at once',
    load: async () => (await import('./check-command.js')).checkCommand,
  },
  {
    name: 'plan',
    operands: 'NAME',
    summary: 'what a composite asks for, in which order, and what that costs at worst',
    load: async () => (await import('./plan-command.js')).planCommand,
  },
  {
    name: 'call',
    operands: 'NAME [key=value ...]',
    summary: 'ask for a composite once, and see where the time goes',
    load: async () => (await import('./call-command.js')).callCommand,
  },
  {
    name: 'matrix',
    operands: 'NAME [key=value ...]',
    summary: 'what it answers when its upstreams are down, slow, or talk nonsense',
    load: async () => (await import('./matrix-command.js')).matrixCommand,
  },
  {
    name: 'run',
    operands: '',
    summary: 'serve the composites of the file',
    load: async () => (await import('./run-command.js')).runCommand,
  },
  {
    name: 'schema',
    operands: '',
    summary: 'the JSON Schema of the file, for editors',
    load: async () => (await import('./schema-command.js')).schemaCommand,
  },
];

const HELP_FLAGS: ReadonlySet<string> = new Set(['--help', '-h', 'help']);

const USAGE = 2;

/**
 * Does what the arguments behind `tributary` say, and answers the exit code: 0 for a good end, 1 for a bad one (a
 * file with mistakes, a composite that failed), 2 for arguments that mean nothing; `call` has a 3 of its own.
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    terminal.err(overview(terminal.columns));
    return USAGE;
  }
  if (HELP_FLAGS.has(name)) {
    terminal.out(overview(terminal.columns));
    return 0;
  }
  if (name === '--version') {
    terminal.out(`${packageVersion()}\n`);
    return 0;
  }
  try {
    return await runCommand(name, rest, terminal);
  } catch (error) {
    if (error instanceof ConfigurationError) {
      terminal.err(`${error.message}\n`);
      return 1;
    }
    if (!(error instanceof UsageError)) throw error;
    const known = COMMANDS.some((command) => command.name === name) ? ` ${name}` : '';
    terminal.err(`tributary${known}: ${error.message}\n(npx tributary${known} --help says what there is)\n`);
    return USAGE;
  }
}

async function runCommand(name: string, args: readonly string[], terminal: Terminal): Promise<number> {
  const entry = COMMANDS.find((command) => command.name === name);
  if (entry === undefined) {
    const names = COMMANDS.map((command) => command.name);
    throw name.startsWith('-')
      ? new UsageError(`found ${name}; expected a command first: ${names.join(', ')}`)
      : unknownName('command', name, names);
  }
  const command = await entry.load();
  const input = CommandInput.parse(args, command, terminal);
  if (!input.has('help')) return command.run(input, terminal);
  terminal.out(helpOf(entry, command, terminal.columns));
  return 0;
}

/** What stands before the summaries: the longest usage and the spaces around it. */
const USAGE_WIDTH = 31;

function overview(columns: number): string {
  const rows = COMMANDS.map(({ name, operands, summary }) => [
    `${name} ${operands}`.trimEnd(),
    wrapped(summary, columns - USAGE_WIDTH).split('\n'),
  ]);
  return `npx tributary COMMAND: the composites of a gateway file, from the shell

${textTable(rows, { indent: '  ' })}

Each reads gateway.yaml, or what $GATEWAY_CONFIG or --config FILE names.
More of each: npx tributary COMMAND --help; which release it is: --version
`;
}
