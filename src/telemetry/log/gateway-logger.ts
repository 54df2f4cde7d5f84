import { type LoggerService } from '@nestjs/common';
import { type LogFormat } from '../../upstream/config/telemetry-config.js';
import { jsonLine } from './json-line.js';
import { LogLevels } from './log-levels.js';
import { LogOutput, type LogStream } from './log-output.js';
import { type LogRecord, type Severity } from './log-record.js';
import { contextOf, recordOf } from './nest-entry.js';
import { textLine } from './text-line.js';

/** What Nest says of its own start: a page of lines that tell an operator nothing. */
const STARTUP_CONTEXTS: ReadonlySet<string> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Why it cannot start or listen, Nest logs and throws: to us, who say it better. */
const THROWN_AS_WELL: ReadonlySet<string> = new Set(['NestApplication', 'ExceptionHandler']);

/** Where the log goes. */
export interface LogPlace {
  readonly stream: LogStream;
  /** $NODE_ENV. */
  readonly nodeEnv: string | undefined;
  /** $NO_COLOR (no-color.org). */
  readonly noColor: string | undefined;
}

/** Where the log of this process goes. */
export function ownLogPlace(): LogPlace {
  const { NODE_ENV: nodeEnv, NO_COLOR: noColor } = process.env;
  return { stream: process.stdout, nodeEnv, noColor };
}

/**
 * The log behind Nest's `Logger`: JSON, a line an object, or text for people, in colours only where they are seen. What
 * is logged is made safe: no secrets of requests, no escape sequences, no lines that somebody else began.
 */
export class GatewayLogger implements LoggerService {
  readonly levels: LogLevels;
  readonly output: LogOutput;
  private format: LogFormat = 'auto';
  private lineOf: (record: LogRecord) => string;

  constructor(private readonly place: LogPlace = ownLogPlace()) {
    this.lineOf = this.lineMaker();
    this.levels = new LogLevels('info', (context) => {
      this.write(
        'info',
        `the level of ${context ?? 'all'} is ${this.levels.of(context ?? '')} again: its time is over`,
        ['Audit'],
      );
    });
    this.output = new LogOutput(place.stream, (dropped) => {
      const message = `${dropped} lines were dropped: whoever reads the log is too slow, or was away`;
      const fields = { dropped };
      return this.lineOf({
        time: Date.now(),
        severity: 'warn',
        context: 'Log',
        message,
        fields,
        error: undefined,
      });
    });
  }

  /** `auto` until it is told otherwise. */
  useFormat(format: LogFormat): void {
    this.format = format;
    this.lineOf = this.lineMaker();
  }

  debug(message: unknown, ...rest: readonly unknown[]): void {
    this.write('debug', message, rest);
  }

  /** Nest's word for even more than debug. */
  verbose(message: unknown, ...rest: readonly unknown[]): void {
    this.write('debug', message, rest);
  }

  log(message: unknown, ...rest: readonly unknown[]): void {
    this.write(STARTUP_CONTEXTS.has(contextOf(rest)) ? 'debug' : 'info', message, rest);
  }

  warn(message: unknown, ...rest: readonly unknown[]): void {
    this.write('warn', message, rest);
  }

  error(message: unknown, ...rest: readonly unknown[]): void {
    if (!THROWN_AS_WELL.has(contextOf(rest))) this.write('error', message, rest);
  }

  /** Written at once, and at every level: it ends the process. */
  fatal(message: unknown, ...rest: readonly unknown[]): void {
    this.write('fatal', message, rest);
    this.output.flush();
  }

  private write(severity: Severity, message: unknown, rest: readonly unknown[]): void {
    const context = contextOf(rest);
    if (!this.levels.isEnabled(context, severity)) return;
    this.output.write(this.lineOf(recordOf(severity, message, rest, context)));
  }

  private lineMaker(): (record: LogRecord) => string {
    const { stream, nodeEnv, noColor = '' } = this.place;
    if (this.format === 'json' || (this.format === 'auto' && nodeEnv === 'production')) return jsonLine;
    const isColoured = stream.isTTY === true && noColor === '';
    return (record) => textLine(record, isColoured);
  }
}
