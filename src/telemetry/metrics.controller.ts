import { Controller, Get, Header, Headers, Res } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { expositionFormatFor } from './exposition-format.js';
import { MetricsExposition } from './metrics-exposition.js';

/** What Prometheus scrapes, on the management port. */
@Controller('metrics')
export class MetricsController {
  constructor(private readonly exposition: MetricsExposition) {}

  @Get()
  @Header('cache-control', 'no-store')
  async scrape(
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { contentType, text } = await this.exposition.write(expositionFormatFor(accept));
    reply.header('content-type', contentType);
    return text;
  }
}
