import { type AllowedMethods } from '../aggregation/allowed-methods.js';
import { type ConfigurationReport } from '../upstream/config/configuration-report.js';
import { asServed } from './composite-table.js';
import { type CompositePlan } from './plan.js';

/** Stands for any value of a parameter: no route is declared for this one. */
const ANY_VALUE = 'any-value-of-a-parameter';

/**
 * Reports composites whose requests all go to a route of the server's own, a controller's say: the server looks there
 * first. One that is hidden for some values of its parameters only is more general than that route, and fine.
 */
export function checkHiddenRoutes(
  plans: readonly CompositePlan[],
  allowed: AllowedMethods,
  report: ConfigurationReport,
): void {
  for (const { config } of plans) {
    const { at, method, route } = config;
    const own = allowed.ownRoute(method, asServed(route).replace(/:[^/]+/g, ANY_VALUE));
    if (own === undefined || own === CATCH_ALL) continue;
    report.unexpected(
      [...at, method.toLowerCase()],
      `another route: ${method} ${own} of a controller answers those requests already`,
    );
  }
}

/** A route for all that has no other one. Composites go before it. */
const CATCH_ALL = '/*';
