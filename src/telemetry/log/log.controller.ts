import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Logger,
  Optional,
  Param,
  Put,
  Req,
  UseGuards,
} from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { RequestProblem } from '../../aggregation/request-problem.js';
import { nearestName } from '../../upstream/config/nearest-name.js';
import { LOG_LEVELS, type LogLevel } from '../../upstream/config/telemetry-config.js';
import { AdminGuard } from '../admin.guard.js';
import { levelRequestOf } from './level-request.js';
import { AUDIT_CONTEXT, LogLevels } from './log-levels.js';
import { LogOutput, type LogOutputStatistics } from './log-output.js';

interface LevelReport {
  /** What is logged, and everything more severe. */
  readonly level: LogLevel;
  /** Whether it was set while the gateway runs, rather than by the file or by the level of all. */
  readonly isSet: boolean;
  /** When it ends (ISO 8601); absent where it does not. */
  readonly until?: string;
}

interface LogReport extends LevelReport {
  /** What the file says. */
  readonly configured: LogLevel;
  readonly levels: readonly LogLevel[];
  /** Those that have spoken so far, by name. */
  readonly contexts: Readonly<Record<string, LevelReport>>;
  /** Lines since the start; absent where another logger writes them. */
  readonly lines?: LogOutputStatistics;
}

const logger = new Logger(AUDIT_CONTEXT);

/**
 * What is logged, for the management port: `GET /log` says it to anybody there; `PUT /log` and `PUT /log/{context}` with
 * `{"level": "debug", "for": "10m"}` set it, for a while or until the process ends, and `DELETE` takes that back. Those
 * take the admin token.
 */
@Controller('log')
export class LogController {
  constructor(
    private readonly levels: LogLevels,
    @Optional() private readonly output?: LogOutput,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  report(): LogReport {
    const { levels, output } = this;
    return {
      ...this.reportOf(undefined),
      configured: levels.ofFile,
      levels: LOG_LEVELS,
      contexts: Object.fromEntries(levels.contexts.map((context) => [context, this.reportOf(context)])),
      ...(output === undefined ? {} : { lines: output.statistics }),
    };
  }

  @Put()
  @UseGuards(AdminGuard)
  set(@Body() body: unknown, @Req() request: FastifyRequest): LogReport {
    return this.change(undefined, body, request);
  }

  @Put(':context')
  @UseGuards(AdminGuard)
  setOne(
    @Param('context') context: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): LogReport {
    return this.change(this.known(context), body, request);
  }

  @Delete()
  @HttpCode(200)
  @UseGuards(AdminGuard)
  reset(@Req() request: FastifyRequest): LogReport {
    return this.takeBack(undefined, request);
  }

  @Delete(':context')
  @HttpCode(200)
  @UseGuards(AdminGuard)
  resetOne(@Param('context') context: string, @Req() request: FastifyRequest): LogReport {
    return this.takeBack(this.known(context), request);
  }

  private change(context: string | undefined, body: unknown, request: FastifyRequest): LogReport {
    const { level, forMs } = levelRequestOf(body);
    this.levels.set(context, level, forMs);
    const howLong = forMs === undefined ? '' : ` for ${forMs / 1000} s`;
    logger.log(`${who(request)}: the level of ${context ?? 'all'} is ${level}${howLong}`);
    return this.report();
  }

  private takeBack(context: string | undefined, request: FastifyRequest): LogReport {
    this.levels.reset(context);
    logger.log(`${who(request)}: the level of ${context ?? 'all'} is ${this.levels.of(context ?? '')} again`);
    return this.report();
  }

  /** @throws RequestProblem for a context nobody has logged in, and for the one that stays as it is. */
  private known(context: string): string {
    const { contexts } = this.levels;
    if (context === AUDIT_CONTEXT) throw new RequestProblem(409, 'What operators do is always logged.');
    if (contexts.includes(context)) return context;
    const nearest = nearestName(context, contexts);
    const hint = nearest === undefined ? `There are ${contexts.join(', ')}.` : `Did you mean ${nearest}?`;
    throw new RequestProblem(404, `Nothing has been logged under this name so far. ${hint}`);
  }

  private reportOf(context: string | undefined): LevelReport {
    const { until, level } = this.levels.setFor(context) ?? {};
    return {
      level: context === AUDIT_CONTEXT ? 'debug' : (level ?? this.levels.of(context ?? '')),
      isSet: level !== undefined,
      ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
    };
  }
}

function who({ method, routeOptions, ip }: FastifyRequest): string {
  return `${method} ${routeOptions.url ?? ''} from ${ip}`;
}
