import { Controller, Get, Inject, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { acceptedType } from '../aggregation/accepted-type.js';
import { nearestName } from '../upstream/config/nearest-name.js';
import { FullHealth } from './full-health.js';
import { gatewayDocument, HEALTH_JSON, type ServiceIdentity, upstreamDocument } from './health-document.js';
import { RecentAnswers } from './recent-answers.js';
import { type UpstreamReport } from './upstream-report.js';

/** Who the gateway says it is: what the configuration names it, and its version. */
export const GATEWAY_IDENTITY = Symbol('gateway identity');

export type GatewayIdentity = Pick<ServiceIdentity, 'serviceId' | 'version'>;

const JSON_TYPE = 'application/json';
const OFFERED = [JSON_TYPE, HEALTH_JSON] as const;
type OfferedType = (typeof OFFERED)[number];

/**
 * Health in full, for the management port, in terminus' terms: for each upstream, `status` is what it means for the
 * gateway (a dead optional upstream is `degraded`: the gateway serves on, with less), `upstream` how the upstream itself
 * is. `admission` is what the door of the API sees, where there is one; `configuration` says which one is in force.
 *
 * `/health/upstreams` and what lies below speak of upstreams for themselves: there `status` is the upstream's own, and
 * 503 says that it is down, critical or not.
 *
 * Who asks for `application/health+json` has that; everybody else plain JSON, whatever they accept. Figures may
 * be a second old; a change of status, of a breaker or of the configuration is there at once.
 */
@Controller('health')
export class ManagementHealthController {
  private readonly answers = new RecentAnswers<Answer | Promise<Answer>>();

  constructor(
    private readonly health: FullHealth,
    @Inject(GATEWAY_IDENTITY) private readonly identity: GatewayIdentity,
  ) {}

  @Get()
  async inFull(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const type = typeFor(request);
    const write = (): Promise<Answer> => this.gatewayAs(type);
    send(reply, await this.answers.to(`gateway as ${type}`, this.health.state(), write));
  }

  @Get('upstreams')
  async upstreams(@Res() reply: FastifyReply): Promise<void> {
    const write = (): Answer => this.list();
    send(reply, await this.answers.to('upstreams', this.health.state(), write));
  }

  @Get('upstreams/:name')
  async upstream(
    @Param('name') name: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const type = typeFor(request);
    const write = (): Answer => this.upstreamAs(type, name);
    send(reply, await this.answers.to(`${name} as ${type}`, this.health.state(), write));
  }

  private async gatewayAs(type: OfferedType): Promise<Answer> {
    const upstreams = this.health.upstreams();
    const report = await this.health.of(upstreams);
    const { status, configuration } = report;
    const identity = { ...this.identity, generation: configuration.generation };
    const body = type === HEALTH_JSON ? gatewayDocument(status, upstreams, identity) : report;
    return written(status === 'ok' || status === 'degraded' ? 200 : 503, type, body);
  }

  private upstreamAs(type: OfferedType, name: string): Answer {
    const report = this.health.find(name);
    if (report === undefined) throw this.notFound(name);
    const identity = { ...this.identity, generation: this.health.generation };
    const body = type === HEALTH_JSON ? upstreamDocument(report, identity) : report;
    return written(report.status === 'down' ? 503 : 200, type, body);
  }

  private list(): Answer {
    const glances = this.health.upstreams().map((report) => [report.name, glanceAt(report)] as const);
    return written(200, JSON_TYPE, { upstreams: Object.fromEntries(glances) });
  }

  private notFound(name: string): NotFoundException {
    const nearest = nearestName(name, this.health.names());
    const hint = nearest === undefined ? '/health/upstreams lists them.' : `Did you mean '${nearest}'?`;
    return new NotFoundException(`There is no upstream '${name}'. ${hint}`);
  }
}

/** An upstream in a list of many. */
type Glance = Pick<UpstreamReport, 'status' | 'reason' | 'since' | 'critical'>;

function glanceAt({ status, reason, since, critical }: UpstreamReport): Glance {
  return { status, ...(reason === undefined ? {} : { reason }), since, critical };
}

/** What is sent. */
interface Answer {
  readonly status: number;
  readonly type: OfferedType;
  readonly bytes: Buffer;
}

function typeFor({ headers }: FastifyRequest): OfferedType {
  return acceptedType(headers.accept, OFFERED) ?? JSON_TYPE;
}

function written(status: number, type: OfferedType, body: object): Answer {
  return { status, type, bytes: Buffer.from(JSON.stringify(body)) };
}

function send(reply: FastifyReply, { status, type, bytes }: Answer): void {
  void reply
    .status(status)
    .header('content-type', type)
    .header('cache-control', 'no-store')
    .header('vary', 'accept')
    .send(bytes);
}
