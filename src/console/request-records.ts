import { type ExchangeEvent } from '../aggregation/exchange-events.js';
import { type FinishedComposite } from '../aggregation/exchange-context.js';
import { type PartReport } from '../aggregation/part-report.js';
import { type PartRecord, type RequestRecord } from './console-state.js';
import { RingBuffer } from './ring-buffer.js';

/** A request as it is kept: what there is of it already, to be written out when somebody looks. */
type KeptRequest = Pick<ExchangeEvent, 'requestId' | 'method' | 'status' | 'startedAt'> &
  Pick<FinishedComposite, 'report' | 'faults' | 'durationMs'> & { readonly traceId: string | null };

/**
 * The last requests a composite has answered, and the last of them worth a look. Of a request there is its id, its verb,
 * its status, its trace and its part report: nothing that came with it or went out.
 */
export class RequestRecords {
  private readonly recent: RingBuffer<KeptRequest>;
  private readonly notable: RingBuffer<KeptRequest>;

  /** @param kept how many of each. */
  constructor(kept: number) {
    this.recent = new RingBuffer(kept);
    this.notable = new RingBuffer(kept);
  }

  add(event: ExchangeEvent, composite: FinishedComposite, isNotable: boolean): void {
    const { requestId, method, status, startedAt, exchange } = event;
    const { report, faults, durationMs } = composite;
    const traceId = exchange?.traceId ?? null;
    const kept = { requestId, method, status, startedAt, report, faults, durationMs, traceId };
    this.recent.add(kept);
    if (isNotable) this.notable.add(kept);
  }

  /** The latest first. */
  read(): { readonly recent: readonly RequestRecord[]; readonly notable: readonly RequestRecord[] } {
    return {
      recent: this.recent.latestFirst().map(recordOf),
      notable: this.notable.latestFirst().map(recordOf),
    };
  }
}

function recordOf(kept: KeptRequest): RequestRecord {
  const { requestId, startedAt, method, status, durationMs, report, faults, traceId } = kept;
  const details = new Map(faults.map(({ part, detail }) => [part, detail]));
  return {
    requestId,
    at: startedAt,
    method,
    status: status ?? null,
    durationMs: Math.round(durationMs),
    complete: report.complete,
    traceId,
    parts: report.parts.map((part) => partOf(part, details.get(part.part))),
  };
}

function partOf(report: PartReport, detail: string | undefined): PartRecord {
  const { part, state, reason, startedAtMs, durationMs, items } = report;
  return {
    part,
    state,
    reason: reason ?? null,
    startedAtMs: startedAtMs ?? null,
    durationMs,
    items: items === undefined ? null : `${items.done}/${items.of}`,
    detail: detail ?? null,
  };
}
