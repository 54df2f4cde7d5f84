import { type Contestant } from './contest.js';
import { type Measurement } from './rounds.js';
import { median, medianRatio } from './statistics.js';
import { type Column, formatNumber, formatTable } from './table.js';

/** One server over all rounds: medians, and ratios to the baseline, taken round by round. */
export interface ServerSummary extends Omit<Measurement, 'composites'> {
  readonly letter: string;
  readonly title: string;
  /** Over all rounds together. */
  readonly composites: number;
  /** Undefined where the baseline did not run. */
  readonly toBaseline: Ratios | undefined;
}

/** A server's numbers over those of another. */
export interface Ratios {
  readonly cpuMicrosPerComposite: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** CPU time per composite of one server, at most so many times that of another. */
export interface CpuTarget<L extends string = string> {
  readonly of: L;
  readonly against: L;
  readonly atMost: number;
}

/** Whether one of the things that must be true was. */
export interface Verdict extends CpuTarget {
  readonly ratio: number;
  readonly holds: boolean;
}

/** The rounds of each server, by its letter, in the order they were run. */
export type RoundsByServer<L extends string = string> = ReadonlyMap<L, readonly Measurement[]>;

const RATIOS = ['cpuMicrosPerComposite', 'requestsPerSecond', 'p50Ms', 'p99Ms'] as const;

/** What the rounds say of one server, beside the one that all are compared with. */
export function summarise<L extends string>(
  { letter, title }: Pick<Contestant<L>, 'letter' | 'title'>,
  rounds: RoundsByServer<L>,
  compared: L,
): ServerSummary {
  const own = rounds.get(letter) ?? [];
  const baseline = rounds.get(compared);
  const middle = (key: keyof Measurement): number => median(own.map((round) => round[key]));
  return {
    letter,
    title,
    cpuMicrosPerComposite: middle('cpuMicrosPerComposite'),
    requestsPerSecond: middle('requestsPerSecond'),
    p50Ms: middle('p50Ms'),
    p99Ms: middle('p99Ms'),
    rssBytes: middle('rssBytes'),
    busy: middle('busy'),
    upstreamCallsPerComposite: middle('upstreamCallsPerComposite'),
    composites: own.reduce((sum, { composites }) => sum + composites, 0),
    toBaseline: baseline && ratiosOf(own, baseline),
  };
}

function ratiosOf(own: readonly Measurement[], other: readonly Measurement[]): Ratios {
  const ratio = (key: keyof Ratios): number =>
    medianRatio(
      own.map((round) => round[key]),
      other.map((round) => round[key]),
    );
  return Object.fromEntries(RATIOS.map((key) => [key, ratio(key)])) as unknown as Ratios;
}

/** What must be true, for the servers that ran. */
export function verdicts<L extends string>(
  rounds: RoundsByServer<L>,
  targets: readonly CpuTarget<L>[],
): Verdict[] {
  return targets.flatMap((target) => {
    const own = rounds.get(target.of);
    const other = rounds.get(target.against);
    if (!own || !other) return [];
    const ratio = ratiosOf(own, other).cpuMicrosPerComposite;
    return [{ ...target, ratio, holds: ratio <= target.atMost }];
  });
}

const times = (ratio: number | undefined): string =>
  ratio === undefined ? '-' : `${formatNumber(ratio, 2)}x`;

const columns = (compared: string): readonly Column<ServerSummary>[] => [
  { heading: '', align: 'left', cell: ({ letter }) => letter },
  { heading: 'server', align: 'left', cell: ({ title }) => title },
  { heading: 'CPU us', cell: ({ cpuMicrosPerComposite }) => formatNumber(cpuMicrosPerComposite, 1) },
  { heading: `to ${compared}`, cell: ({ toBaseline }) => times(toBaseline?.cpuMicrosPerComposite) },
  { heading: 'req/s', cell: ({ requestsPerSecond }) => formatNumber(requestsPerSecond) },
  { heading: `to ${compared}`, cell: ({ toBaseline }) => times(toBaseline?.requestsPerSecond) },
  { heading: 'p50 ms', cell: ({ p50Ms }) => formatNumber(p50Ms, 2) },
  { heading: `to ${compared}`, cell: ({ toBaseline }) => times(toBaseline?.p50Ms) },
  { heading: 'p99 ms', cell: ({ p99Ms }) => formatNumber(p99Ms, 2) },
  { heading: `to ${compared}`, cell: ({ toBaseline }) => times(toBaseline?.p99Ms) },
  { heading: 'RSS MiB', cell: ({ rssBytes }) => formatNumber(rssBytes / 2 ** 20) },
  { heading: 'core', cell: ({ busy }) => `${formatNumber(busy * 100)} %` },
  { heading: 'calls', cell: (row) => formatNumber(row.upstreamCallsPerComposite, 2) },
];

/** The table people read. */
export function summaryTable(summaries: readonly ServerSummary[], compared: string): string {
  return formatTable(columns(compared), summaries);
}

/** One line a verdict. */
export function describeVerdict({ of, against, atMost, ratio, holds }: Verdict): string {
  return `CPU per composite, (${of}) to (${against}): ${ratio.toFixed(2)}, at most ${atMost}: ${holds ? 'holds' : 'does NOT hold'}`;
}
