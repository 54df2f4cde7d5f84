import { type IncomingMessage } from 'node:http';
import { applyDecorators, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { RouteConfig, RouteConstraints } from '@nestjs/platform-fastify';
import { type FastifyContextConfig, type FastifyInstance, type FastifyRequest } from 'fastify';
import { whenServed } from './when-served.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** This route of the server's serves what stands in a table of routes. */
    tabled?: boolean;
  }
}

/** A route found for a request. */
export interface ServedRoute {
  /** As it was declared, in the server's way of writing: `/reports/:id`. */
  readonly route: string;
}

/** Routes that come and go while the server runs, and that its own router therefore cannot know. */
export interface RouteTable {
  /** The routes there are now. */
  readonly routes: readonly { readonly method: string; readonly route: string }[];
  /** The route of a request, if there is one; `too-long` for one whose path has a segment beyond what the server takes. */
  find(method: string, url: string): ServedRoute | 'too-long' | undefined;
}

const CONSTRAINT = 'tabled';
const FOUND = Symbol('found');

/** The request as it came in, with what the table has for it. */
type Routed = Partial<Pick<IncomingMessage, 'method' | 'url'>> & {
  [FOUND]?: ServedRoute | 'too-long' | undefined;
};

/**
 * Marks a handler, for any path and any verb, as the one that serves what stands in the table. It is entered for nothing
 * else: for other requests the server goes on as if it were not there.
 */
export const ServesTable = (): MethodDecorator =>
  applyDecorators(RouteConstraints({ [CONSTRAINT]: true }), RouteConfig({ tabled: true }));

/**
 * Knows the route of each request, whether the server's router has it or a table of routes that may change. The table is
 * asked while the server looks for the route, so that every hook from the first one on finds the answer.
 */
@Injectable()
export class ServedRoutes {
  private table: RouteTable | undefined;

  constructor(host: HttpAdapterHost) {
    whenServed(host, (fastify) => {
      this.watch(fastify);
    });
  }

  /** Serves what stands in this table as well. It may change from one request to the next. */
  serve(table: RouteTable): void {
    this.table = table;
  }

  /** The routes of the table. */
  get tabled(): RouteTable['routes'] {
    return this.table?.routes ?? [];
  }

  /** The route of a request as it was declared; empty where there is none. */
  of(request: FastifyRequest): string {
    const { url = '', config } = request.routeOptions;
    return isTabled(config) ? (this.foundFor(request)?.route ?? url) : url;
  }

  /** What the table has for a request that its handler serves. */
  foundFor({ raw }: FastifyRequest): ServedRoute | undefined {
    const found = (raw as Routed)[FOUND];
    return found === 'too-long' ? undefined : found;
  }

  /** Whether a request has no route only because a segment of its path is too long. */
  isTooLong({ raw }: FastifyRequest): boolean {
    return (raw as Routed)[FOUND] === 'too-long';
  }

  /** Whether the table has a route for the verb at this URL. */
  has(method: string, url: string): boolean {
    return this.table?.find(method, url) !== undefined;
  }

  private watch(fastify: FastifyInstance): void {
    fastify.addConstraintStrategy({
      name: CONSTRAINT,
      mustMatchWhenDerived: false,
      // The only value a route is given is true.
      storage: () => {
        let served: Parameters<ReturnType<Strategy['storage']>['set']>[1] | null = null;
        return {
          get: (isFound) => (isFound === true ? served : null),
          set: (_value, handler) => {
            served = handler;
          },
        };
      },
      validate: () => undefined,
      deriveConstraint: (request: Routed) => {
        const found = this.table?.find(request.method ?? '', request.url ?? '');
        request[FOUND] = found;
        return found !== undefined && found !== 'too-long';
      },
    });
  }
}

type Strategy = Parameters<FastifyInstance['addConstraintStrategy']>[0];

/** Whether a route of the server's is the one that serves the table. */
export function isTabled(config: FastifyContextConfig | undefined): boolean {
  return config?.tabled === true;
}
