import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { jsonPayload, send, type Payload } from './delivery.js';
import { type Fault, type FaultPlan } from './fault-plan.js';
import { FaultSwitches } from './fault-switches.js';
import { drip, pour, reset, sendGarbage } from './misbehaviour.js';
import { pause } from './pause.js';
import { Query } from './query.js';
import { errorBody, Refusal } from './refusal.js';
import { readJson } from './request-body.js';
import { ok, type Answer, type ServiceDefinition } from './route.js';
import { Router, wrongVerb } from './router.js';
import { Traffic } from './traffic.js';

/** Above the gateway's 4 s, so that it is always the gateway who lets an idle connection go. */
const KEEP_ALIVE_MS = 10_000;

/** Where a service listens. */
export interface ListenOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

/** A service that answers. */
export interface RunningService {
  readonly port: number;
  /** `http://127.0.0.1:4101` */
  readonly url: string;
  /** Stops listening and cuts whatever connections are left. */
  close(): Promise<void>;
}

/**
 * Builds a service's data and starts listening.
 * @throws the listen error, such as `EADDRINUSE`.
 */
export async function startService(
  definition: ServiceDefinition,
  { port, host = '127.0.0.1' }: ListenOptions,
): Promise<RunningService> {
  const service = new Service(definition);
  const server = createServer((request, response) => void service.serve(request, response));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await listening(server, port, host);
  const taken = (server.address() as AddressInfo).port;
  return {
    port: taken,
    url: `http://${host}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

interface Target {
  readonly path: string;
  readonly query: Query;
}

/** Takes requests in, lets the faults have their way with them, and answers. */
class Service {
  private readonly router: Router;
  private readonly switches = new FaultSwitches();
  private readonly traffic = new Traffic();

  constructor({ name, routes }: ServiceDefinition) {
    this.router = new Router([
      { method: 'GET', path: '/health', handle: () => ok({ status: 'ok', service: name }) },
      ...routes(),
    ]);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = targetOf(request);
    switch (target.path) {
      case '/faults':
        send(response, await this.switches.answer(request).catch(refused));
        return;
      case '/stats':
        send(response, this.answerStats(request));
        return;
      default:
        await this.suffer(request, response, target);
    }
  }

  /** The verdict is drawn on arrival, so that a seed decides by the order of requests, whatever their delays. */
  private async suffer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const isProbe = target.path === '/health';
    if (!isProbe) this.traffic.count(response);
    const { plan } = this.switches;
    const { delayMs, fault: drawn } = plan.decide(isProbe);

    // A 304 has no body that a fault could spoil.
    if (drawn.kind !== 'none') delete request.headers['if-none-match'];
    const answer = await this.prepare(request, target);
    if (delayMs > 0 && !(await pause(delayMs, response, plan))) return;
    if (drawn.kind === 'hang' && !(await pause(Infinity, response, plan))) return;
    deliver(response, answer, plan.isOver ? { kind: 'none' } : drawn, plan);
  }

  /** Reads the request to its end; what it asks for is only done when the returned function is called. */
  private async prepare(request: IncomingMessage, { path, query }: Target): Promise<() => Payload> {
    try {
      const { route, id } = this.router.match(request.method ?? 'GET', path);
      query.allowOnly(route.query ?? []);
      const body = route.method === 'POST' ? await readJson(request) : undefined;
      return () => answered(() => route.handle({ id, query, headers: request.headers, body }));
    } catch (error) {
      return () => refused(error);
    }
  }

  private answerStats({ method = 'GET' }: IncomingMessage): Payload {
    if (method === 'GET' || method === 'HEAD') return jsonPayload(200, this.traffic.stats);
    return refused(wrongVerb(method, ['GET']));
  }
}

/** A request that gets an error status was never carried out; one whose answer is mangled was. */
function deliver(response: ServerResponse, answer: () => Payload, fault: Fault, plan: FaultPlan): void {
  if (response.closed) return;
  switch (fault.kind) {
    case 'none':
    case 'hang':
      send(response, answer());
      return;
    case 'status':
      send(response, refused(new Refusal(fault.status, 'A fault is switched on.')));
      return;
    case 'drip':
      drip(response, answer(), plan);
      return;
    case 'garbage':
      sendGarbage(response, answer(), fault.turn);
      return;
    case 'reset':
      reset(response, answer(), fault.turn);
      return;
    case 'huge':
      pour(response, fault.turn, plan);
  }
}

function answered(handle: () => Answer): Payload {
  try {
    const { status, body, headers } = handle();
    return jsonPayload(status, body, headers);
  } catch (error) {
    return refused(error);
  }
}

/** An error that is no refusal is a bug, or a caller who left in the middle of a body and will not read this. */
function refused(error: unknown): Payload {
  const { status, message, headers } =
    error instanceof Refusal ? error : new Refusal(500, 'Something went wrong here.');
  return jsonPayload(status, errorBody(status, message), headers);
}

function targetOf({ url = '/' }: IncomingMessage): Target {
  const mark = url.indexOf('?');
  if (mark < 0) return { path: url, query: new Query(new URLSearchParams()) };
  return { path: url.slice(0, mark), query: new Query(new URLSearchParams(url.slice(mark))) };
}
