import { Child, type ChildOptions } from './child.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** All processes of one benchmark. */
export class Crew {
  private readonly children: Child[] = [];

  /** Starts a process that is stopped with the benchmark at the latest. */
  hire(name: string, options: ChildOptions): Child {
    const child = new Child(name, options);
    this.children.push(child);
    return child;
  }

  /** Stops them all, each by its id: the latest first, so that nobody outlives what it leans on. */
  async dismiss(): Promise<void> {
    for (const child of this.children.splice(0).reverse()) await child.stop();
  }
}

/** Runs a benchmark; its processes are stopped when it ends, fails, or is interrupted. */
export async function withCrew(benchmark: (crew: Crew) => Promise<void>): Promise<void> {
  const crew = new Crew();
  const interrupted = new AbortController();
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      interrupted.abort();
      void crew.dismiss().then(() => process.exit(130));
    });
  }
  try {
    await benchmark(crew);
  } catch (error) {
    // Interrupted, it fails because its processes end.
    if (interrupted.signal.aborted) return;
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    await crew.dismiss();
  }
}
