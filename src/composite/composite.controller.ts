import { All, Controller, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { lastValueFrom } from 'rxjs';
import { ServesTable } from '../aggregation/served-routes.js';
import { deliverProgressively } from './progressive-delivery.js';
import { progressiveFormatFor } from './progressive-format.js';

/** Serves every composite: one route that takes what no other one does, so that composites can come and go. */
@ApiExcludeController()
@Controller()
export class CompositeController {
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
    if (format !== undefined) {
      return lastValueFrom(deliverProgressively({ runner, input, format, request, reply }));
    }
    // Once it has completed: the composite leaves its report for the response after its last word.
    return lastValueFrom(runner.run(input)).then((document) => {
      void reply.status(runner.plan.config.status).send(document);
    });
  }
}
