import { type LoggableError, loggableError } from './loggable-error.js';
import { type LogFields, type LogRecord, OWN_FIELDS, type Severity } from './log-record.js';
import { plainValue, shortened } from './plain-value.js';
import { scrubbedText } from './scrubbed-text.js';

/** Lines of a stack, as V8 writes them. */
const STACK = /\n[ \t]+at /;

/** The context of what is logged through Nest's `Logger`: the last text, unless that is a stack. */
export function contextOf(rest: readonly unknown[]): string {
  const last = rest.at(-1);
  return typeof last === 'string' && !STACK.test(last) ? last : '';
}

/**
 * What is logged through Nest's `Logger`, as one record: a message, then errors, stacks, groups of fields and further
 * messages in any order, then the context.
 *
 * @param context what {@link contextOf} has found in `rest`.
 */
export function recordOf(
  severity: Severity,
  message: unknown,
  rest: readonly unknown[],
  context: string,
): LogRecord {
  const [first] = rest;
  // By far the most lines are those of requests, and theirs are of this form.
  if (typeof message === 'string' && rest.length <= 2 && isOwn(first)) {
    return { time: Date.now(), severity, context, message, fields: first, error: errorIn(first) };
  }
  const said: string[] = [];
  let fields: LogFields | undefined;
  let error: LoggableError | undefined;
  const details = context === '' ? rest : rest.slice(0, -1);
  for (const each of [message, ...details]) {
    if (each instanceof Error) {
      error ??= loggableError(each);
      if (each === message) said.push(error.message ?? '');
    } else if (typeof each === 'string' && each !== message && STACK.test(each)) {
      error ??= { stack: scrubbedText(each) };
    } else if (isGroup(each)) fields = { ...fields, ...(plainValue(each) as LogFields) };
    else if (each !== undefined || each === message) said.push(textOf(each));
  }
  return { time: Date.now(), severity, context, message: said.join(' '), fields, error };
}

function isOwn(value: unknown): value is LogFields {
  return typeof value === 'object' && value !== null && OWN_FIELDS in value;
}

/** The error among fields of one's own: it has a place to itself. */
function errorIn({ error }: LogFields): LoggableError | undefined {
  return error instanceof Error ? loggableError(error) : undefined;
}

function isGroup(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return shortened(scrubbedText(value));
  if (typeof value === 'function') return textOfFunction(value as () => unknown);
  const plain = plainValue(value);
  return typeof plain === 'string' ? plain : shortened(JSON.stringify(plain));
}

/** Nest's own: a class goes by its name, any other function says what it returns. */
function textOfFunction(value: () => unknown): string {
  if (/^class\b/.test(Function.prototype.toString.call(value))) return value.name;
  try {
    const said = value();
    return typeof said === 'function' ? said.name : textOf(said);
  } catch {
    return `[function ${value.name}]`;
  }
}
