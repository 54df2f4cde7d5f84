import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable, Logger } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { RequestProblem } from '../aggregation/request-problem.js';

/** What an operator has to know to change anything; null where nobody may. */
export class AdminToken {
  constructor(readonly value: string | null) {}
}

const logger = new Logger('Audit');

/**
 * Lets operators through who bear the token of `server.adminToken`: 401 for others, and 403 for all where there is
 * none. Who is refused is logged; what the others do, whoever does it for them logs.
 */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly token: AdminToken) {}

  canActivate(context: ExecutionContext): boolean {
    const { value } = this.token;
    if (value === null) throw new RequestProblem(403, 'Nobody may: server.adminToken is not set.');
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const [, given] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (given !== undefined && isSame(given, value)) return true;
    logger.warn(
      `${request.method} ${request.routeOptions.url ?? ''} from ${request.ip} refused: no admin token`,
    );
    throw new RequestProblem(401, 'This takes the admin token, as a bearer token.', [], {
      'www-authenticate': 'Bearer realm="tributary"',
    });
  }
}

/** In the same time wherever they differ. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digestOf(given), digestOf(expected));
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
