import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { request } from 'undici';

export const PROMETHEUS = 'prometheus';
export const PROMTOOL = 'promtool';

/** Whether both can be had here. */
export function isPrometheusThere(): boolean {
  return [PROMETHEUS, PROMTOOL].every((program) => spawnSync(program, ['--version']).status === 0);
}

/** What promtool says, and whether it was content. */
export function promtool(...args: readonly string[]): { readonly ok: boolean; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, args, { encoding: 'utf8' });
  return { ok: status === 0, said: stdout + stderr };
}

export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

/** A real Prometheus, on a free port, that keeps its data in a folder of the test's. */
export class PrometheusProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
  ) {}

  /** Starts it and waits until it answers. */
  static async start(configFile: string, dataFolder: string): Promise<PrometheusProcess> {
    const child = spawn(
      PROMETHEUS,
      [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${dataFolder}`,
        '--web.listen-address=127.0.0.1:0',
        '--enable-feature=exemplar-storage',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const log: string[] = [];
    const url = await new Promise<string>((resolve, reject) => {
      let address = '';
      createInterface({ input: child.stderr }).on('line', (line) => {
        log.push(line);
        address ||= /msg="Listening on" address=(\S+)/.exec(line)?.[1] ?? '';
        if (line.includes('Server is ready to receive web requests')) resolve(`http://${address}`);
      });
      child.once('error', reject);
      child.once('close', () => {
        reject(new Error(`Prometheus ended before it was ready:\n${log.join('\n')}`));
      });
    });
    return new PrometheusProcess(child, url);
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  /** The values of an instant query; an error if Prometheus does not understand it. */
  async query(expression: string): Promise<readonly number[]> {
    const { result } = (await this.ask(`query?query=${encodeURIComponent(expression)}`)) as {
      readonly result: readonly { readonly value: readonly [number, string] }[];
    };
    return result.map(({ value: [, value] }) => Number(value));
  }

  /** The alerts of that name that are pending or firing. */
  async alerts(name: string): Promise<readonly ActiveAlert[]> {
    const { alerts } = (await this.ask('alerts')) as { readonly alerts: readonly ActiveAlert[] };
    return alerts.filter(({ labels }) => labels['alertname'] === name);
  }

  private async ask(path: string): Promise<unknown> {
    const { body } = await request(`${this.url}/api/v1/${path}`);
    const answer = (await body.json()) as { status: string; error?: string; data: unknown };
    if (answer.status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${answer.error ?? ''}`);
    return answer.data;
  }
}
