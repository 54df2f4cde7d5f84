import { All, Controller, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';
import { readInput } from './request-input.js';

/** Serves every composite: one route that takes what no other one does, so that composites can come and go. */
@ApiExcludeController()
@Controller()
export class CompositeController {
  @All('*')
  answer(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Observable<unknown> {
    const { composite } = request;
    if (composite === undefined) throw new TypeError('the composite route was entered without a composite');
    const { runner } = composite;
    const input = readInput(request, composite);
    return runner.run(input).pipe(
      tap((document) => {
        void reply.status(runner.plan.config.status).send(document);
      }),
    );
  }
}
