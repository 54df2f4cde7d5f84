import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { RequestProblem } from '../aggregation/request-problem.js';
import { ConsolePage } from './console-page.js';

/** Serves the page people keep open. What it shows comes from `/console/api`. */
@Controller('console')
export class ConsolePageController {
  constructor(private readonly page: ConsolePage) {}

  @Get()
  async index(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const [path = ''] = request.url.split('?');
    // The page finds what belongs to it beside it: it works behind any prefix that way, and needs the slash for it.
    if (path.endsWith('/')) await this.send('index.html', request, reply);
    else void reply.status(308).headers({ location: 'console/', 'cache-control': 'no-cache' }).send();
  }

  @Get(':file')
  file(
    @Param('file') file: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.send(file, request, reply);
  }

  private async send(name: string, { headers }: FastifyRequest, reply: FastifyReply): Promise<void> {
    const file = await this.page.file(name, headers['accept-encoding']);
    if (file === undefined) {
      const isBuilt = await this.page.isBuilt();
      const detail = isBuilt
        ? 'The console has no such file.'
        : 'The page of the console has not been built: `npm run build` makes it.';
      throw new RequestProblem(404, detail);
    }
    void reply.headers({ etag: file.etag, 'cache-control': 'no-cache', vary: 'accept-encoding' });
    if (isKnown(headers['if-none-match'], file.etag)) {
      void reply.status(304).send();
      return;
    }
    if (file.encoding !== 'identity') void reply.header('content-encoding', file.encoding);
    void reply.type(file.type).send(file.body);
  }
}

/** Whether `If-None-Match` has the ETag; whoever compresses on the way makes it a weak one. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((each) => [etag, `W/${etag}`, '*'].includes(each.trim()));
}
