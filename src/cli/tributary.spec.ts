import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';

/** As it is built and installed. */
const BIN = resolve('dist/src/cli/tributary.js');

let folder: string;
let file: string;
let upstream: RecordingServer;
const running = new Set<ChildProcess>();

// Each is a process of its own, which takes its time where others are busy.
jest.setTimeout(60_000);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-bin-'));
  upstream = await recordingServer((request, response) => {
    response.writeHead(request.url === '/broken' ? 500 : 200, { 'content-type': 'application/json' });
    response.end('{"ok":true}');
  });
  file = join(folder, 'gateway.yaml');
  await writeFile(
    file,
    `
server: { port: 0, managementPort: 0, host: 127.0.0.1, shutdownGraceMs: 0 }
upstreams: { it: { url: '${upstream.origin}' } }
composites:
  whole: { get: /whole, parts: { a: { upstream: it, get: /a, required: true } } }
  partial: { get: /partial, parts: { a: { upstream: it, get: /a }, b: { upstream: it, get: /broken } } }
  failed: { get: /failed, parts: { b: { upstream: it, get: /broken, required: true } } }
`,
  );
});

// What a test that failed has left behind would keep Jest waiting.
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

afterAll(async () => {
  await upstream.close();
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function started(args: readonly string[]) {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

async function tributary(...args: readonly string[]): Promise<Ended> {
  const child = started(args);
  const code = new Promise<number | null>((ended) => child.once('close', ended));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

/** The same file with other settings of the server. */
async function writtenWith(name: string, server: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(
    path,
    (await readFile(file, 'utf8')).replace(/^server: .*$/m, () => `server: ${server}`),
  );
  return path;
}

interface Serving {
  readonly url: string;
  /** Tells it to stop; answers when it has, with all it wrote. */
  stop(): Promise<{ readonly code: number | null; readonly output: string }>;
}

async function serving(...args: readonly string[]): Promise<Serving> {
  const child = started(['run', ...args]);
  const ended = new Promise<number | null>((end) => child.once('close', end));
  let output = '';
  const url = await new Promise<string>((found, failed) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const [, api] = /API on (http:\/\/[\d.:]+)/.exec(output) ?? [];
      if (api !== undefined) found(api);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', () => {
      failed(new Error(output));
    });
  });
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      return { code: await ended, output };
    },
  };
}

describe('npx tributary', () => {
  // What each command answers is told by the spec of the command line; here, that the process ends with it.
  it.each([
    [0, ['check']],
    [2, ['chekc']],
    [1, ['call', 'failed']],
    [0, ['matrix', 'whole']],
    [1, ['run', '--config', 'nowhere.yaml']],
  ])('exits with %d from %j', async (expected, args) => {
    const { code, stderr } = await tributary(...args);
    expect({ code, stderr: code === expected ? '' : stderr }).toEqual({ code: expected, stderr: '' });
  });

  it('prints nothing but the answer to stdout, and exits with 3 where some of it is missing', async () => {
    const { code, stdout } = await tributary('call', 'partial');
    expect({ code, answer: JSON.parse(stdout) as unknown }).toEqual({
      code: 3,
      answer: { a: { ok: true }, b: null },
    });
  });

  it('prints all of the schema before it exits', async () => {
    const { code, stdout } = await tributary('schema');
    expect({ code, schema: JSON.parse(stdout) as unknown }).toMatchObject({
      code: 0,
      schema: { type: 'object' },
    });
  });

  it('serves the composites of the file, until it is told to stop', async () => {
    const { url, stop } = await serving();
    const answer = await fetch(`${url}/whole`);
    expect(await answer.json()).toEqual({ a: { ok: true } });
    expect((await fetch(`${url}/customers/c-1/overview`)).status).toBe(404);
    expect(await stop()).toMatchObject({ code: 0 });
  });

  it('logs in a line why a composite failed, without colours where nobody sees them', async () => {
    const { url, stop } = await serving();
    for (const id of ['r-1', 'r-2', 'r-3']) await fetch(`${url}/failed`, { headers: { 'x-request-id': id } });
    const { output } = await stop();
    const lines = output.split('\n').filter((line) => line.includes('/failed'));
    expect(lines).toEqual(
      ['r-1', 'r-2', 'r-3'].map(
        (id) =>
          expect.stringMatching(
            ` WARN  \\[Request\\] GET /failed 502 in \\d+ ms: b failed \\(status: upstream 'it' answered 500\\) \\(${id}\\)$`,
          ) as string,
      ),
    );
    expect(output).not.toContain('\u001b');
  });

  it('says in a line which port is taken, and what to do about it', async () => {
    const taken = new URL(upstream.origin).port;
    const inFile = await writtenWith('in-file.yaml', `\n  port: \${PORT:-${taken}}\n  host: 127.0.0.1`);
    const plain = await writtenWith('plain.yaml', `{ port: 0, managementPort: ${taken}, host: 127.0.0.1 }`);
    const elsewhere = await writtenWith('elsewhere.yaml', '{ port: 0, managementPort: 0, host: 192.0.2.1 }');
    const ended = await Promise.all([
      tributary('run', '--config', inFile),
      tributary('run', '--config', plain),
      tributary('run', '--port', taken),
      tributary('run', '--config', elsewhere),
    ]);
    expect(ended.map(({ stderr }) => stderr)).toEqual([
      `port ${taken} is in use: set server.port (or PORT) to another one\n`,
      `port ${taken} is in use: set server.managementPort to another one\n`,
      `port ${taken} is in use: give --port another one\n`,
      "'192.0.2.1' is no address of this machine: set server.host to another one\n",
    ]);
    for (const { code, stdout } of ended) expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  it('listens on the ports it is given in place of those of the file', async () => {
    const taken = new URL(upstream.origin).port;
    const busy = await writtenWith(
      'busy.yaml',
      `{ port: ${taken}, managementPort: ${Number(taken) - 1}, host: 127.0.0.1, shutdownGraceMs: 0 }`,
    );
    const { url, stop } = await serving('--config', busy, '--port', '0', '--management-port', '0');
    expect((await fetch(`${url}/whole`)).status).toBe(200);
    expect(await stop()).toMatchObject({ code: 0 });
  });
});
