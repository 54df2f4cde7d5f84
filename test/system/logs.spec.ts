import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { eventually } from '../../src/aggregation/testing/eventually.js';
import { type RecordingServer, recordingServer } from '../../src/http/testing/recording-server.js';
import { GatewayProcess } from './support/gateway-process.js';

const TOKEN = '0123456789abcdef-admin';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

let directory: string;
let file: string;
let upstream: RecordingServer;
let gateway: GatewayProcess;
let agent: Agent;

/** The reference gateway, whose controllers hold its six upstreams, and a composite of two parts. */
function written(log: string): string {
  const names = ['customers', 'orders', 'catalog', 'inventory', 'reviews', 'offers'];
  const upstreams = names.map((name) => `  ${name}: { url: '${upstream.origin}', health: null }`).join('\n');
  return `
server: { shutdownGraceMs: 0, admission: { maxLoopDelayMs: null }, adminToken: ${TOKEN} }
telemetry: { log: ${log} }
upstreams:
${upstreams}
composites:
  screen:
    get: /screens/{id}
    parts:
      main: { upstream: catalog, get: '/main/{id}', required: true }
      extra: { upstream: offers, get: '/extra/{id}' }
`;
}

async function start(log: string): Promise<void> {
  writeFileSync(file, written(log));
  gateway = await GatewayProcess.start({
    GATEWAY_CONFIG: file,
    NODE_ENV: 'production',
    PORT: '0',
    MANAGEMENT_PORT: '0',
  });
}

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> {
  const { statusCode, body } = await agent.request({
    origin: gateway.apiUrl,
    path,
    method: method,
    headers,
  });
  await body.dump();
  return statusCode;
}

async function manage(
  method: 'GET' | 'PUT',
  path: string,
  content?: object,
): Promise<Record<string, unknown>> {
  const { statusCode, body } = await agent.request({
    origin: gateway.managementUrl,
    path,
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(content === undefined ? {} : { body: JSON.stringify(content) }),
  });
  expect(statusCode).toBe(200);
  return (await body.json()) as Record<string, unknown>;
}

type Line = Readonly<Record<string, unknown>>;

/** The log, which is to be JSON from its first line to its last. */
function lines(context?: string): readonly Line[] {
  const all = gateway.log.map((line) => JSON.parse(line) as Line);
  return context === undefined ? all : all.filter((line) => line['context'] === context);
}

const lineOf = (requestId: string): Line | undefined =>
  lines().find((line) => line['requestId'] === requestId);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-'));
  file = join(directory, 'gateway.yaml');
  agent = new Agent({ connections: 16 });
  upstream = await recordingServer(({ url = '' }, response) => {
    response.statusCode = url.includes('broken') ? 500 : url.includes('missing') ? 404 : 200;
    response.setHeader('content-type', 'application/json');
    response.end('{"secret":"hunter2"}');
  });
});

afterEach(async () => {
  await agent.destroy();
  await gateway.stop();
  await upstream.close();
  rmSync(directory, { recursive: true });
});

describe('the log of a gateway in production', () => {
  it('is JSON with one line a request, which says what became of it and nothing of what was sent', async () => {
    await start('{}');
    const secrets = {
      authorization: 'Bearer hunter2hunter2',
      cookie: 'session=hunter2',
      'x-api-key': 'hunter2',
      'proxy-authorization': 'Basic hunter2hunter2',
    };
    const path = '/screens/hunter2?token=hunter2';
    expect(
      await ask(path, { ...secrets, 'x-request-id': 'well', traceparent: `00-${TRACE}-b7ad6b7169203331-01` }),
    ).toBe(200);
    expect(await ask('/screens/missing', { ...secrets, 'x-request-id': 'missing' })).toBe(404);
    expect(await ask('/screens/broken', { ...secrets, 'x-request-id': 'broken' })).toBe(502);
    expect(await ask('/hunter2?password=hunter2', { ...secrets, 'x-request-id': 'nowhere' })).toBe(404);
    expect(await ask('/screens/1', { ...secrets, 'x-request-id': 'verb' }, 'PATCH')).toBe(405);
    await ask('/screens/1', { ...secrets, 'x-request-id': 'forged"\\' });
    await ask('/health/live', { 'x-request-id': 'health' });
    await eventually(() => lines('Request').length === 6);

    expect(lineOf('well')).toEqual({
      timestamp: expect.any(String) as string,
      level: 'info',
      context: 'Request',
      message: expect.stringMatching(/^GET \/screens\/\{id\} 200 in \d+ ms$/) as string,
      requestId: 'well',
      traceId: TRACE,
      method: 'GET',
      route: '/screens/{id}',
      status: 200,
      durationMs: expect.any(Number) as number,
      bytes: expect.any(Number) as number,
      composites: ['screen'],
      complete: true,
    });
    expect(lineOf('missing')).toMatchObject({ level: 'info', status: 404, complete: false });
    expect(lineOf('broken')).toMatchObject({
      level: 'warn',
      status: 502,
      part: 'main',
      reason: 'status',
      detail: "upstream 'catalog' answered 500",
      parts: expect.arrayContaining([
        expect.objectContaining({ part: 'main', state: 'failed', reason: 'status' }),
      ]) as unknown[],
    });
    expect(lineOf('nowhere')).toMatchObject({
      level: 'info',
      status: 404,
      message: expect.stringMatching(/^GET \(no route\)/) as string,
    });
    expect(lineOf('verb')).toMatchObject({ level: 'info', status: 405 });
    expect(lineOf('health')).toBeUndefined();
    expect(gateway.log.join('\n')).not.toContain('hunter2');
    // The line that says where it listens, and nothing else besides the requests.
    expect(lines().filter(({ context }) => context !== 'Request')).toEqual([
      expect.objectContaining({ level: 'info', context: 'Tributary' }),
    ]);
  });

  it('says more where an operator wants it, and less where its file does', async () => {
    await start('{ successPercent: 0 }');
    expect(await manage('GET', '/log')).toMatchObject({ level: 'info', lines: { dropped: 0 } });
    await manage('PUT', '/log/Upstream', { level: 'debug', for: '60m' });
    await ask('/screens/1', { 'x-request-id': 'watched' });
    await eventually(() => lines('Upstream').filter(({ event }) => event === 'call').length === 2);
    expect(lines('Upstream').every(({ requestId }) => requestId === 'watched')).toBe(true);
    expect(lines('Request')).toEqual([]);
    expect(lines('Audit').map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^PUT \/log\/:context from 127\.0\.0\.1: the level of Upstream is debug for 3600 s$/,
      ),
    ]);

    await ask('/nowhere');
    await eventually(() => lines('Request').length === 1);
    writeFileSync(file, written('{ level: warn, successPercent: 0 }'));
    gateway.signal('SIGHUP');
    await eventually(async () => (await manage('GET', '/log'))['level'] === 'warn');
    await ask('/nowhere');
    await ask('/screens/broken', { 'x-request-id': 'broken' });
    await eventually(() => lines('Request').length === 2);
    expect(lines('Request').at(-1)).toMatchObject({ requestId: 'broken' });
    expect(await manage('GET', '/log')).toMatchObject({
      contexts: { Upstream: { level: 'debug', isSet: true } },
    });
    expect(gateway.log.join()).not.toContain(TOKEN);
  });
});

describe('a gateway whose log nobody reads', () => {
  it('serves on, holds little of it, and says what it has dropped once it is read again', async () => {
    await start('{ level: debug }');
    // Code and connections warm up before memory is compared.
    for (let n = 0; n < 100; n++) await ask('/screens/1');
    gateway.holdLog();
    const before = gateway.residentMiB;
    const statuses = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const seen: number[] = [];
        for (let n = 0; n < 65; n++) seen.push(await ask('/screens/1'));
        return seen;
      }),
    );
    expect(statuses.flat().every((status) => status === 200)).toBe(true);
    const { lines: counts } = (await manage('GET', '/log')) as {
      lines: { written: number; dropped: number };
    };
    expect(counts.dropped).toBeGreaterThan(0);
    expect(gateway.residentMiB - before).toBeLessThan(100);

    gateway.readLog();
    await eventually(() => lines('Log').length > 0);
    expect(lines('Log')[0]).toMatchObject({ level: 'warn', dropped: expect.any(Number) as number });
    expect(await gateway.stop()).toBe(0);
  }, 60_000);

  it('serves on when its reader has gone, and stops as it should', async () => {
    await start('{}');
    gateway.closeLog();
    for (let n = 0; n < 20; n++) expect(await ask('/screens/1')).toBe(200);
    await eventually(async () => ((await manage('GET', '/log'))['lines'] as { dropped: number }).dropped > 0);
    expect(await ask('/screens/1')).toBe(200);
    expect(await gateway.stop()).toBe(0);
  });
});
