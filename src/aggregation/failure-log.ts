import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { systemClock } from '../resilience/clock.js';
import { type ExchangeFailure } from './exchange-events.js';
import { PartFailedError } from './part-failed-error.js';
import { faultDetail } from './part-fault.js';
import { type Problem } from './problem.js';
import { RationedLog } from './rationed-log.js';
import { ServedRoutes } from './served-routes.js';

const logger = new Logger('Problem');

/** So many requests that fail because of the same kind of bug are logged in full in a second. */
const BUGS_AT_ONCE = 10;

/** A request that was answered with a 5xx. */
interface Failed extends ExchangeFailure {
  /** `GET /orders/:id (request id)` */
  readonly request: string;
  readonly status: number;
}

/**
 * Logs the requests that are answered with a 5xx. Those that an upstream explains: which part it was and what it ran
 * into, at most one a second for each route, part and reason. Those nobody expected: with all there is. Where each
 * request is logged anyway, that line says it, and this log is silent.
 */
@Injectable()
export class FailureLog implements OnModuleDestroy {
  private readonly explained = new RationedLog<Failed>({ write, clock: systemClock });
  private readonly unexpected = new RationedLog<Failed>({ write, clock: systemClock, atOnce: BUGS_AT_ONCE });
  private tellers = 0;

  constructor(private readonly served: ServedRoutes) {}

  failed(request: FastifyRequest, { document, unexpected }: Problem, error: unknown): void {
    const { status, part, reason } = document;
    if (!unexpected && (status < 500 || reason === undefined)) return;
    const failure: ExchangeFailure = {
      part,
      reason,
      detail: unexpected ? faultDetail(error) : detailOf(error),
      unexpected: unexpected ? error : undefined,
    };
    request.failure = failure;
    if (this.tellers > 0) return;
    const route = this.served.of(request);
    const kind = `${request.method} ${route} ${part ?? ''} ${reason ?? failure.detail}`;
    const log = unexpected ? this.unexpected : this.explained;
    log.say(kind, { ...failure, request: `${request.method} ${route} (${request.id})`, status });
  }

  /** Somebody logs every request, with its failure, until the answer is called. */
  leaveToOthers(): () => void {
    this.tellers++;
    return () => {
      this.tellers--;
    };
  }

  onModuleDestroy(): void {
    this.explained.flush();
    this.unexpected.flush();
  }
}

function write({ request, status, part, reason, detail, unexpected }: Failed, more: number): void {
  const besides = more === 0 ? '' : ` (${more} more)`;
  if (reason === undefined) {
    logger.error(`${request} failed${besides}`, unexpected);
    return;
  }
  const where = part === undefined ? '' : `part '${part}', `;
  logger.warn(`${request} answered ${status}: ${where}${reason}: ${detail}${besides}`);
}

function detailOf(error: unknown): string {
  return faultDetail(error instanceof PartFailedError ? error.cause : error);
}
