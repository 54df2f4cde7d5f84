import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamRegistry } from '../upstream/upstream-registry.js';

/**
 * The upstreams as they are configured at one moment. A request that began then calls them so to its end: a part that
 * comes late is still asked where, and how, the file said when the request came.
 */
export class PinnedUpstreams {
  private readonly byName: ReadonlyMap<string, Upstream>;

  constructor(registry: UpstreamRegistry) {
    this.byName = new Map(registry.all().map((upstream) => [upstream.name, upstream.pinned()]));
  }

  get(name: string): Upstream {
    const upstream = this.byName.get(name);
    if (upstream === undefined) throw new RangeError(`there was no upstream '${name}' when this was planned`);
    return upstream;
  }
}
