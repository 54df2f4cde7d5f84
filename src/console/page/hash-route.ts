import { type UpstreamOrder } from './upstream-order.js';

/** What of the page is looked at. It stands in the address, so that it can be sent to a colleague. */
export interface Route {
  /** The composite that is open. */
  readonly composite: string | null;
  readonly requests: RequestList;
  readonly order: UpstreamOrder;
  /** What the names of upstreams must contain. */
  readonly filter: string;
  /** The upstream whose transitions are shown; null for all. */
  readonly feed: string | null;
}

export type RequestList = 'recent' | 'notable';

const COMPOSITE = /^\/composites\/(.+)$/;

/** Reads `#/composites/GET%20%2Forders?order=worst`. What it cannot read is as if it were not there. */
export function parseHash(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const parameters = new URLSearchParams(query);
  const name = COMPOSITE.exec(path)?.[1];
  return {
    composite: name === undefined ? null : decoded(name),
    requests: parameters.get('requests') === 'notable' ? 'notable' : 'recent',
    order: parameters.get('order') === 'worst' ? 'worst' : 'configured',
    filter: parameters.get('filter') ?? '',
    feed: parameters.get('feed'),
  };
}

/** The other way; what is as it is by default is not written. */
export function formatHash({ composite, requests, order, filter, feed }: Route): string {
  const parameters = new URLSearchParams();
  if (composite !== null && requests !== 'recent') parameters.set('requests', requests);
  if (order !== 'configured') parameters.set('order', order);
  if (filter !== '') parameters.set('filter', filter);
  if (feed !== null) parameters.set('feed', feed);
  const path = composite === null ? '#/' : `#/composites/${encodeURIComponent(composite)}`;
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

function decoded(name: string): string | null {
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}
