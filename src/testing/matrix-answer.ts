import { type PartReport, type PartState } from '../aggregation/part-report.js';
import { type InProcessAnswer } from '../in-process-gateway.js';
import { type FailureReason } from '../upstream/upstream-error.js';
import { type Combination } from './combinations.js';
import { jsonShape } from './json-shape.js';

/** How a part ended. */
export interface MatrixPart {
  readonly state: PartState;
  readonly reason: FailureReason | undefined;
}

/** What a composite answers while its upstreams behave in one way. */
export interface MatrixAnswer {
  readonly when: Combination;
  readonly status: number;
  /** Whether nothing is missing; undefined for a response that says nothing of it. */
  readonly complete: boolean | undefined;
  /** `cache-control`, and `retry-after` where there is one. */
  readonly headers: Readonly<Record<string, string>>;
  /** By part; empty where the composite failed: what the others had come to by then is chance. */
  readonly parts: Readonly<Record<string, MatrixPart>>;
  /** The part that failed, and with it the composite. */
  readonly failed: (MatrixPart & { readonly part: string }) | undefined;
  /** What had become of the writes when it failed, by part, as the problem document says it. */
  readonly writes: Readonly<Record<string, string>>;
  /** The JSON. */
  readonly body: unknown;
  /** What it is made of: `{id: string, orders: [{sku: string}]}`. */
  readonly shape: string;
}

const HEADERS: readonly string[] = ['cache-control', 'retry-after'];

export function matrixAnswer(
  when: Combination,
  { status, headers: all, text, report }: InProcessAnswer,
): MatrixAnswer {
  const body = parsed(text);
  const problem = status >= 400 && typeof body === 'object' && body !== null ? (body as Problem) : undefined;
  const complete = all['composite-complete'];
  const { part, reason, writes = {} } = problem ?? {};
  return {
    when,
    status,
    complete: complete === undefined ? undefined : complete === '?1',
    headers: Object.fromEntries(
      HEADERS.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]] as const])),
    ),
    parts: problem === undefined ? partsOf(report?.parts ?? []) : {},
    failed: part === undefined ? undefined : { part, state: 'failed', reason },
    writes,
    body,
    shape: jsonShape(body),
  };
}

interface Problem {
  readonly part?: string;
  readonly reason?: FailureReason;
  readonly writes?: Readonly<Record<string, string>>;
}

function partsOf(reports: readonly PartReport[]): Readonly<Record<string, MatrixPart>> {
  return Object.fromEntries(reports.map(({ part, state, reason }) => [part, { state, reason }]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text === '' ? null : text;
  }
}

/** What is not as it should be: `offers fallback timeout`, `customer failed connect`; empty where all is well. */
export function lapses({ parts, failed, writes }: MatrixAnswer): readonly string[] {
  const entries: readonly (readonly [string, MatrixPart])[] =
    failed === undefined ? Object.entries(parts) : [[failed.part, failed]];
  return [
    ...entries
      .filter(([, { state }]) => state !== 'ok')
      .map(([part, { state, reason }]) => `${part} ${state}${reason === undefined ? '' : ` ${reason}`}`),
    ...Object.entries(writes).map(([part, outcome]) => `${part}: ${outcome}`),
  ];
}
