import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { systemClock } from '../resilience/clock.js';
import { PartFailedError } from './part-failed-error.js';
import { faultDetail } from './part-fault.js';
import { type Problem } from './problem.js';
import { RationedLog } from './rationed-log.js';
import { ServedRoutes } from './served-routes.js';

const logger = new Logger('Problem');

/**
 * Logs the requests that are answered with a 5xx. Those that an upstream explains: in one line that says which part it
 * was and what it ran into, at most one a second for each route, part and reason. Those nobody expected: with all there
 * is, each of them.
 */
@Injectable()
export class FailureLog implements OnModuleDestroy {
  private readonly rationed = new RationedLog((line) => {
    logger.warn(line);
  }, systemClock);

  constructor(private readonly served: ServedRoutes) {}

  failed(request: FastifyRequest, { document, unexpected }: Problem, error: unknown): void {
    const { status, part = '', reason } = document;
    if (unexpected) logger.error(`${this.nameOf(request)} failed`, error);
    else if (status >= 500 && reason !== undefined) {
      const kind = `${request.method} ${this.served.of(request)} ${part} ${reason}`;
      this.rationed.say(kind, () => {
        const where = part === '' ? '' : `part '${part}', `;
        return `${this.nameOf(request)} answered ${status}: ${where}${reason}: ${detailOf(error)}`;
      });
    }
  }

  onModuleDestroy(): void {
    this.rationed.flush();
  }

  private nameOf(request: FastifyRequest): string {
    return `${request.method} ${this.served.of(request)} (${request.id})`;
  }
}

function detailOf(error: unknown): string {
  return faultDetail(error instanceof PartFailedError ? error.cause : error);
}
