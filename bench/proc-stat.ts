import { readdirSync, readFileSync } from 'node:fs';

/** What Linux tells of a process in `/proc/<pid>/stat`; see proc(5). */
export interface ProcStat {
  readonly parent: number;
  /** User and system time. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

/** The kernel's USER_HZ and page size, the same on every Linux that Node 20 runs on with 4 KiB pages. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

/** Reads one line of `/proc/<pid>/stat`. The name in it may hold anything, brackets and spaces included. */
export function parseProcStat(line: string): ProcStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  // proc(5) counts from 1, and the first field after the name is the third.
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    parent: field(4),
    cpuMicros: ((field(14) + field(15)) * 1_000_000) / TICKS_PER_SECOND,
    rssBytes: field(24) * PAGE_BYTES,
  };
}

/** What a process has used. */
export function statOf(pid: number): ProcStat {
  return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** The processes a process has started and that still run. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((candidate) => Number.isInteger(candidate) && isChild(candidate, pid));
}

function isChild(candidate: number, pid: number): boolean {
  try {
    return statOf(candidate).parent === pid;
  } catch {
    // It has ended since it was listed.
    return false;
  }
}
