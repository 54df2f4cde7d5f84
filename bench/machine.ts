import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Where the numbers were taken: without this they say nothing. */
export interface Machine {
  readonly node: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  /** The load average of the last minute when the benchmark started: whoever else was working here. */
  readonly loadBefore: number;
  readonly pinned: false;
}

/** This machine, now. */
export function thisMachine(): Machine {
  return {
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    pinned: false,
  };
}

/** One line for people. */
export function describeMachine({ node, cores, cpu, memoryGiB, loadBefore }: Machine): string {
  return (
    `Node ${node}, ${cores} cores (${cpu}), ${memoryGiB} GiB, nothing pinned; ` +
    `load average before: ${loadBefore.toFixed(2)}`
  );
}
