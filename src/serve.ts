import { setFlagsFromString } from 'node:v8';
import { type Type } from '@nestjs/common';
import { type GatewayDefinition, loadGateway } from './composite/config/gateway.js';
import { type Ports, startGateway } from './gateway.js';
import { ListenError } from './listen-error.js';
import { reloadOnRequest } from './reload.js';
import { GatewayLogger } from './telemetry/log/gateway-logger.js';
import { ConfigurationError } from './upstream/config/configuration-error.js';
import { type ConfigurationSource } from './upstream/config/configuration-source.js';

// Under steady load V8 takes what lives as long as a request for something that stays, and allocates it where only the
// large collections look. The small ones then take twice as long (3.5 ms against 1.7), and the process half as much
// memory again (237 MiB against 160).
setFlagsFromString('--no-allocation-site-pretenuring');

/** So long, in ms, whoever reads the log may take for what was logged last. */
const LAST_WORDS_MS = 1_000;

export interface ServeOptions {
  /** Path of the gateway file. Default `gateway.yaml`. */
  readonly file?: string | undefined;
  /** Modules whose controllers the API serves besides the composites of the file. Default none. */
  readonly features?: readonly Type[];
  /** Ports in place of those of the file, as the command line gives them. Default none. */
  readonly ports?: Ports;
}

/**
 * Makes this process a gateway, until a signal ends it: SIGTERM with the grace of the configuration, SIGINT without. On
 * SIGHUP it takes the file over again. A file that is wrong at the start, or a port that is taken, is said on stderr, and
 * is exit code 1.
 */
export async function serve({ file, features = [], ports = {} }: ServeOptions): Promise<void> {
  const logger = new GatewayLogger();
  // However it ends, what was logged by then has been written.
  process.on('exit', () => {
    logger.output.flush();
  });
  let definition: GatewayDefinition | undefined;
  try {
    definition = loadGateway({ file });
    logger.useFormat(definition.config.telemetry.log.format);
    const gateway = await startGateway(definition, { features, logger, ports });
    logger.log(
      `API on ${await gateway.api.getUrl()}, management on ${await gateway.management.getUrl()}`,
      'Tributary',
    );

    let stopping = false;
    const stop = (graceMs: number): void => {
      // Whoever asks twice does not want to wait.
      if (stopping) process.exit(1);
      stopping = true;
      gateway.stop(graceMs).then(
        () => exitOnceWritten(0),
        (error: unknown) => {
          logger.fatal('the shutdown failed', error);
          return exitOnceWritten(1);
        },
      );
    };
    const exitOnceWritten = async (code: number): Promise<never> => {
      await logger.output.drained(LAST_WORDS_MS);
      process.exit(code);
    };
    reloadOnRequest(gateway.reload);
    process.on('SIGTERM', () => {
      stop(gateway.reload.definition.config.server.shutdownGraceMs);
    });
    // Somebody at a keyboard: no load balancer needs time to notice.
    process.on('SIGINT', () => {
      stop(0);
    });
    // Started by another process that is gone.
    process.on('disconnect', () => {
      stop(0);
    });
  } catch (error) {
    if (error instanceof ConfigurationError) process.stderr.write(`${error.message}\n`);
    else if (error instanceof ListenError) {
      process.stderr.write(`${error.message}: ${remedy(error, ports, definition?.source)}\n`);
    } else logger.fatal('the gateway could not start', error);
    process.exitCode = 1;
  }
}

/** What to do about it, by the names the setting has where it was given. */
function remedy({ setting }: ListenError, ports: Ports, source: ConfigurationSource | undefined): string {
  const option = setting === 'port' ? '--port' : '--management-port';
  if ((ports as Readonly<Record<string, unknown>>)[setting] !== undefined)
    return `give ${option} another one`;
  const [, variable] = /\$\{(\w+)/.exec(source?.written(['server', setting]) ?? '') ?? [];
  return `set server.${setting}${variable === undefined ? '' : ` (or ${variable})`} to another one`;
}
