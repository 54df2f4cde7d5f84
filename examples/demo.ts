import { join } from 'node:path';
import { DemoFailure } from './demo/demo-failure.js';
import { DemoRun } from './demo/demo-run.js';
import { readSettings } from './demo/settings.js';
import { onStopAsked } from './demo/stop-signals.js';

/**
 * `npm start`: the six services and the gateway before them, each its own process.
 *
 * - `DEMO_BASE_PORT` (4101): the first of six ports in a row; `PORT` (3000) and `MANAGEMENT_PORT` (3001): the gateway's.
 * - `TRIBUTARY_GATEWAY_MAIN`: another file to start as the gateway.
 *
 * SIGINT, SIGTERM or SIGHUP take everything down, exit code 0; a second one at once, exit code 1.
 * What cannot be started, or a gateway that ends by itself, takes everything down with exit code 1.
 */
async function main(): Promise<number> {
  const { TRIBUTARY_GATEWAY_MAIN } = process.env;
  const run = new DemoRun(readSettings(process.env), {
    service: join(import.meta.dirname, 'serve.js'),
    gateway: TRIBUTARY_GATEWAY_MAIN ?? join(import.meta.dirname, '../src/main.js'),
  });
  const stopped = new Promise<number>((resolve) => {
    const first = (): void => {
      resolve(0);
    };
    const again = (): never => {
      run.kill();
      process.exit(1);
    };
    onStopAsked(first, again);
  });
  return Promise.race([run.live(), stopped])
    .catch(failed)
    .finally(() => run.takeDown());
}

function failed(error: unknown): number {
  console.error(error instanceof DemoFailure ? error.message : error);
  return 1;
}

process.exit(await main().catch(failed));
