import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ask, eventually, open } from './testing/ask.js';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function serve(name: string, env: Record<string, string> = { PORT: '0' }): ChildProcess {
  const child = fork(resolve('dist/examples/serve.js'), [name], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  children.push(child);
  return child;
}

async function portOf(child: ChildProcess): Promise<number> {
  const [{ listening }] = (await once(child, 'message')) as [{ listening: number }];
  return listening;
}

/** What the process holds in memory, as the kernel counts it. */
async function residentMiB({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

describe('a service as a process', () => {
  it('tells its parent where it listens, and prints it', async () => {
    const child = serve('offers');
    const [port, [line]] = (await Promise.all([
      portOf(child),
      child.stdout && once(child.stdout, 'data'),
    ])) as [number, [Buffer]];
    expect(line.toString()).toBe(`offers listens on http://127.0.0.1:${port}\n`);
    expect((await ask(`http://127.0.0.1:${port}/offers/of-1`)).status).toBe(200);
  });

  it('tells its parent that its port is taken', async () => {
    const port = await portOf(serve('offers'));
    const second = serve('reviews', { PORT: String(port) });
    const [report] = (await once(second, 'message')) as [unknown];
    expect(report).toEqual({ failed: 'EADDRINUSE' });
    expect(await once(second, 'exit')).toEqual([1, null]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends on %s, whoever still waits for an answer', async (signal) => {
    const child = serve('offers');
    const url = `http://127.0.0.1:${await portOf(child)}`;
    await ask(`${url}/faults`, { method: 'PUT', body: { hang: true } });
    const waiting = expect(ask(`${url}/offers`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await eventually(async () => (await ask(`${url}/stats`)).bytes.includes('"inFlight":1'));
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
    await waiting;
  });

  it('ends with its parent', async () => {
    const child = serve('offers');
    await portOf(child);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.each([
    [['ordres'], {}, 'Unknown service "ordres". Did you mean "orders"?'],
    [['orders'], { PORT: 'http' }, 'PORT must be a whole number from 0 to 65535, not "http".'],
  ])('refuses %j with %j', async ([name = ''], env, message) => {
    const child = serve(name, env);
    const [[line], [code]] = (await Promise.all([
      child.stderr && once(child.stderr, 'data'),
      once(child, 'exit'),
    ])) as [[Buffer], [number]];
    expect(line.toString()).toContain(message);
    expect(code).toBe(1);
  });

  it('pours out a huge body without holding any of it', async () => {
    const child = serve('offers');
    const url = `http://127.0.0.1:${await portOf(child)}`;
    await ask(`${url}/faults`, { method: 'PUT', body: { huge: true } });
    const before = await residentMiB(child);
    let size = 0;
    for await (const chunk of (await open(`${url}/offers`)) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > 512 * 2 ** 20) break;
    }
    expect((await residentMiB(child)) - before).toBeLessThan(64);
  });
});
