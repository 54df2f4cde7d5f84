import { type LogFields, type LogRecord, OWN_FIELDS, type Severity } from './log-record.js';
import { type LoggableError } from './loggable-error.js';
import { localTimestamp } from './timestamp.js';
import { visibleLine, visibleText } from './visible-text.js';

const COLOURS: Readonly<Record<Severity, number>> = { debug: 35, info: 32, warn: 33, error: 31, fatal: 31 };
const DIM = 2;
const CYAN = 36;

/**
 * A record for people: a line, and indented below it what takes more: further lines of the message, the stack. What
 * comes from elsewhere can neither begin a line nor colour one.
 */
export function textLine(record: LogRecord, isColoured: boolean): string {
  const { time, severity, context, message, fields, error } = record;
  const paint = isColoured ? painted : plain;
  const when = paint(localTimestamp(time), DIM);
  const level = paint(severity.toUpperCase().padEnd(5), COLOURS[severity]);
  const speaker = context === '' ? '' : ` ${paint(`[${visibleLine(context)}]`, CYAN)}`;
  const told = fields === undefined ? '' : paint(fieldsText(fields), DIM);
  const [first = '', ...more] = visibleText(message).split('\n');
  const below = [...more, ...(error === undefined ? [] : errorLines(error))];
  return `${when} ${level}${speaker} ${first}${told}\n${below.map((line) => `    ${line}\n`).join('')}`;
}

function fieldsText(fields: LogFields): string {
  if (OWN_FIELDS in fields) {
    const { requestId } = fields;
    return typeof requestId === 'string' && requestId !== '' ? ` (${requestId})` : '';
  }
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  return pairs.map(([name, value]) => ` ${visibleLine(name)}=${valueText(value)}`).join('');
}

function valueText(value: unknown): string {
  return visibleLine(typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value));
}

function errorLines({ name = 'Error', message = '', stack, cause }: LoggableError): readonly string[] {
  const lines = visibleText(stack ?? `${name}: ${message}`).split('\n');
  if (cause === undefined) return lines;
  const [first = '', ...more] = errorLines(cause);
  return [...lines, `caused by ${first}`, ...more];
}

function painted(text: string, colour: number): string {
  return text === '' ? '' : `\u001b[${colour}m${text}\u001b[0m`;
}

function plain(text: string): string {
  return text;
}
