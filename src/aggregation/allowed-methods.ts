import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance, type RouteOptions } from 'fastify';
import FindMyWay, { type HTTPMethod } from 'find-my-way';
import { isTabled, ServedRoutes } from './served-routes.js';
import { whenServed } from './when-served.js';

/** Verbs that a route of the table may have. */
const METHODS = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'] as const;

/**
 * Knows which verbs a path takes, for the `Allow` of a 405: Fastify looks a route up by verb and path together, and
 * answers 404 for both kinds of mistake.
 */
@Injectable()
export class AllowedMethods {
  private router = FindMyWay();
  private readonly methods = new Set<HTTPMethod>();

  constructor(
    host: HttpAdapterHost,
    private readonly served: ServedRoutes,
  ) {
    whenServed(host, (fastify) => {
      this.watch(fastify);
    });
  }

  /** The verbs that would have found a route at this URL, in alphabetical order. */
  of(url: string): string[] {
    const methods = new Set<string>([...this.methods, ...METHODS]);
    return [...methods].filter((method) => this.has(method, url)).sort();
  }

  /** The route of the server's own that takes this verb and path, as it was declared. */
  ownRoute(method: string, url: string): string | undefined {
    return this.router.find(method as HTTPMethod, url)?.store as string | undefined;
  }

  private has(method: string, url: string): boolean {
    return this.ownRoute(method, url) !== undefined || this.served.has(method, url);
  }

  private watch(fastify: FastifyInstance): void {
    // Two paths are one to us exactly where they are one to the server.
    const { caseSensitive, ignoreTrailingSlash, ignoreDuplicateSlashes } =
      fastify.initialConfig.routerOptions ?? {};
    this.router = FindMyWay({
      caseSensitive: caseSensitive ?? true,
      ignoreTrailingSlash: ignoreTrailingSlash ?? false,
      ignoreDuplicateSlashes: ignoreDuplicateSlashes ?? false,
      maxParamLength: Number.MAX_SAFE_INTEGER,
    });
    fastify.addHook('onRoute', (route) => {
      this.add(route);
    });
  }

  private add({ method, url, config }: RouteOptions): void {
    if (isTabled(config)) return;
    for (const each of [method].flat() as HTTPMethod[]) {
      this.methods.add(each);
      // A path registered twice under constraints (versions, hosts) is one path to us.
      if (!this.router.hasRoute(each, url)) this.router.on(each, url, () => undefined, url);
    }
  }
}
