import { Controller, Get, Inject, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { acceptedType } from '../aggregation/accepted-type.js';
import { nearestName } from '../upstream/config/nearest-name.js';
import { FullHealth } from './full-health.js';
import { gatewayDocument, HEALTH_JSON, type ServiceIdentity, upstreamDocument } from './health-document.js';
import { type UpstreamReport } from './upstream-report.js';

/** Who the gateway says it is: what the configuration names it, and its version. */
export const GATEWAY_IDENTITY = Symbol('gateway identity');

export type GatewayIdentity = Pick<ServiceIdentity, 'serviceId' | 'version'>;

const JSON_TYPE = 'application/json';
const OFFERED = [JSON_TYPE, HEALTH_JSON] as const;

/**
 * Health in full, for the management port, in terminus' terms: for each upstream, `status` is what it means for the
 * gateway (a dead optional upstream is `degraded`: the gateway serves on, with less), `upstream` how the upstream itself
 * is. `admission` is what the door of the API sees, where there is one; `configuration` says which one is in force.
 *
 * `/health/upstreams` and what lies below speak of upstreams for themselves: there `status` is the upstream's own, and
 * 503 says that it is down, critical or not.
 *
 * Who asks for `application/health+json` has that; everybody else plain JSON, whatever they accept.
 */
@Controller('health')
export class ManagementHealthController {
  constructor(
    private readonly health: FullHealth,
    @Inject(GATEWAY_IDENTITY) private readonly identity: GatewayIdentity,
  ) {}

  @Get()
  async inFull(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const upstreams = this.health.upstreams();
    const report = await this.health.of(upstreams);
    const isServing = report.status === 'ok' || report.status === 'degraded';
    const type = typeFor(request);
    const { generation } = report.configuration;
    const body =
      type === HEALTH_JSON
        ? gatewayDocument(report.status, upstreams, { ...this.identity, generation })
        : report;
    send(reply, isServing ? 200 : 503, type, body);
  }

  @Get('upstreams')
  upstreams(@Res() reply: FastifyReply): void {
    const glances = this.health.upstreams().map((report) => [report.name, glanceAt(report)] as const);
    send(reply, 200, JSON_TYPE, { upstreams: Object.fromEntries(glances) });
  }

  @Get('upstreams/:name')
  upstream(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const report = this.health.find(name);
    if (report === undefined) throw this.notFound(name);
    const type = typeFor(request);
    const identity = { ...this.identity, generation: this.health.generation };
    const body = type === HEALTH_JSON ? upstreamDocument(report, identity) : report;
    send(reply, report.status === 'down' ? 503 : 200, type, body);
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

function typeFor({ headers }: FastifyRequest): (typeof OFFERED)[number] {
  return acceptedType(headers.accept, OFFERED) ?? JSON_TYPE;
}

function send(reply: FastifyReply, status: number, type: string, body: object): void {
  void reply
    .status(status)
    .header('content-type', type)
    .header('cache-control', 'no-store')
    .header('vary', 'accept')
    .send(JSON.stringify(body));
}
