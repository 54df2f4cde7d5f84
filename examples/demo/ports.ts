import { createServer } from 'node:net';
import { DemoFailure } from './demo-failure.js';

/** @throws {DemoFailure} that names the port and the variable that moves it, when somebody else has it. */
export async function requireFree(port: number, host: string, variable: string): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
      resolve(code);
    });
    server.listen(port, host, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
  if (code) throw cannotListen(port, code, `set ${variable} to another one`);
}

/** Says why a port cannot be had, and what to do. */
export function cannotListen(port: number, code: string, remedy: string): DemoFailure {
  const reason = code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${code})`;
  return new DemoFailure(`Port ${port} ${reason}: free it, or ${remedy}.`);
}
