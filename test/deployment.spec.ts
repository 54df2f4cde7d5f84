import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseGatewayConfig } from '../src/upstream/config/gateway-config.js';

const root = join(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The part of the Compose specification that we use; a key outside it is a mistake, or belongs here. */
const duration = z.string().regex(/^(\d+(ms|s|m|h))+$/);
const serviceSchema = z.strictObject({
  build: z.string(),
  command: z.array(z.string()).nonempty().optional(),
  init: z.boolean(),
  restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']),
  stop_grace_period: duration.optional(),
  networks: z.array(z.string()).nonempty(),
  ports: z.array(z.string().regex(/^(\d+\.\d+\.\d+\.\d+:)?\d+:\d+$/)).optional(),
  environment: z.record(z.string().regex(/^[A-Z_]+$/), z.string()),
  healthcheck: z.strictObject({
    test: z.tuple([z.literal('CMD')], z.string()),
    interval: duration,
    timeout: duration,
    retries: z.int().positive(),
  }),
});
const composeSchema = z.strictObject({
  'x-service': z.unknown(),
  services: z.record(z.string().regex(/^[a-z][a-z0-9_-]*$/), serviceSchema),
  networks: z.record(z.string(), z.strictObject({ internal: z.boolean().optional() })),
});

describe('docker-compose.yml', () => {
  const compose = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
  const { gateway, ...upstreams } = compose.services;

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

  it('names only networks that exist, and opens only the gateway to the outside', () => {
    const known = ['default', ...Object.keys(compose.networks)];
    for (const { networks } of Object.values(compose.services)) {
      expect(known).toEqual(expect.arrayContaining(networks));
    }
    expect(Object.values(upstreams).every(({ ports }) => ports === undefined)).toBe(true);
    expect(compose.networks['upstreams']).toEqual({ internal: true });
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
