import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { parse, stringify } from 'yaml';
import { Scraped } from '../../src/telemetry/testing/scraped.js';
import { type Dashboard, expressionsOf, readDashboard, selectorsIn } from './support/dashboard.js';
import { DemoWorld } from './support/demo-world.js';
import { isPrometheusThere, PrometheusProcess, promtool, PROMETHEUS } from './support/prometheus-process.js';

const root = join(__dirname, '../..');
const deployed = join(root, 'deploy/prometheus');

const isThere = isPrometheusThere();
const isDemanded = process.env['CI'] === 'true';
if (!isThere && !isDemanded) {
  process.stderr.write(
    `${PROMETHEUS} is not installed: whether it understands us is not tested here (CI demands it)\n`,
  );
}
const withPrometheus = isThere || isDemanded ? describe : describe.skip;

interface Rules {
  readonly groups: { readonly rules: { readonly record?: string; readonly expr: string; for?: string }[] }[];
}

const readRules = (): Rules => parse(readFileSync(join(deployed, 'alerts.yml'), 'utf8')) as Rules;

/** The reference gateway, that finds out sooner what has become of its upstreams. */
const config = readFileSync(join(root, 'gateway.yaml'), 'utf8')
  .replaceAll('openapi: examples/', `openapi: ${root}/examples/`)
  .replace(/^defaults:\n/m, 'defaults:\n  circuitBreaker: { openMs: 300ms, maxOpenMs: 300ms }\n');

let world: DemoWorld;
let folder: string;
let dashboard: Dashboard;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  dashboard = readDashboard(join(root, 'deploy/grafana/dashboards/tributary.json'));
  world = await DemoWorld.start({ config });
  await askForPages();
}, 30_000);

afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

/** Enough of them for a breaker to judge by, of which half want something of each service. */
async function askForPages(): Promise<void> {
  await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      world.ask(n % 2 === 0 ? '/customers/c-42/overview' : '/products/p-7/page'),
    ),
  );
}

async function scrape(): Promise<Scraped> {
  const { body } = await request(`${world.gateway.managementUrl}/metrics`);
  return new Scraped(await body.text());
}

/** Asks again and again, and for pages in between, until what is asked for is so. */
async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
  const givesUpAt = performance.now() + 12_000;
  while (!(await isSo())) {
    if (performance.now() > givesUpAt) throw new Error(`it did not come to ${isSo.toString()}`);
    await askForPages();
    await delay(100);
  }
}

describe('the dashboard and the alerts', () => {
  it('ask for what a gateway shows, by labels it has', async () => {
    const scraped = await scrape();
    const declared = new Map(
      [...scraped.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
    );
    const expressions = [
      ...expressionsOf(dashboard),
      ...readRules().groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    ];
    const selectors = expressions.flatMap(selectorsIn);
    expect(selectors.length).toBeGreaterThan(60);
    for (const { name, labels } of selectors) {
      const family = name.replace(/_(bucket|sum|count)$/, '');
      const isHistogram = declared.get(family) === 'histogram';
      expect({ name, is: isHistogram || declared.has(name) }).toEqual({ name, is: true });
      const [series = ''] = scraped.holding(isHistogram ? `${family}_count` : `${name}{`);
      const own = labels.filter((label) => !['job', 'instance', 'reason', 'error_type'].includes(label));
      if (series === '') continue;
      for (const label of own) expect(series).toContain(`${label}="`);
    }
  });

  it('has panels that are told apart, in a grid where none covers another', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it('ask whatever Prometheus is chosen', () => {
    const [datasource] = dashboard.templating.list;
    expect(datasource).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const asked = dashboard.panels.flatMap(({ datasource, targets }) => [
      ...(datasource === undefined ? [] : [datasource.uid]),
      ...targets.map((target) => target.datasource.uid),
    ]);
    expect(new Set(asked)).toEqual(new Set(['${datasource}']));
  });
});

withPrometheus('a real Prometheus', () => {
  let prometheus: PrometheusProcess;

  beforeAll(async () => {
    prometheus = await PrometheusProcess.start(quickConfiguration(), join(folder, 'data'));
  });

  afterAll(async () => {
    await prometheus.stop();
  });

  it.each([
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ])('is content with promtool %s %s', (verb, what, file) => {
    const { ok, said } = promtool(verb, what, join(deployed, file));
    expect({ ok, said }).toEqual({ ok: true, said: expect.stringContaining('SUCCESS') as string });
  });

  it('scrapes the gateway, and understands all that the dashboard asks', async () => {
    await untilSo(async () => (await prometheus.query('up{job="tributary"}'))[0] === 1);
    await untilSo(async () => (await prometheus.query('sum(tributary_upstream_up)'))[0] === 6);
    for (const expression of expressionsOf(dashboard)) await prometheus.query(expression);
    const complete = 'sum(tributary_composite_requests_total{complete="true"})';
    expect((await prometheus.query(complete))[0]).toBeGreaterThan(0);
  });

  it('raises the alarm when a service is killed, and ends it when that is back', async () => {
    const down = () => prometheus.alerts('TributaryUpstreamDown');
    const open = () => prometheus.alerts('TributaryBreakerOpen');
    expect([...(await down()), ...(await open())]).toEqual([]);

    await world.service('reviews').kill();
    const isFiring = (alerts: Awaited<ReturnType<typeof down>>): boolean =>
      alerts.some(({ state, labels }) => state === 'firing' && labels['upstream'] === 'reviews');
    await untilSo(async () => isFiring(await down()) && isFiring(await open()));
    expect((await down()).map(({ labels }) => labels)).toEqual([
      expect.objectContaining({ upstream: 'reviews', severity: 'warning', critical: 'false' }),
    ]);

    await world.service('reviews').start();
    await untilSo(async () => [...(await down()), ...(await open())].length === 0);
  }, 30_000);
});

/** The configuration as it is deployed, pointed at this gateway, and in a hurry. */
function quickConfiguration(): string {
  const rules = readRules();
  for (const rule of rules.groups.flatMap(({ rules }) => rules))
    if (rule.for !== undefined) rule.for = '500ms';
  writeFileSync(join(folder, 'alerts.yml'), stringify(rules));
  const written = readFileSync(join(deployed, 'prometheus.yml'), 'utf8')
    .replace(/(scrape|evaluation)_interval: \S+/g, '$1_interval: 250ms')
    .replace('gateway:3001', new URL(world.gateway.managementUrl).host);
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, written);
  return file;
}
