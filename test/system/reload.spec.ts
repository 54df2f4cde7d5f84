import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { eventually } from '../../src/aggregation/testing/eventually.js';
import { type RecordingServer, recordingServer } from '../../src/http/testing/recording-server.js';
import { GatewayProcess } from './support/gateway-process.js';

let directory: string;
let file: string;
let upstream: RecordingServer;
let gateway: GatewayProcess;

/** The reference gateway, whose controllers hold its six upstreams, and one composite more. */
function written(route: string, server = ''): string {
  const names = ['customers', 'orders', 'catalog', 'inventory', 'reviews', 'offers'];
  const upstreams = names.map((name) => `  ${name}: { url: '${upstream.origin}', health: null }`).join('\n');
  return `
server: { port: 0, managementPort: 0, shutdownGraceMs: 0${server} }
upstreams:
${upstreams}
composites:
  catalog: { get: ${route}, parts: { it: { upstream: catalog, get: /it } } }
`;
}

async function start(text: string): Promise<void> {
  writeFileSync(file, text);
  gateway = await GatewayProcess.start({ GATEWAY_CONFIG: file });
}

function replace(text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

async function statusOf(path: string): Promise<number> {
  const { statusCode, body } = await request(`${gateway.apiUrl}${path}`);
  await body.dump();
  return statusCode;
}

async function configuration(): Promise<{ readonly generation: number; readonly lastError?: object }> {
  const { body } = await request(`${gateway.managementUrl}/health`);
  const { configuration } = (await body.json()) as {
    readonly configuration: { readonly generation: number; readonly lastError?: object };
  };
  return configuration;
}

const said = (what: string): boolean => gateway.log.some((line) => line.includes(what));

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-'));
  file = join(directory, 'gateway.yaml');
  upstream = await recordingServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

afterEach(async () => {
  await gateway.stop();
  await upstream.close();
  rmSync(directory, { recursive: true });
});

describe('a gateway that gets a SIGHUP', () => {
  it('serves what its file says now, and goes on if the file is broken', async () => {
    await start(written('/before'));
    expect(await Promise.all([statusOf('/before'), statusOf('/after')])).toEqual([200, 404]);

    replace(written('/after'));
    expect(await statusOf('/after')).toBe(404);
    gateway.signal('SIGHUP');
    await eventually(() => said('reloaded: 1 composite changed (catalog)'));
    expect(await Promise.all([statusOf('/before'), statusOf('/after')])).toEqual([404, 200]);
    expect(await configuration()).toMatchObject({ generation: 2 });

    replace(written('/broken').replace('upstream: catalog', 'upstream: catalogue'));
    gateway.signal('SIGHUP');
    await eventually(() => said('the running configuration stays'));
    expect(said('did you mean catalog?')).toBe(true);
    expect(await statusOf('/after')).toBe(200);
    expect(await configuration()).toMatchObject({
      generation: 2,
      lastError: { problems: [expect.stringContaining('composites.catalog.parts.it.upstream')] },
    });
    expect(await gateway.stop()).toBe(0);
  });
});

describe('a gateway that watches its file', () => {
  it('serves what it says whenever it has changed, and stops watching when it says so', async () => {
    const watching = ', reload: { watch: true, intervalMs: 100 }';
    await start(written('/before', watching));
    replace(written('/after', watching));
    await eventually(() => said('reloaded: 1 composite changed (catalog)'));
    expect(await statusOf('/after')).toBe(200);
    replace(written('/unwatched'));
    await eventually(() => gateway.log.filter((line) => line.includes('1 composite changed')).length === 2);
    expect(await statusOf('/unwatched')).toBe(200);
    expect(await gateway.stop()).toBe(0);
  });
});
