import { type DynamicModule, Module } from '@nestjs/common';
import { AdminToken } from '../admin.guard.js';
import { LogLevels } from './log-levels.js';
import { LogOutput } from './log-output.js';
import { LogController } from './log.controller.js';

/** What the management application takes over of the log. */
export interface SharedLog {
  readonly levels: LogLevels;
  /** Undefined where another logger writes. */
  readonly output: LogOutput | undefined;
  readonly token: AdminToken;
}

/** `/log`, for the management application. */
@Module({})
export class LogManagementModule {
  static sharing({ levels, output, token }: SharedLog): DynamicModule {
    return {
      module: LogManagementModule,
      controllers: [LogController],
      providers: [
        { provide: LogLevels, useValue: levels },
        ...(output === undefined ? [] : [{ provide: LogOutput, useValue: output }]),
        { provide: AdminToken, useValue: token },
      ],
    };
  }
}
