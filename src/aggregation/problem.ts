import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { type FailureReason } from '../upstream/upstream-error.js';
import { ClientLeftError } from './composite-run.js';
import { PartFailedError } from './part-failed-error.js';
import { partFailureOf } from './part-failure.js';
import { type RequestFlaw, RequestProblem } from './request-problem.js';
import { type WriteOutcome } from './write-outcome.js';

/** An RFC 9457 problem document. Nothing of an upstream's own (URL, header, stack, body) ever stands in one. */
export interface ProblemDocument {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** The part whose failure ended the composite. */
  readonly part?: string;
  /** Why, in the words of the part report. */
  readonly reason?: FailureReason;
  /** What became of the writes of the composite, by part; undefined where it has none. */
  readonly writes?: Readonly<Record<string, WriteOutcome>>;
  /** Everything that is wrong with the request. */
  readonly errors?: readonly RequestFlaw[];
  /** The id under which logs know the request. */
  readonly requestId: string;
}

/** A problem document and the header fields that go with it. */
export interface Problem {
  readonly document: ProblemDocument;
  readonly headers: Readonly<Record<string, string>>;
  /** Nobody expected this error: it belongs into the log with all it has. */
  readonly unexpected: boolean;
}

/** Nobody is left to read this one; the status is for the log (as nginx writes it). */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * What goes wrong, as a problem document.
 *
 * @param writes of the composite that failed; undefined where it has none.
 */
export function problemOf(
  error: unknown,
  requestId: string,
  writes?: Readonly<Record<string, WriteOutcome>>,
): Problem {
  const problem = explained(error, requestId);
  return writes === undefined ? problem : { ...problem, document: { ...problem.document, writes } };
}

function explained(error: unknown, requestId: string): Problem {
  if (error instanceof PartFailedError) {
    const { part, reason } = error;
    const status = error.passedThrough ?? statusOf(reason);
    const detail = error.isOptional
      ? `The part '${part}' ${DETAILS[reason]}, and the request wants every part (handling=strict).`
      : `The required part '${part}' ${DETAILS[reason]}.`;
    return failure(status, detail, { part, reason }, error, requestId);
  }
  const unanswered = partFailureOf(error);
  if (unanswered !== undefined) {
    const { reason } = unanswered;
    const detail = `A service behind this one ${DETAILS[reason]}.`;
    return failure(statusOf(reason), detail, { reason }, unanswered, requestId);
  }
  if (error instanceof ClientLeftError) return failure(CLIENT_CLOSED_REQUEST, undefined, {}, {}, requestId);
  if (error instanceof RequestProblem) {
    const { errors, fields } = error;
    const extension = errors.length === 0 ? {} : { errors };
    const problem = failure(error.getStatus(), detailOf(error), extension, {}, requestId);
    return { ...problem, headers: { ...problem.headers, ...fields } };
  }
  if (error instanceof HttpException) {
    return failure(error.getStatus(), detailOf(error), {}, {}, requestId, error.getStatus() >= 500);
  }
  return failure(500, undefined, {}, {}, requestId, true);
}

/** A problem that is not an exception: 404, 405 and what the server refuses before a route is found. */
export function plainProblem(status: number, detail: string, requestId: string): ProblemDocument {
  return failure(status, detail, {}, {}, requestId).document;
}

const DETAILS: Readonly<Record<FailureReason, string>> = {
  timeout: 'did not answer in time',
  deadline: 'did not answer before the deadline',
  connect: 'could not be reached',
  reset: 'broke off its answer',
  status: 'answered with an error',
  open: 'is failing and is being given a pause',
  full: 'is busy',
  'too-large': 'answered more than is allowed',
  invalid: 'gave an answer that cannot be used',
  cancelled: 'was cancelled',
};

/** The status of a response whose required part ended for this reason (unless the upstream's own is passed on). */
function statusOf(reason: FailureReason): number {
  switch (reason) {
    case 'timeout':
    case 'deadline':
      return 504;
    case 'open':
    case 'full':
      return 503;
    case 'connect':
    case 'reset':
    case 'status':
    case 'too-large':
    case 'invalid':
      return 502;
    case 'cancelled':
      return CLIENT_CLOSED_REQUEST;
  }
}

function failure(
  status: number,
  detail: string | undefined,
  extension: Pick<ProblemDocument, 'part' | 'reason' | 'errors'>,
  { retryAfterMs }: { readonly retryAfterMs?: number | undefined },
  requestId: string,
  unexpected = false,
): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  const document: ProblemDocument = {
    type: 'about:blank',
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...extension,
    requestId,
  };
  const headers: Record<string, string> = {};
  // A 503 always says when to come back; of the others only a 429 that is passed on may know.
  if (status === 503 || (status === 429 && retryAfterMs !== undefined)) {
    headers['retry-after'] = Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000)).toString();
  }
  return { document, headers, unexpected };
}

/** The text of a Nest exception, unless it only repeats the status, or may tell what is nobody's business. */
function detailOf(exception: HttpException): string | undefined {
  const status = exception.getStatus();
  if (status >= 500) return undefined;
  const response = exception.getResponse();
  const message = typeof response === 'string' ? response : (response as { message?: unknown }).message;
  if (Array.isArray(message)) return message.join('; ');
  return typeof message === 'string' && message !== STATUS_CODES[status] ? message : undefined;
}
