/** One base URL of an upstream. */
export interface Endpoint {
  /** Base URL without a trailing slash; a path is appended to it as it is. */
  readonly baseUrl: string;
  /** Passed over until this moment, on the clock's scale. */
  refusedUntil: number;
}

/** How long an endpoint that refused a connection is passed over, in ms. */
const REFUSED_FOR_MS = 1000;

/**
 * Chooses among an upstream's endpoints: round robin, passing over those that have just refused a connection.
 * When all have, it goes on round robin: a wrong guess costs one attempt, never trying would cost the upstream.
 */
export class Endpoints {
  readonly urls: readonly string[];
  private readonly all: readonly [Endpoint, ...Endpoint[]];
  private turn = 0;

  constructor(urls: readonly string[]) {
    const [first, ...others] = urls.map((url) => ({
      baseUrl: url.replace(/\/+$/, ''),
      refusedUntil: -Infinity,
    }));
    if (first === undefined) throw new RangeError('an upstream needs at least one endpoint');
    this.all = [first, ...others];
    this.urls = this.all.map(({ baseUrl }) => baseUrl);
  }

  next(now: number): Endpoint {
    const { all, turn } = this;
    for (let offset = 0; offset < all.length; offset++) {
      const endpoint = all[(turn + offset) % all.length];
      if (endpoint !== undefined && endpoint.refusedUntil <= now) return this.take(turn + offset);
    }
    return this.take(turn);
  }

  refused(endpoint: Endpoint, now: number): void {
    endpoint.refusedUntil = now + REFUSED_FOR_MS;
  }

  private take(turn: number): Endpoint {
    const { all } = this;
    this.turn = (turn + 1) % all.length;
    return all[turn % all.length] ?? all[0];
  }
}
