import { Injectable } from '@nestjs/common';
import FindMyWay, { type HTTPMethod } from 'find-my-way';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { CompositeRunner } from './composite-runner.js';
import { type CompositePlan } from './plan.js';

/** A composite found for a request, and the parameters of its path, decoded. */
export interface CompositeMatch {
  readonly runner: CompositeRunner;
  readonly pathParams: Readonly<Record<string, string | undefined>>;
}

/** The composites that are served now, by their routes. Replaced as a whole. */
@Injectable()
export class CompositeTable {
  private current: readonly CompositeRunner[] = [];
  private router = FindMyWay();

  constructor(private readonly registry: UpstreamRegistry) {}

  get runners(): readonly CompositeRunner[] {
    return this.current;
  }

  /** Serves these from the next request on; those in flight go on as they began. */
  replace(plans: readonly CompositePlan[]): void {
    const router = FindMyWay({ ignoreTrailingSlash: true, maxParamLength: 256 });
    const runners = plans.map((plan) => new CompositeRunner(plan, this.registry));
    for (const runner of runners) {
      const { method, route } = runner.plan.config;
      router.on(method as HTTPMethod, route.replace(/\{([^{}]*)\}/g, ':$1'), () => undefined, runner);
    }
    this.current = runners;
    this.router = router;
  }

  /** The composite of that name. */
  get(name: string): CompositeRunner | undefined {
    return this.current.find(({ plan }) => plan.config.name === name);
  }

  find(method: string, path: string): CompositeMatch | undefined {
    const found = this.router.find((method === 'HEAD' ? 'GET' : method) as HTTPMethod, path);
    if (found === null) return undefined;
    return { runner: found.store as CompositeRunner, pathParams: found.params };
  }
}
