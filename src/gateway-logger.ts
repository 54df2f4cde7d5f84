import { ConsoleLogger } from '@nestjs/common';

/** What Nest says of its own start: a page of lines that tell an operator nothing. */
const STARTUP_CONTEXTS: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Where the log goes. */
export interface LogPlace {
  readonly isTTY: boolean | undefined;
  /** $NO_COLOR (no-color.org). */
  readonly noColor: string | undefined;
}

/** Nest's console logger, JSON in production, without the lines of Nest's own start; in colours only where they are seen. */
export class GatewayLogger extends ConsoleLogger {
  constructor(
    production: boolean,
    { isTTY, noColor }: LogPlace = { isTTY: process.stdout.isTTY, noColor: process.env['NO_COLOR'] },
  ) {
    const colors = !production && isTTY === true && (noColor === undefined || noColor === '');
    super({ json: production, colors, logLevels: ['log', 'warn', 'error', 'fatal'] });
  }

  override log(message: unknown, ...rest: readonly unknown[]): void {
    if (STARTUP_CONTEXTS.has(rest.at(-1))) return;
    super.log(message, ...rest);
  }

  override error(message: unknown, ...rest: readonly unknown[]): void {
    // It logs why it cannot listen, and throws it as well: to us, who say it better.
    if (rest.at(-1) === 'NestApplication') return;
    super.error(message, ...rest);
  }
}
