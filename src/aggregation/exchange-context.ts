import { type Trace } from '../upstream/tracing/trace.js';
import { type IncomingHeaders, RequestContext, type RequestOrigin } from '../upstream/request-context.js';
import { type PartFault } from './part-fault.js';
import { type PartOutline } from './part-outline.js';
import { type CompositeReport } from './part-report.js';
import { type Preferences } from './preferences.js';
import { ResponseFreshness } from './response-freshness.js';

/** A composite that ran for an exchange, and what it wants of the response. */
export interface FinishedComposite {
  readonly report: CompositeReport;
  /** The status of a response that is not complete, unless the composite failed. */
  readonly partialStatus: number | undefined;
  readonly reportInBody: boolean;
  /** What went wrong in it. Nothing of it is for the client. */
  readonly faults: readonly PartFault[];
  /** What it was named; undefined for one that goes by its verb and route. */
  readonly name: string | undefined;
  readonly durationMs: number;
  /** Works out what its parts waited for and what was called for them. */
  readonly outline: () => readonly PartOutline[];
}

/**
 * The context of one HTTP exchange. Composites that run directly in it (not inside a part of another) leave their
 * reports here, for the response to carry.
 */
export class ExchangeContext extends RequestContext {
  /** Whether the response's body carries the report as well. */
  reportedInBody = false;
  private readonly reports = new Map<object, FinishedComposite | undefined>();

  constructor(
    id: string,
    deadlineAt: number,
    headers: IncomingHeaders,
    readonly preferences: Preferences,
    origin?: RequestOrigin,
    trace?: Trace,
    /** What is known of the answers the response is made of. */
    readonly freshness = new ResponseFreshness(),
  ) {
    super(id, deadlineAt, headers, undefined, origin, freshness, trace);
  }

  /** Keeps a composite's place: reports stand in the order the composites started in, whichever ends first. */
  compositeStarted(composite: object): void {
    this.reports.set(composite, undefined);
  }

  /** A composite that is asked again, by `retry()` say, replaces its own report. */
  compositeEnded(composite: object, finished: FinishedComposite): void {
    this.reports.set(composite, finished);
  }

  /** What became of the writes of a composite that has ended; undefined where none has any. */
  get writes(): CompositeReport['writes'] {
    for (const finished of this.reports.values()) {
      if (finished?.report.writes !== undefined) return finished.report.writes;
    }
    return undefined;
  }

  /** The composites that have ended; one, in all but unusual controllers. */
  get composites(): readonly FinishedComposite[] {
    return [...this.reports.values()].filter((finished) => finished !== undefined);
  }
}
