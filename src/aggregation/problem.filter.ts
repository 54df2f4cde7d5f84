import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  NotFoundException,
} from '@nestjs/common';
import { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify';
import { AllowedMethods } from './allowed-methods.js';
import { FailureLog } from './failure-log.js';
import { plainProblem, type ProblemDocument, problemOf } from './problem.js';
import { RequestProblem } from './request-problem.js';
import { ServedRoutes } from './served-routes.js';

/** Answers every error with an RFC 9457 problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly allowedMethods: AllowedMethods,
    private readonly served: ServedRoutes,
    private readonly failures: FailureLog,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();

    if (error instanceof NotFoundException && request.is404) {
      this.unknownRoute(request, reply);
      return;
    }
    const problem = problemOf(unreadable(error, request) ?? error, request.id, request.exchange?.writes);
    this.failures.failed(request, problem, error);
    sendProblem(reply.headers(problem.headers), problem.document);
  }

  private unknownRoute(request: FastifyRequest, reply: FastifyReply): void {
    if (this.served.isTooLong(request)) {
      sendProblem(reply, plainProblem(414, PATH_TOO_LONG, request.id));
      return;
    }
    const allowed = this.allowedMethods.of(request.url);
    // A verb the path does take: Nest gave the request up for another reason, such as an empty path parameter.
    if (allowed.length === 0 || allowed.includes(request.method)) {
      sendProblem(reply, plainProblem(404, 'There is nothing at this path.', request.id));
    } else {
      const detail = `This path does not take ${request.method}.`;
      sendProblem(reply.header('allow', allowed.join(', ')), plainProblem(405, detail, request.id));
    }
  }
}

/** What the router says of a path with a segment longer than it takes. */
export const PATH_TOO_LONG = 'A segment of the path is too long.';

/** What went wrong while the request was read, its body breaking off say; Nest knows only Fastify's own errors. */
function unreadable(error: unknown, { exchange, headers }: FastifyRequest): HttpException | undefined {
  if (exchange !== undefined) return undefined;
  const status =
    error instanceof HttpException ? error.getStatus() : (error as Partial<FastifyError> | null)?.statusCode;
  // It was read as if it were not encoded, and made no sense.
  if (status === 400 && isEncoded(headers['content-encoding'])) {
    return new RequestProblem(415, 'The body must not have a Content-Encoding.', [], {
      'accept-encoding': 'identity',
    });
  }
  if (error instanceof HttpException) return undefined;
  const { statusCode = 500, message } = (error ?? {}) as Partial<FastifyError>;
  return statusCode >= 400 && statusCode < 500 ? new HttpException(message ?? '', statusCode) : undefined;
}

function isEncoded(encoding = ''): boolean {
  return encoding !== '' && encoding.toLowerCase() !== 'identity';
}

export function sendProblem(reply: FastifyReply, document: ProblemDocument): void {
  void reply
    .status(document.status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    // Hooks do not run for what the router itself refuses.
    .header('x-request-id', document.requestId)
    .send(document);
}
