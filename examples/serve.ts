import { unknownName } from './kernel/nearest-name.js';
import { startService, type RunningService } from './kernel/service.js';
import { BASE_PORT, SIX_SERVICES } from './services/six-services.js';

/**
 * One of the six services as a process: `node dist/examples/serve.js orders`. `PORT` and `HOST` override where
 * it listens. Under a parent with an IPC channel it reports `{ listening: port }` or `{ failed: code }`, and ends
 * when the parent does, however that came about.
 */
const name = process.argv[2] ?? '';
const place = SIX_SERVICES.findIndex((service) => service.name === name);
const definition = SIX_SERVICES[place];
if (!definition) {
  const names = SIX_SERVICES.map((service) => service.name);
  console.error(unknownName('service', name, names));
  process.exit(1);
}

const { PORT, HOST = '127.0.0.1' } = process.env;
const port = PORT ? Number(PORT) : BASE_PORT + place;
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT must be a whole number from 0 to 65535, not "${String(PORT)}".`);
  process.exit(1);
}

let service: RunningService;
try {
  service = await startService(definition, { port, host: HOST });
} catch (error) {
  const { code = 'unknown', message } = error as NodeJS.ErrnoException;
  if (process.send) await new Promise((sent) => process.send?.({ failed: code }, sent));
  else console.error(`${name} cannot listen on ${HOST}:${port}: ${message}`);
  process.exit(1);
}

const end = (): void => void service.close().then(() => process.exit(0));
process.once('SIGINT', end).once('SIGTERM', end).once('disconnect', end);
process.send?.({ listening: service.port });
console.log(`${name} listens on ${service.url}`);
