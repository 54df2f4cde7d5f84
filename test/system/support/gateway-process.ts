import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const BUILT = join(__dirname, '../../../dist');

/** The reference gateway in a process of its own, on free ports. */
export class GatewayProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly apiUrl: string,
    readonly managementUrl: string,
    /** What it said, on either stream. */
    readonly log: readonly string[],
  ) {}

  /**
   * Starts it and waits until it says where it listens.
   *
   * @param file to serve in place of the reference gateway's.
   */
  static async start(env: Readonly<Record<string, string>>, file?: string): Promise<GatewayProcess> {
    const program = file === undefined ? ['src/main.js'] : ['src/cli/tributary.js', 'run', '--config', file];
    const [script = '', ...args] = program;
    const child = spawn(process.execPath, [join(BUILT, script), ...args], {
      env: { ...process.env, PORT: '0', MANAGEMENT_PORT: '0', SHUTDOWN_GRACE: '0s', NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log: string[] = [];
    const address = new Promise<RegExpExecArray>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          log.push(line);
          const found = /API on (http:\S+), management on (http:[^\s"]+)/.exec(line);
          if (found !== null) resolve(found);
        });
      }
      child.once('close', () => {
        reject(new Error(`the gateway ended before it listened:\n${log.join('\n')}`));
      });
    });
    const [, apiUrl = '', managementUrl = ''] = await address;
    return new GatewayProcess(child, apiUrl, managementUrl, log);
  }

  /** Stops reading its log, which fills the pipe. */
  holdLog(): void {
    this.child.stdout?.pause();
  }

  readLog(): void {
    this.child.stdout?.resume();
  }

  /** Hangs up on its log for good. */
  closeLog(): void {
    this.child.stdout?.destroy();
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resident memory, in MiB. */
  get residentMiB(): number {
    const status = readFileSync(`/proc/${String(this.child.pid)}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  /** Sends it a signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Asks it to stop, and answers its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.running) return this.child.exitCode;
    const exited = once(this.child, 'exit') as Promise<[number | null]>;
    this.child.kill(signal);
    const [code] = await exited;
    return code;
  }
}
