import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { GatewayProcess } from './gateway-process.js';
import { ServiceProcess } from './service-process.js';

export const SERVICES = ['customers', 'orders', 'catalog', 'inventory', 'reviews', 'offers'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** One answer of the gateway, as a client sees it. */
export interface Answer {
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly durationMs: number;
}

/** The six services and the gateway in front of them, each its own process. */
export class DemoWorld {
  private constructor(
    readonly services: ReadonlyMap<ServiceName, ServiceProcess>,
    readonly gateway: GatewayProcess,
    private readonly client: Pool,
    private readonly directory: string,
  ) {}

  /**
   * @param connections how many requests the client can have open at once
   * @param config the gateway's file, where it is not to be the reference gateway's own
   */
  static async start({
    connections = 32,
    config,
  }: { connections?: number; config?: string } = {}): Promise<DemoWorld> {
    const services = new Map(SERVICES.map((name) => [name, new ServiceProcess(name)]));
    await Promise.all([...services.values()].map((service) => service.start()));
    const directory = await mkdtemp(join(tmpdir(), 'tributary-'));
    const env: Record<string, string> = {};
    for (const [name, { url }] of services) env[`${name.toUpperCase()}_URL`] = url;
    if (config !== undefined) {
      env['GATEWAY_CONFIG'] = join(directory, 'gateway.yaml');
      writeFileSync(env['GATEWAY_CONFIG'], config);
    }
    const gateway = await GatewayProcess.start(env).catch(async (error: unknown) => {
      await Promise.all([...services.values()].map((service) => service.kill()));
      throw error;
    });
    const client = new Pool(gateway.apiUrl, { connections, pipelining: 1 });
    return new DemoWorld(services, gateway, client, directory);
  }

  async stop(): Promise<void> {
    await this.client.destroy();
    await this.gateway.stop();
    await Promise.all([...this.services.values()].map((service) => service.kill()));
    await rm(this.directory, { recursive: true });
  }

  service(name: ServiceName): ServiceProcess {
    const service = this.services.get(name);
    if (service === undefined) throw new Error(`there is no service ${name}`);
    return service;
  }

  async ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const startedAt = performance.now();
    const {
      statusCode,
      headers: answered,
      body,
    } = await this.client.request({ path, method: 'GET', headers });
    const text = await body.text();
    return { path, status: statusCode, headers: answered, text, durationMs: performance.now() - startedAt };
  }
}

/** The parts of an answer's report: `customer;state=ok;dur=12` as `{ customer: { state: 'ok' } }`. */
export function partsOf({ headers }: Answer): Record<string, { state: string; reason?: string }> {
  const field = String(headers['composite-parts'] ?? '');
  const items = field === '' ? [] : field.split(', ');
  return Object.fromEntries(
    items.map((item) => {
      const [name = '', ...parameters] = item.split(';');
      const { state = '', reason } = Object.fromEntries(
        parameters.map((parameter) => parameter.split('=') as [string, string]),
      ) as { state?: string; reason?: string };
      return [name, reason === undefined ? { state } : { state, reason }];
    }),
  );
}
