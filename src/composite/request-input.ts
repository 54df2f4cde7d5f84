import { type FastifyRequest } from 'fastify';
import { type CompositeInput } from './composite-runner.js';
import { type CompositeMatch } from './composite-table.js';

/**
 * What a request gives to its composite.
 *
 * @throws BadRequestException saying what is wrong with it.
 */
export function readInput(request: FastifyRequest, { runner, pathParams }: CompositeMatch): CompositeInput {
  const query = request.query as Readonly<Record<string, unknown>>;
  const params: Record<string, unknown> = {};
  for (const { name, alias, in: place, schema } of runner.plan.config.params) {
    const value = place === 'path' ? pathParams[alias] : place === 'query' ? query[alias] : undefined;
    params[name] = value ?? schema['default'] ?? null;
  }
  return { params, body: request.body ?? null };
}
