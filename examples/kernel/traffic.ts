import { type ServerResponse } from 'node:http';
import { wasCutByUs } from './connection-cut.js';

/** What a service has seen of its callers, as `GET /stats` tells it. Probes and switches are not counted. */
export interface Stats {
  /** Requests that arrived. */
  readonly requests: number;
  /** Requests not answered to the end yet. */
  readonly inFlight: number;
  /** Requests whose caller went away before the answer was complete. */
  readonly aborted: number;
}

/** Counts requests from their arrival to the end of their answer. */
export class Traffic {
  private requests = 0;
  private inFlight = 0;
  private aborted = 0;

  /** What was counted so far. */
  get stats(): Stats {
    return { requests: this.requests, inFlight: this.inFlight, aborted: this.aborted };
  }

  /** Counts a request in, and out again when its response closes. */
  count(response: ServerResponse): void {
    this.requests += 1;
    this.inFlight += 1;
    response.once('close', () => {
      this.inFlight -= 1;
      if (!response.writableFinished && !wasCutByUs(response)) this.aborted += 1;
    });
  }
}
