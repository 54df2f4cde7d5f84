import { serve } from '../serve.js';
import { type Command, FILE_OPTIONS } from './command.js';

export const runCommand: Command = {
  description: [
    'Serves until SIGTERM (with the grace of server.shutdownGraceMs) or Ctrl-C. NODE_ENV=production logs JSON.',
  ],
  options: FILE_OPTIONS,
  async run(input) {
    input.takesNoMoreThan(0);
    await serve({ file: input.file });
    return Number(process.exitCode ?? 0);
  },
};
