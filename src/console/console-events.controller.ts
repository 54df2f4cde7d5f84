import { Controller, Get, Req, Res } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { plainProblem } from '../aggregation/problem.js';
import { sendProblem } from '../aggregation/problem.filter.js';
import { ConsoleEvents } from './console-events.js';

/** What the console shows, as it comes. */
@Controller('console/api')
export class ConsoleEventsController {
  constructor(private readonly events: ConsoleEvents) {}

  @Get('events')
  stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    void reply.headers({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // nginx would collect the events.
      'x-accel-buffering': 'no',
    });
    if (request.method === 'HEAD') {
      void reply.send();
      return;
    }
    const stream = this.events.open(lastIdOf(request.headers['last-event-id']));
    if (stream !== undefined) void reply.send(stream);
    else {
      const detail = 'The console is open too often. Please close it somewhere.';
      sendProblem(reply.header('retry-after', '10'), plainProblem(503, detail, request.id));
    }
  }
}

/** 0 for whoever has seen nothing, and for what is no id of ours. */
function lastIdOf(field: string | string[] | undefined): number {
  const id = Number(field);
  return Number.isSafeInteger(id) && id > 0 ? id : 0;
}
