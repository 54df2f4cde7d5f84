import { type ExchangeEvent, type NamedComposite } from '../../aggregation/exchange-events.js';
import { type PartReport } from '../../aggregation/part-report.js';
import { isUnder } from '../../aggregation/request-priority.js';
import { OWN_FIELDS, type OwnFields, type Severity } from './log-record.js';
import { plainValue } from './plain-value.js';

/** What a part is said to be in a line. */
interface LoggedPart {
  /** Where a request ran several. */
  readonly composite: string | undefined;
  readonly part: string;
  readonly state: PartReport['state'];
  readonly reason: PartReport['reason'];
  /** What it ran into. */
  readonly detail: string | undefined;
  readonly attempts: number | undefined;
  readonly durationMs: number;
}

/** The line of a request. */
export interface RequestLine {
  readonly message: string;
  readonly fields: OwnFields;
}

/** Whether a request is one of those that keep asking whether the gateway is there. */
export function isHealthCheck({ route }: ExchangeEvent): boolean {
  return route !== undefined && isUnder(route, '/health');
}

/** Whether everything that was asked for was given, as far as the request was right. */
export function isSuccess({ status, clientLeft, composites }: ExchangeEvent): boolean {
  return status !== undefined && status < 400 && !clientLeft && isComplete(composites);
}

/**
 * How severe it is: `error` for what nobody expected, `warn` for what an upstream or too much load explains and for an
 * answer with something missing, `debug` for health checks that are answered well.
 */
export function severityOf(event: ExchangeEvent): Severity {
  const { status, failure, composites, clientLeft } = event;
  if (failure !== undefined && failure.reason === undefined) return 'error';
  if (status === undefined || clientLeft) return 'info';
  if (status >= 500) return isHealthCheck(event) ? 'debug' : 'warn';
  if (status >= 400) return 'info';
  if (!isComplete(composites)) return 'warn';
  return isHealthCheck(event) ? 'debug' : 'info';
}

/** What a storm is made of: requests that ended in the same way for the same reasons. */
export function kindOf({
  method,
  route = '',
  status = 0,
  failure,
  composites,
  clientLeft,
}: ExchangeEvent): string {
  let kind = `${method} ${route} ${status} ${String(clientLeft)}`;
  if (failure !== undefined) kind += ` ${failure.part ?? ''} ${failure.reason ?? failure.detail}`;
  for (const { report } of composites) {
    for (const { part, state, reason } of report.parts)
      if (state !== 'ok' && reason !== undefined) kind += ` ${part} ${reason}`;
  }
  return kind;
}

/**
 * @param allParts whether parts that are ok are named as well.
 * @param more how many requests of the same kind have no line of their own.
 */
export function requestLine(event: ExchangeEvent, allParts: boolean, more: number): RequestLine {
  const { requestId, method, route, status, clientLeft, composites, failure, exchange, bytes } = event;
  const parts = composites.length === 0 ? NO_PARTS : loggedParts(composites, allParts);
  const complete = composites.length === 0 ? undefined : isComplete(composites);
  const durationMs = Math.round(event.durationMs * 10) / 10;
  const fields: OwnFields & Readonly<Record<string, unknown>> = {
    [OWN_FIELDS]: true,
    requestId,
    traceId: exchange?.traceId,
    method,
    route,
    status,
    durationMs,
    bytes,
    clientLeft: clientLeft ? true : undefined,
    composites: composites.length === 0 ? undefined : composites.map(({ name }) => name),
    complete,
    parts: parts.length === 0 ? undefined : parts,
    part: failure?.part,
    reason: failure?.reason,
    detail: failure?.detail,
    // What is no error is somebody else's, whatever it is.
    error: failure?.unexpected instanceof Error ? failure.unexpected : undefined,
    thrown: failure?.unexpected instanceof Error ? undefined : plainValue(failure?.unexpected),
    more: more === 0 ? undefined : more,
  };
  return { message: messageOf(event, durationMs, complete, parts, more), fields };
}

const NO_PARTS: readonly LoggedPart[] = [];

function messageOf(
  { method, route, status, clientLeft, failure }: ExchangeEvent,
  durationMs: number,
  complete: boolean | undefined,
  parts: readonly LoggedPart[],
  more: number,
): string {
  const answer = clientLeft ? `${status === undefined ? '' : `${status} `}client left` : String(status);
  const partial = complete === false && status !== undefined && status < 400 ? ' partial' : '';
  let message = `${method} ${route ?? '(no route)'} ${answer}${partial} in ${Math.round(durationMs)} ms`;
  let separator = ': ';
  for (const part of parts) {
    message += separator + partText(part);
    separator = ', ';
  }
  // Of a composite, its parts have said it.
  if (failure !== undefined && (failure.part === undefined || parts.length === 0))
    message += `${separator}${failure.detail}`;
  return more === 0 ? message : `${message} (${more} more like it)`;
}

function partText({ part, state, reason, detail, durationMs }: LoggedPart): string {
  if (state === 'ok' || reason === undefined) return `${part} ${state} ${durationMs} ms`;
  return detail === undefined ? `${part} ${state} (${reason})` : `${part} ${state} (${reason}: ${detail})`;
}

function loggedParts(composites: readonly NamedComposite[], allParts: boolean): readonly LoggedPart[] {
  let logged: LoggedPart[] | undefined;
  for (const composite of composites) {
    const { report, faults } = composite;
    for (const { part, state, reason, durationMs } of report.parts) {
      if (!allParts && (state === 'ok' || (state === 'skipped' && reason === undefined))) continue;
      const fault = faults.find((each) => each.part === part);
      (logged ??= []).push({
        composite: composites.length > 1 ? composite.name : undefined,
        part,
        state,
        reason,
        detail: fault?.detail,
        attempts: fault?.attempts,
        durationMs,
      });
    }
  }
  return logged ?? NO_PARTS;
}

function isComplete(composites: readonly NamedComposite[]): boolean {
  for (const { report } of composites) if (!report.complete) return false;
  return true;
}
