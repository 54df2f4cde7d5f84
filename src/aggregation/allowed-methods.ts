import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance, type RouteOptions } from 'fastify';
import FindMyWay, { type HTTPMethod } from 'find-my-way';

/**
 * Knows which verbs a path takes, for the `Allow` of a 405: Fastify looks a route up by verb and path together, and
 * answers 404 for both kinds of mistake.
 */
@Injectable()
export class AllowedMethods {
  private readonly router = FindMyWay({ maxParamLength: 2000 });
  private readonly methods = new Set<HTTPMethod>();

  constructor({ httpAdapter }: HttpAdapterHost) {
    const fastify = httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRoute', (route) => {
      this.add(route);
    });
  }

  /** The verbs that would have found a route at this URL, in alphabetical order. */
  of(url: string): string[] {
    return [...this.methods].filter((method) => this.router.find(method, url) !== null).sort();
  }

  private add({ method, url }: RouteOptions): void {
    for (const each of [method].flat() as HTTPMethod[]) {
      this.methods.add(each);
      // A path registered twice under constraints (versions, hosts) is one path to us.
      if (!this.router.hasRoute(each, url)) this.router.on(each, url, () => undefined);
    }
  }
}
