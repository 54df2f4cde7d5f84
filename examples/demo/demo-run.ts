import { relative } from 'node:path';
import { SIX_SERVICES } from '../services/six-services.js';
import { Child } from './child.js';
import { DemoFailure } from './demo-failure.js';
import { answering } from './gateway-process.js';
import { guide } from './guide.js';
import { requireFree } from './ports.js';
import { listening, type ServiceProcess } from './service-process.js';
import { type DemoFiles, type DemoSettings } from './settings.js';

const DRAIN_MS = 10_000;
const SERVICE_GRACE_MS = 2_000;

/** The six services and the gateway, from the first fork until the last of them has ended. */
export class DemoRun {
  private readonly services: Child[] = [];
  private gateway: Child | undefined;
  private stopping = false;

  constructor(
    private readonly settings: DemoSettings,
    private readonly files: DemoFiles,
  ) {}

  /**
   * Starts everything and says how to use it; goes on until the gateway ends, and without services that end.
   * @throws {DemoFailure} when something cannot be started, or the gateway has ended.
   */
  async live(): Promise<never> {
    const services = await this.startServices();
    const gateway = await this.startGateway(services);
    console.log(guide(services, gateway, this.settings));
    for (const service of services) void this.reportDeath(service);
    throw new DemoFailure(`The gateway ${await gateway.exited}; taking everything down.`);
  }

  /** Takes everything down: the gateway first, so that what it has begun it can still finish. */
  async takeDown(): Promise<void> {
    this.stopping = true;
    await this.gateway?.stop(DRAIN_MS);
    await Promise.all(this.services.map((service) => service.stop(SERVICE_GRACE_MS)));
  }

  /** Takes everything down at once. */
  kill(): void {
    for (const child of [this.gateway, ...this.services]) child?.kill();
  }

  private startServices(): Promise<ServiceProcess[]> {
    const { basePort } = this.settings;
    return Promise.all(
      SIX_SERVICES.map(({ name }, place) => {
        const port = basePort === 0 ? 0 : basePort + place;
        // Fault switches are for this machine only, wherever the gateway itself may be told to listen.
        const env = { PORT: String(port), HOST: '127.0.0.1' };
        const child = new Child(name, { file: this.files.service, args: [name], env, stdout: 'ignore' });
        this.services.push(child);
        return listening(child, port);
      }),
    );
  }

  private async startGateway(services: readonly ServiceProcess[]): Promise<Child> {
    const { port, managementPort } = this.settings;
    await requireFree(port, '0.0.0.0', 'PORT');
    await requireFree(managementPort, '127.0.0.1', 'MANAGEMENT_PORT');
    if (this.stopping) throw new DemoFailure('Stopped before the gateway was started.');
    const urls = services.map(({ child, url }) => [`${child.name.toUpperCase()}_URL`, url] as const);
    const env = {
      ...Object.fromEntries(urls),
      PORT: String(port),
      MANAGEMENT_PORT: String(managementPort),
      // No load balancer is to notice anything: Ctrl-C means now.
      SHUTDOWN_GRACE: '0s',
    };
    this.gateway = new Child('gateway', { file: this.files.gateway, env, stdout: 'inherit' });
    await answering(this.gateway, `http://127.0.0.1:${port}/health/live`);
    return this.gateway;
  }

  private async reportDeath({ child, port }: ServiceProcess): Promise<void> {
    const how = await child.exited;
    if (this.stopping) return;
    const again = `PORT=${port} node ${relative('', this.files.service)} ${child.name}`;
    console.log(
      `The ${child.name} service (pid ${String(child.pid)}) ${how}; the gateway goes on. Bring it back: ${again}`,
    );
  }
}
