#!/usr/bin/env node
import 'reflect-metadata';
import { runCommandLine } from './command-line.js';
import { processTerminal } from './terminal.js';

// Whoever reads has had enough: `tributary plan x | head`. A gateway that is to run does not end with the reader of its log.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (process.argv[2] === 'run') return;
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

/** `npx tributary`: the gateway and its tools from the shell. */
process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal);
