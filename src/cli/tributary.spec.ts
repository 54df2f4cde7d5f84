import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';

/** As it is built and installed. */
const BIN = resolve('dist/src/cli/tributary.js');

let folder: string;
let file: string;
let upstream: RecordingServer;

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

afterAll(async () => {
  await upstream.close();
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function tributary(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const code = new Promise<number | null>((ended) => child.once('close', ended));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

describe('npx tributary', () => {
  it.each([
    [0, ['check']],
    [1, ['check', '--config', 'nowhere.yaml']],
    [2, ['chekc']],
    [0, ['call', 'whole']],
    [3, ['call', 'partial']],
    [1, ['call', 'failed']],
    [2, ['call', 'unknown']],
    [0, ['matrix', 'whole']],
    [0, ['schema']],
    [1, ['run', '--config', 'nowhere.yaml']],
  ])('exits with %d from %j', async (expected, args) => {
    const { code, stderr } = await tributary(...args);
    expect({ code, stderr: code === expected ? '' : stderr }).toEqual({ code: expected, stderr: '' });
  });

  it('prints nothing but the answer to stdout', async () => {
    const { stdout } = await tributary('call', 'partial');
    expect(JSON.parse(stdout)).toEqual({ a: { ok: true }, b: null });
  });

  it('serves the composites of the file, until it is told to stop', async () => {
    const child = spawn(process.execPath, [BIN, 'run'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((end) => child.once('exit', end));
    const url = await new Promise<string>((found) => {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const [, api] = /API on (http:\/\/[\d.:]+)/.exec(output) ?? [];
        if (api !== undefined) found(api);
      });
    });
    const answer = await fetch(`${url}/whole`);
    expect(await answer.json()).toEqual({ a: { ok: true } });
    expect((await fetch(`${url}/customers/c-1/overview`)).status).toBe(404);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
