import 'reflect-metadata';
import { fork } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseGateway } from '../../src/composite/config/gateway.js';
import { startGateway } from '../../src/gateway.js';
import { GatewayLogger } from '../../src/telemetry/log/gateway-logger.js';
import { attend } from '../attend.js';
import { OVERVIEW_GATEWAY } from './overview-gateway.js';

/**
 * The composite as the service answers it: the API, the management side, and as much telemetry as the variable TELEMETRY
 * says, by JSON as it would stand in the gateway file. What is logged goes to a file, and somebody looks at the console,
 * where there is one.
 */
const telemetry = process.env['TELEMETRY'] ?? '{}';
const definition = parseGateway(`${OVERVIEW_GATEWAY}telemetry: ${telemetry}\n`);
const { log, console: page } = definition.config.telemetry;
const { api, management } = await startGateway(definition, { logger: log.requests ? toFile() : false });
if (page.enabled) {
  // In a process of its own: what it reads is not to be the gateway's work.
  fork(
    join(import.meta.dirname, '..', 'console-reader.js'),
    [`${await management.getUrl()}/console/api/events`],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  ).channel?.unref();
}
attend([Number(new URL(await api.getUrl()).port)]);

function toFile(): GatewayLogger {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const stream = createWriteStream(join(folder, 'gateway.log'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true });
  });
  return new GatewayLogger({ stream, nodeEnv: 'production', noColor: undefined });
}
