import { type PartRecord, type RequestRecord } from '../console-state.js';

/** How a part has fared in the last requests. */
export interface PartTally {
  readonly seen: number;
  readonly ok: number;
  /** The reason of the latest that was not; null where all were, or it gave none. */
  readonly reason: string | null;
  /** Of the latest request that had it. */
  readonly last: PartRecord | null;
}

/** Counts a part in requests, the latest first. A part that a request skipped, since it was not asked for, is not counted. */
export function tallyPart(part: string, requests: readonly RequestRecord[]): PartTally {
  const records = requests.flatMap(({ parts }) => parts.find((record) => record.part === part) ?? []);
  const counted = records.filter(({ state, reason }) => state !== 'skipped' || reason !== null);
  const bad = counted.filter(({ state }) => state !== 'ok');
  return {
    seen: counted.length,
    ok: counted.length - bad.length,
    reason: bad.find(({ reason }) => reason !== null)?.reason ?? null,
    last: records[0] ?? null,
  };
}
