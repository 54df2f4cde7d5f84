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
  private readonly all: readonly Endpoint[];
  private turn = 0;

  constructor(urls: readonly string[]) {
    this.all = urls.map((url) => ({ baseUrl: url.replace(/\/+$/, ''), refusedUntil: 0 }));
  }

  get urls(): readonly string[] {
    return this.all.map(({ baseUrl }) => baseUrl);
  }

  next(now: number): Endpoint {
    let endpoint = this.take();
    for (let tries = 1; tries < this.all.length && endpoint.refusedUntil > now; tries++)
      endpoint = this.take();
    return endpoint;
  }

  refused(endpoint: Endpoint, now: number): void {
    endpoint.refusedUntil = now + REFUSED_FOR_MS;
  }

  private take(): Endpoint {
    const endpoint = this.all[this.turn];
    if (endpoint === undefined) throw new RangeError('an upstream needs at least one endpoint');
    this.turn = (this.turn + 1) % this.all.length;
    return endpoint;
  }
}
