import { mergeMap } from 'rxjs';
import { type RecordingServer, recordingServer, type SeenRequest } from '../http/testing/recording-server.js';
import { seededRandom } from '../resilience/random.js';
import { RequestContext } from './request-context.js';
import { configOf, Opened } from './testing/spec-support.js';
import { type UpstreamRegistryOptions, UpstreamRegistry } from './upstream-registry.js';
import { type Upstream } from './upstream.js';
import { type UpstreamRequest, type UpstreamResponse } from './upstream-call.js';
import { UpstreamError } from './upstream-error.js';

const QUEUE = 1_000;
const SEED = 20_260_110;

const opened = new Opened();
afterEach(() => opened.close());

const here = (): string => RequestContext.current().id;

/** Answers with what it was asked, after a random number of turns; each third request gets a 503 the first time. */
async function echo(): Promise<RecordingServer> {
  const random = seededRandom(SEED);
  const refused = new Set<string>();
  return opened.add(
    await recordingServer((_request, response, { headers, url, body }: SeenRequest) => {
      const id = `${String(headers['x-request-id'])} ${url}`;
      const status = numberOf(id) % 3 === 0 && !refused.has(id) ? 503 : numberOf(id) % 5 === 0 ? 404 : 200;
      refused.add(id);
      let turns = Math.floor(random() * 4);
      const answer = (): void => {
        if (turns-- > 0) setImmediate(answer);
        else
          response
            .writeHead(status, { 'x-echo': id })
            .end(JSON.stringify({ id, user: headers['x-user'], body }));
      };
      answer();
    }),
  );
}

const numberOf = (id: string): number => Number(/\d+/.exec(id)?.[0]);

function upstreamAt(server: RecordingServer, options?: UpstreamRegistryOptions): UpstreamRegistry {
  const patient = { deadlineMs: 14_000, attemptTimeoutMs: 14_000, connectTimeoutMs: 14_000 };
  const config = configOf({
    orders: {
      url: server.origin,
      ...patient,
      forwardHeaders: ['x-user'],
      bulkhead: { maxConcurrentCalls: 64, maxQueue: QUEUE, maxQueueWaitMs: 13_000 },
      retryBudget: { percent: 100 },
    },
  });
  const registry = new UpstreamRegistry(config, options);
  opened.add({ close: () => registry.onApplicationShutdown() });
  return registry;
}

/** What one client has seen, and where: each line with the context it was seen in. */
interface Log {
  readonly id: string;
  readonly lines: string[];
  readonly answers: unknown[];
}

/** One client: a POST, and when that has been answered a GET; both in its own context. */
function visit(orders: Upstream, id: string): Promise<Log> {
  const log: Log = { id, lines: [], answers: [] };
  const context = new RequestContext(id, Infinity, { 'x-user': `user of ${id}` });
  const post: UpstreamRequest = {
    method: 'POST',
    url: '/first',
    data: { from: id },
    headers: { 'idempotency-key': id },
    responseType: 'json',
  };
  const get: UpstreamRequest = { method: 'GET', url: '/second', responseType: 'json' };
  const note = (what: string): void => {
    log.lines.push(`${what} in ${here()}`);
  };
  const calls = orders.send(post).pipe(
    mergeMap(({ data }: UpstreamResponse) => {
      note('answered');
      log.answers.push(data);
      return orders.send(get);
    }),
  );
  return new Promise((resolve) => {
    context.run(() => {
      calls.subscribe({
        next: ({ data, headers }) => {
          note('next');
          log.answers.push(data, headers['x-echo']);
        },
        error: (error: unknown) => {
          note('error');
          log.answers.push(error instanceof UpstreamError ? error.status : error);
          resolve(log);
        },
        complete: () => {
          note('complete');
          resolve(log);
        },
      });
    }, undefined);
  });
}

function expectedLog(id: string): Log {
  if (numberOf(id) % 5 === 0) return { id, lines: [`error in ${id}`], answers: [404] };
  const user = `user of ${id}`;
  return {
    id,
    lines: [`answered in ${id}`, `next in ${id}`, `complete in ${id}`],
    answers: [
      { id: `${id} /first`, user, body: JSON.stringify({ from: id }) },
      { id: `${id} /second`, user, body: '' },
      `${id} /second`,
    ],
  };
}

const idsOf = (clients: number): string[] => Array.from({ length: clients }, (_, number) => `r-${number}`);

async function visitAll(orders: Upstream, ids: readonly string[]): Promise<void> {
  const logs = await Promise.all(ids.map((id) => visit(orders, id)));
  expect(logs).toEqual(ids.map(expectedLog));
}

describe('many clients at once, on 64 shared sockets,', () => {
  it("a thousand of them, get each its own answers, in its own context, and the upstream sees each one's own headers and body", async () => {
    const server = await echo();
    const orders = upstreamAt(server).get('orders');
    await visitAll(orders, idsOf(1_000));
    expect(server.connections).toBeLessThanOrEqual(64);
    const mixedUp = server.seen.filter(({ headers, url, body }) => {
      const id = String(headers['x-request-id']);
      const first = url === '/first';
      return (
        headers['x-user'] !== `user of ${id}` ||
        headers['idempotency-key'] !== (first ? id : undefined) ||
        body !== (first ? JSON.stringify({ from: id }) : '')
      );
    });
    expect(mixedUp).toEqual([]);
    expect([orders.bulkhead.inUse, orders.bulkhead.queued]).toEqual([0, 0]);
  });

  it('have interceptors run in their own context, for each attempt, retried or queued', async () => {
    const server = await echo();
    const orders = upstreamAt(server).get('orders');
    const { interceptors } = orders.http.axiosRef;
    let requests = 0;
    interceptors.request.use((config) => {
      requests++;
      // What most interceptors of a gateway do: add what belongs to the running request.
      config.headers.set('x-token', `token of ${here()}`);
      return config;
    });
    const answeredElsewhere: string[] = [];
    const check = (id: unknown): void => {
      if (!String(id).startsWith(`${here()} `)) answeredElsewhere.push(`${String(id)} in ${here()}`);
    };
    interceptors.response.use(
      (response) => {
        check(response.headers['x-echo']);
        return response;
      },
      (error: { response: UpstreamResponse }) => {
        check(error.response.headers['x-echo']);
        throw error as unknown as Error;
      },
    );
    await visitAll(orders, idsOf(300));
    expect(requests).toBe(server.seen.length);
    expect(requests).toBeGreaterThan(600);
    const tokens = server.seen.map(({ headers }) => headers['x-token']);
    expect(tokens).toEqual(server.seen.map(({ headers }) => `token of ${String(headers['x-request-id'])}`));
    expect(answeredElsewhere).toEqual([]);
  });

  it('have their events told in their own context', async () => {
    const server = await echo();
    const registry = upstreamAt(server);
    const told = new Map<string, number>();
    const count = (what: string): void => {
      told.set(what, (told.get(what) ?? 0) + 1);
    };
    registry.events.subscribe((event) => {
      count(`${event.type} in ${here()}`);
    });
    const ids = idsOf(300);
    await visitAll(registry.get('orders'), ids);
    for (const id of ids) {
      const seen = server.seen.filter(({ headers }) => headers['x-request-id'] === id).length;
      const calls = numberOf(id) % 5 === 0 ? 1 : 2;
      expect([id, told.get(`call in ${id}`)]).toEqual([id, calls]);
      expect([id, told.get(`attempt in ${id}`)]).toEqual([id, seen]);
      expect([id, told.get(`retry in ${id}`) ?? 0]).toEqual([id, seen - calls]);
    }
    expect([...told.keys()].filter((what) => what.endsWith(' in '))).toEqual([]);
  });
});
