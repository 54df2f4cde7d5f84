#!/usr/bin/env node
import 'reflect-metadata';
import { runCommandLine } from './command-line.js';
import { processTerminal } from './terminal.js';

// Whoever reads has had enough: `tributary plan x | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

/** `npx tributary`: the gateway and its tools from the shell. */
process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal);
