import { lowerPriority, type Priority } from '../resilience/admission.js';
import { nearestName } from '../upstream/config/nearest-name.js';

/** Urgency in a `Priority` field (RFC 9218): a dictionary with `u` from 0, the most urgent, to 7. */
const URGENCY = /(?:^|,)\s*u=([0-7])\s*(?:[,;]|$)/;
/** What a request has that says nothing (RFC 9218 4.1). */
const DEFAULT_URGENCY = 3;

/** A parameter as OpenAPI writes it. */
const BRACED_PARAMETER = /\{([^{}/]+)\}/g;
const PARAMETER_NAME = /:[^/]+/g;

/** A prefix above no route, which gives a priority to nothing. */
export interface IdlePrefix {
  /** As it was written. */
  readonly prefix: string;
  /** What was probably meant: a route or the beginning of one. */
  readonly meant: string | undefined;
}

/** Tells the priority of a request from its route and from what its client asks for itself. */
export class RequestPriorities {
  /** The longest prefix first: it is the most specific one. */
  private readonly prefixes: readonly (readonly [prefix: string, priority: Priority])[];

  /**
   * @param byPrefix priorities by the beginning of a route, whole segments: `/reports` holds for `/reports/:id`. A
   * parameter may be written `{id}` as well.
   */
  constructor(private readonly byPrefix: Readonly<Record<string, Priority>>) {
    const declared = Object.entries(byPrefix).map(
      ([prefix, priority]) => [asDeclared(prefix), priority] as const,
    );
    this.prefixes = declared.sort(([one], [other]) => other.length - one.length);
  }

  /**
   * @param route as it was declared, `/reports/:id`; empty where there is none.
   * @param field `Priority` of the request. It can only lower: a client that calls itself urgent is believed nothing.
   */
  of(route: string, field: string | readonly string[] | undefined): Priority {
    const priority = this.ofRoute(route);
    if (field === undefined) return priority;
    const [, urgency] = URGENCY.exec(String(field)) ?? [];
    return urgency !== undefined && Number(urgency) > DEFAULT_URGENCY
      ? lowerPriority(priority, 'sheddable')
      : priority;
  }

  /** The prefixes that lie above none of these routes. */
  idleAmong(routes: Iterable<string>): readonly IdlePrefix[] {
    const all = [...routes];
    const idle = Object.keys(this.byPrefix).filter(
      (prefix) => !all.some((route) => isUnder(route, asDeclared(prefix))),
    );
    if (idle.length === 0) return [];
    const beginnings = [...new Set(all.flatMap(beginningsOf))];
    return idle.map((prefix) => ({ prefix, meant: nearestRoute(asDeclared(prefix), beginnings) }));
  }

  private ofRoute(route: string): Priority {
    for (const [prefix, priority] of this.prefixes) {
      if (isUnder(route, prefix)) return priority;
    }
    return 'default';
  }
}

/** Whether a route is `prefix`, or lies beneath it. `/` lies above everything. */
export function isUnder(route: string, prefix: string): boolean {
  if (!route.startsWith(prefix)) return false;
  return route.length === prefix.length || route.charAt(prefix.length) === '/' || prefix.endsWith('/');
}

/** One that differs in the names of its parameters only is nearer than any other. */
function nearestRoute(prefix: string, routes: readonly string[]): string | undefined {
  const shape = withoutNames(prefix);
  return routes.find((route) => withoutNames(route) === shape) ?? nearestName(prefix, routes);
}

function withoutNames(route: string): string {
  return route.replace(PARAMETER_NAME, ':');
}

/** The route and all that it lies under, the shortest first; `/` is not among them. */
function beginningsOf(route: string): readonly string[] {
  const segments = route.split('/').slice(1);
  return segments.map((_segment, at) => `/${segments.slice(0, at + 1).join('/')}`).filter(isNotRoot);
}

function isNotRoot(route: string): boolean {
  return route !== '/';
}

function asDeclared(prefix: string): string {
  return prefix.replace(BRACED_PARAMETER, ':$1');
}
