import { Injectable } from '@nestjs/common';
import FindMyWay, { type HTTPMethod } from 'find-my-way';
import { ROUTER_OPTIONS } from '../aggregation/server-options.js';
import { type RouteTable, type ServedRoute } from '../aggregation/served-routes.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { CompositeRunner } from './composite-runner.js';
import { PinnedUpstreams } from './pinned-upstreams.js';
import { type CompositePlan } from './plan.js';

/** A composite found for a request, and the parameters of its path, decoded. */
export interface CompositeMatch extends ServedRoute {
  readonly runner: CompositeRunner;
  readonly pathParams: Readonly<Record<string, string | undefined>>;
}

interface Row {
  readonly runner: CompositeRunner;
  readonly method: string;
  readonly route: string;
}

/** The composites that are served now, by their routes. Replaced as a whole. */
@Injectable()
export class CompositeTable implements RouteTable {
  private rows: readonly Row[] = [];
  private current: readonly CompositeRunner[] = [];
  private router = routerOf([]);

  constructor(private readonly registry: UpstreamRegistry) {}

  /** The same list until other composites take their place. */
  get runners(): readonly CompositeRunner[] {
    return this.current;
  }

  get routes(): readonly Row[] {
    return this.rows;
  }

  /**
   * Serves these from the next request on, over the upstreams as they are configured now; requests in flight go on as
   * they began.
   */
  replace(plans: readonly CompositePlan[]): void {
    const upstreams = new PinnedUpstreams(this.registry);
    const rows = plans.map((plan) => ({
      runner: new CompositeRunner(plan, upstreams),
      method: plan.config.method,
      route: asServed(plan.config.route),
    }));
    const router = routerOf(rows);
    this.rows = rows;
    this.current = rows.map(({ runner }) => runner);
    this.router = router;
  }

  /** The composite of that name. */
  get(name: string): CompositeRunner | undefined {
    return this.runners.find(({ plan }) => plan.config.name === name);
  }

  /** @param url path and query, as they were sent. */
  find(method: string, url: string): CompositeMatch | 'too-long' | undefined {
    if (this.rows.length === 0) return undefined;
    const found = this.router.find((method === 'HEAD' ? 'GET' : method) as HTTPMethod, url);
    if (found === null) return undefined;
    const { store, params } = found as { readonly store: Row | null; readonly params: Params };
    if (store === null) return 'too-long';
    // As Nest has it: a segment that is empty is not there.
    if (Object.values(params).includes('')) return undefined;
    return { runner: store.runner, route: store.route, pathParams: params };
  }
}

type Params = CompositeMatch['pathParams'];

/** A route as the server writes it. */
export function asServed(route: string): string {
  return route.replace(/\{([^{}]*)\}/g, ':$1');
}

function routerOf(rows: readonly Row[]): ReturnType<typeof FindMyWay> {
  // Found without a row: a path that cannot be read is refused by the server's own router, which sees it as well.
  const router = FindMyWay({ ...ROUTER_OPTIONS, onMaxParamLength: nobody });
  for (const row of rows) router.on(row.method as HTTPMethod, row.route, nobody, row);
  return router;
}

function nobody(): void {
  // The server calls the handler of the table, whatever the row.
}
