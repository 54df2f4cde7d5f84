import { All, Controller, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { lastValueFrom } from 'rxjs';
import { FailureLog } from '../aggregation/failure-log.js';
import { PartFailedError } from '../aggregation/part-failed-error.js';
import { ServesTable } from '../aggregation/served-routes.js';
import { deliverProgressively } from './progressive-delivery.js';
import { progressiveFormatFor } from './progressive-format.js';

/** Serves every composite: one route that takes what no other one does, so that composites can come and go. */
@ApiExcludeController()
@Controller()
export class CompositeController {
  constructor(private readonly failures: FailureLog) {}

  @All('*')
  @ServesTable()
  answer(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    const { composite } = request;
    if (composite === undefined) throw new TypeError('the composite route was entered without a composite');
    const input = composite.runner.plan.reader.read(request, composite.pathParams);
    const { fields } = request.query as Readonly<Record<string, unknown>>;
    const runner = composite.runner.narrowed(fields);
    reply.header('vary', 'accept');
    const format = progressiveFormatFor(request.headers.accept);
    const failed = (error: unknown): never => {
      if (isUnauthorized(error)) reply.headers(runner.plan.reader.challenge);
      throw error;
    };
    if (format !== undefined) {
      const { failures } = this;
      const delivered = deliverProgressively({ runner, input, format, request, reply, failures });
      return lastValueFrom(delivered).catch(failed);
    }
    // Once it has completed: the composite leaves its report for the response after its last word.
    return lastValueFrom(runner.run(input)).then((document) => {
      void reply.status(runner.plan.config.status).send(document);
    }, failed);
  }
}

/** Whether an upstream's 401 becomes the response's own: one has to say what would do (RFC 9110, 15.5.2). */
function isUnauthorized(error: unknown): boolean {
  return error instanceof PartFailedError && error.passedThrough === 401;
}
