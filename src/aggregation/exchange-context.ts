import { type IncomingHeaders, RequestContext } from '../upstream/request-context.js';
import { type CompositeReport } from './part-report.js';
import { type Preferences } from './preferences.js';

/** A composite that ran for an exchange, and what it wants of the response. */
export interface FinishedComposite {
  readonly report: CompositeReport;
  /** The status of a response that is not complete, unless the composite failed. */
  readonly partialStatus: number | undefined;
  readonly reportInBody: boolean;
}

/**
 * The context of one HTTP exchange. Composites that run directly in it (not inside a part of another) leave their
 * reports here, for the response to carry.
 */
export class ExchangeContext extends RequestContext {
  /** In the order they finished; one, in all but unusual controllers. */
  readonly composites: FinishedComposite[] = [];

  constructor(
    id: string,
    deadlineAt: number,
    headers: IncomingHeaders,
    readonly preferences: Preferences,
  ) {
    super(id, deadlineAt, headers);
  }
}
