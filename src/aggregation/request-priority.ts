import { lowerPriority, type Priority } from '../resilience/admission.js';

/** Urgency in a `Priority` field (RFC 9218): a dictionary with `u` from 0, the most urgent, to 7. */
const URGENCY = /(?:^|,)\s*u=([0-7])\s*(?:[,;]|$)/;
/** What a request has that says nothing (RFC 9218 4.1). */
const DEFAULT_URGENCY = 3;

/** Tells the priority of a request from its route and from what its client asks for itself. */
export class RequestPriorities {
  /** The longest prefix first: it is the most specific one. */
  private readonly prefixes: readonly (readonly [prefix: string, priority: Priority])[];

  /** @param byPrefix priorities by the beginning of a route, whole segments: `/reports` holds for `/reports/:id`. */
  constructor(byPrefix: Readonly<Record<string, Priority>>) {
    this.prefixes = Object.entries(byPrefix).sort(([one], [other]) => other.length - one.length);
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
