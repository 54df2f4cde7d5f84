import { parseArgs } from 'node:util';
import { type GatewayDefinition, loadGateway } from '../composite/config/gateway.js';
import { type CompositePlan } from '../composite/plan.js';
import { textTable, wrapped } from '../composite/text-table.js';
import { type Terminal } from './terminal.js';
import { unknownName, UsageError } from './usage-error.js';

/** One of the things `npx tributary` does, as the list of them has it. */
export interface CommandEntry {
  readonly name: string;
  /** What follows the name: `NAME [key=value ...]`. */
  readonly operands: string;
  readonly summary: string;
  /** Read when it is asked for: `check` needs no web framework. */
  readonly load: () => Promise<Command>;
}

export interface Command {
  /** What else there is to know; a line a paragraph. */
  readonly description: readonly string[];
  readonly options: Readonly<Record<string, OptionConfig>>;
  /** Answers the exit code. */
  run(input: CommandInput, terminal: Terminal): Promise<number>;
}

export interface OptionConfig {
  readonly help: string;
  /** What it takes, as help shows it: `FILE`. Undefined for a switch. */
  readonly value?: string;
  /** Whether it may be given more than once. */
  readonly multiple?: boolean;
  readonly oneOf?: readonly string[];
}

const HELP: OptionConfig = { help: 'show this' };
const CONFIG: OptionConfig = {
  help: 'the gateway file; default $GATEWAY_CONFIG, or gateway.yaml',
  value: 'FILE',
};

/** The options of every command that reads a gateway file. */
export const FILE_OPTIONS = { config: CONFIG } as const;

/** What a command was given. */
export class CommandInput {
  private constructor(
    /** What is no option, in order. */
    readonly operands: readonly string[],
    private readonly values: Readonly<Record<string, readonly string[]>>,
    private readonly terminal: Terminal,
  ) {}

  /** @throws UsageError for an option the command does not have, or one without its value. */
  static parse(args: readonly string[], command: Command, terminal: Terminal): CommandInput {
    const known: Readonly<Record<string, OptionConfig>> = { ...command.options, help: HELP };
    const { tokens } = parseArgs({
      args: [...args],
      strict: false,
      allowPositionals: true,
      tokens: true,
      options: Object.fromEntries(
        Object.entries(known).map(([name, { value }]) => [
          name,
          { type: value === undefined ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
    });
    const operands: string[] = [];
    const values: Record<string, string[]> = {};
    for (const token of tokens) {
      if (token.kind === 'positional') operands.push(token.value);
      if (token.kind !== 'option') continue;
      const { name, value } = token;
      const option = Object.hasOwn(known, name) ? known[name] : undefined;
      if (option === undefined || !token.rawName.startsWith('--')) {
        if (token.rawName !== '-h') throw unknownOption(args[token.index] ?? '', token, Object.keys(known));
        values['help'] = [''];
        continue;
      }
      const isNext = token.inlineValue === false && value?.startsWith('--') === true;
      checkOption(name, isNext ? undefined : value, option, values[name]);
      values[name] = [...(values[name] ?? []), value ?? ''];
    }
    return new CommandInput(operands, values, terminal);
  }

  /** Whether a switch is on. */
  has(name: string): boolean {
    return Object.hasOwn(this.values, name);
  }

  value(name: string): string | undefined {
    return this.values[name]?.[0];
  }

  all(name: string): readonly string[] {
    return this.values[name] ?? [];
  }

  /** The gateway file. */
  get file(): string {
    return this.value('config') ?? this.terminal.env['GATEWAY_CONFIG'] ?? 'gateway.yaml';
  }

  /** @throws ConfigurationError with everything that is wrong with the file. */
  definition(): GatewayDefinition {
    return loadGateway({ file: this.file, env: this.terminal.env });
  }

  /**
   * The composite that is named first.
   *
   * @throws UsageError naming the nearest one there is.
   */
  compositeOf({ composites }: GatewayDefinition): CompositePlan {
    const [name] = this.operands;
    const names = composites.map(({ config }) => config.name);
    if (names.length === 0) throw new UsageError(`${this.file} has no composites`);
    if (name === undefined) throw new UsageError(`which composite? There is ${names.join(', ')}`);
    const found = composites.find(({ config }) => config.name === name);
    if (found === undefined) throw unknownName('composite', name, names);
    return found;
  }

  /** @throws UsageError where more was written than the command takes. */
  takesNoMoreThan(count: number): void {
    const surplus = this.operands[count];
    if (surplus !== undefined) throw new UsageError(`found '${surplus}', which means nothing here`);
  }
}

/** Says it as it was typed: `-c`, also where that stands among others, as in `-xc`. */
function unknownOption(
  typed: string,
  { name, rawName }: { readonly name: string; readonly rawName: string },
  known: readonly string[],
): UsageError {
  if (rawName.startsWith('--')) return unknownName('option', name, known, '--');
  const long = known.filter((each) => each.startsWith(name));
  const hint = long.length > 0 ? `did you mean ${long.map((each) => `--${each}`).join(' or ')}?` : '';
  return new UsageError(
    `unknown option ${typed}; ${hint || `there is ${known.map((each) => `--${each}`).join(', ')}`}`,
  );
}

function checkOption(
  name: string,
  value: string | undefined,
  { value: takes, multiple = false, oneOf }: OptionConfig,
  before: readonly string[] | undefined,
): void {
  if (takes === undefined && value !== undefined) {
    throw new UsageError(`found a value for --${name}, which takes none`);
  }
  if (takes !== undefined && (value === undefined || value === '')) {
    throw new UsageError(`--${name} needs a value: --${name} ${takes}`);
  }
  if (before !== undefined && !multiple && takes !== undefined) {
    throw new UsageError(`found --${name} a second time; expected it once`);
  }
  if (oneOf !== undefined && value !== undefined && !oneOf.includes(value)) {
    throw unknownName(takes?.toLowerCase() ?? 'value', value, oneOf);
  }
}

/** `tributary plan --help` */
export function helpOf(
  { name, operands, summary }: CommandEntry,
  { description, options }: Command,
  columns: number,
): string {
  const rows = Object.entries({ ...options, help: HELP }).map(([option, { value, help }]) => [
    `--${option}${value === undefined ? '' : ` ${value}`}`,
    wrapped(help, columns - 30).split('\n'),
  ]);
  return [
    wrapped(`tributary ${name}: ${summary}`, columns),
    `  npx tributary ${name}${operands === '' ? '' : ` ${operands}`} [options]`,
    ...(description.length === 0 ? [] : [description.map((text) => wrapped(text, columns)).join('\n')]),
    textTable(rows, { indent: '  ' }),
  ]
    .join('\n\n')
    .concat('\n');
}
