import { type ChildProcess, fork } from 'node:child_process';
import { type Answer, type Topic, type Topics } from './topics.js';

/** What a process is started with. */
export interface ChildOptions {
  readonly file: string;
  readonly args?: readonly string[];
  /** Added to the environment of the benchmark. */
  readonly env?: Readonly<Record<string, string>>;
  /** For Node itself: `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
}

const GRACE_MS = 2_000;

/** A process of the benchmark, from its fork to its end. */
export class Child {
  /** How it ended, in words: "was killed by SIGKILL". */
  readonly ended: Promise<string>;
  private readonly process: ChildProcess;

  constructor(
    readonly name: string,
    { file, args = [], env = {}, nodeOptions = [] }: ChildOptions,
  ) {
    this.process = fork(file, args, {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      execArgv: [...nodeOptions],
      // IPC is the leash: however this process ends, each child sees 'disconnect' and ends as well.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // A process group of its own: Ctrl-C reaches this process alone, which stops the others by their ids.
      detached: true,
    });
    this.ended = new Promise((resolve) => {
      this.process.on('error', (error) => {
        resolve(`could not be started: ${error.message}`);
      });
      this.process.once('exit', (code, signal) => {
        resolve(signal ? `was killed by ${signal}` : `exited with code ${String(code)}`);
      });
    });
  }

  /** The ports it listens on, or why it cannot be had here. */
  async ready(): Promise<{ readonly ports: readonly number[] } | { readonly unavailable: string }> {
    const message = (await this.nextMessage()) as
      { readonly listening: number | readonly number[] } | { readonly unavailable: string };
    if ('unavailable' in message) return message;
    const { listening } = message;
    return { ports: typeof listening === 'number' ? [listening] : listening };
  }

  /** As {@link ready}, for a process that must be there. */
  async ports(): Promise<readonly number[]> {
    const state = await this.ready();
    if ('ports' in state) return state.ports;
    throw new Error(`${this.name} cannot be had: ${state.unavailable}`);
  }

  /** Asks it something and waits for the answer. One question at a time. */
  async ask<T extends Topic>(ask: T, order: Topics[T]['order']): Promise<Topics[T]['answer']> {
    const reply = this.nextMessage();
    this.process.send({ ask, order });
    const message = (await reply) as Answer<T>;
    if ('failed' in message) throw new Error(`${this.name}, asked about ${ask}: ${message.failed}`);
    return message.answer;
  }

  /** Asks it to end with SIGTERM, and makes it with SIGKILL when it does not. */
  async stop(): Promise<void> {
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), GRACE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  private async nextMessage(): Promise<unknown> {
    const { process: child } = this;
    return new Promise((resolve, reject) => {
      child.once('message', resolve);
      void this.ended.then((how) => {
        child.off('message', resolve);
        reject(new Error(`${this.name} ${how}`));
      });
    });
  }
}
