import { ConsoleLogger } from '@nestjs/common';

/** What Nest says of its own start: a page of lines that tell an operator nothing. */
const STARTUP_CONTEXTS: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Nest's console logger, JSON in production, without the lines of Nest's own start. */
export class GatewayLogger extends ConsoleLogger {
  constructor(production: boolean) {
    super({ json: production, logLevels: ['log', 'warn', 'error', 'fatal'] });
  }

  override log(message: unknown, ...rest: readonly unknown[]): void {
    if (STARTUP_CONTEXTS.has(rest.at(-1))) return;
    super.log(message, ...rest);
  }
}
