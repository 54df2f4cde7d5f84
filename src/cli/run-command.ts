import { serve } from '../serve.js';
import { type Command, type CommandInput, FILE_OPTIONS } from './command.js';
import { UsageError } from './usage-error.js';

export const runCommand: Command = {
  description: [
    'Serves until SIGTERM (with the grace of server.shutdownGraceMs) or Ctrl-C. NODE_ENV=production logs JSON.',
  ],
  options: {
    ...FILE_OPTIONS,
    port: { help: 'in place of server.port; 0 for any that is free', value: 'N' },
    'management-port': { help: 'in place of server.managementPort; 0 for any that is free', value: 'N' },
  },
  async run(input) {
    input.takesNoMoreThan(0);
    const ports = { port: portOf(input, 'port'), managementPort: portOf(input, 'management-port') };
    await serve({ file: input.file, ports });
    return Number(process.exitCode ?? 0);
  },
};

const HIGHEST = 65_535;

/** @throws UsageError if it is none. */
function portOf(input: CommandInput, option: string): number | undefined {
  const written = input.value(option);
  if (written === undefined) return undefined;
  const port = Number(written);
  if (/^\d+$/.test(written) && port <= HIGHEST) return port;
  throw new UsageError(`found --${option} ${written}; expected a port from 0 to ${HIGHEST}`);
}
