import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseGatewayConfig } from '../src/upstream/config/gateway-config.js';

const root = join(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The part of the Compose specification that we use; a key outside it is a mistake, or belongs here. */
const duration = z.string().regex(/^(\d+(ms|s|m|h))+$/);
/** Those we build and those we take have these in common. */
const commonSchema = z.strictObject({
  command: z.array(z.string()).nonempty().optional(),
  restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']),
  stop_grace_period: duration.optional(),
  networks: z.array(z.string()).nonempty(),
  ports: z.array(z.string().regex(/^(\d+\.\d+\.\d+\.\d+:)?\d+:\d+$/)).optional(),
  environment: z.record(z.string().regex(/^[A-Z_]+$/), z.string()).default({}),
  healthcheck: z.strictObject({
    test: z.tuple([z.literal('CMD')], z.string()),
    interval: duration,
    timeout: duration,
    retries: z.int().positive(),
  }),
});
const builtSchema = commonSchema.extend({ build: z.string(), init: z.boolean() });
const takenSchema = commonSchema.extend({
  // A tag that moves would be another program one day.
  image: z.string().regex(/^[a-z]+\/[a-z-]+:v?\d+\.\d+\.\d+$/),
  volumes: z.array(z.string().regex(/^\.\/[\w/.-]+:\/[\w/.-]+:ro$/)).optional(),
});
const composeSchema = z.strictObject({
  'x-service': z.unknown(),
  services: z.record(z.string().regex(/^[a-z][a-z0-9_-]*$/), z.union([builtSchema, takenSchema])),
  networks: z.record(z.string(), z.strictObject({ internal: z.boolean().optional() })),
});

describe('docker-compose.yml', () => {
  const compose = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
  const { gateway, prometheus, grafana, jaeger, ...upstreams } = compose.services;

  it('runs every upstream of gateway.yaml, and sends the gateway to it', () => {
    const config = parseGatewayConfig(read('gateway.yaml'), { env: gateway?.environment ?? {} });

    expect(Object.keys(upstreams)).toEqual(Object.keys(config.upstreams));
    for (const [name, { environment, command }] of Object.entries(upstreams)) {
      expect(config.upstreams[name]?.endpoints).toEqual([`http://${name}:${environment['PORT'] ?? ''}`]);
      expect(command).toEqual(['node', 'dist/examples/serve.js', name]);
    }
  });

  it('finds what gateway.yaml names in the image', () => {
    const { upstreams } = parseGatewayConfig(read('gateway.yaml'), { env: {} });
    const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(\S+) /gm)].map(([, path = '']) => path);
    const documents = Object.values(upstreams).flatMap(({ openapi }) => openapi ?? []);

    expect(documents.length).toBeGreaterThan(0);
    for (const document of documents) expect(copied.some((path) => document.startsWith(path))).toBe(true);
  });

  it('names only networks that exist, and opens only the API to other machines', () => {
    const known = ['default', ...Object.keys(compose.networks)];
    for (const { networks } of Object.values(compose.services)) {
      expect(known).toEqual(expect.arrayContaining(networks));
    }
    expect(Object.values(upstreams).every(({ ports }) => ports === undefined)).toBe(true);
    expect(compose.networks['upstreams']).toEqual({ internal: true });
    const ports = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual(['3000:3000']);
    const published = ports.map((port) => port.split(':').at(-2));
    expect(new Set(published).size).toBe(published.length);
  });

  it('mounts only what there is', () => {
    const volumes = Object.values(compose.services).flatMap((service) =>
      'volumes' in service ? (service.volumes ?? []) : [],
    );
    expect(volumes.length).toBeGreaterThan(0);
    for (const volume of volumes) {
      const [source = ''] = volume.split(':');
      expect({ source, exists: existsSync(join(root, source)) }).toEqual({ source, exists: true });
    }
  });

  it('has the gateway send its traces to Jaeger, and only here', () => {
    const endpointIn = (env: Readonly<Record<string, string>>) =>
      parseGatewayConfig(read('gateway.yaml'), { env }).telemetry.tracing.endpoint;
    expect(endpointIn(gateway?.environment ?? {})).toBe('http://jaeger:4318');
    expect(endpointIn({})).toBeNull();
    expect(jaeger?.networks).toEqual(['telemetry']);
    expect(gateway?.networks).toContain('telemetry');
  });

  it('has Prometheus scrape the management port, and Grafana ask Prometheus and Jaeger', () => {
    const { scrape_configs } = parse(read('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const { server } = parseGatewayConfig(read('gateway.yaml'), { env: {} });
    const targets = scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap(({ targets }) => targets),
    );
    expect(targets).toEqual([`gateway:${server.managementPort}`]);
    expect(gateway?.environment['MANAGEMENT_HOST']).toBe('0.0.0.0');
    expect(prometheus?.command).toContain('--config.file=/etc/prometheus/prometheus.yml');

    const { datasources } = parse(read('deploy/grafana/provisioning/datasources/datasources.yml')) as {
      datasources: { url: string }[];
    };
    const hosts = datasources.map(({ url }) => new URL(url).hostname);
    expect(hosts).toEqual(['prometheus', 'jaeger']);
    for (const host of hosts) expect(compose.services[host]?.networks).toEqual(grafana?.networks);
  });

  it('gives the gateway longer to stop than it takes', () => {
    const { server } = parseGatewayConfig(read('gateway.yaml'), { env: {} });
    const graceMs = Number.parseInt(gateway?.stop_grace_period ?? '10s', 10) * 1000;

    expect(graceMs).toBeGreaterThan(server.shutdownGraceMs + server.shutdownDrainMs);
  });
});

describe('Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => /^(\S+)\s+(.*)$/.exec(line)?.slice(1) as [string, string]);
  const ofKind = (kind: string): string[] =>
    instructions.filter(([name]) => name === kind).map(([, rest]) => rest);

  it('copies only what there is', () => {
    for (const copy of ofKind('COPY').filter((rest) => !rest.startsWith('--from'))) {
      const sources = copy.split(/\s+/).slice(0, -1);
      for (const source of sources)
        expect({ source, exists: existsSync(join(root, source)) }).toEqual({ source, exists: true });
    }
  });

  it('starts the gateway itself, so that signals reach it, and not as root', () => {
    expect(ofKind('CMD').map((rest) => JSON.parse(rest) as unknown)).toEqual([['node', 'dist/src/main.js']]);
    expect(existsSync(join(root, 'src/main.ts'))).toBe(true);
    expect(ofKind('USER')).toEqual(['node']);
  });

  it('brings a Node that package.json allows, and nothing of the host’s', () => {
    const ignored = read('.dockerignore').split('\n');

    expect(ofKind('FROM').every((from) => from.startsWith('node:22-'))).toBe(true);
    expect(ignored).toEqual(expect.arrayContaining(['node_modules', 'dist']));
  });
});
