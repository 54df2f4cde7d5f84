import { median, quantile } from './statistics.js';
import { type Column, formatNumber, formatTable } from './table.js';

/** One screen, fetched once. */
export interface Fetch {
  readonly durationMs: number;
  readonly requests: number;
  readonly bytesToClient: number;
  readonly bytesToServer: number;
}

/** A way to fetch the screen over a line with so much delay, over all its fetches. */
export interface WaySummary {
  readonly roundTripMs: number;
  readonly way: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly requests: number;
  readonly bytesToClient: number;
  readonly bytesToServer: number;
}

/** What the fetches come to. */
export function summariseWay(roundTripMs: number, way: string, fetches: readonly Fetch[]): WaySummary {
  const all = (key: keyof Fetch): number[] => fetches.map((fetch) => fetch[key]);
  return {
    roundTripMs,
    way,
    p50Ms: quantile(all('durationMs'), 0.5),
    p95Ms: quantile(all('durationMs'), 0.95),
    requests: median(all('requests')),
    bytesToClient: median(all('bytesToClient')),
    bytesToServer: median(all('bytesToServer')),
  };
}

const COLUMNS: readonly Column<WaySummary>[] = [
  { heading: 'round trip', cell: ({ roundTripMs }) => `${roundTripMs} ms` },
  { heading: 'the screen, fetched', align: 'left', cell: ({ way }) => way },
  { heading: 'p50 ms', cell: ({ p50Ms }) => formatNumber(p50Ms, 1) },
  { heading: 'p95 ms', cell: ({ p95Ms }) => formatNumber(p95Ms, 1) },
  { heading: 'requests', cell: ({ requests }) => formatNumber(requests) },
  { heading: 'bytes down', cell: ({ bytesToClient }) => formatNumber(bytesToClient) },
  { heading: 'bytes up', cell: ({ bytesToServer }) => formatNumber(bytesToServer) },
];

/** The table people read. */
export function waysTable(summaries: readonly WaySummary[]): string {
  return formatTable(COLUMNS, summaries);
}
