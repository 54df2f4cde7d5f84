/**
 * What the load generator is to do. So many requests rather than for so long: it ends when all are answered. A load
 * that is cut off leaves requests uncounted, and teaches a server's compiled code about clients that leave.
 */
export interface LoadOrder {
  readonly origin: string;
  /** Each sends its next request as soon as it has the answer to the last. */
  readonly connections: number;
  readonly requests: number;
  /** What every body must be, byte for byte. */
  readonly body: string;
}

/** How it went. */
export interface LoadResult {
  /** Answered, whatever the status. */
  readonly requests: number;
  readonly non2xx: number;
  readonly wrongBodies: number;
  /** Requests that got no answer: refused, reset, or none for 10 s. */
  readonly errors: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
