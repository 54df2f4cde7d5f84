import { fork, type ChildProcess } from 'node:child_process';

/** What a child process is started with. */
export interface ChildOptions {
  readonly file: string;
  readonly args?: readonly string[];
  /** Added to the environment of the demo. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether its standard output is shown; its standard error always is. */
  readonly stdout: 'ignore' | 'inherit';
}

/** A child process, from its fork to its end. */
export class Child {
  readonly pid: number | undefined;
  /** How it ended, in words: "was killed by SIGKILL". */
  readonly exited: Promise<string>;
  /** The first thing it says over IPC; undefined if it ended without a word. */
  readonly firstMessage: Promise<unknown>;
  private readonly process: ChildProcess;
  private gone = false;

  constructor(
    readonly name: string,
    { file, args = [], env, stdout }: ChildOptions,
  ) {
    this.process = fork(file, args, {
      env: { ...process.env, ...env },
      // Whoever debugs the demo does not want seven inspectors on one port.
      execArgv: [],
      // IPC is the leash: however this process ends, each child sees 'disconnect' and ends as well.
      stdio: ['ignore', stdout, 'inherit', 'ipc'],
      // A process group of its own: Ctrl-C reaches this process alone, which takes the children down in order.
      detached: true,
    });
    this.pid = this.process.pid;
    this.exited = new Promise((resolve) => {
      this.process.on('error', (error) => {
        resolve(`could not be started: ${error.message}`);
      });
      this.process.once('exit', (code, signal) => {
        resolve(signal ? `was killed by ${signal}` : `exited with code ${String(code)}`);
      });
    });
    void this.exited.then(() => (this.gone = true));
    this.firstMessage = new Promise((resolve) => {
      this.process.once('message', resolve);
      void this.exited.then(() => {
        resolve(undefined);
      });
    });
  }

  /** Whether it has ended. */
  get isGone(): boolean {
    return this.gone;
  }

  /** Asks it to end with SIGTERM, and makes it with SIGKILL when it has not after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.kill();
    }, graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  /** Ends it at once. */
  kill(): void {
    this.process.kill('SIGKILL');
  }
}
