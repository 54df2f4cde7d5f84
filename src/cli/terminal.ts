import { text } from 'node:stream/consumers';
import { type Environment } from '../upstream/config/environment-variables.js';

/** What a command has of the world: where it writes, what it reads, how wide the window is. */
export interface Terminal {
  readonly env: Environment;
  /** Characters a line may have. */
  readonly columns: number;
  /** Writes what the command is for. */
  out(text: string): void;
  /** Writes what a pipe behind it must not get: errors, progress, timelines. */
  err(text: string): void;
  /** All of standard input. */
  input(): Promise<string>;
}

const WIDEST = 100;
const NARROWEST = 60;

/** The process's own. What is asked for is read into pipes and files as well, so it is text without colours. */
export const processTerminal: Terminal = {
  env: process.env,
  columns: Math.max(NARROWEST, process.stdout.isTTY ? Math.min(process.stdout.columns, WIDEST) : WIDEST),
  out: (written) => process.stdout.write(written),
  err: (written) => process.stderr.write(written),
  input: () => text(process.stdin),
};
