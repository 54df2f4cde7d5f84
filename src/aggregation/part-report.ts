import { type ItemCount } from './part-joins.js';
import { type FailureReason } from '../upstream/upstream-error.js';
import { type WriteOutcome } from './write-outcome.js';

/** How a part ended. `stale`: with a kept answer that is not fresh any more, because no better one was to be had. */
export type PartState = 'ok' | 'fallback' | 'stale' | 'skipped' | 'failed';

/** How one part of a composite ended. */
export interface PartReport {
  readonly part: string;
  readonly state: PartState;
  /** Why, where it is not `ok`. */
  readonly reason: FailureReason | undefined;
  /** In whole ms. */
  readonly durationMs: number;
  /** When it began, in whole ms after its composite did; undefined for a part that never began. */
  readonly startedAtMs?: number | undefined;
  /** How old a stale answer is, in whole seconds. */
  readonly ageSeconds?: number | undefined;
  /** Of a part that is made of list joins: how many of the items there are values for. */
  readonly items?: ItemCount | undefined;
}

/** How a composite ended: its parts in the order they were declared. */
export interface CompositeReport {
  /** Whether nothing is missing: every part is ok, stale, or was not needed. */
  readonly complete: boolean;
  readonly parts: readonly PartReport[];
  /** What became of its writes, by part, in the order they were declared; undefined where it has none. */
  readonly writes?: Readonly<Record<string, WriteOutcome>> | undefined;
}

/** `Composite-Parts`, an RFC 9651 list of tokens: `customer;state=ok;dur=12, offers;state=stale;reason=open;age=37;dur=2`. */
export function compositePartsField(parts: readonly PartReport[]): string {
  let field = '';
  for (const { part, state, reason, durationMs, ageSeconds, items } of parts) {
    if (field !== '') field += ', ';
    field += `${part};state=${state}`;
    if (reason !== undefined) field += `;reason=${reason}`;
    if (ageSeconds !== undefined) field += `;age=${ageSeconds}`;
    if (items !== undefined) field += `;items="${items.done}/${items.of}"`;
    field += `;dur=${durationMs}`;
  }
  return field;
}

/** `Server-Timing`, so that browsers draw the parts: `customer;dur=12, offers;dur=300;desc="fallback"`. */
export function serverTimingField(parts: readonly PartReport[]): string {
  let field = '';
  for (const { part, state, durationMs } of parts) {
    if (field !== '') field += ', ';
    field += `${part};dur=${durationMs}`;
    if (state !== 'ok') field += `;desc="${state}"`;
  }
  return field;
}

/** The report as it stands in a body, under `_composite`. */
export function reportBody({ complete, parts, writes }: CompositeReport): object {
  const entries = parts.map((report) => [report.part, partBody(report)] as const);
  return {
    complete,
    parts: Object.fromEntries<object>(entries),
    ...(writes === undefined ? {} : { writes }),
  };
}

/** One part of it. */
export function partBody({ state, reason, durationMs, ageSeconds, items }: PartReport): object {
  return {
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(ageSeconds === undefined ? {} : { ageSeconds }),
    ...(items === undefined ? {} : { items }),
    durationMs,
  };
}

/** A part's name stands in header fields, and a composite's beside it in metrics, so it is an RFC 9651 token without the characters a metric name lacks. */
const REPORT_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
const knownNames = new Set<string>();

/** Refuses, with a TypeError, a name that could not stand in a header field. */
export function assertReportName(name: string, of: 'part' | 'composite'): void {
  if (knownNames.has(name)) return;
  if (!REPORT_NAME.test(name)) {
    throw new TypeError(`the ${of} name '${name}' must be a letter followed by letters, digits, '_' or '-'`);
  }
  if (knownNames.size < 10_000) knownNames.add(name);
}
