import { type LoggerService } from '@nestjs/common';

/** Takes the place of Nest's log, and keeps what would have been written. */
export class CapturedLog implements LoggerService {
  readonly errors: unknown[][] = [];
  readonly warnings: unknown[][] = [];

  log(): void {
    // What starts and stops is nobody's worry.
  }

  warn(...entry: unknown[]): void {
    this.warnings.push(entry);
  }

  error(...entry: unknown[]): void {
    this.errors.push(entry);
  }
}
