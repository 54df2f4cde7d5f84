import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { gatewayServerOptions } from '../src/aggregation/server-options.js';
import { loadGateway } from '../src/composite/config/gateway.js';
import { createApi } from '../src/gateway.js';
import { type RecordingServer, recordingServer } from '../src/http/testing/recording-server.js';
import { ManagementModule } from '../src/management.module.js';
import { GatewayReload } from '../src/reload.js';
import { Scraped } from '../src/telemetry/testing/scraped.js';

interface Gateway {
  readonly api: NestFastifyApplication;
  readonly management: NestFastifyApplication;
  readonly reload: GatewayReload;
}

let upstream: RecordingServer;
let directory: string;
let file: string;
const gateways: Gateway[] = [];

beforeEach(async () => {
  Logger.overrideLogger(false);
  directory = mkdtempSync(join(tmpdir(), 'tributary-'));
  file = join(directory, 'gateway.yaml');
  upstream = await recordingServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end('{}');
  });
});

afterEach(async () => {
  for (const { api, management } of gateways.splice(0)) {
    await api.close();
    await management.close();
  }
  await upstream.close();
  rmSync(directory, { recursive: true });
});

function written(names: { readonly upstream: string; readonly composite: string }, telemetry = ''): string {
  return `
server: { port: 0, managementPort: 0, shutdownGraceMs: 0 }
${telemetry}
upstreams: { ${names.upstream}: { url: '${upstream.origin}', health: null } }
composites:
  ${names.composite}:
    get: /${names.composite}/{id}
    parts: { it: { upstream: ${names.upstream}, get: '/it/{id}' } }
`;
}

async function started(text: string): Promise<Gateway> {
  writeFileSync(file, text);
  const definition = loadGateway({ file, env: {} });
  const api = await createApi(definition, { logger: false });
  const reload = new GatewayReload(api, definition);
  const management = await NestFactory.create<NestFastifyApplication>(
    ManagementModule.of(api, reload.state),
    new FastifyAdapter(gatewayServerOptions()),
    { logger: false, abortOnError: false },
  );
  const gateway = { api, management, reload };
  gateways.push(gateway);
  await api.listen(0, '127.0.0.1');
  await management.listen(0, '127.0.0.1');
  return gateway;
}

async function ask(app: Gateway['api'], path: string, accept = '*/*') {
  const response = await fetch(`${await app.getUrl()}${path}`, { headers: { accept } });
  return { response, text: await response.text() };
}

async function scrape({ management }: Gateway): Promise<Scraped> {
  return new Scraped((await ask(management, '/metrics')).text);
}

const BEFORE = { upstream: 'orders', composite: 'order' };
const AFTER = { upstream: 'users', composite: 'user' };

describe('/metrics', () => {
  it('is on the management port, in the format that is asked for, and not on the other', async () => {
    const { api, management } = await started(written(BEFORE));
    const text = await ask(management, '/metrics');
    expect(text.response.status).toBe(200);
    expect(text.response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.response.headers.get('cache-control')).toBe('no-store');
    const openMetrics = await ask(management, '/metrics', 'application/openmetrics-text');
    expect(openMetrics.response.headers.get('content-type')).toContain('application/openmetrics-text');
    expect(openMetrics.text).toMatch(/# EOF\n$/);
    expect((await ask(api, '/metrics')).response.status).toBe(404);
  });

  it('shows requests by their routes and composites by their names, and no path', async () => {
    const gateway = await started(written(BEFORE));
    for (const path of ['/order/1', '/order/2', '/no/such/path', '/nor/this']) await ask(gateway.api, path);
    const count = 'http_server_request_duration_seconds_count';
    const scraped = await scrape(gateway);
    const asked = { http_request_method: 'GET', http_response_status_code: '200' };
    expect(scraped.value(count, { ...asked, http_route: '/order/{id}' })).toBe(2);
    expect(scraped.value(count, { http_request_method: 'GET', http_response_status_code: '404' })).toBe(2);
    const composite = { composite: 'order', complete: 'true', status_class: '2xx' };
    expect(scraped.value('tributary_composite_requests_total', composite)).toBe(2);
    const part = { composite: 'order', part: 'it', state: 'ok' };
    expect(scraped.value('tributary_composite_parts_total', part)).toBe(2);
    expect(scraped.value('tributary_upstream_calls_total', { upstream: 'orders', outcome: 'ok' })).toBe(2);
    expect(scraped.value('tributary_upstream_up', { upstream: 'orders', critical: 'false' })).toBe(1);
    expect(scraped.value('tributary_admission_in_flight')).toBe(0);
    expect(scraped.value('tributary_admission_shed_total', { priority: 'default' })).toBe(0);
    expect(scraped.text).not.toMatch(/such|nor\/this|it\/1|127\.0\.0\.1/);
  });

  it('forgets what a reload has taken away, and tells of files that were refused', async () => {
    const gateway = await started(written(BEFORE));
    await ask(gateway.api, '/order/1');
    writeFileSync(file, written(AFTER));
    expect(await gateway.reload.reload()).toBe(true);
    await ask(gateway.api, '/user/1');
    let scraped = await scrape(gateway);
    expect(scraped.holding('order')).toEqual([]);
    expect(scraped.value('tributary_upstream_calls_total', { upstream: 'users', outcome: 'ok' })).toBe(1);
    expect(scraped.value('tributary_configuration_generation')).toBe(2);
    expect(scraped.value('tributary_configuration_last_reload_successful')).toBe(1);

    writeFileSync(file, 'upstreams: 7');
    expect(await gateway.reload.reload()).toBe(false);
    scraped = await scrape(gateway);
    expect(scraped.value('tributary_configuration_generation')).toBe(2);
    expect(scraped.value('tributary_configuration_last_reload_successful')).toBe(0);
    expect(scraped.value('tributary_configuration_refusals_total')).toBe(1);
  });

  it('is of its own gateway, where several live in one process', async () => {
    const [one, other] = [await started(written(BEFORE)), await started(written(AFTER))];
    await ask(one.api, '/order/1');
    expect((await scrape(one)).holding('users')).toEqual([]);
    const scraped = await scrape(other);
    expect(scraped.holding('order')).toEqual([]);
    expect(scraped.value('tributary_upstream_calls_total', { upstream: 'users', outcome: 'ok' })).toBe(0);
  });

  it('is not there where metrics are off', async () => {
    const { management } = await started(written(BEFORE, 'telemetry: { metrics: { enabled: false } }'));
    expect((await ask(management, '/metrics')).response.status).toBe(404);
  });
});
