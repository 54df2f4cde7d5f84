import { type Contestant } from './contest.js';
import { type CpuTarget } from './contest-summary.js';

/** As it would stand in the gateway file. */
type Telemetry = Readonly<Record<string, unknown>>;

const QUIET: Telemetry = {
  log: { requests: false },
  metrics: { enabled: false },
  console: { enabled: false },
};

/** The gateway, by what it tells of itself; `collector` is where spans go. */
const TELEMETRY = {
  off: { title: 'telemetry off', telemetry: () => QUIET },
  on: {
    title: 'metrics, log to a file, console open',
    telemetry: () => ({ log: { format: 'json', level: 'info' } }),
  },
  t0: { title: 'tracing, nothing sampled', telemetry: (collector: string) => traced(collector, 0) },
  t1: { title: 'tracing, 1 % sampled', telemetry: (collector: string) => traced(collector, 1) },
  t100: { title: 'tracing, all sampled', telemetry: (collector: string) => traced(collector, 100) },
} as const satisfies Readonly<
  Record<string, { readonly title: string; readonly telemetry: (collector: string) => Telemetry }>
>;

export type TelemetryLetter = keyof typeof TELEMETRY;

export const TELEMETRY_LETTERS = Object.keys(TELEMETRY) as readonly TelemetryLetter[];

/** What the others are compared with. */
export const UNTOLD: TelemetryLetter = 'off';

/** What must be true. */
export const TELEMETRY_TARGETS: readonly CpuTarget<TelemetryLetter>[] = [
  { of: 'on', against: 'off', atMost: 1.15 },
  { of: 't1', against: 'off', atMost: 1.05 },
];

/** One server in several configurations. */
export function telemetryContestants(collector: string): readonly Contestant<TelemetryLetter>[] {
  return TELEMETRY_LETTERS.map((letter) => {
    const { title, telemetry } = TELEMETRY[letter];
    return { letter, title, file: 'gateway', env: { TELEMETRY: JSON.stringify(telemetry(collector)) } };
  });
}

function traced(endpoint: string, samplePercent: number): Telemetry {
  return { ...QUIET, tracing: { endpoint, samplePercent } };
}
