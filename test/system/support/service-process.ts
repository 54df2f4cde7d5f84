import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { request } from 'undici';

const BUILT = join(__dirname, '../../../dist');

/** One of the demo services in a process of its own. */
export class ServiceProcess {
  private child: ChildProcess | undefined;
  port = 0;

  constructor(readonly name: string) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it: on a free port the first time, on the same one ever after. */
  async start(): Promise<void> {
    const child = fork(join(BUILT, 'examples/serve.js'), [this.name], {
      env: { ...process.env, PORT: String(this.port) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child = child;
    const [message] = (await once(child, 'message')) as [{ listening?: number; failed?: string }];
    if (message.listening === undefined)
      throw new Error(`${this.name} did not start: ${message.failed ?? ''}`);
    this.port = message.listening;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async hurt(faults: object): Promise<void> {
    const { statusCode, body } = await request(`${this.url}/faults`, {
      method: 'PUT',
      body: JSON.stringify(faults),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${this.name} refused its faults: ${text}`);
  }

  async heal(): Promise<void> {
    const { body } = await request(`${this.url}/faults`, { method: 'DELETE' });
    await body.dump();
  }

  /** Business requests it has seen, has in hand, and has lost because the caller went away. */
  async stats(): Promise<{ requests: number; inFlight: number; aborted: number }> {
    const { body } = await request(`${this.url}/stats`);
    return (await body.json()) as { requests: number; inFlight: number; aborted: number };
  }
}
