import { UnsupportedMediaTypeException } from '@nestjs/common';
import { type FastifyInstance } from 'fastify';

/**
 * Lets bodies through, unread, for which the server has no parser: a composite that wants one says itself what it takes,
 * and the others ignore it. What is no composite refuses them as before.
 */
export function letUnreadBodiesThrough(fastify: FastifyInstance): void {
  fastify.addContentTypeParser('*', (request, _payload, done) => {
    if (request.composite === undefined && !request.is404) done(new UnsupportedMediaTypeException());
    else done(null, undefined);
  });
}
