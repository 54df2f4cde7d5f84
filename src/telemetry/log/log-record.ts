import { type LogLevel } from '../../upstream/config/telemetry-config.js';
import { type LoggableError } from './loggable-error.js';

/** How severe a line is; `fatal` for what ends the process, which is logged at every level. */
export type Severity = Exclude<LogLevel, 'off'> | 'fatal';

/** The severities of a level and of those it leaves out, as numbers to compare. */
export const RANKS: Readonly<Record<Severity | LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  off: 4,
  fatal: 5,
};

/** What belongs to a line besides its message, by name. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Marks fields that are of the gateway's own making, with nothing in them that a log must not have, and whose message
 * says what they say: they are written as they are, and only where a program reads them.
 */
export const OWN_FIELDS = Symbol('own fields');

export interface OwnFields extends LogFields {
  readonly [OWN_FIELDS]: true;
  readonly requestId?: string | undefined;
}

/** One entry of the log, fit to be written: nothing in it is secret. */
export interface LogRecord {
  /** In ms since the epoch. */
  readonly time: number;
  readonly severity: Severity;
  /** Which part of the program speaks; empty where it does not say. */
  readonly context: string;
  readonly message: string;
  readonly fields: LogFields | undefined;
  readonly error: LoggableError | undefined;
}
