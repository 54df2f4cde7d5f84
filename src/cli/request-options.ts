import { readFile } from 'node:fs/promises';
import { type CommandInput } from './command.js';
import { type Terminal } from './terminal.js';
import { UsageError } from './usage-error.js';

/** `id=c-1`, as often as a name comes. */
export function pairs(operands: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const operand of operands) {
    const equals = operand.indexOf('=');
    if (equals < 1) throw new UsageError(`found '${operand}'; expected key=value`);
    const name = operand.slice(0, equals);
    values.set(name, [...(values.get(name) ?? []), operand.slice(equals + 1)]);
  }
  return values;
}

/** What `--header` says, as often as it does; names in lower case. */
export function headersOf(input: CommandInput): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const field of input.all('header')) {
    const colon = field.indexOf(':');
    if (colon < 1) throw new UsageError(`found --header '${field}'; expected NAME:VALUE`);
    headers[field.slice(0, colon).trim().toLowerCase()] = field.slice(colon + 1).trim();
  }
  return headers;
}

/**
 * The JSON that is written there, or what is in `@FILE`, or in `@-`, which is stdin.
 *
 * @throws UsageError if it is none, or cannot be read.
 */
export async function jsonFrom(written: string, terminal: Terminal): Promise<string> {
  const text = await textFrom(written, terminal);
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new UsageError(`found no JSON in ${written}`);
  }
}

async function textFrom(written: string, terminal: Terminal): Promise<string> {
  if (!written.startsWith('@')) return written;
  if (written === '@-') return terminal.input();
  const file = written.slice(1);
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`cannot read ${file}`);
  }
}
