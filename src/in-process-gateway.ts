import { type IncomingMessage } from 'node:http';
import { type LoggerService } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance } from 'fastify';
import { type FinishedComposite } from './aggregation/exchange-context.js';
import { NO_FAULTS, type PartFault } from './aggregation/part-fault.js';
import { type CompositeReport } from './aggregation/part-report.js';
import { type GatewayDefinition } from './composite/config/gateway.js';
import { createApi } from './gateway.js';

/** A request as a client would send it. */
export interface InProcessRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as it is; undefined for none. */
  readonly body?: string | undefined;
}

export interface InProcessAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** How the composite ended, in more detail than the headers say; undefined where none was run. */
  readonly report: CompositeReport | undefined;
  /** What went wrong in it, which no client gets to know. */
  readonly faults: readonly PartFault[];
}

/**
 * The API without a port: requests go through all that one from outside would (checks of the parameters, problem
 * documents, headers), and the upstreams are called as ever.
 */
export class InProcessGateway {
  private readonly finished = new Map<string, FinishedComposite>();

  private constructor(private readonly api: NestFastifyApplication) {}

  static async start(
    definition: GatewayDefinition,
    logger: LoggerService | false = false,
  ): Promise<InProcessGateway> {
    const api = await createApi(unattended(definition), { logger, rewriteUrl });
    const gateway = new InProcessGateway(api);
    const fastify: FastifyInstance = api.getHttpAdapter().getInstance();
    fastify.addHook('onSend', (request, _reply, payload, done) => {
      const [composite] = request.exchange?.composites ?? [];
      if (composite !== undefined) gateway.finished.set(request.id, composite);
      done(null, payload);
    });
    await api.init();
    await fastify.ready();
    return gateway;
  }

  async ask({ method, url, headers, body }: InProcessRequest): Promise<InProcessAnswer> {
    const answer = await this.api.inject({
      method: method as 'GET',
      url: wrapped(url),
      headers: { ...headers },
      ...(body === undefined ? {} : { payload: body }),
    });
    const id = String(answer.headers['x-request-id']);
    const { report, faults = NO_FAULTS } = this.finished.get(id) ?? {};
    this.finished.delete(id);
    const fields = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const);
    return {
      status: answer.statusCode,
      headers: Object.fromEntries(fields),
      text: answer.payload,
      report,
      faults,
    };
  }

  stop(): Promise<void> {
    return this.api.close();
  }
}

/** What hands requests in would tidy up their URLs, as browsers do; a query of that of another one it leaves alone. */
function wrapped(url: string): string {
  return `/?${encodeURIComponent(url)}`;
}

function rewriteUrl({ url = '' }: Pick<IncomingMessage, 'url'>): string {
  return decodeURIComponent(url.slice('/?'.length));
}

/** Nobody watches its health, and nobody is turned away from it. */
function unattended({ config, ...rest }: GatewayDefinition): GatewayDefinition {
  const { server, upstreams } = config;
  const admission = { ...server.admission, maxInFlight: null, maxLoopDelayMs: null };
  return {
    ...rest,
    config: {
      ...config,
      server: { ...server, admission },
      upstreams: Object.fromEntries(
        Object.entries(upstreams).map(([name, upstream]) => [name, { ...upstream, health: null }]),
      ),
    },
  };
}
