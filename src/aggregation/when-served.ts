import { type HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance } from 'fastify';

/**
 * Hands over the Fastify instance the application is served by: at once, as a rule; in Nest's testing module once it
 * has been made an application; never in a context without a server.
 */
export function whenServed(host: HttpAdapterHost, prepare: (fastify: FastifyInstance) => void): void {
  const served = (): void => {
    // Null in a context without a server, whatever its type says.
    const adapter = host.httpAdapter as HttpAdapterHost['httpAdapter'] | null | undefined;
    if (adapter === null || adapter === undefined) return;
    if (adapter.getType() !== 'fastify') {
      throw new TypeError(
        `AggregationModule needs an application on Fastify, and this one is on ${adapter.getType()}: ` +
          'give NestFactory.create() a FastifyAdapter',
      );
    }
    prepare(adapter.getInstance<FastifyInstance>());
  };
  if ((host.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined) === undefined)
    host.init$.subscribe(served);
  else served();
}
