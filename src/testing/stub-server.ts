import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type PlannedPart } from '../composite/plan.js';
import { type Behaviour } from './combinations.js';
import { type StubAnswer } from './stub-answers.js';

/** Time until an answer, in ms: what is refused at once comes first, then answers, then garbage. */
const ANSWER_MS = 5;
const GARBAGE_MS = 20;
/** Garbage comes in the order of the parts, so that it is always the same required part that fails first. */
const GARBAGE_STEP_MS = 5;

/** A port that is kept for a service that is long gone (RFC 1078) and takes a privileged user to open. */
const NOBODY_LISTENS = 'http://127.0.0.1:1';

/** Stands in for the upstreams of a composite: a real HTTP server, on a port of its own. */
export class StubServer {
  private readonly server: Server;

  private constructor(private readonly stubs: readonly StubAnswer[]) {
    this.server = createServer((request, response) => {
      this.serve(request, response).catch(() => {
        response.destroy();
      });
    });
    // A connection that is closed as it is used again would be a failure nobody asked for.
    this.server.keepAliveTimeout = 0;
  }

  static async start(stubs: readonly StubAnswer[]): Promise<StubServer> {
    const stub = new StubServer(stubs);
    stub.server.listen(0, '127.0.0.1');
    await once(stub.server, 'listening');
    return stub;
  }

  /** Where a part that behaves like this is found. */
  urlOf(part: string, behaviour: Behaviour): string {
    if (behaviour === 'down') return NOBODY_LISTENS;
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${part}/${behaviour}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const [, part = '', behaviour = '', ...rest] = (request.url ?? '').split('/');
    const index = this.stubs.findIndex(({ part: { config } }) => config.name === part);
    const stub = this.stubs[index];
    if (stub === undefined || behaviour === 'slow') return;
    const keys = askedKeys(stub.part, `/${rest.join('/')}`, body.toString());
    const delayMs = behaviour === 'garbage' ? GARBAGE_MS + index * GARBAGE_STEP_MS : ANSWER_MS;
    setTimeout(answer, delayMs, response, behaviour, () => stub.for(keys));
  }
}

function answer(response: ServerResponse, behaviour: string, value: () => unknown): void {
  if (behaviour === 'empty') response.writeHead(200, { 'content-length': 0 }).end();
  else if (behaviour === 'garbage') response.writeHead(200, { 'content-type': 'text/html' }).end(GARBAGE);
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value()));
}

const GARBAGE = '<html><body><h1>It works!</h1></body></html>';

/** The keys a batch asks for, read from where its template puts them; undefined for what is no batch. */
function askedKeys(part: PlannedPart, url: string, body: string): readonly string[] | undefined {
  const { forEach } = part.config;
  if (forEach?.batch === undefined) return undefined;
  const { pathname, searchParams } = new URL(url, 'http://stub');
  const variables = [...part.values].filter(([, value]) => value.references.has('keys'));
  const inQuery = variables.flatMap(([name]) => searchParams.getAll(name).flatMap((text) => text.split(',')));
  if (inQuery.length > 0) return inQuery;
  if (variables.length > 0) return decodeURIComponent(pathname.split('/').at(-1) ?? '').split(',');
  return scalarsInLists(parsed(body));
}

function scalarsInLists(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((one: unknown) =>
    typeof one === 'object' && one !== null
      ? scalarsInLists(one)
      : Array.isArray(value) && (typeof one === 'string' || typeof one === 'number')
        ? [String(one)]
        : [],
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
