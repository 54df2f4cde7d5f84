import { Body, Controller, HttpCode, Param, Put, Req, UseGuards } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RequestProblem } from '../aggregation/request-problem.js';
import { AdminGuard } from '../telemetry/admin.guard.js';
import { type BreakerAction, type ProbeAction } from './console-state.js';
import { OperatorActions } from './operator-actions.js';

const breakerAction = z.strictObject({
  action: z.enum(['force-open', 'close', 'reset']),
}) satisfies z.ZodType<BreakerAction>;

const probeAction = z.strictObject({ paused: z.boolean() }) satisfies z.ZodType<ProbeAction>;

/** What operators do by hand. */
@Controller('console/api/upstreams/:name')
@UseGuards(AdminGuard)
export class OperatorActionsController {
  constructor(private readonly actions: OperatorActions) {}

  @Put('breaker')
  @HttpCode(204)
  breaker(@Param('name') name: string, @Body() body: unknown, @Req() { ip }: FastifyRequest): void {
    const { action } = read(breakerAction, body, 'must be {"action": "force-open"}, or "close", or "reset"');
    this.actions.breaker(name, action, ip);
  }

  @Put('probe')
  @HttpCode(204)
  probe(@Param('name') name: string, @Body() body: unknown, @Req() { ip }: FastifyRequest): void {
    const { paused } = read(probeAction, body, 'must be {"paused": true}, or false');
    this.actions.probe(name, paused, ip);
  }
}

function read<T>(schema: z.ZodType<T>, body: unknown, expected: string): T {
  const { success, data } = schema.safeParse(body);
  if (!success) throw RequestProblem.of([{ in: 'body', name: '', detail: expected }]);
  return data;
}
