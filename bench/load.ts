import autocannon from 'autocannon';
import { attend } from './attend.js';
import { type LoadOrder, type LoadResult } from './load-order.js';
import { quantile } from './statistics.js';

/** How often autocannon looks whether it is done, in ms. */
const SAMPLE_MS = 100;
const IDS_PER_CONNECTION = 50;

/**
 * The load generator, a process of its own: autocannon, closed loop. Its own histogram counts whole milliseconds,
 * so durations are taken from its events.
 */
async function run({ origin, connections, requests, body }: LoadOrder): Promise<LoadResult> {
  const durations: number[] = [];
  let connection = 0;
  const startedAt = performance.now();
  let endedAt = startedAt;

  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url: origin,
        connections,
        sampleInt: SAMPLE_MS,
        expectBody: body,
        amount: requests,
        setupClient: (client) => {
          client.setRequests(requestsOf(connection));
          connection += 1;
        },
      },
      (error: unknown, result) => {
        if (error instanceof Error) reject(error);
        else resolve(result);
      },
    );
    instance.on('response', (_client, _status, _bytes, durationMs) => {
      endedAt = performance.now();
      durations.push(durationMs);
    });
  });

  return {
    requests: durations.length,
    non2xx: result.non2xx,
    wrongBodies: result.mismatches,
    errors: result.errors,
    seconds: (endedAt - startedAt) / 1_000,
    p50Ms: quantile(durations, 0.5),
    p99Ms: quantile(durations, 0.99),
  };
}

/** Each connection asks for customers of its own: no two requests at one time are the same, so none can be shared. */
function requestsOf(connection: number): autocannon.Request[] {
  return Array.from({ length: IDS_PER_CONNECTION }, (_, index) => ({
    path: `/customers/c-${1 + connection * IDS_PER_CONNECTION + index}/overview`,
  }));
}

attend([], { load: run });
